//! The hypergeometric distribution in logarithms, for tables of any size.
//!
//! Loader's method: a binomial probability is its Stirling errors and two deviances, none of which
//! cancels, so that ten million rows lose no digit (differences of log-gamma lose eight).
use super::divergence::entropy_gap;

/// Terms below this share of the sum do not change it.
const NEGLIGIBLE: f64 = 1e-18;
/// Probabilities nearer than this, relatively, count as equal: they are tables that are mirrored.
const TIE: f64 = 1e-11;

/// Rows of one category among the first side's, where margins are fixed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hypergeometric {
    /// Rows of the first side and of the second.
    first: f64,
    second: f64,
    /// Rows of the category on both sides.
    category: f64,
}

impl Hypergeometric {
    /// Of the table [[a, b], [c, d]], a row a side.
    pub(super) fn of([a, b, c, d]: [u64; 4]) -> Self {
        Self { first: (a + b) as f64, second: (c + d) as f64, category: (a + c) as f64 }
    }

    /// Probability of all tables with these margins that are no likelier than that with `a`.
    pub(super) fn two_sided(&self, a: u64) -> f64 {
        let a = a as f64;
        let rows = self.first + self.second;
        let (low, high) = ((self.category - self.second).max(0.0), self.first.min(self.category));
        let mode = ((self.category + 1.0) * (self.first + 1.0) / (rows + 2.0)).floor();
        let mode = mode.clamp(low, high);
        let own = self.ln_pmf(a);
        let is_no_likelier = |x: f64| self.ln_pmf(x) - own <= TIE;
        if is_no_likelier(mode) {
            return 1.0;
        }
        // Falling away from the mode on both sides: the other tail begins where it comes as low.
        let (near, far) = if a < mode { (mode, high) } else { (mode, low) };
        let other = first_where(near, far, is_no_likelier);
        let step = if a < mode { -1.0 } else { 1.0 };
        let tail = |start: f64, step: f64| self.relative_tail(start, step, low, high);
        let mut sum = tail(a, step);
        if let Some(other) = other {
            sum += (self.ln_pmf(other) - own).exp() * tail(other, -step);
        }
        (own.exp() * sum).min(1.0)
    }

    /// Σ P(x)/P(start) from `start` away from the mode.
    fn relative_tail(&self, start: f64, step: f64, low: f64, high: f64) -> f64 {
        let (mut x, mut term, mut sum) = (start, 1.0, 1.0);
        while (low..=high).contains(&(x + step)) && term > NEGLIGIBLE * sum {
            term *= if step < 0.0 { self.ratio_below(x) } else { 1.0 / self.ratio_below(x + 1.0) };
            sum += term;
            x += step;
        }
        sum
    }

    /// P(x - 1)/P(x).
    fn ratio_below(&self, x: f64) -> f64 {
        let Self { first, second, category } = self;
        x / (first - x + 1.0) * ((second - category + x) / (category - x + 1.0))
    }

    fn ln_pmf(&self, x: f64) -> f64 {
        let Self { first, second, category } = *self;
        let rows = first + second;
        ln_binomial(x, first, category, rows) + ln_binomial(category - x, second, category, rows)
            - ln_binomial(category, rows, category, rows)
    }
}

/// The first whole number from `near` on the way to `far` at which `holds` begins to.
fn first_where(near: f64, far: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    if !holds(far) {
        return None;
    }
    let (mut not, mut does) = (near, far);
    while (does - not).abs() > 1.0 {
        let middle = (0.5 * (not + does)).floor();
        let middle = middle.max(not.min(does) + 1.0);
        if holds(middle) {
            does = middle;
        } else {
            not = middle;
        }
    }
    Some(does)
}

/// ln P(X = x) of a binomial with `n` trials that succeed with the odds `k` of `rows`.
fn ln_binomial(x: f64, n: f64, k: f64, rows: f64) -> f64 {
    let (success, failure) = (n * k / rows, n * (rows - k) / rows);
    // x ln(x/e) + e - x
    let deviance = |x: f64, e: f64| if e > 0.0 { e * entropy_gap((x - e) / e) } else { 0.0 };
    let exponent = -deviance(x, success) - deviance(n - x, failure);
    if x <= 0.0 || x >= n {
        return exponent;
    }
    stirling_error(n) - stirling_error(x) - stirling_error(n - x) + exponent
        - 0.5 * (std::f64::consts::TAU * x * (1.0 - x / n)).ln()
}

/// ln n! less Stirling's √(2πn)(n/e)ⁿ.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        let factorial: f64 = (1..=n as u32).map(f64::from).product();
        return factorial.ln() - 0.5 * (std::f64::consts::TAU * n).ln() - n * n.ln() + n;
    }
    let square = n * n;
    let series = 1.0 / 1680.0 - (1.0 / 1188.0 - 691.0 / 360_360.0 / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - series / square) / square) / square) / n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_a_small_table_are_counted() {
        // C(4, x) C(6, 5 - x) / C(10, 5), of 252.
        let table = Hypergeometric::of([1, 3, 4, 2]);
        for (x, ways) in [(0.0, 6.0), (1.0, 60.0), (2.0, 120.0), (3.0, 60.0), (4.0, 6.0)] {
            let got = table.ln_pmf(x).exp();
            assert!((got * 252.0 / ways - 1.0).abs() < 1e-13, "{x}: {got}");
        }
        for (a, ways) in [(0, 12.0), (1, 132.0), (2, 252.0), (3, 132.0), (4, 12.0)] {
            assert!((table.two_sided(a) * 252.0 / ways - 1.0).abs() < 1e-13, "{a}");
        }
    }

    #[test]
    fn tails_sum_to_one_at_ten_million_rows() {
        let table = Hypergeometric::of([3_000_000, 4_000_000, 1_285_714, 1_714_286]);
        let (a, low, high) = (3_000_100.0, 1_285_714.0, 4_285_714.0);
        let below = table.relative_tail(a - 1.0, -1.0, low, high);
        let above = table.relative_tail(a, 1.0, low, high);
        let sum = table.ln_pmf(a - 1.0).exp() * below + table.ln_pmf(a).exp() * above;
        assert!((sum - 1.0).abs() < 1e-11, "{sum}");
    }

    #[test]
    fn steps_are_found_from_both_sides() {
        assert_eq!(first_where(10.0, 30.0, |x| x >= 17.0), Some(17.0));
        assert_eq!(first_where(10.0, -30.0, |x| x <= -17.0), Some(-17.0));
        assert_eq!(first_where(10.0, 11.0, |x| x >= 11.0), Some(11.0));
        assert_eq!(first_where(10.0, 9.0, |x| x <= 9.0), Some(9.0));
        assert_eq!(first_where(10.0, 30.0, |_| false), None);
    }
}
