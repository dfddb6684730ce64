//! Divergences between two histograms over the same bins, with a bound on what sketching moved.
//!
//! Each is a fold of a function of one bin's two shares that is convex, never negative and 0 where
//! the shares are equal. So its largest and smallest value over all shares that a sketch's rank
//! error allows are at corners, and the bound is sound without being a guess.
use super::{Bins, NoValue, Pair, Side, Value, sample};
use crate::profile::{Body, Categories, ColumnProfile};

/// A divergence of binned shares.
#[derive(Debug)]
pub struct Divergence {
    /// Rows added to each bin of both sides, so that an empty bin is not infinite drift.
    pub(super) smoothing: f64,
    /// One bin's part, of the reference's and the current share.
    pub(super) part: fn(f64, f64) -> f64,
    /// How the parts become one.
    pub(super) fold: fn(f64, f64) -> f64,
    /// What is said of the folded parts, growing with them.
    pub(super) finish: fn(f64) -> f64,
    /// The power of (1/n + 1/m) with which it falls where there is no drift.
    pub(crate) order: f64,
}

/// One bin: rows of both sides, and how far a sketch can have moved them.
#[derive(Clone, Copy, Debug)]
struct Bin {
    /// Its place among the frozen bins, `missing` last.
    index: usize,
    reference: f64,
    current: f64,
    reference_slack: f64,
    current_slack: f64,
}

/// One bin of a divergence that is taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    /// The bin's place among the frozen ones, `missing` last.
    pub(crate) index: usize,
    /// Rows of the reference.
    pub(crate) reference: u64,
    /// Rows of the window.
    pub(crate) current: u64,
    /// Their shares, smoothed where the divergence smooths.
    pub(crate) reference_share: f64,
    pub(crate) current_share: f64,
    /// What the bin adds.
    pub(crate) part: f64,
}

impl Divergence {
    /// The divergence of two histograms given as rows per bin.
    pub(crate) fn of(&self, reference: &[f64], current: &[f64]) -> f64 {
        let used = || reference.iter().zip(current).filter(|(r, c)| **r > 0.0 || **c > 0.0);
        let (bins, reference_rows, current_rows) =
            used().fold((0.0, 0.0, 0.0), |(n, a, b), (r, c)| (n + 1.0, a + r, b + c));
        let added = self.smoothing * bins;
        let parts = used().map(|(r, c)| {
            let reference = (r + self.smoothing) / (reference_rows + added);
            (self.part)(reference, (c + self.smoothing) / (current_rows + added))
        });
        (self.finish)(parts.fold(0.0, self.fold))
    }

