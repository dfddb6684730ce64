//! What is usual for a column: the mean and the deviation of its windows' values, of all of them or
//! by slot.
//!
//! Where days of the week differ, a Sunday is far from the mean of all days every time, and a
//! threshold above all Sundays hardly sees a Tuesday. So where an analysis of variance (Fisher
//! 1925) says at [`SIGNIFICANT`] that slots differ, a window is compared with those of its own
//! slot. A slot has few windows: their variance is joined with that of all slots about their own
//! means, which counts as [`POOLED`] windows more.
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

/// Probability below which slots that differ so much are not chance.
const SIGNIFICANT: f64 = 0.01;
/// Windows of a slot from which it has a mean of its own.
const OWN_MIN: f64 = 5.0;
/// For how many windows of a slot the deviation of all slots counts.
const POOLED: f64 = 12.0;
/// What a window's deviation is at least, in those of all: one that stands alone must not be
/// infinitely far from others that are all alike.
const OTHERS_MIN: f64 = 0.5;

/// Number, mean, and sum of squares about it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    n: f64,
    mean: f64,
    m2: f64,
}

impl Sums {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let n = values.clone().count() as f64;
        if n == 0.0 {
            return Self::default();
        }
        let mean = values.clone().sum::<f64>() / n;
        Self { n, mean, m2: values.map(|value| (value - mean).powi(2)).sum() }
    }

    /// Without one of the values, while there are others.
    fn without(&self, value: f64) -> Self {
        let n = self.n - 1.0;
        if n < 1.0 {
            return *self;
        }
        let gap = value - self.mean;
        Self { n, mean: self.mean - gap / n, m2: (self.m2 - gap * gap * self.n / n).max(0.0) }
    }

    fn variance(&self) -> f64 {
        self.m2 / (self.n - 1.0).max(1.0)
    }
}

/// Where values usually lie, and how far about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Centre {
    /// The mean.
    pub(super) mean: f64,
    /// The standard deviation (ddof 1).
    pub(super) deviation: f64,
}

/// What is usual for a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Usual {
    all: Sums,
    /// By slot, where slots differ: `None` of one with too few windows.
    slots: Vec<Option<Sums>>,
    /// Sum of squares about the slots' means, and its degrees of freedom.
    within: (f64, f64),
}

