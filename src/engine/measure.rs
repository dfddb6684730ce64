//! A window's measurements, segment by segment, version by version and all together.
use std::collections::BTreeMap;

use super::{
    BySlice, Roles, Slice, budgets,
    history::History,
    joint,
    limits::{self, Known},
    season::{self, Seasonal},
    slice::{by_segment, with_total},
};
use crate::{
    config::ModelConfig,
    monitor::{
        Frozen, Measurement, NullDraws, Outcomes, SchemaChanges, drift,
        multivariate::measure_windows, performance,
    },
    profile::{Limits, Profile},
    stat::{NoValue, Side, Whole},
    store::{Group, MeasurementsRow},
    time::{Interval, Span, Timestamp, WindowSize},
};

/// Rows and measurements by version and segment.
pub type Measurements = BySlice<(u64, Vec<Measurement>)>;

/// A window that is measured: when it is, and what came in it.
#[derive(Clone, Copy, Debug)]
pub struct Closed<'a> {
    /// Its size.
    pub size: WindowSize,
    /// When it is.
    pub window: Interval,
    /// Profiles by version and segment.
    pub profiles: &'a BySlice<Profile>,
    /// The segments that the model keeps: measured also where no row of them came.
    pub segments: &'a [String],
    /// By segment, rows of the windows of the same slot in earlier weeks, newest first.
    pub earlier: &'a BTreeMap<String, Vec<u64>>,
    /// What metrics were in the windows before.
    pub history: &'a History,
    /// The season beside the reference, or instead of it; none where the window has no slot.
    pub season: Option<&'a Seasonal>,
}

/// A window whose accuracy is judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Its size.
    pub size: WindowSize,
    /// When it is.
    pub window: Interval,
    /// What metrics were in the windows before.
    pub history: &'a History,
}

impl Closed<'_> {
    /// What came, with what did not: each version of each kept segment, and all of them together.
    fn complete(&self) -> BySlice<Profile> {
        let mut profiles = self.profiles.clone();
        let versions: Vec<String> =
            profiles.keys().filter(|it| it.is_whole()).map(|it| it.version.clone()).collect();
        for segment in self.segments {
            for version in &versions {
                profiles.entry(Slice::new(version, segment)).or_default();
            }
            if versions.is_empty() {
                profiles.entry(Slice::new("", segment)).or_default();
            }
        }
        profiles
    }
}

/// Drift and quality against a reference, with the thresholds of the rules that have a budget. A
/// segment is compared with the reference's rows of it, and with the season's.
pub fn drift(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
    closed: Closed<'_>,
    nulls: &mut NullDraws,
) -> Measurements {
    let mut columns = roles.features(reference);
    columns.extend(roles.predictions());
    // Vectors have no measure column by column.
    if let Some(together) = &reference.joint {
        columns.retain(|name| !together.frame.vectors.contains_key(name));
    }
    let profiles = closed.complete();
    let all = with_total(&profiles, |total, it| total.merge(it, &Limits::default()));
    let (mut measured, mut singles) = (Measurements::new(), Vec::new());
    for (segment, versions) in by_segment(&all) {
        let against = reference.of_segment(segment);
        let own = versions.iter().filter(|(version, _)| !version.is_empty());
        let rows_of_all = versions.get("").map_or(0, |total| total.rows);
        // One version alone is all versions together: measured once, said twice.
        let single = own.clone().count() == 1;
        for (version, profile) in &versions {
            if single && version.is_empty() {
                continue;
            }
            let slice = Slice::new(*version, segment);
            let it = OfSlice { slice: &slice, profile, rows_of_all, columns: &columns };
            let values = it.measure(model, roles, &against, closed, nulls);
            let values = season::complete(model, roles, closed, (&against, it), values, nulls);
            singles.extend(single.then(|| slice.clone()));
            measured.insert(slice, (profile.rows, values));
        }
    }
    season::limit_all(model, roles, closed, reference, &mut measured, nulls);
    for slice in singles {
        if let Some(only) = measured.get(&slice).cloned() {
            measured.insert(Slice::new("", slice.segment), only);
        }
    }
    measured
}

/// One slice of a window.
#[derive(Clone, Copy)]
pub(super) struct OfSlice<'a> {
    pub(super) slice: &'a Slice,
    pub(super) profile: &'a Profile,
    /// Of all versions of its segment.
    rows_of_all: u64,
    pub(super) columns: &'a [String],
}