    /// The divergence of a pair over its frozen bins.
    pub(super) fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let bins = bins(pair)?;
        let column = |of: fn(&Bin) -> f64| bins.iter().map(of).collect::<Vec<f64>>();
        let value = self.of(&column(|bin| bin.reference), &column(|bin| bin.current));
        Value::new(value, None, self.error_bound(&bins, value))
    }

    /// What each bin adds to the value, and of which shares.
    pub(crate) fn parts(&self, pair: &Pair<'_>) -> Result<Vec<Part>, NoValue> {
        let bins = bins(pair)?;
        let rows = |of: fn(&Bin) -> f64| {
            bins.iter().map(of).sum::<f64>() + self.smoothing * bins.len() as f64
        };
        let (reference_rows, current_rows) = (rows(|bin| bin.reference), rows(|bin| bin.current));
        let part = |bin: &Bin| {
            let reference_share = (bin.reference + self.smoothing) / reference_rows;
            let current_share = (bin.current + self.smoothing) / current_rows;
            Part {
                index: bin.index,
                reference: bin.reference as u64,
                current: bin.current as u64,
                reference_share,
                current_share,
                part: (self.part)(reference_share, current_share),
            }
        };
        Ok(bins.iter().map(part).collect())
    }

    /// The value that parts come to.
    #[cfg(test)]
    pub(crate) fn combined(&self, parts: &[Part]) -> f64 {
        (self.finish)(parts.iter().map(|it| it.part).fold(0.0, self.fold))
    }

    /// How far the slack of the bins can move the value.
    fn error_bound(&self, bins: &[Bin], value: f64) -> f64 {
        if bins.iter().all(|bin| bin.reference_slack + bin.current_slack == 0.0) {
            return 0.0;
        }
        let rows = |of: fn(&Bin) -> f64| {
            bins.iter().map(of).sum::<f64>() + self.smoothing * bins.len() as f64
        };
        let (reference_rows, current_rows) = (rows(|bin| bin.reference), rows(|bin| bin.current));
        let (mut low, mut high) = (0.0, 0.0);
        for bin in bins {
            let at =
                |count: f64, by: f64, rows: f64| ((count + by).max(0.0) + self.smoothing) / rows;
            let reference = |by: f64| at(bin.reference, by * bin.reference_slack, reference_rows);
            let current = |by: f64| at(bin.current, by * bin.current_slack, current_rows);
            let outer = (self.part)(reference(-1.0), current(1.0))
                .max((self.part)(reference(1.0), current(-1.0)));
            let inner = if current(-1.0) > reference(1.0) {
                (self.part)(reference(1.0), current(-1.0))
            } else if current(1.0) < reference(-1.0) {
                (self.part)(reference(-1.0), current(1.0))
            } else {
                0.0
            };
            (low, high) = ((self.fold)(low, inner), (self.fold)(high, outer));
        }
        ((self.finish)(high) - value).max(value - (self.finish)(low)).max(0.0)
    }
}

/// Both sides over the frozen bins, bins empty on both sides dropped.
fn bins(pair: &Pair<'_>) -> Result<Vec<Bin>, NoValue> {
    match (&pair.reference.body, &pair.current.body) {
        (Body::Timestamp(_), _) => {
            return Err(NoValue::NotDefined { kind: pair.reference.kind });
        }
        (Body::Numeric(_), Body::Numeric(_)) | (Body::Categorical(_), Body::Categorical(_)) => {}
        _ => return Err(sample::unfit(pair, |_| true)),
    }
    sample::enough(pair, |counts| counts.rows)?;
    if matches!(pair.bins, Bins::None) {
        let (side, need) = (Side::Reference, pair.rows_min.max(1));
        return Err(NoValue::Insufficient { side, need, got: pair.reference.counts.valid() });
    }
    let unfit = || NoValue::Other("the frozen bins are of another kind than the column".into());
    let mut reference = pair.bins.count(pair.reference).ok_or_else(unfit)?;
    let mut current = pair.bins.count(pair.current).ok_or_else(unfit)?;
    pool_unlisted(pair, &mut reference, &mut current);
    let (reference_slack, current_slack) = (slack(pair.reference), slack(pair.current));
    let last = reference.len() - 1;
    let cells = reference.into_iter().zip(current).enumerate().filter(|(_, (r, c))| r + c > 0);
    Ok(cells
        .map(|(i, (reference, current))| Bin {
            index: i,
            reference: reference as f64,
            current: current as f64,
            reference_slack: if i < last { reference_slack } else { 0.0 },
            current_slack: if i < last { current_slack } else { 0.0 },
        })
        .collect())
}

/// Rows that can be in another bin of a sketched column: a rank error at both edges of each.
fn slack(column: &ColumnProfile) -> f64 {
    match &column.body {
        Body::Numeric(numeric) => 2.0 * numeric.values.rank_error * numeric.values.rows() as f64,
        _ => 0.0,
    }
}

/// A current window with more categories than are kept does not tell which of the reference's it
/// lacks: those go to `other` on both sides, so that the cap is never taken for drift.
fn pool_unlisted(pair: &Pair<'_>, reference: &mut [u64], current: &mut [u64]) {
    let is_capped = match &pair.current.body {
        Body::Categorical(Categories { other, .. }) => *other > 0,
        _ => false,
    };
    if let (true, Some(other)) = (is_capped, reference.len().checked_sub(2)) {
        for i in (0..other).filter(|&i| current[i] == 0) {
            reference[other] += std::mem::take(&mut reference[i]);
        }
    }
}

