//! A reference's rows, as a whole and window by window, and so for each segment.
mod labels;
mod own;

pub use labels::ReferenceLabels;
use own::sizes;
pub use own::{own_windows, own_windows_of_segment, segments_of};

use std::collections::BTreeMap;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use hashbrown::HashMap;

use super::{
    Roles,
    split::{NONE, Splitter},
};
use crate::{
    profile::{Limits, Profile, Profiler, joint::ScoreSums},
    source::Batch,
    time::{Grid, Interval, Timestamp},
};

/// Windows of a reference that are kept apart; where it has more, the newest.
pub const OWN_WINDOWS_MAX: usize = 512;

/// Rows as a whole, and their windows in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// All of them.
    pub whole: Profile,
    /// Those with times, by their windows.
    pub windows: Vec<(Interval, Profile)>,
}

/// Collects the rows of a reference.
pub struct ReferenceRows<'a> {
    roles: &'a Roles,
    grid: Grid,
    whole: Part,
    segments: BTreeMap<String, Part>,
    splitter: Option<Splitter>,
    labels: ReferenceLabels,
    scores: Option<ScoreSums>,
    /// The windows seen so far, so that the calendar is asked only for new ones.
    known: BTreeMap<Timestamp, Interval>,
    /// Windows that begin before this were let go of.
    floor: Timestamp,
}

/// Rows of the whole or of a segment.
struct Part {
    whole: Profiler,
    windows: BTreeMap<Timestamp, Profiler>,
}

impl Part {
    fn new(roles: &Roles) -> Self {
        Self { whole: profiler(roles), windows: BTreeMap::new() }
    }
}

fn profiler(roles: &Roles) -> Profiler {
    Profiler::new(roles.kinds.clone(), Limits::default())
}

impl<'a> ReferenceRows<'a> {
    /// Ready to take rows; those with times go to windows of `grid` besides, and those of segments
    /// to these.
    pub fn new(roles: &'a Roles, grid: Grid, segments: &[String]) -> Self {
        let declared = Some(&roles.segments).filter(|it| !it.is_empty());
        let splitter = declared.map(|declared| {
            // Which are kept was decided before: there is no room for more.
            let declared = super::Declared { max: segments.len(), ..declared.clone() };
            Splitter::new(&declared, segments)
        });
        let (segments, known) = (BTreeMap::new(), BTreeMap::new());
        let (whole, labels) = (Part::new(roles), ReferenceLabels::default());
        let score = roles.score.as_ref();
        let scores = score.map(|score| ScoreSums::new(score, roles.kinds.clone()));
        let floor = Timestamp::MIN;
        Self { roles, grid, whole, segments, splitter, labels, scores, known, floor }
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// Arrow's words, where a batch can't be split.
    pub fn add(&mut self, batch: &Batch) -> Result<(), String> {
        let record = self.roles.profiled(&batch.record)?;
        let starts = batch.times_us.as_ref().map(|times| self.starts(times));
        let every: Vec<u32> = (0_u32..).take(record.num_rows()).collect();
        take(&mut self.whole, &record, &every, starts.as_deref(), self.roles)?;
        self.scores.iter_mut().for_each(|scores| scores.update(&record));
        let windows = starts.as_ref().map(|it| (it.as_slice(), &self.known));
        self.labels.add(self.roles, &batch.record, windows);
        if let Some(splitter) = &mut self.splitter {
            for segments in splitter.split(&batch.record, |_| true) {
                for (number, rows) in grouped(&every, |row| segments[row as usize]) {
                    let (name, is_kept) = splitter.segment(number);
                    if number != NONE && is_kept {
                        let new = || Part::new(self.roles);
                        let part = self.segments.entry(name.to_owned()).or_insert_with(new);
                        take(part, &record, &rows, starts.as_deref(), self.roles)?;
                    }
                }
            }
        }
        while self.known.len() > OWN_WINDOWS_MAX
            && let Some((start, oldest)) = self.known.pop_first()
        {
            self.floor = oldest.end;
            for part in self.segments.values_mut().chain([&mut self.whole]) {
                part.windows.remove(&start);
            }
        }
        Ok(())
    }

    /// The start of each row's window; `None` for windows that were let go of.
    fn starts(&mut self, times: &[i64]) -> Vec<Option<Timestamp>> {
        let mut last: Option<Interval> = None;
        let start = |us: &i64| {
            let at = Timestamp::from_micros(*us);
            let window = last.filter(|it| it.contains(at)).unwrap_or_else(|| {
                let known = self.known.range(..=at).next_back().map(|(_, window)| *window);
                known.filter(|it| it.contains(at)).unwrap_or_else(|| self.grid.window_of(at))
            });
            last = Some(window);
            let is_kept = window.start >= self.floor;
            if is_kept {
                self.known.insert(window.start, window);
            }
            is_kept.then_some(window.start)
        };
        times.iter().map(start).collect()
    }

    /// What its labels say, so far.
    pub fn take_labels(&mut self) -> ReferenceLabels {
        std::mem::take(&mut self.labels)
    }

    /// How its score goes with its columns, so far.
    pub fn take_scores(&mut self) -> Option<ScoreSums> {
        self.scores.take()
    }

    /// The whole, and each segment that has rows.
    pub fn finish(self) -> (Collected, BTreeMap<String, Collected>) {
        let known = self.known;
        let close = |part: Part| {
            let window = |(start, profiler): (Timestamp, Profiler)| {
                Some((*known.get(&start)?, profiler.finish()))
            };
            let windows = part.windows.into_iter().filter_map(window).collect();
            Collected { whole: part.whole.finish(), windows }
        };
        let whole = close(self.whole);
        (whole, self.segments.into_iter().map(|(name, part)| (name, close(part))).collect())
    }
}

/// Adds rows of a record to a part, and each to its window.
fn take(
    part: &mut Part,
    record: &RecordBatch,
    rows: &[u32],
    starts: Option<&[Option<Timestamp>]>,
    roles: &Roles,
) -> Result<(), String> {
    let of = |rows: &[u32]| {
        let rows = UInt32Array::from(rows.to_vec());
        take_record_batch(record, &rows).map_err(|e| e.to_string())
    };
    if rows.len() == record.num_rows() {
        part.whole.update(record);
    } else {
        part.whole.update(&of(rows)?);
    }
    let Some(starts) = starts else { return Ok(()) };
    for (start, rows) in grouped(rows, |row| starts[row as usize]) {
        let Some(start) = start else { continue };
        part.windows.entry(start).or_insert_with(|| profiler(roles)).update(&of(&rows)?);
    }
    Ok(())
}

/// Rows by a key, in their order.
fn grouped<K: Copy + Eq + std::hash::Hash>(
    rows: &[u32],
    key: impl Fn(u32) -> K,
) -> HashMap<K, Vec<u32>> {
    let mut groups: HashMap<K, Vec<u32>> = HashMap::new();
    for &row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use arrow_array::{Float64Array, RecordBatch};

    use super::*;
    use crate::{
        config::{Config, ModelConfig},
        monitor::freeze,
        time::{Span, WindowSize},
    };

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
        let mut rows = ReferenceRows::new(&roles, Grid::utc(WindowSize::Day), &[]);
        (0..3).for_each(|part| rows.add(&batch(days, part)).unwrap());
        let (Collected { whole, windows }, segments) = rows.finish();
        assert!(segments.is_empty());
        (whole, windows)
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
