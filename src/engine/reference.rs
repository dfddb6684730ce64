//! A reference's rows, as a whole and window by window.
use std::collections::BTreeMap;

use arrow_array::UInt32Array;
use arrow_select::take::take_record_batch;

use super::Roles;
use crate::{
    config::{ModelConfig, Threshold},
    monitor::{Frozen, OwnWindows},
    profile::{Limits, Profile, Profiler, joint::ScoreSums},
    source::Batch,
    time::{Grid, Interval, Timestamp, WindowSize},
};

/// Windows of a reference that are kept apart; where it has more, the newest.
pub const OWN_WINDOWS_MAX: usize = 512;

/// Collects the rows of a reference.
pub struct ReferenceRows<'a> {
    roles: &'a Roles,
    grid: Grid,
    whole: Profiler,
    scores: Option<ScoreSums>,
    windows: BTreeMap<Timestamp, (Interval, Profiler)>,
    /// Windows that begin before this were let go of.
    floor: Timestamp,
}

impl<'a> ReferenceRows<'a> {
    /// Ready to take rows; those with times go to windows of `grid` besides.
    pub fn new(roles: &'a Roles, grid: Grid) -> Self {
        let whole = Profiler::new(roles.kinds.clone(), Limits::default());
        let scores = roles.score.as_ref();
        let scores = scores.map(|score| ScoreSums::new(score, roles.kinds.clone()));
        Self { roles, grid, whole, scores, windows: BTreeMap::new(), floor: Timestamp::MIN }
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// Arrow's words, where a batch can't be split.
    pub fn add(&mut self, batch: &Batch) -> Result<(), String> {
        let record = self.roles.profiled(&batch.record)?;
        self.whole.update(&record);
        self.scores.iter_mut().for_each(|scores| scores.update(&record));
        let Some(times) = &batch.times_us else { return Ok(()) };
        let mut groups: BTreeMap<Timestamp, Vec<u32>> = BTreeMap::new();
        let mut last: Option<Interval> = None;
        for (row, us) in (0_u32..).zip(times) {
            let at = Timestamp::from_micros(*us);
            let window = last.filter(|it| it.contains(at)).unwrap_or_else(|| self.window_of(at));
            last = Some(window);
            if window.start >= self.floor {
                groups.entry(window.start).or_default().push(row);
            }
        }
        for (start, rows) in groups {
            let part = take_record_batch(&record, &UInt32Array::from(rows));
            let window = self.window_of(start);
            let (_, profiler) = self.windows.entry(start).or_insert_with(|| {
                (window, Profiler::new(self.roles.kinds.clone(), Limits::default()))
            });
            profiler.update(&part.map_err(|e| e.to_string())?);
        }
        while self.windows.len() > OWN_WINDOWS_MAX
            && let Some((_, (oldest, _))) = self.windows.pop_first()
        {
            self.floor = oldest.end;
        }
        Ok(())
    }

    /// The window of an instant; the calendar is asked only for new ones.
    fn window_of(&self, at: Timestamp) -> Interval {
        let known = self.windows.range(..=at).next_back().map(|(_, (window, _))| *window);
        known.filter(|it| it.contains(at)).unwrap_or_else(|| self.grid.window_of(at))
    }

    /// The whole, its windows in their order, and how its score goes with its columns.
    pub fn finish(self) -> (Profile, Vec<(Interval, Profile)>, Option<ScoreSums>) {
        let windows = self.windows.into_values();
        let windows = windows.map(|(window, profiler)| (window, profiler.finish()));
        (self.whole.finish(), windows.collect(), self.scores)
    }
}

/// What a reference's windows say against the whole of it, for each size that the model's rules
/// judge. Of a reference that is made `anew` for each window only what a budget asks for now.
pub fn own_windows(
    model: &ModelConfig,
    roles: &Roles,
    frozen: &Frozen,
    windows: &[(Interval, Profile)],
    anew: bool,
) -> Vec<OwnWindows> {
    let mut columns = roles.features(frozen);
    columns.extend(roles.predictions());
    let mut sizes = vec![model.window];
    sizes.extend(model.rules.iter().map(|rule| rule.window));
    sizes.sort_by_key(|size| size.nominal());
    sizes.dedup();
    let metrics = |size: WindowSize| -> Vec<&'static str> {
        if anew {
            let asked = model.rules.iter().filter(|rule| {
                rule.window == size && matches!(rule.threshold, Threshold::Budget { .. })
            });
            return asked.map(|rule| rule.metric).collect();
        }
        let names = &model.metrics;
        [&names.numeric, &names.categorical, &names.quality]
            .into_iter()
            .flatten()
            .copied()
            .collect()
    };
    let mut all = Vec::new();
    for size in sizes {
        let mut metrics = metrics(size);
        metrics.sort_unstable();
        metrics.dedup();
        let grid = Grid { size, zone: model.time_zone.clone() };
        let larger = if size == model.window { Vec::new() } else { joined(&grid, windows) };
        let windows: Vec<(Timestamp, &Profile)> = match size == model.window {
            true => windows.iter().map(|(window, profile)| (window.start, profile)).collect(),
            false => larger.iter().map(|(start, profile)| (*start, profile)).collect(),
        };
        if !metrics.is_empty() && !windows.is_empty() {
            let rows_min = model.rows_min;
            all.push(OwnWindows::measure(frozen, size, &windows, &columns, &metrics, rows_min));
        }
    }
    all
}