/// (1 + u) ln(1 + u) - u, without cancellation near 0: what one bin adds to a relative entropy,
/// over the reference's share, where the current share is (1 + u) times as large.
pub(super) fn entropy_gap(u: f64) -> f64 {
    if u <= -1.0 {
        return 1.0;
    }
    if u.abs() > 0.05 {
        return (1.0 + u) * u.ln_1p() - u;
    }
    // Σ (-u)ᵏ / (k (k - 1)) from k = 2.
    let mut power = u * u;
    let mut sum = 0.0;
    for k in 2..15 {
        sum += power / f64::from(k * (k - 1));
        power *= -u;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        profile::{Counts, Distribution, Kind, Numeric},
        stat::{ALL, categorical, numeric},
    };
    use proptest::prelude::*;

    #[test]
    fn the_entropy_gap_is_smooth_where_its_forms_meet() {
        for u in [-0.05, 0.05] {
            let direct = (1.0 + u) * f64::ln_1p(u) - u;
            assert!((entropy_gap(u) / direct - 1.0).abs() < 1e-12);
        }
        assert!((entropy_gap(-1.0) - 1.0).abs() < 1e-15);
        assert!((entropy_gap(1e-9) / 5e-19 - 1.0).abs() < 1e-8);
    }

    #[test]
    fn a_capped_window_is_not_drift() {
        let reference = categorical(&[("a", 50), ("b", 25), ("c", 25)]);
        // `b` and `c` did not fit the window's cap: their rows are in `other`.
        let mut current = categorical(&[("a", 50)]);
        if let Body::Categorical(categories) = &mut current.body {
            categories.other = 50;
        }
        current.counts.rows = 100;
        let bins = Bins::of(&reference, 10);
        let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 1 };
        for statistic in ALL.iter().filter(|it| it.divergence().is_some()) {
            assert_eq!(statistic.measure(&pair), Ok(Value::exact(0.0)), "{}", statistic.name());
        }
    }

    /// The same numbers with each rank moved by at most the error.
    fn sketched(values: &[f64], every: usize) -> ColumnProfile {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let kept: Vec<&[f64]> = sorted.chunks(every).collect();
        let distribution = Distribution {
            values: kept.iter().map(|it| it[it.len() / 2]).collect(),
            counts: kept.iter().map(|it| it.len() as u64).collect(),
            rank_error: every as f64 / values.len() as f64,
        };
        ColumnProfile {
            kind: Kind::Numeric,
            counts: Counts { rows: values.len() as u64, ..Counts::default() },
            body: Body::Numeric(Numeric { values: distribution, ..Numeric::default() }),
        }
    }

    proptest! {
        #[test]
        fn the_error_bound_holds(
            seed in proptest::collection::vec(0.0..1.0f64, 300..400),
            shift in -0.3..0.3f64,
            every in 2..12usize,
        ) {
            let distinct = |by: f64| -> Vec<f64> {
                seed.iter().enumerate().map(|(i, x)| x + by * x + i as f64 * 1e-9).collect()
            };
            let (a, b) = (distinct(0.0), distinct(shift));
            let (exact_a, exact_b) = (numeric(a.clone()), numeric(b.clone()));
            let bins = Bins::of(&exact_a, 10);
            let (rough_a, rough_b) = (sketched(&a, every), sketched(&b, every));
            let pair = |reference, current| Pair { reference, current, bins: &bins, rows_min: 1 };
            for statistic in ALL.iter().filter(|it| it.divergence().is_some()) {
                let exact = statistic.measure(&pair(&exact_a, &exact_b)).unwrap();
                let rough = statistic.measure(&pair(&rough_a, &rough_b)).unwrap();
                let error = (exact.value - rough.value).abs();
                prop_assert!(error <= rough.error_bound + 1e-12, "{} {error} {rough:?}", statistic.name());
            }
        }
    }
}
