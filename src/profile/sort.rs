//! Sorting keys: most of what profiling costs.
//!
//! Keys of floats spread over their upper bits, so three counting passes over the 33 highest bits
//! that differ leave them nearly in order, in half the time of a comparison sort; what is left is
//! put right by insertion. Keys that crowd within those bits (hostile or tied) are sorted by
//! comparison instead, so the time is bounded for any input.

const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 3;
const BUCKETS: usize = 1 << DIGIT_BITS;
/// Fewer keys are not worth the counting.
const ROWS_MIN: usize = 4_096;
/// Steps of insertion per key before comparison is taken to be cheaper.
const STEPS_MAX: usize = 4;

/// Sorts ascending.
pub(super) fn sort(keys: &mut Vec<i64>) {
    let (Some(&min), Some(&max)) = (keys.iter().min(), keys.iter().max()) else {
        return;
    };
    if keys.len() < ROWS_MIN {
        return keys.sort_unstable();
    }
    let bits = u64::BITS - max.wrapping_sub(min).cast_unsigned().leading_zeros();
    let shift = bits.saturating_sub(DIGIT_BITS * DIGITS as u32);
    let digit = |key: i64, digit: usize| {
        let offset = key.wrapping_sub(min).cast_unsigned() >> shift;
        (offset >> (DIGIT_BITS as usize * digit)) as usize % BUCKETS
    };
    let mut starts = [[0_u32; BUCKETS]; DIGITS];
    for &key in keys.iter() {
        for (d, starts) in starts.iter_mut().enumerate() {
            starts[digit(key, d)] += 1;
        }
    }
    let mut scratch = vec![0; keys.len()];
    for (d, starts) in starts.iter_mut().enumerate() {
        if starts[digit(keys[0], d)] as usize == keys.len() {
            continue;
        }
        let mut before = 0;
        for start in starts.iter_mut() {
            before += std::mem::replace(start, before);
        }
        for &key in keys.iter() {
            let start = &mut starts[digit(key, d)];
            scratch[*start as usize] = key;
            *start += 1;
        }
        std::mem::swap(keys, &mut scratch);
    }
    if shift > 0 && !insert(keys) {
        keys.sort_unstable();
    }
}

/// Sorts keys that are nearly in order; gives up, with the keys in any order, where they are not.
fn insert(keys: &mut [i64]) -> bool {
    let mut steps = STEPS_MAX * keys.len();
    for i in 1..keys.len() {
        let key = keys[i];
        let mut to = i;
        while to > 0 && keys[to - 1] > key {
            keys[to] = keys[to - 1];
            to -= 1;
        }
        keys[to] = key;
        if i - to > steps {
            return false;
        }
        steps -= i - to;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::order;
    use super::*;

    #[track_caller]
    fn check(keys: impl IntoIterator<Item = i64>) {
        let mut keys: Vec<i64> = keys.into_iter().collect();
        let mut expected = keys.clone();
        expected.sort_unstable();
        sort(&mut keys);
        assert!(keys == expected);
    }

    #[test]
    fn sorts_whatever_comes() {
        let spread = |i: i64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed());
        check([]);
        check([3, 1, 2]);
        check((0..10_000).map(spread));
        check((0..10_000).rev());
        check((0..10_000).map(|_| 7));
        check((0..10_000).map(|i| order::key((spread(i) as f64 / 1e18).tan())));
        check((0..10_000).map(|i| order::key((spread(i) % 100) as f64)));
        // All in one bucket but for an outlier: insertion gives up.
        check((0..10_000).map(|i| spread(i) & 0xFFFF).chain([i64::MAX, i64::MIN]));
        check((0..10_000).map(|i| if i % 2 == 0 { i64::MIN + i } else { i64::MAX - i }));
    }
}
