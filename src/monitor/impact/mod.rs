//! Which drifted columns matter: how far each has moved times how much it weighs in the model, and
//! how much of the score's own move it accounts for.
//!
//! **Drift on one scale.** Columns are measured by different statistics, so that their values can't
//! be compared, and a rule's value over its threshold says how surely a column has moved, not how
//! far. The one size for all kinds is the Jensen-Shannon distance D (base 2, 0 to 1) over the
//! reference's frozen bins, missing values included, without what chance alone gives:
//!
//! ```text
//! drift = sqrt(max(0, D² - (B - 1) / (8 ln 2) · (1/n + 1/m)))
//! ```
//!
//! with B bins that are not empty and n and m rows. The second term is the expectation of D² where
//! nothing has moved; without it columns of many categories would lead in small windows.
//!
//! **Impact** = drift × importance, 0 to 1. Without importances columns rank by drift alone.
//!
//! **Explained.** For a column with bins b, reference shares r, window shares c and the reference's
//! mean score in each bin: predicted = Σ (c - r) · E\[score | b\], the move of the mean score if
//! within every bin scores had stayed as they were; explained = predicted / observed. It may be
//! negative (the column pushes the other way) or above 1. Columns that move together each claim
//! what they share, so that the shares need not sum to 1: interaction is not separated. Without a
//! move of the score that stands out of its noise there is nothing to explain.
//!
//! # References
//! - J. Lin (1991), *Divergence measures based on the Shannon entropy*.
//! - Fiddler's *prediction drift impact*: a feature's impact × its Jensen-Shannon drift.
//! - E. M. Kitagawa (1955), *Components of a difference between two rates*: the composition effect.
use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use super::Frozen;
use crate::{
    profile::{ColumnProfile, Moments, Profile},
    stat::{JensenShannon, NoValue, Pair, Part, Side, Statistic as _},
    time::Interval,
};

mod importances;
mod means;
#[cfg(test)]
mod tests;

pub use importances::{BadImportances, Importances};
pub use means::ScoreMeans;

/// Standard errors that a mean score must have moved to be explained.
const NOISE: f64 = 3.0;
/// Deviations of the reference's score that it must have moved.
const SHIFT_MIN: f64 = 0.05;
/// From here on a column has drifted: the usual cut of the Jensen-Shannon distance.
pub const DRIFTED: f64 = 0.1;

/// Columns by what they matter, and what they are ranked by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Where importances come from; none: the columns rank by drift alone.
    pub importances: Option<String>,
    /// How the mean score has moved; none where there is no score to compare.
    pub score: Option<ScoreShift>,
    /// Why nothing is explained, where that is so.
    pub unexplained: Option<String>,
    /// The largest impact first; columns without a drift last.
    pub columns: Vec<Impact>,
}

/// How the mean score has moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreShift {
    /// In the reference.
    pub reference_mean: f64,
    /// In the window.
    pub mean: f64,
    /// Window less reference.
    pub shift: f64,
}

/// What one column matters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// The column.
    pub column: String,
    /// How far it has moved, 0 to 1; none with a `reason`.
    pub drift: Option<f64>,
    /// Its share of the model's importance, 0 to 1; none where importances are not known.
    pub importance: Option<f64>,
    /// Drift × importance.
    pub impact: Option<f64>,
    /// The move of the mean score that its own move accounts for, in the score's unit.
    pub score_shift: Option<f64>,
    /// The same as a share of the observed move.
    pub explained: Option<f64>,
    /// Why it has no drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a ranking is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// What the window is compared with.
    pub reference: &'a Frozen,
    /// The window.
    pub current: &'a Profile,
    /// The columns that are ranked.
    pub columns: &'a [String],
    /// The column of the score.
    pub score: Option<&'a str>,
    /// Fewest rows a side.
    pub rows_min: u64,
}

/// Ranks columns by drift × importance, by drift alone where there are no importances; equals by
/// drift, then by name.
pub fn rank(sides: Sides<'_>, importances: Option<&Importances>) -> Ranking {
    let score = score_shift(sides);
    let observed = score.as_ref().ok().filter(|it| it.1.is_none()).map(|it| it.0.shift);
    let mut columns: Vec<Impact> =
        sides.columns.iter().map(|name| impact(sides, name, importances, observed)).collect();
    let key = |it: &Impact| (it.impact.or(it.drift), it.drift);
    columns.sort_by(|a, b| {
        let ((a_first, a_then), (b_first, b_then)) = (key(a), key(b));
        let descending = |a: Option<f64>, b: Option<f64>| {
            let number = |it: Option<f64>| it.unwrap_or(-1.0);
            number(b).total_cmp(&number(a))
        };
        let by_name = || a.column.cmp(&b.column);
        descending(a_first, b_first).then_with(|| descending(a_then, b_then)).then_with(by_name)
    });
    let (score, unexplained) = match score {
        Ok((score, why)) => (Some(score), why),
        Err(why) => (None, Some(why)),
    };
    let means = sides.reference.scores.is_some();
    let unread = "the reference does not say how its score goes with its columns: it is made of \
                  kept windows, or was kept by an older driftd";
    Ranking {
        importances: importances.map(|it| it.source().to_owned()),
        unexplained: unexplained.or_else(|| (!means && score.is_some()).then(|| unread.to_owned())),
        score,
        columns,
    }
}

