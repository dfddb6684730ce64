//! Reads secrets from where the configuration says: environment, files, commands.
use std::{
    env,
    fs::File,
    io::Read,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::config::{Reveal, Revealed, Secret};

/// Longest secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Longest that a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// Mode bits that a secret's file must not have: others none, its group only reading.
const MODE_REFUSED: u32 = 0o037;

/// Reads secrets anew at each use, so that a rotated one is picked up.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSecrets {
    /// Whether `{ command = […] }` may start a program.
    pub allow_commands: bool,
}

impl Reveal for SystemSecrets {
    fn reveal(&self, secret: &Secret) -> Result<Revealed, String> {
        match secret {
            Secret::Text(text) => Ok(text.clone()),
            Secret::Env(name) => {
                let value = env::var(name).map_err(|error| match error {
                    env::VarError::NotPresent => format!("the variable `{name}` is not set"),
                    env::VarError::NotUnicode(_) => format!("the variable `{name}` is no text"),
                })?;
                not_empty(value, || format!("the variable `{name}` is empty"))
            }
            Secret::File(path) => from_file(path),
            Secret::Command(_) if !self.allow_commands => {
                Err("a secret comes from a command, and commands are not allowed".to_owned())
            }
            Secret::Command(argv) => from_command(argv, COMMAND_LIMIT),
        }
    }
}

fn not_empty(text: String, why: impl Fn() -> String) -> Result<Revealed, String> {
    if text.is_empty() { Err(why()) } else { Ok(Revealed::new(text)) }
}

fn from_file(path: &Path) -> Result<Revealed, String> {
    let shown = path.display();
    let cannot = |why: &str| format!("cannot read the secret `{shown}`: {why}");
    // The open file is looked at, not its name: what is checked is what is read.
    let file = File::open(path).map_err(|error| cannot(&error.to_string()))?;
    let about = file.metadata().map_err(|error| cannot(&error.to_string()))?;
    if !about.is_file() {
        return Err(cannot("it is no file"));
    }
    let mode = about.permissions().mode() & 0o7777;
    if mode & MODE_REFUSED != 0 {
        return Err(cannot(&format!(
            "its mode is {mode:04o}, which lets others at it; `chmod 0640` or less"
        )));
    }
    text_of(file).map_err(|why| cannot(&why))
}

/// All of it, as text, without its last line end.
fn text_of(from: impl Read) -> Result<Revealed, String> {
    let mut bytes = Vec::new();
    from.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("it has more than {SECRET_BYTES_MAX} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    not_empty(text, || "it is empty".to_owned())
}

fn from_command(argv: &[String], limit: Duration) -> Result<Revealed, String> {
    let (program, arguments) = argv.split_first().ok_or("the command has no program")?;
    let cannot = |why: &str| format!("cannot read the secret from `{program}`: {why}");
    // A group of its own, so that what it starts ends with it.
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| cannot(&error.to_string()))?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (done, ended) = mpsc::sync_channel(1);
    thread::spawn(move || done.send(outcome(child)).ok());
    let outcome = ended.recv_timeout(limit).map_err(|_| {
        if let Some(group) = group {
            // It may have ended in this very moment; then there is nothing to end.
            kill_process_group(group, Signal::KILL).ok();
        }
        cannot(&format!("it took longer than {} s", limit.as_secs_f64()))
    })?;
    outcome.map_err(|why| cannot(&why))
}

fn outcome(mut child: Child) -> Result<Revealed, String> {
    let text = child.stdout.take().ok_or("it has no output".to_owned()).and_then(text_of);
    let status = child.wait().map_err(|error| error.to_string())?;
    match text {
        Err(why) if !status.success() => Err(format!("{why}, and it ended with {status}")),
        Ok(_) if !status.success() => Err(format!("it ended with {status}")),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::OpenOptionsExt as _};

    use super::*;

    fn reveal(secret: Secret) -> Result<String, String> {
        let secrets = SystemSecrets { allow_commands: true };
        secrets.reveal(&secret).map(|it| it.expose().to_owned())
    }

    #[track_caller]
    fn check_file(content: &[u8], mode: u32, expected: Result<&str, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        match (reveal(Secret::File(path)), expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
            (got, expected) => panic!("expected {expected:?}, got {got:?}"),
        }
    }

    #[test]
    fn files_are_read_and_refused() {
        check_file(b"hunter2\n", 0o600, Ok("hunter2"));
        check_file(b"hunter2\r\n", 0o640, Ok("hunter2"));
        check_file(b" two\nlines\n\n", 0o400, Ok(" two\nlines\n"));
        check_file(b"", 0o600, Err("it is empty"));
        check_file(b"\n", 0o600, Err("it is empty"));
        check_file(b"\xff", 0o600, Err("it is no UTF-8 text"));
        check_file(&[b'x'; 65_537], 0o600, Err("it has more than 65536 bytes"));
        check_file(b"x", 0o644, Err("its mode is 0644, which lets others at it"));
        check_file(b"x", 0o660, Err("its mode is 0660"));
        let folder = tempfile::tempdir().unwrap();
        assert!(reveal(Secret::File(folder.path().to_owned())).unwrap_err().contains("no file"));
        let missing = reveal(Secret::File(folder.path().join("none"))).unwrap_err();
        assert!(missing.contains("cannot read the secret"), "{missing}");
    }

    #[test]
    fn variables_are_read() {
        // Cargo sets it for every test.
        let here = reveal(Secret::Env("CARGO_MANIFEST_DIR".into())).unwrap();
        assert_eq!(here, env!("CARGO_MANIFEST_DIR"));
        let missing = reveal(Secret::Env("DRIFTD_NO_SUCH_VARIABLE".into())).unwrap_err();
        assert_eq!(missing, "the variable `DRIFTD_NO_SUCH_VARIABLE` is not set");
    }

    fn command(script: &str) -> Secret {
        Secret::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec())
    }

    #[test]
    fn commands_are_read_and_bounded() {
        assert_eq!(reveal(command("echo hunter2")).unwrap(), "hunter2");
        let failed = reveal(command("echo hunter2; exit 3")).unwrap_err();
        assert!(failed.ends_with("exit status: 3") && !failed.contains("hunter2"), "{failed}");
        let big = reveal(command("head -c 70000 /dev/zero")).unwrap_err();
        assert!(big.contains("it has more than 65536 bytes"), "{big}");
        let Secret::Command(endless) = command("exec tail -f /dev/null") else { unreachable!() };
        let slow = from_command(&endless, Duration::from_millis(20)).unwrap_err();
        assert!(slow.ends_with("it took longer than 0.02 s"), "{slow}");
        let refused = SystemSecrets::default().reveal(&command("echo hunter2")).unwrap_err();
        assert!(refused.contains("not allowed"), "{refused}");
        let missing = reveal(Secret::Command(vec!["/no/such/program".into()])).unwrap_err();
        assert!(missing.contains("/no/such/program"), "{missing}");
    }
}
