//! Largest change of a correlation between two numeric columns.
//!
//! ```text
//! z = atanh r                                 r: Pearson's, over rows that have both numbers
//! value = |z of the window - z of the reference|              of the pair that changed the most
//! ```
//!
//! Of all pairs it is the one whose change is largest measured by its own threshold, so that a pair
//! that varies much does not hide another. Differences of z are Cohen's q (1988): 0.1 is a small
//! effect, 0.3 a medium, 0.5 a large one; a correlation that goes from 0.9 to 0 gives 1.47.
//!
//! Unit: none. Range: 0 to 21; 0 where no correlation changed. Correlations beyond 1 - 1e-9 count as
//! that. It sees linear relations of two columns, also where neither column has changed by itself.
//!
//! **Threshold.** The larger of 0.1 and the normal quantile for the number of pairs: each pair gets
//! 1 - 0.999^(1/pairs) of what may happen by chance, on both sides. A difference has the deviation
//! w·√(1/(n - 3) + 1/(m - 3)); w is 1 for normal columns (Fisher 1921), and for others what the
//! influence of the reference's rows on r comes to (Devlin and others 1975), but not below 1.
//! `p_value` is that of the pair, with Šidák's correction for the number of pairs.
//!
//! **Sample size.** Without drift and with 10 columns about 0.25 at 500 rows a side. 200 rows of a
//! pair a side at least. Numbers with heavy tails take more: w tells.
//!
//! **Another.** `pca_reconstruction` for relations of more than two columns, categories among them;
//! `domain_classifier_auc` for relations that are not linear.
//!
//! `ranking`: the pairs, those that changed the most first, with r of both sides. Numeric columns
//! count, the first 128 of them; NaN and infinities are no numbers, and a number beyond 1e6
//! deviations of the reference counts as that. A pair with a column that does not vary on one of
//! the sides is left out. Cost: a product for each pair and row; windows merge to the bit.
//!
//! # References
//! - R. A. Fisher (1921), *On the probable error of a coefficient of correlation*.
//! - S. Devlin, R. Gnanadesikan, J. Kettenring (1975), *Robust estimation and outlier detection with
//!   correlation coefficients* (the influence of a row on r).
//! - J. Cohen (1988), *Statistical power analysis for the behavioral sciences* (q).
use super::{Baseline, Judged, Ranked, Window, enough};
use crate::{
    monitor::null::{NULL_SHARE, normal_quantile},
    profile::joint::{Features, Products, RowSample},
    stat::{NoValue, normal_sf},
};

/// The usual cut.
pub const CUT: f64 = 0.1;

/// Correlations farther out count as this.
const R_MAX: f64 = 1.0 - 1e-9;
/// Pairs in a ranking.
const RANKED_MAX: usize = 20;

/// The difference of two correlations on Fisher's scale.
///
/// ```
/// use driftd::monitor::multivariate::correlation_change;
/// let value = correlation_change::value(0.9, 0.0);
/// assert!((value - 0.9_f64.atanh()).abs() < 1e-15);
/// assert_eq!(correlation_change::value(1.0, 1.0), 0.0);
/// ```
pub fn value(reference: f64, current: f64) -> f64 {
    let z = |r: f64| r.clamp(-R_MAX, R_MAX).atanh();
    (z(current) - z(reference)).abs()
}

/// Measures it on two samples of rows and their sums.
///
/// # Errors
/// No pair of numeric columns that vary; too few rows on a side.
pub fn measure(baseline: &Baseline, window: &Window, rows_min: u64) -> Result<Judged, NoValue> {
    let widths = widths(&baseline.features, &baseline.own.sample);
    let products = (&baseline.own.products, &window.products);
    of_products(&Products::columns(&baseline.features), products, &widths, rows_min)
}

/// One pair.
struct Pair {
    columns: (usize, usize),
    r: (f64, f64),
    rows: (u64, u64),
    value: f64,
    /// Of a difference without drift.
    deviation: f64,
}

