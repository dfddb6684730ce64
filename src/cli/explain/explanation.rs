//! Everything that is said about one value.
use serde::Serialize;

use super::{
    again::{again, reference_of},
    find::Found,
};
use crate::{
    alert::{Episode, Outcome, judge, note},
    config::{ModelConfig, ReferenceKind, Rule, Threshold},
    daemon::model::Recalled,
    engine::{Roles, rules},
    monitor::{
        Against, Measurement, Outcomes,
        explain::Account,
        impact::{self, Impact, Ranking, Sides},
        performance,
    },
    plot::figure,
    store::Group,
    time::Timestamp,
};

/// Bars of the picture of the null distribution.
const NULL_BARS: usize = 16;
/// How far two ways of adding up may differ.
const ROUNDING: f64 = 1e-9;
const FORMULAS: &str = include_str!("formulas.txt");

/// The documented JSON.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Explanation {
    pub(super) model: String,
    /// Null for all versions together.
    pub(super) version: Option<String>,
    pub(super) metric: String,
    pub(super) column: Option<String>,
    /// What it is measured against, where it is against something.
    pub(super) against: Option<Against>,
    /// The same value against the model's other reference, where it has two.
    pub(super) other_value: Option<f64>,
    /// Null for all rows together.
    pub(super) segment: Option<String>,
    pub(super) window_start: Timestamp,
    pub(super) window_end: Timestamp,
    /// The alert that was asked for.
    pub(super) episode: Option<String>,
    pub(super) formula: Option<&'static str>,
    /// Of a custom metric: what was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sql: Option<String>,
    /// As it was stored.
    pub(super) value: Option<f64>,
    pub(super) reason: Option<String>,
    pub(super) p_value: Option<f64>,
    pub(super) error_bound: f64,
    pub(super) recomputed: Recomputed,
    pub(super) threshold: Option<f64>,
    /// `usual_cut` or `null_quantile`.
    pub(super) threshold_from: Option<&'static str>,
    pub(super) usual_cut: Option<f64>,
    pub(super) rules: Vec<Judgement>,
    pub(super) reference: Option<Side>,
    pub(super) current: Side,
    pub(super) labels: Option<u64>,
    pub(super) label_coverage: Option<f64>,
    pub(super) account: Option<Account>,
    pub(super) confusion: Option<Confusion>,
    pub(super) null: Option<Null>,
    pub(super) impact: Option<Placed>,
}

/// What the column matters among the features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Placed {
    /// Its place in the ranking, from 1.
    pub(super) place: usize,
    /// Columns in the ranking.
    pub(super) columns: usize,
    #[serde(flatten)]
    pub(super) impact: Impact,
    pub(super) importances: Option<String>,
    pub(super) unexplained: Option<String>,
}

impl Placed {
    fn of(model: &ModelConfig, roles: &Roles, found: &Found, recalled: &Recalled) -> Option<Self> {
        let column = found.measurement.column.as_deref()?;
        // Ranked by the reference, as an alert about it was, unless there is the season alone.
        let alone = matches!(model.reference.kind, ReferenceKind::SeasonOnly);
        let against = if alone { Against::Season } else { Against::Reference };
        let compared = recalled.compared(Some(against));
        let sides = Sides {
            reference: compared,
            current: recalled.profile.as_ref()?,
            columns: &roles.features(compared),
            score: model.predictions.score.as_deref(),
            rows_min: model.rows_min,
        };
        let Ranking { columns, importances, unexplained, .. } =
            impact::rank(sides, model.importances.as_ref());
        let at = columns.iter().position(|it| it.column == column)?;
        let (place, impact) = (at + 1, columns[at].clone());
        Some(Self { place, columns: columns.len(), impact, importances, unexplained })
    }
}

/// The value measured again from what is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Recomputed {
    pub(super) value: Option<f64>,
    pub(super) error_bound: f64,
    /// Whether both are the same within their bounds; null where there is nothing to compare.
    pub(super) agrees: Option<bool>,
    /// What is to be known about it.
    pub(super) note: Option<String>,
}

/// What a rule on the metric says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Judgement {
    pub(super) rule: String,
    pub(super) threshold: String,
    pub(super) limit: Option<f64>,
    /// `breach`, `band`, `clear`, `insufficient`, `no_data`, `error`.
    pub(super) outcome: &'static str,
}

