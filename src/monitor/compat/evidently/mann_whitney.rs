//! Mann-Whitney as Evidently calls it: one-sided. p is small where the window's values are *larger*
//! than the reference's; a fall is never seen.
//!
//! SciPy's `mannwhitneyu(reference, current, alternative="less")`: exact where a side has at most
//! eight rows and no two values are equal, else normal, corrected for continuity and for ties.
use super::{super::shares::joint, Input, Score};
use crate::stat::{NoValue, normal_sf};

/// Up to so many rows on the smaller side p is exact, where no two values are equal.
const EXACT_MAX: u64 = 8;

/// `mann_whitney`
pub(super) fn mann_whitney(input: &Input<'_>) -> Result<Score, NoValue> {
    let rows = joint(input.reference, input.current);
    // Twice the pairs in which the window's value is above the reference's, equal ones once.
    let (mut below, mut twice_above) = (0u128, 0u128);
    for &(r, c) in &rows {
        let (r, c) = (u128::from(r), u128::from(c));
        twice_above += c * (2 * below + r);
        below += r;
    }
    let has_ties = rows.iter().any(|(r, c)| r + c > 1);
    let p = match input.n.min(input.m) <= EXACT_MAX && !has_ties {
        true => exact(input.n.min(input.m), input.n.max(input.m), twice_above / 2)?,
        false => normal(&rows, (input.n, input.m), twice_above),
    };
    let pairs = u128::from(input.n) * u128::from(input.m);
    Ok(Score::p(p.clamp(0.0, 1.0), Some((2 * pairs - twice_above) as f64 / 2.0)))
}

fn normal(rows: &[(u64, u64)], (n, m): (u64, u64), twice_above: u128) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let all = n + m;
    let tied = |(r, c): &(u64, u64)| {
        let t = (r + c) as f64;
        t * t * t - t
    };
    let ties: f64 = rows.iter().map(tied).sum();
    let deviation = (n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)))).sqrt();
    let z = (twice_above as f64 / 2.0 - n * m / 2.0 - 0.5) / deviation;
    // Where all values are equal the correction alone is left: z is -∞, and p 1.
    normal_sf(z)
}

/// P(U ≥ u) by counting: how many of the C(n + m, n) orders have which U are the coefficients of
/// the Gaussian binomial Π (1 - xᵐ⁺ⁱ)/(1 - xⁱ).
fn exact(n: u64, m: u64, u: u128) -> Result<f64, NoValue> {
    let largest = (n * m) as usize;
    let mut counts = vec![0i128; largest + 1];
    counts[0] = 1;
    for i in 1..=n as usize {
        let step = m as usize + i;
        for at in (step..=largest).rev() {
            counts[at] = counts[at].checked_sub(counts[at - step]).ok_or(NoValue::Overflow)?;
        }
        for at in i..=largest {
            counts[at] = counts[at].checked_add(counts[at - i]).ok_or(NoValue::Overflow)?;
        }
    }
    let all = counts.iter().map(|it| *it as f64).sum::<f64>();
    let above = counts.iter().skip(usize::try_from(u).unwrap_or(usize::MAX));
    Ok(above.map(|it| *it as f64).sum::<f64>() / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::numeric;

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], p: f64) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let (n, m) = (reference.counts.rows, current.counts.rows);
        let input = Input { reference: &reference, current: &current, n, m };
        let got = mann_whitney(&input).unwrap();
        assert!((got.value / p - 1.0).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn agrees_with_scipy_where_it_counts_and_where_not() {
        let to = |from: u32, to: u32| (from..to).map(f64::from).collect::<Vec<_>>();
        // scipy.stats.mannwhitneyu(reference, current, alternative="less")
        check(&[1.0, 4.0, 6.0], &[2.0, 3.0, 5.0, 7.0], 0.42857142857142855);
        check(&to(0, 3), &to(3, 43), 8.103071063933231e-5);
        check(&to(3, 43), &to(0, 3), 1.0);
        check(&[5.0; 3], &[5.0; 4], 1.0);
        check(&[1.0, 2.0, 2.0, 3.0], &[2.0, 2.0, 9.0, 9.0, 9.0], 0.07586772338828494);
        check(&to(0, 10), &to(5, 15), 0.0025376961576369615);
        check(&to(5, 15), &to(0, 10), 0.9979986238766955);
    }
}