/// The same on sums alone, with the widths of all pairs.
pub(super) fn of_products(
    names: &[&str],
    (own, now): (&Products, &Products),
    widths: &[f64],
    rows_min: u64,
) -> Result<Judged, NoValue> {
    let rows_min = rows_min.max(4);
    if names.len() < 2 {
        return Err(NoValue::Other("not defined: needs two numeric columns".to_owned()));
    }
    enough(own.rows, now.rows, rows_min)?;
    let width = |at: usize| widths.get(at).copied().unwrap_or(1.0);
    let pairs = pairs(names.len()).enumerate().filter_map(|(at, (i, j))| {
        let (was, is) = (own.correlation(i, j)?, now.correlation(i, j)?);
        let rows = (was.rows, is.rows);
        let part = |rows: u64| 1.0 / (rows as f64 - 3.0);
        (rows.0.min(rows.1) >= rows_min).then(|| Pair {
            columns: (i, j),
            r: (was.r, is.r),
            rows,
            value: value(was.r, is.r),
            deviation: width(at) * (part(rows.0) + part(rows.1)).sqrt(),
        })
    });
    let mut pairs: Vec<Pair> = pairs.collect();
    let single = 1.0 - NULL_SHARE.powf(1.0 / pairs.len().max(1) as f64);
    let quantile = normal_quantile(1.0 - single / 2.0);
    let limit = |it: &Pair| (quantile * it.deviation).max(CUT);
    let excess = |it: &Pair| it.value / limit(it);
    pairs.sort_by(|a, b| excess(b).total_cmp(&excess(a)).then(a.columns.cmp(&b.columns)));
    let Some(first) = pairs.first() else {
        let why = "not defined: no two numeric columns vary on both sides over enough rows";
        return Err(NoValue::Other(why.to_owned()));
    };
    let p_value = (2.0 * normal_sf(first.value / first.deviation)).min(1.0);
    let total: f64 = pairs.iter().map(|it| it.value * it.value).sum();
    let ranked = |it: &Pair| Ranked {
        column: names[it.columns.0].to_owned(),
        other: Some(names[it.columns.1].to_owned()),
        share: it.value * it.value / total,
        reference: Some(it.r.0),
        current: Some(it.r.1),
    };
    let changed = pairs.iter().filter(|it| it.value > 0.0).take(RANKED_MAX);
    Ok(Judged {
        value: first.value,
        p_value: Some(-(pairs.len() as f64 * (-p_value).ln_1p()).exp_m1()),
        threshold: Some(limit(first)),
        rows: Some(first.rows),
        ranking: changed.map(ranked).collect(),
        ..Judged::default()
    })
}

/// The pairs of so many columns, in the order of their widths.
fn pairs(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).flat_map(move |i| (i + 1..columns).map(move |j| (i, j)))
}

/// How much wider than between normal columns the z of each pair is spread: the root mean square
/// of the influence of a reference's rows on it, (xy - r(x² + y²)/2)/(1 - r²) of x and y
/// standardised over the rows that have both.
pub(super) fn widths(features: &Features, sample: &RowSample) -> Vec<f64> {
    let rows = sample.rows();
    let names: Vec<&str> = features.names().collect();
    let columns = Products::columns(features);
    let places: Vec<usize> =
        columns.iter().filter_map(|name| names.iter().position(|it| it == name)).collect();
    pairs(places.len()).map(|(i, j)| width(&rows, places[i], places[j])).collect()
}

fn width(rows: &[&[f64]], i: usize, j: usize) -> f64 {
    let both = || {
        let pairs = rows.iter().map(|row| (row[i], row[j]));
        pairs.filter(|(x, y)| x.is_finite() && y.is_finite())
    };
    let count = both().count() as f64;
    let mean = |of: &dyn Fn((f64, f64)) -> f64| both().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|it| it.0), mean(&|it| it.1));
    let of_x = mean(&|it| (it.0 - x) * (it.0 - x)).sqrt();
    let of_y = mean(&|it| (it.1 - y) * (it.1 - y)).sqrt();
    let standard = |it: (f64, f64)| ((it.0 - x) / of_x, (it.1 - y) / of_y);
    let r = mean(&|it| {
        let (x, y) = standard(it);
        x * y
    });
    let squares = mean(&|it| {
        let (x, y) = standard(it);
        ((x * y - r * (x * x + y * y) / 2.0) / (1.0 - r * r)).powi(2)
    });
    let width = squares.sqrt();
    // Columns that do not vary, or are one: no pair is judged by this.
    if width.is_finite() { width.max(1.0) } else { 1.0 }
}
