//! What metrics were in the windows before: what forecasts and changes are measured by.
use std::collections::BTreeMap;

use crate::{
    config::{Derived, ModelConfig, Rule, Threshold},
    monitor::{Against, Bounds},
    store::{Group, MeasurementsRow},
    time::{Grid, Interval, Timestamp, WindowSize},
};

use super::rules::group_of;

/// Version, segment, metric and column, empty where it is of all of them or of the window; and
/// whether it is against a season. What was kept before there were any is against the reference.
type Key = (String, String, String, String, bool);

/// The past of a model's metrics in windows of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    series: BTreeMap<Key, BTreeMap<Timestamp, Point>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Point {
    value: f64,
    /// By rule what it was judged by.
    bounds: Vec<(String, Bounds)>,
}

/// One series of a model.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Its version; empty for all of them together.
    pub version: &'a str,
    /// Its slice; empty for all rows.
    pub segment: &'a str,
    /// Its metric.
    pub metric: &'a str,
    /// Its column, where it is of one.
    pub column: Option<&'a str>,
    /// What it is measured against, where it is against something.
    pub against: Option<Against>,
}

impl History {
    /// Takes what was measured on a window, as far as `rules` look back on it.
    pub fn add(&mut self, row: &MeasurementsRow, rules: &[&Rule]) {
        for it in &row.measurements {
            let Ok(value) = it.value else { continue };
            if !rules.iter().any(|rule| rule.metric == it.metric) {
                continue;
            }
            let bounds = it.limits.iter().filter_map(|limit| {
                let is_asked = rules.iter().any(|rule| rule.name == limit.rule);
                is_asked.then_some((limit.rule.clone(), *limit.bounds.as_ref().ok()?))
            });
            let point = Point { value, bounds: bounds.collect() };
            let column = it.column.clone().unwrap_or_default();
            let (version, segment) = (row.version.clone(), row.segment.clone());
            let is_seasonal = it.against == Some(Against::Season);
            let key = (version, segment, it.metric.clone(), column, is_seasonal);
            self.series.entry(key).or_default().insert(row.window.start, point);
        }
    }

    /// Forgets windows that begin before.
    pub fn forget_before(&mut self, start: Timestamp) {
        for points in self.series.values_mut() {
            *points = points.split_off(&start);
        }
        self.series.retain(|_, points| !points.is_empty());
    }

    /// The values of a series in these windows. With a `rule`, what breached its bounds then is the
    /// bound that it was beyond: an outlier is no measure of what is usual.
    pub fn past(
        &self,
        of: Series<'_>,
        rule: Option<&str>,
        windows: &[Timestamp],
    ) -> Vec<Option<f64>> {
        let column = of.column.unwrap_or_default();
        let [version, segment, metric, column] =
            [of.version, of.segment, of.metric, column].map(str::to_owned);
        let is_seasonal = of.against == Some(Against::Season);
        let points = self.series.get(&(version, segment, metric, column, is_seasonal));
        let at = |start: &Timestamp| {
            let point = points?.get(start)?;
            let bounds = point.bounds.iter().find(|(name, _)| rule == Some(name.as_str()));
            Some(bounds.map_or(point.value, |(_, bounds)| bounds.clipped(point.value)))
        };
        windows.iter().map(at).collect()
    }

    /// Starts of up to `count` windows before this one, oldest first, none before the first known.
    pub fn windows_before(&self, grid: &Grid, window: Interval, count: usize) -> Vec<Timestamp> {
        let first = self.series.values().filter_map(|it| it.keys().next()).min();
        let Some(first) = first else { return Vec::new() };
        let mut windows = Vec::new();
        let mut last = window;
        while windows.len() < count {
            last = grid.previous(&last);
            if last.start < *first {
                break;
            }
            windows.push(last.start);
        }
        windows.reverse();
        windows
    }
}

/// The rules of a model that look back on earlier windows of this size, of metrics of this group.
pub fn looking_back(model: &ModelConfig, size: WindowSize, group: Group) -> Vec<&Rule> {
    let of_size = model.rules.iter().filter(|it| it.window == size && looks_back(it));
    of_size.filter(|it| group_of(model, it.metric) == group).collect()
}

/// Whether a rule's threshold rests on earlier windows.
pub fn looks_back(rule: &Rule) -> bool {
    matches!(rule.threshold, Threshold::Derived(Derived::Forecast(_) | Derived::Change(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::{Limit, Measurement};

    fn row(day: i64, value: f64, upper: Option<f64>) -> MeasurementsRow {
        let grid = Grid::utc(WindowSize::Day);
        let start = Timestamp::from_micros(0).plus(crate::time::Span::days(day));
        let limit = |upper| Limit {
            rule: "r".into(),
            bounds: Ok(Bounds::above(upper)),
            from: String::new(),
            found: None,
        };
        let measurement = Measurement {
            metric: "psi".into(),
            column: Some("x".into()),
            segment: None,
            value: Ok(value),
            p_value: None,
            error_bound: 0.0,
            threshold: None,
            rows: 100,
            labels: None,
            label_coverage: None,
            limits: upper.map(limit).into_iter().collect(),
            against: None,
        };
        MeasurementsRow {
            model: "m".into(),
            version: String::new(),
            segment: String::new(),
            window: grid.window_of(start),
            group: Group::Drift,
            measurements: vec![measurement],
        }
    }

    fn rule() -> Rule {
        Rule {
            name: "r".into(),
            metric: "psi",
            worse: crate::config::Worse::Higher,
            segment: crate::config::Segment::Whole,
            on: crate::config::On::Features,
            window: WindowSize::Day,
            threshold: Threshold::Derived(Derived::Forecast(4.0)),
            clear_at: None,
            windows: 1,
            clear_windows: 1,
            severity: crate::config::Severity::Warning,
            notify: Vec::new(),
            retrain: None,
            per_version: false,
            against: None,
        }
    }

    #[test]
    fn what_breached_is_remembered_as_the_bound_it_was_beyond() {
        let (mut history, rule) = (History::default(), rule());
        for row in [row(1, 0.1, None), row(2, 0.9, Some(0.3)), row(4, 0.2, Some(0.3))] {
            history.add(&row, &[&rule]);
        }
        let grid = Grid::utc(WindowSize::Day);
        let today = row(5, 0.0, None).window;
        let windows = history.windows_before(&grid, today, 9);
        let series = Series {
            version: "",
            segment: "",
            metric: "psi",
            column: Some("x"),
            against: Some(Against::Reference),
        };
        let past = |rule| history.past(series, rule, &windows);
        assert_eq!(past(Some("r")), [Some(0.1), Some(0.3), None, Some(0.2)]);
        assert_eq!(past(None), [Some(0.1), Some(0.9), None, Some(0.2)]);
        let other = Series { column: None, ..series };
        assert!(history.past(other, None, &windows).iter().all(Option::is_none));
        let mut later = history.clone();
        later.forget_before(windows[2]);
        assert_eq!(later.windows_before(&grid, today, 9), windows[3..]);
        // Against the season it is another series.
        let seasonal = Series { against: Some(Against::Season), ..series };
        assert!(history.past(seasonal, None, &windows).iter().all(Option::is_none));
        let mut third = row(3, 0.7, None);
        third.measurements[0].against = Some(Against::Season);
        history.add(&third, &[&rule]);
        assert_eq!(history.past(seasonal, None, &windows), [None, None, Some(0.7), None]);
        assert_eq!(history.past(series, None, &windows)[2], None);
    }
}
