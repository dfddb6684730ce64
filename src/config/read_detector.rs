//! A rule's detector: its name or its options, and whether it can judge the rule's metric.
use toml::de::DeValue;

use super::{
    Code, Metric, Options, Problems, Threshold, Worse, file,
    read_threshold::range,
    suggest,
    table::{Table, kind_of},
};
use crate::stat::detector::{AnyDetector, Detector, Domain, Visitor};

/// More windows than this after the largest change possible, and an alarm is hardly to be expected.
const WINDOWS_MAX: f64 = 10.0;

/// Other ways to say when a rule breaches.
const OTHERS: [&str; 5] = ["above", "below", "false_alarms", "effect_min", "threshold"];

impl<T: Detector> Options for T {
    fn check(&self, problems: &mut Problems<'_>) {
        if let Some((key, why)) = self.bad() {
            problems.at(key).error(why);
        }
    }
}

/// Reads a table as the options of a kind.
struct Read<'t, 'a>(&'t mut Table<'a>);

impl Visitor for Read<'_, '_> {
    type Out = Option<AnyDetector>;

    fn visit<T: Detector + Into<AnyDetector>>(self) -> Self::Out {
        self.0.read::<T>().map(Into::into)
    }
}

/// The detector that the rule's table gives; inside, `None` where it can't be read.
pub(super) fn detector(table: &mut Table<'_>) -> Option<Option<AnyDetector>> {
    let value = table.take("detector")?;
    let problems = table.problems();
    Some(match value.get_ref() {
        DeValue::String(kind) => {
            let found = AnyDetector::find(kind);
            if found.is_none() {
                problems
                    .place(value)
                    .note(Code::UnknownKind, format!("there is no detector `{kind}`"))
                    .help_from(suggest::instead(kind, AnyDetector::KINDS.iter().copied()));
            }
            found
        }
        DeValue::Table(_) => table.as_table(value).and_then(|mut options| {
            options.component("detector", AnyDetector::KINDS, |kind, options| {
                AnyDetector::visit(kind, Read(options))
            })
        }),
        other => {
            let message = format!("expected a string or a table, found {}", kind_of(other));
            problems
                .place(value)
                .note(Code::WrongType, message)
                .help("write detector = \"adwin\" or { type = \"adwin\", delta = 0.01 }");
            None
        }
    })
}

/// A detector speaks once of a change, so one window is all that can breach in a row.
pub(super) fn once(own: &mut file::Rule, table: &Table<'_>) {
    if table.has("windows") && own.windows > 1 {
        let message =
            format!("a detector alarms once for a change, never in {} windows", own.windows);
        table.problems().at("windows").note(Code::Conflict, message).help("leave `windows` out");
    }
    own.windows = 1;
}

/// The rule's threshold: this detector, on this metric.
pub(super) fn threshold(
    metric: &Metric,
    detector: AnyDetector,
    table: &Table<'_>,
) -> Option<Threshold> {
    let (kind, problems) = (detector.kind(), table.problems());
    for key in OTHERS.into_iter().filter(|key| table.has(key)) {
        problems
            .at(key)
            .key()
            .note(Code::Conflict, format!("`detector` and `{key}` exclude each other"))
            .help("write two rules");
    }
    if table.has("clear_at") {
        problems
            .at("clear_at")
            .key()
            .note(Code::Conflict, "`clear_at` has no meaning beside `detector`".to_owned())
            .help("it clears after `clear_windows` windows without a further change");
    }
    let is_share = metric.min >= 0.0 && metric.max <= 1.0;
    let why = match detector.domain() {
        Domain::Outcome => Some(format!("`{kind}` judges single outcomes, which no metric is")),
        Domain::Share if !is_share => {
            let (name, range) = (metric.name, range(metric));
            Some(format!("`{kind}` takes values from 0 to 1, and `{name}` is {range}"))
        }
        Domain::Share | Domain::Number => None,
    };
    if let Some(why) = why {
        let fitting = AnyDetector::KINDS
            .iter()
            .copied()
            .filter(|kind| AnyDetector::find(kind).is_some_and(|it| it.domain() == Domain::Number));
        let fitting = suggest::listed(&fitting.collect::<Vec<_>>());
        problems.at("detector").note(Code::MetricOn, why).help(format!("write one of {fitting}"));
        return None;
    }
    let least = detector.values_min(metric.max - metric.min);
    if least > WINDOWS_MAX {
        let message =
            format!("it takes {least:.0} windows of the largest change possible to alarm");
        problems.at("detector").note(Code::Odd, message).help(format!(
            "write a smaller `lambda`: 5 to 10 standard deviations of `{}` from window to window",
            metric.name
        ));
    }
    let turned = detector.domain() == Domain::Share && metric.worse == Worse::Lower;
    Some(Threshold::Detector { detector: for_windows(detector), turned })
}

/// Windows are few: every one is looked at.
fn for_windows(detector: AnyDetector) -> AnyDetector {
    match detector {
        AnyDetector::Adwin(mut it) => {
            it.clock.get_or_insert(1);
            AnyDetector::Adwin(it)
        }
        other => other,
    }
}
