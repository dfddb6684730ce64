//! Named points at which a test can kill the process. Nothing at all without the feature.
//!
//! With the cargo feature `failpoints` the variable `DRIFTD_FAILPOINTS` holds a list, separated
//! by commas: `NAME@N=kill` sends SIGKILL to this process at the `N`-th hit of `NAME`, and
//! `count:PATH` appends each hit's name to a file, so that a test can first see all there is.

/// Marks a point; see the module.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(_name: &'static str) {}

#[cfg(feature = "failpoints")]
pub use armed::hit;

#[cfg(feature = "failpoints")]
mod armed {
    use std::{
        collections::BTreeMap,
        io::Write,
        path::PathBuf,
        sync::{LazyLock, Mutex, PoisonError},
    };

    #[derive(Default)]
    struct Plan {
        kills: BTreeMap<String, u64>,
        log: Option<PathBuf>,
    }

    static PLAN: LazyLock<Plan> =
        LazyLock::new(|| read(&std::env::var("DRIFTD_FAILPOINTS").unwrap_or_default()));
    static HITS: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

    fn read(text: &str) -> Plan {
        let mut plan = Plan::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let kill = part.strip_suffix("=kill").and_then(|at| at.rsplit_once('@'));
            match (part.strip_prefix("count:"), kill) {
                (Some(path), _) => plan.log = Some(PathBuf::from(path)),
                (None, Some((name, n))) if n.parse::<u64>().is_ok_and(|n| n > 0) => {
                    plan.kills.insert(name.to_owned(), n.parse().unwrap_or(1));
                }
                _ => panic!("`{part}` is no failpoint; expected `NAME@N=kill` or `count:PATH`"),
            }
        }
        plan
    }

    /// Marks a point; see the module.
    pub fn hit(name: &'static str) {
        let count = {
            let mut hits = HITS.lock().unwrap_or_else(PoisonError::into_inner);
            let count = hits.entry(name).or_default();
            *count += 1;
            *count
        };
        if let Some(path) = &PLAN.log {
            let log = std::fs::OpenOptions::new().create(true).append(true).open(path);
            if let Err(e) = log.and_then(|mut log| writeln!(log, "{name}")) {
                panic!("can't log failpoint `{name}`: {e}");
            }
        }
        if PLAN.kills.get(name) == Some(&count) {
            let me = rustix::process::getpid();
            // The signal cannot be caught; nothing below it runs.
            if let Err(e) = rustix::process::kill_process(me, rustix::process::Signal::KILL) {
                panic!("can't kill myself at `{name}`: {e}");
            }
            std::thread::park();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_plan_is_read() {
            let plan = read("store.apply.inside@3=kill, count:/x/log");
            assert_eq!(plan.kills, BTreeMap::from([("store.apply.inside".to_owned(), 3)]));
            assert_eq!(plan.log, Some(PathBuf::from("/x/log")));
        }

        #[test]
        #[should_panic(expected = "`a@0=kill` is no failpoint")]
        fn a_wrong_plan_is_refused() {
            read("a@0=kill");
        }
    }
}