impl OfSlice<'_> {
    fn measure(
        &self,
        model: &ModelConfig,
        roles: &Roles,
        against: &Frozen,
        closed: Closed<'_>,
        nulls: &mut NullDraws,
    ) -> Vec<Measurement> {
        let profile = self.profile;
        let schema = SchemaChanges::of(against, profile, &roles.predictions());
        let earlier = closed.earlier.get(&self.slice.segment);
        let whole = Whole {
            rows: profile.rows,
            rows_of_all: self.rows_of_all,
            ids: profile.ids,
            newest_age_s: newest_age_s(profile, closed.window, model.lateness),
            columns_changed: schema.map(|it| it.count()),
            earlier: earlier.map_or(&[], Vec::as_slice),
        };
        let (metrics, rows_min) = (&model.metrics, model.rows_min);
        let mut values =
            drift::measure(against, profile, &whole, self.columns, metrics, rows_min, nulls);
        if self.slice.is_whole() {
            let named = joint::named(model);
            let mut joint = measure_windows(against, profile, metrics, &named, rows_min);
            // What is about the window as a whole stands together.
            let whole =
                |values: &[Measurement]| values.iter().take_while(|it| it.column.is_none()).count();
            let vectors = joint.split_off(whole(&joint));
            let at = whole(&values);
            values.splice(at..at, joint);
            values.extend(vectors);
        }
        self.name_segment(&mut values);
        values
    }

    /// Says of what was measured on a segment which one it is, and where its reference lacks it.
    pub(super) fn name_segment(&self, values: &mut [Measurement]) {
        if self.slice.is_whole() {
            return;
        }
        for it in values {
            it.segment = Some(self.slice.segment.clone());
            if it.value == Err(NoValue::NoData { side: Side::Reference }) {
                it.value = Err(NoValue::NewSegment);
            }
        }
    }
}

/// Seconds from the newest row to the window's close; of no rows, from the window's start.
fn newest_age_s(profile: &Profile, window: Interval, lateness: Span) -> Option<f64> {
    let newest = match (profile.times.range_us, profile.rows) {
        (Some((_, newest)), _) => Timestamp::from_micros(newest),
        (None, 0) => window.start,
        (None, _) => return None,
    };
    Some(window.end.plus(lateness).since(newest).as_micros() as f64 / 1e6)
}

/// Accuracy against the labels that have come.
pub fn accuracy(outcomes: &BySlice<Outcomes>, rows_min: u64) -> Measurements {
    let measure = |(slice, it): (Slice, Outcomes)| {
        let mut values = performance::measure(&it, rows_min);
        if !slice.is_whole() {
            values.iter_mut().for_each(|value| value.segment = Some(slice.segment.clone()));
        }
        (slice, (it.rows(), values))
    };
    with_total(outcomes, |total, it| total.merge(it)).into_iter().map(measure).collect()
}

/// Gives the accuracy of each version the thresholds of the rules that judge it.
pub fn limit(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
    judged: Judged<'_>,
    measured: &mut Measurements,
    nulls: &mut NullDraws,
) {
    let Judged { size, window, history } = judged;
    for (slice, (_, values)) in measured.iter_mut() {
        if slice.is_whole() {
            budgets::limit_accuracy(model, reference, size, values, nulls);
        }
        let (version, profile) = (slice.version.as_str(), None);
        let known = Known { model, roles, reference, size, window, version, profile, history };
        limits::find(known, values);
    }
}

/// The same for a window's custom metrics, which stand after all others.
pub fn limit_custom(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
    judged: Judged<'_>,
    measured: &mut Measurements,
) {
    let Judged { size, window, history } = judged;
    for (slice, (_, values)) in measured.iter_mut().filter(|(slice, _)| slice.is_whole()) {
        let is_custom = |it: &Measurement| model.custom.iter().any(|own| own.name == it.metric);
        let first = values.partition_point(|it| !is_custom(it));
        let (version, profile) = (slice.version.as_str(), None);
        let known = Known { model, roles, reference, size, window, version, profile, history };
        limits::find(known, &mut values[first..]);
    }
}

