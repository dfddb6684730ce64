//! A reference, and windows measured against it.
use std::collections::BTreeMap;

use driftd::{
    monitor::{Frozen, Measurement, OwnWindows, budget::Thresholds, freeze},
    profile::{ColumnProfile, Distribution, Profile},
    stat::{self, Pair},
    time::{Timestamp, WindowSize},
};

use crate::{
    columns::Maker,
    judge::{at, demand},
};

/// Fewest rows: windows of thirty are judged too.
const ROWS_MIN: u64 = 30;

/// A reference and what is measured against it.
pub(crate) struct Model {
    pub(crate) frozen: Frozen,
    pub(crate) features: Vec<String>,
}

impl Model {
    /// Of the rows of each day, by column.
    pub(crate) fn new(
        maker: &Maker,
        metrics: &[&'static str],
        days: &[Vec<Vec<u64>>],
        timed: bool,
    ) -> Self {
        let columns = days[0].len();
        let features: Vec<String> = (0..columns).map(|i| format!("x{i:02}")).collect();
        let mut whole = vec![vec![0; days[0][0].len()]; columns];
        for day in days {
            for (sum, counts) in whole.iter_mut().zip(day) {
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
        }
        let whole = maker.reference(&features, &whole);
        let mut frozen = freeze(whole, "static", 10, &BTreeMap::new());
        if timed {
            let windows: Vec<(Timestamp, Profile)> = days
                .iter()
                .enumerate()
                .map(|(day, counts)| (at(day), maker.profile(&features, counts)))
                .collect();
            let windows: Vec<(Timestamp, &Profile)> =
                windows.iter().map(|(start, profile)| (*start, profile)).collect();
            let size = WindowSize::Day;
            let own = OwnWindows::measure(&frozen, size, &windows, &features, metrics, ROWS_MIN);
            frozen.own.push(own);
        }
        Self { frozen, features }
    }

    pub(crate) fn measure(&self, metric: &str, current: &[ColumnProfile]) -> Vec<Measurement> {
        let statistic = stat::find(metric).expect("a statistic");
        let of = |(name, current): (&String, &ColumnProfile)| {
            let (reference, bins) = (&self.frozen.profile.columns[name], &self.frozen.bins[name]);
            let pair = Pair { reference, current, bins, rows_min: ROWS_MIN };
            let value = match (metric, reference.numeric(), current.numeric()) {
                // The p-value costs more than all the rest, and no budget asks for it.
                ("ks", Some(reference), Some(current)) => {
                    Ok(largest_gap(&reference.values, &current.values))
                }
                _ => statistic.measure(&pair).map(|value| value.value),
            };
            Measurement {
                metric: metric.to_owned(),
                column: Some(name.clone()),
                segment: None,
                against: None,
                value,
                p_value: None,
                error_bound: 0.0,
                threshold: None,
                rows: statistic.rows(current),
                labels: None,
                label_coverage: None,
                limits: Vec::new(),
            }
        };
        self.features.iter().zip(current).map(of).collect()
    }

    pub(crate) fn thresholds(
        &self,
        metric: &'static str,
        effect_min: Option<f64>,
    ) -> Thresholds<'_> {
        let columns: Vec<&str> = self.features.iter().map(String::as_str).collect();
        Thresholds::new(&self.frozen, metric, WindowSize::Day, &columns, demand(effect_min))
    }
}

/// D of two columns, as `ks` has it.
fn largest_gap(reference: &Distribution, current: &Distribution) -> f64 {
    let (n, m) = (reference.rows() as f64, current.rows() as f64);
    let (mut largest, mut at) = (0.0f64, 0);
    let (mut below_r, mut below_c) = (0, 0);
    for (value, count) in reference.values.iter().zip(&reference.counts) {
        // Every value of a window's lies at one of the reference's cells, or between two.
        while at < current.values.len() && current.values[at] < *value {
            below_c += current.counts[at];
            at += 1;
            largest = largest.max((below_r as f64 / n - below_c as f64 / m).abs());
        }
        while at < current.values.len() && current.values[at] <= *value {
            below_c += current.counts[at];
            at += 1;
        }
        below_r += count;
        largest = largest.max((below_r as f64 / n - below_c as f64 / m).abs());
    }
    // Beyond the reference's largest value nothing is farther apart than there.
    largest
}

#[cfg(test)]
mod tests {
    use driftd::stat::Bins;

    use super::*;
    use crate::{
        columns::Shape,
        rows::{Binding, Cells, Rows},
    };

    #[test]
    fn the_largest_gap_is_that_of_ks() {
        let (cells, mut last) = (Cells::new(), None);
        let maker = Maker::new(Shape::Normal, &cells);
        let mut rows = Rows::new(&cells, Binding::Nothing, 1, 1);
        for moved in [-3.0, -0.1, 0.0, 0.1, 3.0] {
            let (reference, current) = (rows.day(0, 500, 0), rows.day(0, 300, 0));
            let (reference, current) =
                (maker.column(&reference, 0.0), maker.column(&current, moved));
            let pair =
                Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
            let want = stat::find("ks").unwrap().measure(&pair).unwrap().value;
            let values = |column: &ColumnProfile| column.numeric().unwrap().values.clone();
            let got = largest_gap(&values(&reference), &values(&current));
            assert!((got - want).abs() < 1e-12, "{moved}: {got}, not {want}");
            assert_ne!(last.replace(got), Some(got));
        }
    }
}
