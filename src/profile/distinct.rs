//! How many different values there were: a HyperLogLog sketch of 2,048 registers.
//!
//! Bytes are those of Apache DataSketches (HLL_8, lgK 11) and texts are hashed by their UTF-8
//! bytes, so a sketch made by Spark's `hll_sketch_agg` of strings can be united with ours.
use datasketches::hash::value::raw_bytes;
use datasketches::hll::{HllSketch, HllType, HllUnion};

/// Relative standard error of an estimate is about 1.04 / √2048 = 2.3 %.
const LG_K: u8 = 11;

/// A distinct sketch that grows.
#[derive(Clone, Debug)]
pub(super) struct Distinct {
    sketch: HllSketch,
}

impl Distinct {
    #[expect(clippy::expect_used, reason = "the size is a constant in range")]
    pub(super) fn new() -> Self {
        Self { sketch: HllSketch::new(LG_K, HllType::Hll8).expect("11 is between 4 and 21") }
    }

    pub(super) fn add_name(&mut self, name: &str) {
        self.sketch.update(raw_bytes::from_str(name));
    }

    /// Adds a whole number by the key of its float.
    pub(super) fn add_key(&mut self, key: i64) {
        self.sketch.update(key);
    }

    /// Adds what a sketch's bytes saw; bytes that are none add nothing.
    pub(super) fn add_bytes(&mut self, bytes: &[u8]) {
        if let Some(other) = parse(bytes) {
            self.sketch = unite(&[&self.sketch, &other]);
        }
    }

    /// The bytes, the same for the same values in whatever order they came.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        // United with itself, a sketch forgets what depends on the order of its updates.
        unite(&[&self.sketch, &self.sketch]).serialize()
    }
}

#[expect(clippy::expect_used, reason = "the size is a constant in range")]
fn unite(sketches: &[&HllSketch]) -> HllSketch {
    let mut union = HllUnion::new(LG_K).expect("11 is between 4 and 21");
    for sketch in sketches {
        union.update(sketch);
    }
    union.to_sketch(HllType::Hll8)
}

/// The estimate of a sketch's bytes; 0 where they are none.
pub(super) fn estimate(bytes: &[u8]) -> u64 {
    parse(bytes).map_or(0, |sketch| sketch.composite_estimate().round() as u64)
}

/// Whether bytes are a sketch of ours.
pub(super) fn is_valid(bytes: &[u8]) -> bool {
    parse(bytes).is_some()
}

fn parse(bytes: &[u8]) -> Option<HllSketch> {
    const HEADER: usize = 40;
    const REGISTERS: usize = 1 << LG_K;
    const REGISTER_MAX: u8 = 63;
    if bytes.len() > HEADER + REGISTERS {
        return None;
    }
    let sketch = HllSketch::deserialize(bytes).ok()?;
    if sketch.lg_config_k() != LG_K || sketch.target_type() != HllType::Hll8 {
        return None;
    }
    // The crate takes registers and sums as they are: a damaged one would give a wild estimate.
    let registers = bytes.get(HEADER..HEADER + REGISTERS).unwrap_or_default();
    let sane = registers.iter().all(|&register| register <= REGISTER_MAX)
        && sketch.composite_estimate().is_finite();
    sane.then_some(sketch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: impl Iterator<Item = u32>) -> Vec<u8> {
        let mut distinct = Distinct::new();
        names.for_each(|name| distinct.add_name(&name.to_string()));
        distinct.into_bytes()
    }

    #[test]
    fn order_and_repeats_do_not_change_the_bytes() {
        let bytes = of(0..20_000);
        assert_eq!(bytes, of((0..20_000).rev().chain(0..500)));
        let share = estimate(&bytes) as f64 / 20_000.0;
        assert!((share - 1.0).abs() < 0.07, "{share}");
    }

    #[test]
    fn union_is_that_of_the_values() {
        let mut distinct = Distinct::new();
        distinct.add_bytes(&of(0..9_000));
        distinct.add_bytes(&of(6_000..15_000));
        assert_eq!(distinct.into_bytes(), of(0..15_000));
    }

    #[test]
    fn foreign_bytes_are_none() {
        for bytes in [&[][..], &[0; 8], &[255; 2088], &of(0..5_000)[..100]] {
            assert!(!is_valid(bytes), "{}", bytes.len());
            assert_eq!(estimate(bytes), 0);
        }
        let mut wild = of(0..5_000);
        wild[100] = 200;
        assert!(!is_valid(&wild));
    }
}