/// One side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Side {
    /// The reference's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) rows: u64,
    /// Rows that the value rests on.
    pub(super) rows_used: u64,
}

/// Labelled rows by decision and label, and those that wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Confusion {
    pub(super) true_positives: u64,
    pub(super) false_positives: u64,
    pub(super) false_negatives: u64,
    pub(super) true_negatives: u64,
    pub(super) unlabelled: u64,
}

/// What the value would be without drift.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Null {
    /// How many: drawn, or evenly spread quantiles where the distribution is known.
    pub(super) values: usize,
    /// Share of them that are at or above the value.
    pub(super) share_above: f64,
    pub(super) bars: Vec<NullBar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct NullBar {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) count: usize,
}

impl Explanation {
    pub(super) fn new(
        model: &ModelConfig,
        roles: &Roles,
        found: &Found,
        recalled: &Recalled,
        episode: Option<&Episode>,
    ) -> Self {
        let stored = &found.measurement;
        let again = again(model, found, recalled);
        let value = stored.value.as_ref().ok().copied();
        let usual_cut = match &again.explained {
            Some(explained) => explained.usual_cut,
            // Nothing is drawn of the window as a whole: its thresholds are the usual cuts.
            None => stored.threshold.filter(|_| stored.column.is_none()),
        };
        let from = |threshold: f64| match usual_cut {
            Some(cut) if threshold <= cut * (1.0 + ROUNDING) => "usual_cut",
            _ => "null_quantile",
        };
        let compared = recalled.compared(stored.against);
        let rows = recalled.profile.as_ref().map_or(stored.rows, |it| it.rows);
        Self {
            model: found.model.clone(),
            version: Some(found.version.clone()).filter(|it| !it.is_empty()),
            metric: stored.metric.clone(),
            column: stored.column.clone(),
            against: stored.against,
            other_value: found.other.as_ref().and_then(|it| it.value.as_ref().ok().copied()),
            segment: stored.segment.clone(),
            window_start: found.window.start,
            window_end: found.window.end,
            episode: episode.map(|it| it.id.clone()),
            formula: formula(&stored.metric),
            sql: model
                .custom
                .iter()
                .find(|it| it.name == stored.metric)
                .map(|it| it.query.sql().trim().to_owned()),
            value,
            reason: stored.value.as_ref().err().map(ToString::to_string),
            p_value: stored.p_value,
            error_bound: stored.error_bound,
            recomputed: Recomputed::of(stored, again.measurement.as_ref()),
            threshold: stored.threshold,
            threshold_from: stored.threshold.map(from),
            usual_cut,
            rules: judgements(model, roles, found, recalled),
            impact: Placed::of(model, roles, found, recalled),
            reference: again.explained.as_ref().map(|it| Side {
                id: Some(compared.id.clone()),
                rows: reference_of(found, recalled).profile.rows,
                rows_used: it.rows_reference,
            }),
            current: Side { id: None, rows, rows_used: stored.rows },
            labels: stored.labels,
            label_coverage: stored.label_coverage,
            null: again.explained.as_ref().zip(value).and_then(|(it, value)| {
                it.null.as_deref().and_then(|draws| Null::of(draws, value))
            }),
            confusion: again.confusion,
            account: again.explained.and_then(|it| it.account.ok()).or(again.counts),
        }
    }
}

impl Recomputed {
    fn of(stored: &Measurement, again: Option<&Measurement>) -> Self {
        let Some(again) = again else {
            let note = match stored.rows {
                0 => "the window had no rows",
                _ if stored.column.is_none() && performance::find(&stored.metric).is_none() => {
                    "what it is measured on is not kept; this is what was stored"
                }
                _ => "what the window held is not kept any longer; this is what was stored",
            };
            return Self {
                value: None,
                error_bound: 0.0,
                agrees: None,
                note: Some(note.to_owned()),
            };
        };
        let (agrees, note) = match (&stored.value, &again.value) {
            (Ok(a), Ok(b)) => {
                let bound = stored.error_bound + again.error_bound;
                let agrees = (a - b).abs() <= bound + ROUNDING * a.abs().max(b.abs());
                let thinned = again.error_bound > stored.error_bound;
                let note = match (agrees, thinned) {
                    (true, true) => Some("kept profiles are thinned; equal within the bounds"),
                    (true, false) => None,
                    (false, _) => {
                        Some("the reference, its options or what is kept has changed since")
                    }
                };
                (Some(agrees), note.map(str::to_owned))
            }
            (Err(a), Err(b)) => (Some(a == b), None),
            (Ok(_), Err(why)) | (Err(why), Ok(_)) => (Some(false), Some(why.to_string())),
        };
        Self {
            value: again.value.as_ref().ok().copied(),
            error_bound: again.error_bound,
            agrees,
            note,
        }
    }
}

