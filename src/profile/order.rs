//! Finite numbers as integers of the same order, so that sorting and merging compare integers.

/// The integer of a number; -0.0 and 0.0 are both 0. NaN and the infinities lie outside
/// [`is_finite`]'s range.
pub(super) fn key(value: f64) -> i64 {
    flip((value + 0.0).to_bits().cast_signed())
}

/// The number of an integer from [`key`].
pub(super) fn value(key: i64) -> f64 {
    f64::from_bits(flip(key).cast_unsigned())
}

/// Whether a key is that of a finite number.
pub(super) fn is_finite(key: i64) -> bool {
    const INFINITY: i64 = f64::INFINITY.to_bits().cast_signed();
    // The key of -inf is `!INFINITY`.
    !INFINITY < key && key < INFINITY
}

/// Negative numbers run backwards by their bits: turns them round. Its own inverse.
fn flip(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// Merges two ascending runs.
pub(super) fn merge(a: &[i64], b: &[i64]) -> Vec<i64> {
    let mut out = vec![0; a.len() + b.len()];
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        // Without a branch: which side is next cannot be predicted.
        let from_a = a[i] <= b[j];
        out[i + j] = if from_a { a[i] } else { b[j] };
        i += usize::from(from_a);
        j += usize::from(!from_a);
    }
    let done = i + j;
    let rest = if i < a.len() { &a[i..] } else { &b[j..] };
    out[done..].copy_from_slice(rest);
    out
}

/// Runs of equal keys of an ascending slice, as (key, length).
pub(super) fn runs(sorted: &[i64]) -> Vec<(i64, u64)> {
    let mut runs: Vec<(i64, u64)> = Vec::new();
    for &key in sorted {
        match runs.last_mut() {
            Some((last, rows)) if *last == key => *rows += 1,
            _ => runs.push((key, 1)),
        }
    }
    runs
}

/// Adds up the rows of equal neighbours.
pub(super) fn sum_equal(pairs: &mut Vec<(i64, u64)>) {
    pairs.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_numbers_and_come_back() {
        let ascending = [
            f64::MIN,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            1.0,
            f64::MAX,
        ];
        for pair in ascending.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        for number in ascending {
            assert!(is_finite(key(number)));
            assert_eq!(value(key(number)).to_bits(), number.to_bits());
        }
        assert_eq!(key(-0.0), key(0.0));
        for odd in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!is_finite(key(odd)), "{odd}");
        }
    }

    #[test]
    fn merging_runs() {
        assert_eq!(merge(&[1, 3, 3], &[2, 3, 9, 10]), [1, 2, 3, 3, 3, 9, 10]);
        assert_eq!(merge(&[], &[4]), [4]);
        assert_eq!(runs(&[1, 1, 2, 5, 5, 5]), [(1, 2), (2, 1), (5, 3)]);
    }
}
