//! Rules with a detector: the values of a metric from window to window, judged by their course.
use std::{borrow::Cow, collections::BTreeMap};

use super::{Judged, Outcome};
use crate::{
    config::{Rule, Threshold},
    notify::Evidence,
    stat::detector::{Change, Signal, Stream},
};

/// Gives each series' value of a new window to its detector, and judges it by what that says: a
/// drift breaches, a warning is the band. A series without a value leaves its detector alone; other
/// options than before begin anew. Rules without a detector are judged already.
pub(super) fn course<'a>(
    rule: &Rule,
    streams: &mut BTreeMap<String, Stream>,
    judged: &'a [Judged],
) -> Cow<'a, [Judged]> {
    let Threshold::Detector { detector, turned } = rule.threshold else {
        streams.clear();
        return Cow::Borrowed(judged);
    };
    let turn = |x: f64| if turned { 1.0 - x } else { x };
    let heard = judged.iter().map(|it| {
        let Some(evidence) = it.evidence.as_ref().filter(|_| it.outcome.is_verdict()) else {
            return it.clone();
        };
        let stream =
            streams.entry(it.series().into_owned()).or_insert_with(|| Stream::new(detector));
        if stream.detector() != detector {
            *stream = Stream::new(detector);
        }
        let refused = stream.refused();
        let (outcome, change) = match stream.update(turn(evidence.value)) {
            _ if stream.refused() > refused => (Outcome::Error, None),
            Signal::None => (Outcome::Clear, None),
            Signal::Warning => (Outcome::Band, None),
            Signal::Drift(change) => (Outcome::Breach, change),
        };
        let change = change.map(|it| Change { before: turn(it.before), after: turn(it.after) });
        let threshold = change.map_or(evidence.value, |it| it.before);
        let evidence = Evidence { threshold, change, ..evidence.clone() };
        Judged { outcome, evidence: Some(evidence), ..it.clone() }
    });
    Cow::Owned(heard.collect())
}

#[cfg(test)]
#[path = "tests/detect.rs"]
mod tests;
