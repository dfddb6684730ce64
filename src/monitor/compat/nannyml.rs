//! NannyML 0.13's univariate drift: each chunk of both sides against the whole reference.
//!
//! | metric | value |
//! | --- | --- |
//! | `jensen_shannon` | distance (√) to base 2, the default |
//! | `hellinger` | √(Σ (√r − √c)² / 2) |
//! | `ks` | D, exact up to 9,999 reference rows, else over 10,000 equal bins |
//! | `wasserstein` | W₁ in the column's unit, likewise |
//! | `chi_square` | χ² of the 2 × K table; drift where p < 0.05 |
//! | `l_infinity` | largest difference of a category's share |
//!
//! Bins of the first two: numbers in Doane's bins of the reference, and what is outside of them in
//! one more; categories of the reference, and all others in one more. **Threshold**: mean plus
//! three deviations (ddof 0) of the values of the reference's own chunks; a chunk drifts above it.
//!
//! A column has drifted where a chunk of the current data has. `value` is that of the chunk with
//! the largest value; `chunks` has them all.
use super::{
    BOTH, CATEGORICAL, Judged, Metric, NUMERIC, Rules, Score, When,
    binned::Cdf,
    databricks::measured,
    numpy::{doane, histogram, sum},
    shares::{jensen_shannon_base_2, joint, l_infinity, shares},
    sides::{Piece, Sides, is_whole, kind_of_type},
};
use crate::{
    monitor::report::{ChunkReport, Period},
    profile::{Body, ColumnProfile, Counts, Kind},
    stat::{NoValue, Side},
};

const METRICS: &[Metric] = &[
    Metric { name: "jensen_shannon", theirs: "jensen_shannon", kinds: BOTH },
    Metric { name: "hellinger", theirs: "hellinger", kinds: BOTH },
    Metric { name: "ks", theirs: "kolmogorov_smirnov", kinds: NUMERIC },
    Metric { name: "wasserstein", theirs: "wasserstein", kinds: NUMERIC },
    Metric { name: "chi_square", theirs: "chi2", kinds: CATEGORICAL },
    Metric { name: "l_infinity", theirs: "l_infinity", kinds: CATEGORICAL },
];

/// Deviations of the reference's chunks above their mean.
const DEVIATIONS: f64 = 3.0;
/// From so many reference rows on, `ks` and `wasserstein` are over bins.
const BINNED_ROWS_MIN: u64 = 10_000;
/// Level of `chi_square`.
const P_MIN: f64 = 0.05;

/// The rules.
pub(super) struct NannyMl;

impl Rules for NannyMl {
    fn metrics(&self) -> Vec<Metric> {
        METRICS.to_vec()
    }

    fn kind(&self, reference: &ColumnProfile, current: &ColumnProfile) -> Result<Kind, String> {
        kind_of_type(reference, current)
    }

