//! Sums that do not depend on the order of their terms.
use serde::{Deserialize, Serialize};

/// A sum in fixed point: terms are rounded once, to a multiple of 2⁻⁴⁰ (9e-13), and then added
/// without error. Terms beyond ±2⁴⁷ (1.4e14) count as that, so that 2⁴⁰ of them fit.
///
/// ```
/// use driftd::profile::joint::ExactSum;
/// let mut one = ExactSum::default();
/// [0.1, 1e9, -1e9, 0.2].into_iter().for_each(|it| one.add(it));
/// let mut other = ExactSum::default();
/// [-1e9, 0.2, 0.1, 1e9].into_iter().for_each(|it| other.add(it));
/// assert_eq!(one, other);
/// assert!((one.value() - 0.3).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactSum(i128);

const UNIT: f64 = (1_u64 << 40) as f64;
const TERM_MAX: f64 = (1_u64 << 47) as f64;

/// Numbers below this are rounded by the processor's own addition.
const SMALL: f64 = 2048.0;
/// From 2¹² to 2¹³ neighbouring numbers are 2⁻⁴⁰ apart.
const SHIFT: f64 = 6144.0;

/// A number of at most [`SMALL`] in units of 2⁻⁴⁰.
pub(super) fn small(term: f64) -> i64 {
    (term + SHIFT).to_bits().cast_signed() - SHIFT.to_bits().cast_signed()
}

impl ExactSum {
    /// Adds a term; NaN counts as 0.
    pub fn add(&mut self, term: f64) {
        self.0 += if term.abs() < SMALL {
            i128::from(small(term))
        } else {
            // Ties to even, as the other way has them.
            (term.clamp(-TERM_MAX, TERM_MAX) * UNIT).round_ties_even() as i128
        };
    }

    /// Adds terms that were added up in units of 2⁻⁴⁰.
    pub(super) fn add_units(&mut self, units: i64) {
        self.0 += i128::from(units);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        // Sums of rows never come near the end; what was damaged in a store must not panic.
        self.0 = self.0.wrapping_add(other.0);
    }

    /// What is left without some of the terms.
    pub(super) fn without(&self, some: &Self) -> Self {
        Self(self.0.wrapping_sub(some.0))
    }

    /// The sum.
    pub fn value(&self) -> f64 {
        self.0 as f64 / UNIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(terms: &[f64], want: f64) {
        let mut sum = ExactSum::default();
        terms.iter().for_each(|term| sum.add(*term));
        assert!((sum.value() - want).abs() <= 1e-12, "{} instead of {want}", sum.value());
    }

    #[test]
    fn sums() {
        check(&[], 0.0);
        check(&[0.1, 0.2, -0.3], 0.0);
        check(&[2047.75, -2048.25, 0.5], 0.0);
        check(&[f64::NAN, 1.0], 1.0);
        check(&[f64::INFINITY], TERM_MAX);
        check(&[f64::MIN, 1.0], 1.0 - TERM_MAX);
    }

    #[test]
    fn both_ways_of_rounding_are_one() {
        for term in [0.3, -1234.567, 2047.999, 1.0 / 3.0, 0.5 / UNIT, 1.5 / UNIT, -2.5 / UNIT] {
            assert_eq!(i128::from(small(term)), (term * UNIT).round_ties_even() as i128, "{term}");
        }
    }
}