/// Windows of a larger size, of those that the reference's time holds as a whole.
fn joined(grid: &Grid, windows: &[(Interval, Profile)]) -> Vec<(Timestamp, Profile)> {
    let (Some((first, _)), Some((last, _))) = (windows.first(), windows.last()) else {
        return Vec::new();
    };
    let mut joined: BTreeMap<Timestamp, Profile> = BTreeMap::new();
    for (window, profile) in windows {
        let outer = grid.window_of(window.start);
        if outer.start >= first.start && outer.end <= last.end {
            joined.entry(outer.start).or_default().merge(profile, &Limits::default());
        }
    }
    joined.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use arrow_array::{Float64Array, RecordBatch};

    use super::*;
    use crate::{config::Config, monitor::freeze, time::Span};

    const CONFIG: &str = r#"
[models.m]
task = "binary"
rows_min = 2
false_alarms = "1/month"
[models.m.predictions]
source = { type = "files", path = "rows" }
time = "at"
[models.m.reference]
source = { type = "files", path = "reference" }
[[models.m.rules]]
name = "daily"
metric = "psi"
notify = ["team"]
[[models.m.rules]]
name = "weekly"
metric = "ks"
window = "1w"
notify = ["team"]
[receivers.team]
type = "webhook"
url = { env = "URL" }
"#;

    fn model() -> ModelConfig {
        let (config, _) = Config::parse(CONFIG, Path::new("/x/driftd.toml"))
            .unwrap_or_else(|report| panic!("{}", report.render(false)));
        config.models["m"].clone()
    }

    /// Four rows a day from Monday, 1970-01-05, shuffled over batches.
    fn batch(days: i64, part: i64) -> Batch {
        let rows = (0..days * 4).filter(|row| (row * 7) % 3 == part);
        let us: Vec<i64> = rows.map(|row| Span::hours(4 * 24 + row * 6).as_micros()).collect();
        let values = us.iter().map(|us| (us % 997) as f64).collect::<Float64Array>();
        let record = RecordBatch::try_from_iter([("x", Arc::new(values) as _)]).unwrap();
        Batch { record, times_us: Some(us) }
    }

    fn read(days: i64) -> (Profile, Vec<(Interval, Profile)>) {
        let roles = Roles::new(&model());
        let mut rows = ReferenceRows::new(&roles, Grid::utc(WindowSize::Day));
        (0..3).for_each(|part| rows.add(&batch(days, part)).unwrap());
        let (profile, windows, _) = rows.finish();
        (profile, windows)
    }

    #[test]
    fn rows_go_to_the_whole_and_to_their_windows() {
        let (whole, windows) = read(20);
        assert_eq!((whole.rows, windows.len()), (80, 20));
        assert!(windows.iter().all(|(_, profile)| profile.rows == 4));
        assert!(windows.is_sorted_by(|a, b| a.0.end == b.0.start));
    }

    #[test]
    fn of_more_windows_than_are_kept_it_is_the_newest_whole_ones() {
        let days = i64::try_from(OWN_WINDOWS_MAX).unwrap() + 30;
        let (whole, windows) = read(days);
        assert_eq!((whole.rows, windows.len()), (days as u64 * 4, OWN_WINDOWS_MAX));
        assert!(windows.last().unwrap().1.rows == 4);
        // In each batch the oldest go: what came of them later is not mistaken for whole windows.
        assert!(windows.iter().all(|(_, profile)| profile.rows == 4));
    }

    #[test]
    fn larger_windows_are_joined_where_the_reference_holds_them_whole() {
        let (whole, windows) = read(20);
        let (model, roles) = (model(), Roles::new(&model()));
        let frozen = freeze(whole, "static", 10, &BTreeMap::new());
        let own = own_windows(&model, &roles, &frozen, &windows, false);
        let sizes: Vec<(WindowSize, usize)> =
            own.iter().map(|it| (it.size, it.starts.len())).collect();
        assert_eq!(sizes, [(WindowSize::Day, 20), (WindowSize::Week, 2)]);
        // Made anew for each window, it is measured only as far as a budget asks for it.
        let asked = own_windows(&model, &roles, &frozen, &windows, true);
        assert_eq!(asked.len(), 2);
        assert!(asked[0] != own[0] && asked[0].starts == own[0].starts);
    }
}