    fn usual(&self, _: &Sides<'_>) -> Vec<&'static str> {
        vec!["jensen_shannon"]
    }

    fn judge(&self, metric: &'static str, sides: &Sides<'_>) -> Judged {
        let fitted = Fitted::of(metric, &sides.reference);
        let measure =
            |piece: &Piece<'_>| fitted.as_ref().map_err(NoValue::clone)?.measure(piece)?.finite();
        let measured =
            |pieces: &[Piece<'_>]| -> Vec<_> { pieces.iter().map(measure).collect::<Vec<_>>() };
        let (before, after) = (measured(&sides.reference_pieces), measured(&sides.current_pieces));
        // What has no value is left out of the mean, as NaN is there.
        let known: Vec<f64> = before.iter().flatten().map(|it| it.value).collect();
        let threshold = match metric {
            "chi_square" => None,
            "ks" => upper(&known).map(|it| it.min(1.0)),
            _ => upper(&known),
        };
        let is_drifted = |score: &Result<Score, NoValue>| match (score, threshold) {
            (Ok(score), Some(threshold)) => score.value > threshold,
            (Ok(Score { p_value: Some(p), .. }), None) => *p < P_MIN,
            _ => false,
        };
        let report = |(period, (piece, score)): (Period, (&Piece<'_>, &Result<Score, NoValue>))| {
            ChunkReport {
                chunk: piece.key.to_owned(),
                period,
                rows: piece.column.as_ref().map_or(0, |it| it.counts.rows),
                value: score.as_ref().ok().map(|it| it.value),
                reason: score.as_ref().err().map(ToString::to_string),
                p_value: score.as_ref().ok().and_then(|it| it.p_value),
                threshold,
                drifted: is_drifted(score),
            }
        };
        let old = sides.reference_pieces.iter().zip(&before).map(|it| (Period::Reference, it));
        let new = sides.current_pieces.iter().zip(&after).map(|it| (Period::Analysis, it));
        Judged {
            score: largest(&after),
            threshold,
            when: threshold.map(|_| When::Above),
            drifted: after.iter().any(is_drifted),
            chunks: old.chain(new).map(report).collect(),
        }
    }

    fn how_to_read(&self) -> &'static [&'static str] {
        &[
            "As NannyML 0.13: ▲ a column has drifted where a chunk of the current data is above",
            "  the mean of the reference's chunks plus three deviations (chi_square: p < 0.05).",
            "  A value is that of the chunk with the largest; --format json has all chunks.",
        ]
    }

    fn is_chunked(&self) -> bool {
        true
    }
}

/// The largest value of the chunks, else the first reason why there is none.
fn largest(scores: &[Result<Score, NoValue>]) -> Result<Score, NoValue> {
    let known = scores.iter().flatten().copied();
    match known.max_by(|a, b| a.value.total_cmp(&b.value)) {
        Some(score) => Ok(score),
        None => Err(match scores.first() {
            Some(Err(why)) => why.clone(),
            _ => NoValue::NoData { side: Side::Current },
        }),
    }
}

/// Mean plus three deviations (ddof 0).
fn upper(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let rows = values.len() as f64;
    let mean = sum(values) / rows;
    let squares: Vec<f64> = values.iter().map(|it| (it - mean).powi(2)).collect();
    Some(mean + (sum(&squares) / rows).sqrt() * DEVIATIONS)
}

/// A metric, and what it keeps of the reference.
struct Fitted<'a> {
    metric: &'static str,
    reference: &'a ColumnProfile,
    known: Known,
}

/// What is kept of the reference.
enum Known {
    /// All of it.
    Whole,
    /// Edges of bins, and the reference's shares in them.
    Edges(Vec<f64>, Vec<f64>),
    /// The reference's shares in its categories.
    Shares(Vec<f64>),
    /// Its distribution function over equal bins.
    Cdf(Cdf),
}

impl<'a> Fitted<'a> {
    fn of(metric: &'static str, reference: &'a ColumnProfile) -> Result<Self, NoValue> {
        let counts = &reference.counts;
        if !is_whole(reference) {
            let why = "needs every value, and some were thinned or cut to `other`";
            return Err(NoValue::Other(why.to_owned()));
        }
        let rows = counts.valid() + counts.infinite();
        if rows == 0 {
            return Err(NoValue::Insufficient { side: Side::Reference, need: 1, got: 0 });
        }
        let is_large = rows >= BINNED_ROWS_MIN;
        if counts.infinite() > 0 && (metric != "ks" || is_large) {
            let why = "the reference has infinite values: NumPy can't cut their range into bins";
            return Err(NoValue::Other(why.to_owned()));
        }
        let known = match (metric, &reference.body) {
            ("jensen_shannon" | "hellinger", Body::Numeric(numeric)) => {
                let edges = doane(numeric)?;
                let shares = shares(histogram(&numeric.values, &edges), rows);
                Known::Edges(edges, shares)
            }
            ("jensen_shannon" | "hellinger", Body::Categorical(categories)) => {
                Known::Shares(shares(categories.counts.iter().map(|it| it.1), rows))
            }
            ("ks", Body::Numeric(it)) if is_large => Known::Cdf(Cdf::of(&it.values)),
            ("wasserstein", Body::Numeric(it)) if is_large => Known::Cdf(Cdf::widened(&it.values)),
            _ => Known::Whole,
        };
        Ok(Self { metric, reference, known })
    }