impl Confusion {
    pub(super) fn of(outcomes: &Outcomes) -> Self {
        let mut it = Self::default();
        for (_, predicted, cell) in outcomes.cells() {
            let (right, wrong) = match predicted {
                true => (&mut it.true_positives, &mut it.false_positives),
                false => (&mut it.false_negatives, &mut it.true_negatives),
            };
            *right += cell.positive;
            *wrong += cell.negative;
            it.unlabelled += cell.unlabelled;
        }
        it
    }
}

impl Null {
    /// Of ascending draws.
    fn of(draws: &[f64], value: f64) -> Option<Self> {
        let (low, high) = (*draws.first()?, *draws.last()?);
        let width = (high - low) / NULL_BARS as f64;
        let bars = if width > 0.0 { NULL_BARS } else { 1 };
        let edge = |i: usize| if i == bars { high } else { low + width * i as f64 };
        let below = |x: f64| draws.partition_point(|it| *it < x);
        let bars = (0..bars).map(|i| {
            let (from, to) = (edge(i), edge(i + 1));
            let end = if i + 1 == bars { draws.len() } else { below(to) };
            NullBar { from, to, count: end - below(from) }
        });
        let above = draws.len() - below(value);
        Some(Self {
            values: draws.len(),
            share_above: above as f64 / draws.len() as f64,
            bars: bars.collect(),
        })
    }
}

fn judgements(
    model: &ModelConfig,
    roles: &Roles,
    found: &Found,
    recalled: &Recalled,
) -> Vec<Judgement> {
    let (features, predictions) =
        (roles.features(recalled.compared(found.measurement.against)), roles.predictions());
    let coverage_min = match rules::group_of(model, &found.measurement.metric) {
        Group::Performance => model.labels.as_ref().map_or(0.0, |labels| labels.coverage_min),
        Group::Drift => 0.0,
    };
    let of_size = model.rules.iter().filter(|rule| rule.window == found.size);
    let judged = of_size.flat_map(|rule| {
        let one = std::slice::from_ref(&found.measurement);
        let judged = judge::judge(rule, one, &features, &predictions, coverage_min);
        judged.into_iter().map(|it| judgement(rule, &it)).collect::<Vec<_>>()
    });
    judged.collect()
}

fn judgement(rule: &Rule, judged: &judge::Judged) -> Judgement {
    let limit = judged.evidence.as_ref().map(|it| it.threshold);
    let limit = limit.filter(|_| !matches!(rule.threshold, Threshold::Detector { .. }));
    let mut threshold = note::threshold(rule, None);
    if let (Threshold::Budget { .. } | Threshold::Derived(_), Some(limit)) = (rule.threshold, limit)
    {
        threshold += &format!(", here {}", figure(limit));
        let from = judged.evidence.as_ref().map_or("", |it| it.threshold_from.as_str());
        if !from.is_empty() {
            threshold += &format!(" ({from})");
        }
    }
    Judgement {
        rule: rule.name.clone(),
        threshold,
        limit,
        outcome: match judged.outcome {
            Outcome::Breach => "breach",
            Outcome::Band => "band",
            Outcome::Clear => "clear",
            Outcome::Insufficient => "insufficient",
            Outcome::NoData => "no_data",
            Outcome::Error => "error",
        },
    }
}

/// A metric's formula in one line, from its page.
fn formula(metric: &str) -> Option<&'static str> {
    let lines = FORMULAS.lines().filter_map(|line| line.split_once('\t'));
    lines.into_iter().find(|(name, _)| *name == metric).map(|(_, formula)| formula)
}
