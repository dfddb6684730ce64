//! What tests that run the program share.
#![allow(clippy::disallowed_methods, reason = "what other processes do is waited for, boundedly")]
#![allow(dead_code, reason = "each test uses its part")]
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes that does not hang, on the slowest machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(900);

/// The program, without the variables of whoever runs the tests.
pub(crate) fn driftd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftd"));
    for name in ["DRIFTD_CONFIG", "DRIFTD_FAILPOINTS", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// The flights that come with the repository.
pub(crate) fn flights() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/flights")
}

/// Runs to the end; what takes longer than [`LIMIT`] is killed and fails the test.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    finished(start(command))
}

/// Starts with both outputs kept.
#[track_caller]
pub(crate) fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

/// Sends a signal.
#[track_caller]
pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(pid(child), signal).expect("it is there");
}

fn pid(child: &Child) -> Pid {
    let number = i32::try_from(child.id()).expect("a process number");
    Pid::from_raw(number).expect("a process number")
}

/// Waits for its end; see [`output`].
#[track_caller]
pub(crate) fn finished(child: Child) -> Output {
    let pid = pid(&child);
    let (done, ended) = mpsc::sync_channel(1);
    thread::spawn(move || done.send(child.wait_with_output()).ok());
    match ended.recv_timeout(LIMIT) {
        Ok(output) => output.expect("its output"),
        Err(_) => {
            kill_process(pid, Signal::KILL).ok();
            panic!("it hangs");
        }
    }
}

/// Text that a program printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The same numbers for the same seed (Steele et al., *SplitMix64*, 2014).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next one below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let z = u128::from(z ^ (z >> 31));
        usize::try_from((z * bound as u128) >> 64).expect("below the bound")
    }
}

/// What a hook does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Takes it and says so.
    Take,
    /// Says 503 or 429 without having taken it.
    Refuse(u16),
    /// Takes it and says 503.
    TakeAndFail,
    /// Takes it and closes the connection without a word.
    TakeAndClose,
}

/// A note that a hook took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// `webhook-id`.
    pub(crate) id: String,
    /// The body.
    pub(crate) body: String,
}

/// A webhook's far end on a free port of this machine.
#[derive(Debug)]
pub(crate) struct Hook {
    addr: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Hook {
    /// Listens until the test ends; `act` is asked for each request.
    pub(crate) fn start(mut act: impl FnMut() -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("its port");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that was killed half way is no one's fault.
                answer(&stream, &kept, &mut act).ok();
                stream.shutdown(Shutdown::Both).ok();
            }
        });
        Self { addr, taken }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// What it took so far, in order.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn answer(
    stream: &TcpStream,
    kept: &Mutex<Vec<Taken>>,
    act: &mut impl FnMut() -> Act,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0_usize);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "webhook-id" => value.trim().clone_into(&mut id),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let act = act();
    if !matches!(act, Act::Refuse(_)) {
        let note = Taken { id, body: text(&body) };
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
    let status = match act {
        Act::Take => 200,
        Act::Refuse(status) => status,
        Act::TakeAndFail => 503,
        Act::TakeAndClose => return Ok(()),
    };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let mut stream = stream;
    stream.write_all(head.as_bytes())
}

/// A daemon that runs beside the test.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Option<Child>,
    /// Where its page is.
    pub(crate) addr: SocketAddr,
    errors: thread::JoinHandle<String>,
}

/// What is left of a daemon.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Daemon {
    /// Starts `driftd run`, which must log at `info` and listen on a free port, and waits until
    /// it does.
    #[track_caller]
    pub(crate) fn start(config: &Path, env: &[(&str, String)]) -> Self {
        let mut command = driftd();
        command.arg("run").arg("-c").arg(config).envs(env.iter().map(|(k, v)| (k, v)));
        let mut child = start(&mut command);
        let stderr = BufReader::new(child.stderr.take().expect("its standard error"));
        let (found, page) = mpsc::channel();
        let errors = thread::spawn(move || {
            let mut all = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                let page = line.split_once("page at http://").and_then(|it| it.1.split_once('/'));
                if let Some(addr) = page.and_then(|(addr, _)| addr.parse().ok()) {
                    found.send(addr).ok();
                }
                all += &line;
                all.push('\n');
            }
            all
        });
        match page.recv_timeout(LIMIT) {
            Ok(addr) => Self { child: Some(child), addr, errors },
            Err(_) => {
                child.kill().ok();
                panic!("no page: {}", errors.join().expect("its standard error"));
            }
        }
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&self, it: Signal) {
        signal(self.child.as_ref().expect("it runs"), it);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        let output = finished(self.child.take().expect("it runs"));
        let stdout = text(&output.stdout);
        let errors = std::mem::replace(&mut self.errors, thread::spawn(String::new));
        let stderr = errors.join().expect("its standard error");
        Ended { code: output.status.code(), stdout, stderr }
    }

    /// Asks for a path; the status and the whole answer.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.addr).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("set");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.addr);
        stream.write_all(request.as_bytes()).expect("asked");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let answer = text(&answer);
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        (status, answer)
    }

    /// Asks for JSON.
    #[track_caller]
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        let (status, answer) = self.get(path);
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(body).expect("JSON")
    }

    /// Asks until `look` finds what it looks for.
    #[track_caller]
    pub(crate) fn until<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
        until(|| look(self))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Looks again and again for what another process brings about.
#[track_caller]
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "it has not come about");
        thread::yield_now();
    }
}
