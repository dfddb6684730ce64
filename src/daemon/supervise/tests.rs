use super::*;

/// A run's folder with a spec, as the daemon leaves it for the supervisor.
fn prepared(script: &str, change: impl FnOnce(&mut Spec)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spec = Spec {
        key: "driftd-0123".into(),
        argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
        folder: folder.path().to_path_buf(),
        env: vec![("MODE".into(), "full".into())],
        timeout: Span::hours(1),
        grace: Span::hours(1),
    };
    change(&mut spec);
    prepare(folder.path(), &spec, b"{\"key\":\"driftd-0123\"}\n").expect("prepared");
    folder
}

fn never() -> std::future::Pending<i32> {
    std::future::pending()
}

fn output(folder: &Path) -> String {
    fs::read_to_string(folder.join("output")).unwrap_or_default()
}

#[track_caller]
fn check(script: &str, expected: &How, printed: &str) {
    let folder = prepared(script, |_| ());
    let (how, trouble) = attend::attend(folder.path(), never);
    assert_eq!((&how, trouble), (expected, None));
    assert_eq!(output(folder.path()), printed);
}

#[test]
fn ends_are_told_apart() {
    check("exit 0", &How::Code(0), "");
    check("echo out; echo err >&2; exit 3", &How::Code(3), "out\nerr\n");
    check("kill -9 $$", &How::Signal(9), "");
}

#[test]
fn the_program_gets_the_order_the_key_and_its_own_environment() {
    check(
        "cat; echo $DRIFTD_KEY $MODE; umask",
        &How::Code(0),
        &format!("{{\"key\":\"driftd-0123\"}}\ndriftd-0123 full\n{}\n", umask()),
    );
    let names = "env | sed 's/=.*//' | grep -v -e PWD -e SHLVL -e '^_$' | sort | tr '\\n' ' '";
    let folder = prepared(names, |_| ());
    assert_eq!(attend::attend(folder.path(), never).0, How::Code(0));
    let allowed = ["DRIFTD_KEY", "HOME", "LANG", "MODE", "PATH", "TZ"];
    let names = output(folder.path());
    assert!(names.contains("DRIFTD_KEY"), "{names}");
    assert!(names.split_whitespace().all(|it| allowed.contains(&it)), "{names}");
}

/// As a child of this process has it; only the real supervisor changes it.
fn umask() -> String {
    let shown = std::process::Command::new("/bin/sh").args(["-c", "umask"]).output();
    String::from_utf8(shown.expect("a shell").stdout).expect("text").trim().to_owned()
}

#[test]
fn a_program_that_is_not_there_is_a_failure_with_its_name() {
    let folder = prepared("", |spec| spec.argv = vec!["/nowhere/retrain".into()]);
    let (how, _) = attend::attend(folder.path(), never);
    let How::NotStarted(why) = how else { panic!("it can't have run: {how:?}") };
    assert!(why.starts_with("`/nowhere/retrain` can't be started in"), "{why}");
}

#[test]
fn too_long_is_timed_out() {
    let limit = Span::micros(50_000);
    let folder = prepared("while :; do sleep 0.05; done", |spec| spec.timeout = limit);
    let (how, trouble) = attend::attend(folder.path(), never);
    assert_eq!((how, trouble), (How::TimedOut(limit), None));
}

/// A request to end that comes as soon as the program has printed something.
async fn once_printed(folder: &Path) -> i32 {
    while output(folder).is_empty() {
        tokio::task::yield_now().await;
    }
    15
}

#[test]
fn the_whole_group_is_ended() {
    // The shell waits for a child that would run for ever: both are in the group.
    let folder = prepared("sh -c 'echo $$; while :; do sleep 0.05; done'; echo after", |_| ());
    let (how, _) = attend::attend(folder.path(), || once_printed(folder.path()));
    assert_eq!(how, How::Stopped(15));
    let child = output(folder.path()).trim().to_owned();
    assert!(child.parse::<u32>().is_ok(), "`{child}` is no process number, or more was printed");
    // Nobody may have reaped it yet, so a zombie counts as ended.
    until(|| match fs::read_to_string(format!("/proc/{child}/stat")) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|it| it.trim_start().starts_with('Z')),
        Err(_) => true,
    });
}

/// Waits for what another process brings about; there is nothing to be told by.
#[track_caller]
fn until(condition: impl Fn() -> bool) {
    // Bounded by looks, not by time: a busy machine makes each of them slower.
    let mut looks = 0_u64;
    while !condition() {
        looks += 1;
        assert!(looks < 50_000_000, "it has not come about");
        std::thread::yield_now();
    }
}