/// The rows that keep what was measured.
pub fn rows(
    model: &str,
    window: Interval,
    group: Group,
    measured: &Measurements,
) -> Vec<MeasurementsRow> {
    measured
        .iter()
        .map(|(slice, (_, measurements))| MeasurementsRow {
            model: model.to_owned(),
            version: slice.version.clone(),
            segment: slice.segment.clone(),
            window,
            group,
            measurements: measurements.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(rows: u64) -> Outcomes {
        let mut outcomes = Outcomes::default();
        (0..rows).for_each(|n| outcomes.add(Some(0.5), n % 2 == 0, Some(n % 3 == 0)));
        outcomes
    }

    #[test]
    fn all_versions_together_stand_beside_each() {
        let of = Slice::of_version;
        let versions = BySlice::from([(of("v1"), outcomes(6)), (of("v2"), outcomes(9))]);
        let rows: Vec<(String, u64)> = accuracy(&versions, 1)
            .into_iter()
            .map(|(slice, (rows, _))| (slice.version, rows))
            .collect();
        assert_eq!(rows, [(String::new(), 15), ("v1".into(), 6), ("v2".into(), 9)]);
        // Without versions, and without rows, there is the whole alone.
        for (versions, total) in [(BySlice::from([(of(""), outcomes(6))]), 6), (BySlice::new(), 0)]
        {
            let measured = accuracy(&versions, 1);
            assert_eq!(measured.keys().collect::<Vec<_>>(), [&of("")]);
            assert_eq!(measured[&of("")].0, total);
            assert_eq!(measured[&of("")].1.len(), performance::METRICS.len());
        }
    }

    #[test]
    fn a_window_is_as_stale_as_its_newest_row_is_old() {
        let at = |us| crate::time::Timestamp::from_micros(us);
        let window = Interval { start: at(0), end: at(60_000_000) };
        let of = |rows, range_us| {
            let times = crate::profile::Times { range_us };
            let profile = Profile { rows, times, ..Profile::default() };
            newest_age_s(&profile, window, Span::seconds(30))
        };
        assert_eq!(of(5, Some((1, 45_500_000))), Some(44.5));
        // Silence is no fresher than a row at the very start; what was not kept is not known.
        assert_eq!(of(0, None), Some(90.0));
        assert_eq!(of(5, None), None);
    }

    #[test]
    fn rows_keep_their_window_version_and_group() {
        let at = |us| crate::time::Timestamp::from_micros(us);
        let window = Interval { start: at(0), end: at(9) };
        let measured = accuracy(&BySlice::from([(Slice::of_version("v1"), outcomes(6))]), 1);
        let kept = rows("m", window, Group::Performance, &measured);
        let versions: Vec<&str> = kept.iter().map(|row| row.version.as_str()).collect();
        assert_eq!(versions, ["", "v1"]);
        assert!(kept.iter().all(|row| row.window == window && row.group == Group::Performance));
        // One version alone is the whole.
        assert_eq!(kept[0].measurements, kept[1].measurements);
    }

    /// What a window of 300 rows of `JFK`, 50 of `LGA` and 250 of `new` measures.
    fn segmented() -> Measurements {
        let text = r#"
[models.m]
task = "binary"
[models.m.metrics]
numeric = ["psi"]
[models.m.predictions]
source = { type = "files", path = "rows" }
time = "at"
segments = ["o"]
[models.m.reference]
previous = "28d"
"#;
        let path = std::path::Path::new("/x/driftd.toml");
        let (config, _) = crate::config::Config::parse(text, path)
            .unwrap_or_else(|report| panic!("{}", report.render(false)));
        let model = &config.models["m"];
        let numbers = |rows: i32, from: i32| {
            let x = crate::stat::numeric((from..from + rows).map(f64::from));
            let rows = x.counts.rows;
            Profile { rows, columns: [("x".to_owned(), x)].into(), ..Profile::default() }
        };
        let mut reference =
            crate::monitor::freeze(numbers(1000, 0), "static", 10, &BTreeMap::new());
        for (name, from) in [("o=JFK", 0), ("o=LGA", 500), ("o=gone", 0)] {
            let segment = reference.freeze_segment(numbers(500, from), 10);
            reference.segments.insert(name.to_owned(), segment);
        }
        let slices = [("", 600, 0), ("o=JFK", 300, 500), ("o=LGA", 50, 0), ("o=new", 250, 0)];
        let profiles = slices
            .map(|(segment, rows, from)| (Slice::new("v1", segment), numbers(rows, from)))
            .into();
        let segments = ["o=JFK", "o=LGA", "o=new", "o=gone"].map(str::to_owned);
        let earlier = BTreeMap::from([("o=JFK".to_owned(), vec![300, 300])]);
        let at = |us| crate::time::Timestamp::from_micros(us);
        let window = Interval { start: at(0), end: at(9) };
        let (size, profiles, segments) = (WindowSize::Day, &profiles, &segments[..]);
        let (earlier, history, season) = (&earlier, &History::default(), None);
        let closed = Closed { size, window, profiles, segments, earlier, history, season };
        drift(model, &Roles::new(model), &reference, closed, &mut NullDraws::new())
    }

    #[test]
    fn a_segment_is_compared_with_its_own_reference() {
        let measured = segmented();
        let told = |segment: &str, metric: &str| {
            let (rows, values) = &measured[&Slice::new("v1", segment)];
            let found = values.iter().find(|it| it.metric == metric).unwrap();
            assert_eq!(found.segment.as_deref(), Some(segment).filter(|it| !it.is_empty()));
            // One version alone is all of them together.
            assert_eq!(measured[&Slice::new("", segment)], measured[&Slice::new("v1", segment)]);
            let value = found.value.clone();
            format!("{rows} rows: {}", value.map_or_else(|e| e.to_string(), |v| format!("{v:.1}")))
        };
        insta::assert_snapshot!(
            [
                told("", "psi"),
                told("o=JFK", "psi"),
                told("o=LGA", "psi"),
                told("o=new", "psi"),
                told("o=gone", "psi"),
                told("o=gone", "row_count"),
                told("o=new", "row_count"),
            ]
            .join("\n"),
            @r"
        600 rows: 2.1
        300 rows: 5.7
        50 rows: insufficient: needs 200 rows with a value in the current window, got 50
        250 rows: not in the reference: it has no rows of this segment
        0 rows: no data: the current window has no rows
        0 rows: 0.0
        250 rows: 250.0
        "
        );
        assert_eq!(measured.len(), 10);
    }
}