impl Impact {
    /// Whether the column's drift is at least [`DRIFTED`].
    pub fn has_drifted(&self) -> bool {
        self.drift.is_some_and(|it| it >= DRIFTED)
    }
}

/// A window's ranking, as it is kept for pages and reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowRanking {
    /// When it is.
    pub window: Interval,
    /// Its columns.
    pub ranking: Ranking,
}

impl Ranking {
    /// The ranking of some of its columns only, in its order.
    #[must_use]
    pub fn of(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.columns.retain(|it| keep(&it.column));
        self
    }

    /// A column's place, from 0; behind all others where it has none.
    pub fn place(&self, column: Option<&str>) -> usize {
        let is_it = |it: &Impact| Some(it.column.as_str()) == column;
        self.columns.iter().position(is_it).unwrap_or(usize::MAX)
    }
}

fn impact(
    sides: Sides<'_>,
    name: &str,
    importances: Option<&Importances>,
    observed: Option<f64>,
) -> Impact {
    let importance = importances.map(|it| it.of(name));
    let column = name.to_owned();
    let parts = match moved(sides, name) {
        Ok(parts) => parts,
        Err(why) => {
            let reason = Some(why.to_string());
            return Impact { column, importance, reason, ..Impact::default() };
        }
    };
    let drift = drift(&parts);
    let score_shift = predicted(sides.reference, name, &parts);
    Impact {
        column,
        drift: Some(drift),
        importance,
        impact: importance.map(|it| it * drift),
        score_shift,
        explained: score_shift.zip(observed).map(|(predicted, observed)| predicted / observed),
        reason: None,
    }
}

/// The bins of a column that are not empty, on both sides.
fn moved(sides: Sides<'_>, name: &str) -> Result<Vec<Part>, NoValue> {
    let none = |side| NoValue::Insufficient { side, need: sides.rows_min.max(1), got: 0 };
    let reference = sides.reference.profile.columns.get(name);
    let reference = reference.ok_or_else(|| none(Side::Reference))?;
    let current = sides.current.columns.get(name).ok_or_else(|| none(Side::Current))?;
    let current = sides.reference.align(name, current)?;
    let bins = sides.reference.bins.get(name).ok_or_else(|| none(Side::Reference))?;
    let pair = Pair { reference, current: &current, bins, rows_min: sides.rows_min };
    let divergence = JensenShannon.divergence();
    divergence.ok_or(NoValue::NotDefined { kind: reference.kind })?.parts(&pair)
}

/// The Jensen-Shannon distance in base 2 without what chance gives.
fn drift(parts: &[Part]) -> f64 {
    let squared = parts.iter().map(|it| it.part).sum::<f64>() / LN_2;
    let rows = |of: fn(&Part) -> u64| parts.iter().map(of).sum::<u64>() as f64;
    let (n, m) = (rows(|it| it.reference), rows(|it| it.current));
    let chance = (parts.len() as f64 - 1.0) / (8.0 * LN_2) * (1.0 / n + 1.0 / m);
    (squared - chance).clamp(0.0, 1.0).sqrt()
}

/// Σ (c - r) · E\[score | bin\]. A bin that the reference has no scores in counts as its mean.
fn predicted(reference: &Frozen, name: &str, parts: &[Part]) -> Option<f64> {
    let scores = reference.scores.as_ref()?;
    let means = scores.columns.get(name)?;
    let part = |it: &Part| {
        let mean = means.get(it.index).copied().flatten().unwrap_or(scores.mean);
        // Shares sum to 1 on both sides: from the mean they lose nothing and round less.
        (it.current_share - it.reference_share) * (mean - scores.mean)
    };
    Some(parts.iter().map(part).sum())
}

/// How the mean score moved, and why that is not to be explained; or why it is not known.
fn score_shift(sides: Sides<'_>) -> Result<(ScoreShift, Option<String>), String> {
    let name = sides.score.ok_or("the model has no `score` column")?;
    let side = |column: Option<&ColumnProfile>, side: &str| -> Result<Moments, String> {
        let moments = column.and_then(|it| it.numeric()?.moments());
        moments.ok_or_else(|| format!("the {side} has no score"))
    };
    let reference = side(sides.reference.profile.columns.get(name), "reference")?;
    let current = sides.current.columns.get(name);
    let current = current.map(|it| sides.reference.align(name, it)).transpose();
    let current = current.map_err(|why| why.to_string())?;
    let current = side(current.as_deref(), "window")?;
    let shift = current.mean - reference.mean;
    if !shift.is_finite() {
        return Err("the mean of the score is too large to compare".to_owned());
    }
    let moved = ScoreShift { reference_mean: reference.mean, mean: current.mean, shift };
    let rows = reference.rows.min(current.rows);
    if rows < sides.rows_min {
        let why = format!("insufficient: needs {} scores a side, got {rows}", sides.rows_min);
        return Ok((moved, Some(why)));
    }
    let variance = |it: &Moments| it.variance() / it.rows as f64;
    let noise = NOISE * (variance(&reference) + variance(&current)).sqrt();
    let floor = noise.max(SHIFT_MIN * reference.std());
    let moves = shift.abs() > floor;
    let why =
        "the mean score has not moved by more than its noise and a twentieth of its deviation";
    Ok((moved, (!moves).then(|| why.to_owned())))
}