#[test]
fn a_program_that_does_not_want_to_end_is_ended() {
    let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let folder = prepared(script, |spec| spec.grace = Span::micros(100_000));
    let (how, trouble) = attend::attend(folder.path(), || once_printed(folder.path()));
    assert_eq!((how, trouble), (How::Stopped(15), None));
}

#[test]
fn what_is_left_behind_does_not_hold_the_run_open() {
    let folder = prepared("(sleep 300 &) ; exit 0", |_| ());
    let (how, trouble) = attend::attend(folder.path(), never);
    assert_eq!(how, How::Code(0));
    assert_eq!(trouble.as_deref(), Some("a process that it left behind still prints"));
}

#[track_caller]
fn state(exit: Option<&How>, printed: &str, expected: &RunState) {
    let runs = tempfile::tempdir().expect("a folder");
    let folder = runs.path().join("driftd-0123");
    fs::create_dir(&folder).expect("a folder");
    for file in ["started", "supervisor", "lock"] {
        File::create(folder.join(file)).expect("a file");
    }
    fs::write(folder.join("output"), printed).expect("a file");
    if let Some(how) = exit {
        finish(&folder, how.clone(), None).expect("written");
    }
    assert_eq!(&poll(runs.path(), "driftd-0123"), expected);
}

#[test]
fn every_end_is_read_back() {
    let failed = |why: &str| RunState::Failed { why: why.to_owned() };
    state(Some(&How::Code(0)), "done\n", &RunState::Succeeded);
    state(Some(&How::Code(3)), "", &failed("exit code 3"));
    state(
        Some(&How::Code(3)),
        "a\nno space\x1b[0m\n\n",
        &failed("exit code 3: no space\u{fffd}[0m"),
    );
    state(Some(&How::Signal(9)), "x", &failed("ended by signal 9: x"));
    state(Some(&How::TimedOut(Span::hours(2))), "x", &RunState::TimedOut);
    state(Some(&How::NotStarted("no such file".into())), "", &failed("no such file"));
    let stopped = "stopped, since its supervisor got signal 15: x";
    state(Some(&How::Stopped(15)), "x", &failed(stopped));
}

#[test]
fn a_run_without_a_lock_and_without_an_end_is_lost() {
    let why = "its supervisor ended without a result, killed or with the machine; \
        the program may still run";
    state(None, "", &RunState::Lost { why: why.into() });
}

#[test]
fn a_daemon_that_was_killed_before_the_program_began_leaves_a_lost_run() {
    let runs = tempfile::tempdir().expect("a folder");
    let folder = runs.path().join("driftd-0123");
    let spec = serde_json::json!({ "key": "k", "argv": [], "folder": "/", "env": [],
        "timeout": "1h", "grace": "1s" });
    let spec: Spec = serde_json::from_value(spec).expect("a spec");
    assert_eq!(poll(runs.path(), "driftd-0123"), RunState::Decided);
    let lock = prepare(&folder, &spec, b"{}").expect("prepared");
    assert!(lock.is_some());
    // As long as the daemon holds the lock the run is under way.
    assert_eq!(poll(runs.path(), "driftd-0123"), RunState::Running);
    drop(lock);
    // A process that another test has just forked holds its copy of the lock until it executes.
    until(|| poll(runs.path(), "driftd-0123") != RunState::Running);
    let why = "the daemon ended before the program was started".to_owned();
    assert_eq!(poll(runs.path(), "driftd-0123"), RunState::Lost { why });
    // And it is never started again.
    assert!(prepare(&folder, &spec, b"{}").expect("prepared").is_none());
}

#[test]
fn an_end_that_is_no_json_is_not_taken_for_success() {
    let runs = tempfile::tempdir().expect("a folder");
    let folder = runs.path().join("driftd-0123");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("started"), "").expect("a file");
    fs::write(folder.join("exit"), "0").expect("a file");
    let found = poll(runs.path(), "driftd-0123");
    assert!(matches!(&found, RunState::Lost { why } if why.contains("`exit`")), "{found:?}");
}

#[test]
fn keys_lead_nowhere_else() {
    for key in ["", "..", "../x", "a/b", "A", "x\0", &"a".repeat(65)] {
        let found = poll(Path::new("/nowhere"), key);
        assert!(matches!(&found, RunState::Lost { why } if why.ends_with("is no key of a run")));
    }
}