impl Usual {
    /// That of all values together; `None` for fewer than two.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let all = Sums::of(values.iter().copied());
        (all.n >= 2.0).then(|| Self { all, slots: Vec::new(), within: (0.0, 0.0) })
    }

    /// That of each slot; `slots` has that of each value, all below `count`. `None` where the
    /// slots don't differ.
    pub(super) fn by_slot(values: &[f64], slots: &[usize], count: usize) -> Option<Self> {
        let of = |slot: usize| {
            let own = values.iter().zip(slots).filter(move |(_, at)| **at == slot);
            Some(Sums::of(own.map(|(value, _)| *value))).filter(|it| it.n >= OWN_MIN)
        };
        let all = Sums::of(values.iter().copied());
        let slots: Vec<Option<Sums>> = (0..count).map(of).collect();
        let known = || slots.iter().flatten();
        let (groups, n) = (known().count() as f64, known().map(|it| it.n).sum::<f64>());
        let within = (known().map(|it| it.m2).sum::<f64>(), n - groups);
        let mean = known().map(|it| it.n * it.mean).sum::<f64>() / n;
        let between = known().map(|it| it.n * (it.mean - mean).powi(2)).sum::<f64>();
        if groups < 2.0 || within.0 <= 0.0 {
            return None;
        }
        let ratio = between / (groups - 1.0) / (within.0 / within.1);
        let law = FisherSnedecor::new(groups - 1.0, within.1).ok()?;
        let differ = ratio.is_finite() && law.sf(ratio) < SIGNIFICANT;
        differ.then_some(Self { all, slots, within })
    }

    /// The slot with a mean of its own.
    fn own(&self, slot: Option<usize>) -> Option<&Sums> {
        self.slots.get(slot?)?.as_ref()
    }

    /// Whether this slot has.
    pub(super) fn has(&self, slot: usize) -> bool {
        self.own(Some(slot)).is_some()
    }

    fn centre(sums: &Sums, pooled: Option<(f64, f64)>) -> Centre {
        let variance = match pooled {
            Some((m2, freedom)) => {
                let weight = POOLED + sums.n - 1.0;
                (POOLED * m2 / freedom.max(1.0) + sums.m2) / weight
            }
            None => sums.variance(),
        };
        Centre { mean: sums.mean, deviation: variance.sqrt() }
    }

    /// What is usual in a window of this slot.
    pub(super) fn at(&self, slot: Option<usize>) -> Centre {
        match self.own(slot) {
            Some(sums) => Self::centre(sums, Some(self.within)),
            None => Self::centre(&self.all, None),
        }
    }

    /// The least of a run of the reference's own windows, each in deviations of the others from
    /// the mean of the others. The whole run is left out, as a run of windows to come will be: one
    /// that is far off must not hide its neighbour.
    pub(super) fn least(&self, run: &[(f64, Option<usize>)]) -> f64 {
        let mut others = self.clone();
        run.iter().for_each(|(value, slot)| others.leave_out(*value, *slot));
        let score = |(value, slot): &(f64, Option<usize>)| {
            let centre = others.at(*slot);
            let deviation = centre.deviation.max(OTHERS_MIN * self.at(*slot).deviation);
            if deviation > 0.0 { (value - centre.mean) / deviation } else { 0.0 }
        };
        run.iter().map(score).fold(f64::INFINITY, f64::min)
    }

    fn leave_out(&mut self, value: f64, slot: Option<usize>) {
        self.all = self.all.without(value);
        let own = slot.and_then(|slot| self.slots.get_mut(slot)?.as_mut());
        if let Some(own) = own.filter(|own| own.n > 1.0) {
            let rest = own.without(value);
            self.within = ((self.within.0 - own.m2 + rest.m2).max(0.0), self.within.1 - 1.0);
            *own = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Weeks of values about a mean for each of the first slots, a little apart.
    fn weeks(means: &[f64], count: usize) -> (Vec<f64>, Vec<usize>) {
        let value = |week: usize, slot: usize| {
            let noise = ((week * 7 + slot * 3) % 5) as f64 - 2.0;
            (means[slot] + noise, slot)
        };
        (0..count).flat_map(|week| (0..means.len()).map(move |slot| value(week, slot))).unzip()
    }

    #[test]
    fn slots_count_where_they_differ() {
        let (values, slots) = weeks(&[1.0, 1.0, 9.0], 10);
        let usual = Usual::by_slot(&values, &slots, 3).unwrap();
        // Each slot has the noise -2..=2 twice: its squares sum to 20, over 9 or, of all, over 27.
        let deviation = ((12.0 * 60.0 / 27.0 + 20.0) / 21.0f64).sqrt();
        for (slot, mean) in [(0, 1.0), (1, 1.0), (2, 9.0)] {
            let centre = usual.at(Some(slot));
            assert!((centre.mean - mean).abs() < 1e-12, "{centre:?}");
            assert!((centre.deviation - deviation).abs() < 1e-12, "{centre:?}");
        }
        let (values, slots) = weeks(&[1.0, 1.0, 1.0], 10);
        assert_eq!(Usual::by_slot(&values, &slots, 3), None);
    }

    #[test]
    fn a_slot_that_the_reference_hardly_has_is_compared_with_all() {
        let (mut values, mut slots) = weeks(&[1.0, 9.0], 10);
        values.extend([5.0; 3]);
        slots.extend([2; 3]);
        let usual = Usual::by_slot(&values, &slots, 4).unwrap();
        let all = Usual::of(&values).unwrap().at(None);
        for slot in [Some(2), Some(3), Some(99), None] {
            assert_eq!(usual.at(slot), all);
        }
    }

    #[test]
    fn nothing_to_tell_from() {
        assert_eq!(Usual::of(&[]), None);
        assert_eq!(Usual::of(&[1.0]), None);
        assert_eq!(Usual::by_slot(&[], &[], 7), None);
        // Slots without any spread of their own: no noise to compare with.
        let constant: Vec<f64> = (0..60).map(|i| f64::from(i % 2)).collect();
        let slots: Vec<usize> = (0..60).map(|i| i % 2).collect();
        assert_eq!(Usual::by_slot(&constant, &slots, 2), None);
        let usual = Usual::of(&[3.0; 9]).unwrap();
        assert!(usual.least(&[(3.0, None); 9]).abs() < 1e-15);
    }

    #[test]
    fn a_window_that_is_far_off_does_not_hide_its_neighbour() {
        let (mut values, slots) = weeks(&[1.0, 9.0], 20);
        (values[0], values[1]) = (20.0, 14.0);
        for usual in [Usual::of(&values), Usual::by_slot(&values, &slots, 2)] {
            let usual = usual.unwrap();
            let run = [(values[0], Some(0)), (values[1], Some(1))];
            assert!(usual.least(&run) > usual.least(&run[1..]), "{usual:?}");
        }
    }

    proptest! {
        #[test]
        fn windows_are_scored_by_the_others(
            noise in proptest::collection::vec(-1.0..1.0f64, 40..80),
            gap in 5.0..9.0f64,
            at in 0..39_usize,
        ) {
            let slots: Vec<usize> = (0..noise.len()).map(|i| i % 4).collect();
            let values: Vec<f64> =
                noise.iter().zip(&slots).map(|(it, slot)| it + gap * *slot as f64).collect();
            let (mut others, mut of_others) = (values.clone(), slots.clone());
            let values_of_run: Vec<f64> = others.drain(at..at + 2).collect();
            let slots_of_run: Vec<usize> = of_others.drain(at..at + 2).collect();
            let run: Vec<(f64, Option<usize>)> =
                values_of_run.into_iter().zip(slots_of_run.into_iter().map(Some)).collect();
            for (usual, others) in [
                (Usual::by_slot(&values, &slots, 4), Usual::by_slot(&others, &of_others, 4)),
                (Usual::of(&values), Usual::of(&others)),
            ] {
                let (usual, others) = (usual.unwrap(), others.unwrap());
                let score = |(value, slot): &(f64, Option<usize>)| {
                    (value - others.at(*slot).mean) / others.at(*slot).deviation
                };
                let want = run.iter().map(score).fold(f64::INFINITY, f64::min);
                prop_assert!((usual.least(&run) - want).abs() < 1e-9);
            }
        }
    }
}
