//! A metric of the user's own: one number out of a window's rows, by SQL.
use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    sync::{Mutex, PoisonError},
};

use super::{Family, Metric, ModelConfig, Worse};
use crate::{query::Query, time::Span};

/// `[models.NAME.metrics.custom.NAME]`
#[derive(Clone, Debug)]
pub struct CustomMetric {
    /// Its name: no built-in metric's.
    pub name: &'static str,
    /// What is asked.
    pub query: Query,
    /// Which way is worse.
    pub worse: Worse,
    /// How long a query may run.
    pub timeout: Span,
    /// Most rows that it reads; of more, a sample.
    pub rows_max: u64,
    /// Where the query is written.
    pub(super) written: Written,
}

/// Where a query stands in its file. Of what is configured it says nothing.
#[derive(Clone)]
pub(super) struct Written {
    /// The bytes of the file that hold it.
    pub(super) span: Range<usize>,
    /// Where it begins in them, where it is written as it is.
    pub(super) start: Option<usize>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written")
    }
}

impl Written {
    /// The bytes of the file that some bytes of the query are.
    pub(super) fn place(&self, at: &Range<usize>) -> Range<usize> {
        self.start.map_or(self.span.clone(), |start| start + at.start..start + at.end)
    }
}

impl CustomMetric {
    /// What rules need to know of it.
    pub fn metric(&self) -> Metric {
        let labelled = self.query.names_label();
        Metric {
            name: self.name,
            family: Family::Custom { labelled },
            worse: self.worse,
            min: f64::NEG_INFINITY,
            max: f64::INFINITY,
        }
    }

    /// The bytes of the file that some bytes of the query are.
    pub fn place(&self, at: &Range<usize>) -> Range<usize> {
        self.written.place(at)
    }
}

impl ModelConfig {
    /// What is known of the metric of this name, a built-in one or one of the model's own.
    pub fn metric(&self, name: &str) -> Option<Metric> {
        let own = || self.custom.iter().find(|it| it.name == name).map(CustomMetric::metric);
        Metric::find(name).copied().or_else(own)
    }
}

/// A name that lives as long as the process, as those of built-in metrics do: rules, measurements
/// and pages then need not tell the one from the other. Each name is kept once, however often a
/// configuration is read.
pub(super) fn lasting(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let (one, two) = (lasting("jfk_score"), lasting(&["jfk", "score"].join("_")));
        assert!(std::ptr::eq(one, two));
    }
}
