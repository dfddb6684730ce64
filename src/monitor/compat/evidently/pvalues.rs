//! Evidently's tests, whose scores are p-values.
use std::cmp::Ordering;

use rand_distr::{Distribution as _, Hypergeometric};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{
    super::{
        numpy::sum,
        shares::{self, joint, largest_gap, shares},
        smirnov,
    },
    Input, Score,
};
use crate::{
    profile::Body,
    stat::{NoValue, ks_sf, normal_sf},
};

/// Up to so many rows a side SciPy's p-value of KS is exact.
const KS_EXACT_MAX: u64 = 10_000;
/// Permutations of the total variation distance.
const PERMUTATIONS: usize = 1000;
/// What they are drawn from. Evidently seeds NumPy with 0 and shuffles the rows in their order,
/// which a profile does not have; these are draws of the same distribution.
const SEED: u128 = 0x5eed_0000_0000_0000;

/// What SciPy's tests make of a single category.
fn one_category() -> NoValue {
    NoValue::Other("a single category: Evidently gives NaN".to_owned())
}

/// SciPy's `ks_2samp`: exact up to 10,000 rows a side, asymptotic above.
pub(super) fn ks(input: &Input<'_>) -> Result<Score, NoValue> {
    let (n, m) = (input.n, input.m);
    let rows = joint(input.reference, input.current);
    let d = largest_gap(&rows, n, m);
    let p = if n.max(m) <= KS_EXACT_MAX {
        let lcm = n / smirnov::gcd(n, m) * m;
        smirnov::sf(n, m, (d * lcm as f64).round_ties_even() as u64)
    } else {
        let (n, m) = (n.max(m) as f64, n.min(m) as f64);
        ks_sf((n * m / (n + m)).round_ties_even() as u64, d)
    };
    Ok(Score::p(p, Some(d)))
}

/// Goodness of fit of the window to the reference's shares, as if those were known without error.
/// One category that the reference lacks gives p = 0.
pub(super) fn chi_square(input: &Input<'_>) -> Result<Score, NoValue> {
    let rows = joint(input.reference, input.current);
    let scale = input.m as f64 / input.n as f64;
    let term = |(r, c): &(u64, u64)| {
        let expected = *r as f64 * scale;
        (*c as f64 - expected).powi(2) / expected
    };
    upper_tail(sum(&rows.iter().map(term).collect::<Vec<_>>()), rows.len())
}

/// Log-likelihood ratio against the reference's counts, which are not scaled to the window: SciPy
/// refuses them where the sides have different numbers of rows.
pub(super) fn g_test(input: &Input<'_>) -> Result<Score, NoValue> {
    if input.n != input.m {
        let why =
            "Evidently's g_test raises an error where the sides have different numbers of rows";
        return Err(NoValue::Other(why.to_owned()));
    }
    let rows = joint(input.reference, input.current);
    let term = |(r, c): &(u64, u64)| match *c {
        0 => 0.0,
        c => 2.0 * c as f64 * (c as f64 / *r as f64).ln(),
    };
    upper_tail(sum(&rows.iter().map(term).collect::<Vec<_>>()), rows.len())
}

/// p of a χ² of one degree of freedom less than there are categories.
fn upper_tail(statistic: f64, categories: usize) -> Result<Score, NoValue> {
    if categories < 2 {
        return Err(one_category());
    }
    if statistic.is_infinite() {
        return Ok(Score::p(0.0, None));
    }
    let chi_squared = ChiSquared::new((categories - 1) as f64).map_err(|_| one_category())?;
    Ok(Score::p(chi_squared.sf(statistic), Some(statistic)))
}

/// Pooled z of the share of rows that are not the first category (numbers in their order, names in
/// theirs), two-sided, by 2·(1 − Φ(|z|)): that subtraction leaves 0 of any p below 1e-16.
pub(super) fn two_proportion_z(input: &Input<'_>) -> Result<Score, NoValue> {
    let rows = joint(input.reference, input.current);
    if rows.len() < 2 {
        return Ok(Score::p(1.0, None));
    }
    let first = rows[first(input)];
    let (n, m) = (input.n as f64, input.m as f64);
    let (p, q) = ((input.n - first.0) as f64 / n, (input.m - first.1) as f64 / m);
    let pooled = (p * n + q * m) / (n + m);
    let z = (p - q) / (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let below = 1.0 - normal_sf(z.abs());
    Ok(Score::p(2.0 * (1.0 - below), Some(z)))
}

/// Where the first category is: names that are all numbers are ordered as numbers.
fn first(input: &Input<'_>) -> usize {
    let (Body::Categorical(r), Body::Categorical(c)) = (&input.reference.body, &input.current.body)
    else {
        return 0;
    };
    let mut names: Vec<&str> = r.counts.iter().chain(&c.counts).map(|it| it.0.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let numbers: Option<Vec<f64>> = names.iter().map(|it| it.parse().ok()).collect();
    let smallest = |numbers: Vec<f64>| {
        let by_number = |a: &(usize, f64), b: &(usize, f64)| -> Ordering { a.1.total_cmp(&b.1) };
        numbers.into_iter().enumerate().min_by(by_number).map(|it| it.0)
    };
    numbers.and_then(smallest).unwrap_or(0)
}

/// Share of permutations of both sides' rows whose total variation distance is at least as large.
pub(super) fn total_variation(input: &Input<'_>) -> Result<Score, NoValue> {
    let rows = joint(input.reference, input.current);
    let distance = |r: &[u64], c: &[u64]| {
        let (r, c) = (shares(r.iter().copied(), input.n), shares(c.iter().copied(), input.m));
        shares::total_variation(&r, &c)
    };
    let (r, c): (Vec<u64>, Vec<u64>) = rows.iter().copied().unzip();
    let observed = distance(&r, &c);
    let mut random = Pcg64Mcg::new(SEED);
    let mut larger = 0;
    for _ in 0..PERMUTATIONS {
        let (r, c) = permuted(&rows, input.n, &mut random);
        larger += usize::from(observed <= distance(&r, &c));
    }
    Ok(Score::p(larger as f64 / PERMUTATIONS as f64, Some(observed)))
}

/// `n` of all rows drawn without replacement, by category, and those that are left.
fn permuted(rows: &[(u64, u64)], n: u64, random: &mut Pcg64Mcg) -> (Vec<u64>, Vec<u64>) {
    let mut left: u64 = rows.iter().map(|(r, c)| r + c).sum();
    let mut wanted = n;
    let draw = |(r, c): &(u64, u64)| {
        let here = r + c;
        let drawn = Hypergeometric::new(left, here, wanted).map_or(0, |it| it.sample(random));
        (left, wanted) = (left - here, wanted - drawn);
        (drawn, here - drawn)
    };
    rows.iter().map(draw).unzip()
}