    /// The metric of a chunk.
    fn measure(&self, piece: &Piece<'_>) -> Result<Score, NoValue> {
        let unread = || NoValue::Other("values of another kind than the reference's".to_owned());
        let column = piece.column.as_deref().ok_or_else(unread)?;
        let rows = column.counts.valid() + column.counts.infinite();
        if rows == 0 {
            return Err(NoValue::Insufficient { side: Side::Current, need: 1, got: 0 });
        }
        let binned = |known: &[f64], counts: Vec<u64>| {
            let distance =
                if self.metric == "hellinger" { hellinger } else { jensen_shannon_base_2 };
            let (r, c) = with_leftover(known, shares(counts, rows));
            Ok(Score::of(distance(&r, &c)))
        };
        match (&self.known, &column.body) {
            (Known::Edges(edges, known), Body::Numeric(numeric)) => {
                binned(known, histogram(&numeric.values, edges))
            }
            (Known::Shares(known), Body::Categorical(categories)) => {
                let names = self.reference.categories().map(|it| it.counts.as_slice());
                let names = names.unwrap_or_default().iter();
                binned(known, names.map(|(name, _)| categories.rows_of(name)).collect())
            }
            (Known::Cdf(cdf), Body::Numeric(numeric)) => {
                let infinite = (column.counts.infinite_negative, column.counts.infinite_positive);
                match self.metric {
                    "ks" => Ok(Score::of(cdf.ks(&numeric.values, infinite))),
                    _ if infinite != (0, 0) => Err(NoValue::Overflow),
                    _ => Ok(Score::of(cdf.wasserstein(&numeric.values))),
                }
            }
            _ => self.exact(column),
        }
    }

    /// Against the whole reference.
    fn exact(&self, column: &ColumnProfile) -> Result<Score, NoValue> {
        let (reference, column) = (present(self.reference), present(column));
        if self.metric == "l_infinity" {
            let (r, c): (Vec<_>, Vec<_>) = joint(&reference, &column).into_iter().unzip();
            let (r, c) = (shares(r, reference.counts.rows), shares(c, column.counts.rows));
            return Ok(Score::of(l_infinity(&r, &c)));
        }
        if self.metric == "wasserstein" && column.counts.infinite() > 0 {
            return Err(NoValue::Overflow);
        }
        let score = measured(self.metric, &reference, &column)?;
        let is_test = self.metric == "chi_square";
        Ok(Score { p_value: score.p_value.filter(|_| is_test), ..score })
    }
}

/// The column without rows that have no value; infinities are values.
fn present(column: &ColumnProfile) -> ColumnProfile {
    let counts = &column.counts;
    let rows = counts.valid() + counts.infinite();
    let counts = Counts { rows, missing: 0, absent: 0, nan: 0, mismatched: 0, ..*counts };
    ColumnProfile { counts, ..column.clone() }
}

/// What is in none of the bins is one more, which the reference does not have; so is what rounding
/// leaves of 1.
fn with_leftover(known: &[f64], mut shares: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    let mut known = known.to_vec();
    let leftover = 1.0 - sum(&shares);
    if leftover > 0.0 {
        shares.push(leftover);
        known.push(0.0);
    }
    (known, shares)
}

/// √(Σ (√p − √q)²) / √2.
fn hellinger(p: &[f64], q: &[f64]) -> f64 {
    let squares: Vec<f64> = p.iter().zip(q).map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2)).collect();
    sum(&squares).sqrt() / 2f64.sqrt()
}
