//! The world's files, written as its time passes.
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use driftd::time::Timestamp;
use parquet::arrow::ArrowWriter;

use crate::world::{Half, Label, LabelsFrom, Row, Tick, World, Writing};

/// Something that is a line of CSV and a row of Parquet.
pub(crate) trait Record {
    fn written(&self) -> usize;
    fn visible(&self) -> usize;
    fn id(&self) -> &str;
    fn line(&self, world: &World) -> String;
    fn header(world: &World) -> &'static str;
    fn batch(world: &World, records: &[&Self]) -> RecordBatch;
}

fn word(label: Option<bool>) -> &'static str {
    label.map_or("", |positive| if positive { "true" } else { "false" })
}

fn times(times: impl Iterator<Item = Timestamp>) -> ArrayRef {
    Arc::new(
        TimestampMicrosecondArray::from_iter_values(times.map(Timestamp::micros))
            .with_timezone_utc(),
    )
}

impl Record for Row {
    fn written(&self) -> usize {
        self.written
    }
    fn visible(&self) -> usize {
        self.visible
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn header(_: &World) -> &'static str {
        "id,at,version,score,late,x"
    }
    fn line(&self, _: &World) -> String {
        let Self { id, at, version, score, x, label, .. } = self;
        format!("{id},{at},{version},{score},{},{x}", word(*label))
    }
    fn batch(_: &World, rows: &[&Self]) -> RecordBatch {
        let columns: [(&str, ArrayRef); 6] = [
            ("id", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.id)))),
            ("at", times(rows.iter().map(|r| r.at))),
            ("version", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.version)))),
            ("score", Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.score)))),
            ("late", Arc::new(BooleanArray::from_iter(rows.iter().map(|r| r.label)))),
            ("x", Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.x)))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }
}

impl Record for Label {
    fn written(&self) -> usize {
        self.written
    }
    fn visible(&self) -> usize {
        self.visible
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn header(world: &World) -> &'static str {
        if world.labels_from == LabelsFrom::Untimed { "id,late" } else { "id,at,late" }
    }
    fn line(&self, world: &World) -> String {
        let Self { id, at, positive, .. } = self;
        match world.labels_from {
            LabelsFrom::Untimed => format!("{id},{}", word(Some(*positive))),
            _ => format!("{id},{at},{}", word(Some(*positive))),
        }
    }
    fn batch(world: &World, labels: &[&Self]) -> RecordBatch {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(labels.iter().map(|l| &l.id)));
        let late: ArrayRef =
            Arc::new(BooleanArray::from_iter(labels.iter().map(|l| Some(l.positive))));
        let mut columns = vec![("id", ids), ("late", late)];
        if world.labels_from != LabelsFrom::Untimed {
            columns.push(("at", times(labels.iter().map(|l| l.at))));
        }
        RecordBatch::try_from_iter(columns).unwrap()
    }
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Sets a file's last change to the world's time.
fn stamp(path: &Path, now: Timestamp) {
    let at = UNIX_EPOCH + Duration::from_micros(now.micros().unsigned_abs());
    File::options().append(true).open(path).unwrap().set_modified(at).unwrap();
}

fn put(path: &Path, bytes: &[u8], now: Timestamp) {
    fs::write(path, bytes).unwrap();
    stamp(path, now);
}

/// A source's folder is not there: it lies beside its place.
fn place(folder: &Path, away: bool) {
    let aside = folder.with_extension("away");
    match (away, aside.exists()) {
        (true, false) => fs::rename(folder, aside).unwrap(),
        (false, true) => fs::rename(aside, folder).unwrap(),
        _ => {}
    }
}

impl World {
    /// Lays out what is there before the first tick.
    pub(crate) fn lay_out(&self, root: &Path) {
        for folder in ["predictions", "labels"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let mut text = "score,x\n".to_owned();
        for n in 0..200 {
            writeln!(text, "{},{}", f64::from(n % 21) / 20.0, f64::from(n) / 200.0).unwrap();
        }
        fs::write(root.join("reference.csv"), text).unwrap();
    }

    /// Writes what tick `n` brings.
    pub(crate) fn write(&self, root: &Path, n: usize) {
        let tick = &self.ticks[n];
        let folders = [root.join("predictions"), root.join("labels")];
        place(&folders[0], false);
        place(&folders[1], false);
        self.write_source(&folders[0], self.predictions, &self.rows, &self.half_predictions, n);
        if self.predictions == Writing::Grow && tick.bad_lines > 0 {
            self.write_bad_lines(&folders[0], tick);
        }
        let halves = &self.half_labels;
        self.write_source(&folders[1], self.label_files, &self.labels, halves, n);
        place(&folders[0], tick.predictions_away);
        place(&folders[1], tick.labels_away);
    }

    /// In a file of their own, so that no cut line stands before them.
    fn write_bad_lines(&self, folder: &Path, tick: &Tick) {
        let mut text = format!("{}\n", Row::header(self));
        for _ in 0..tick.bad_lines {
            text.push_str("not,a,row\n");
        }
        put(&folder.join(format!("bad-{}.csv", tick.now.micros())), text.as_bytes(), tick.now);
    }

    fn write_source<R: Record>(
        &self,
        folder: &Path,
        writing: Writing,
        records: &[R],
        halves: &[Half],
        n: usize,
    ) {
        let now = self.ticks[n].now;
        let new: Vec<&R> = records.iter().filter(|r| r.written() == n).collect();
        match writing {
            Writing::Grow => self.grow(folder, records, n),
            Writing::Anew if new.is_empty() => {}
            Writing::Anew => {
                let mut all: Vec<&R> = records.iter().filter(|r| r.written() <= n).collect();
                // Labels come out of a table by their id; the log of predictions keeps its order.
                if folder.ends_with("labels") {
                    all.sort_by(|a, b| a.id().cmp(b.id()));
                }
                put(&folder.join("all.parquet"), &parquet(&R::batch(self, &all)), now);
            }
            Writing::Batches => {
                if !new.is_empty() {
                    let bytes = parquet(&R::batch(self, &new));
                    let half = halves.iter().any(|half| half.from == n);
                    let length = if half { bytes.len() * 3 / 5 } else { bytes.len() };
                    put(&folder.join(format!("batch-{n:03}.parquet")), &bytes[..length], now);
                }
                for half in halves.iter().filter(|half| half.whole == n) {
                    let of: Vec<&R> = records.iter().filter(|r| r.written() == half.from).collect();
                    let name = format!("batch-{:03}.parquet", half.from);
                    put(&folder.join(name), &parquet(&R::batch(self, &of)), now);
                }
            }
        }
    }

    /// Appends lines; of one that is cut, the rest comes with the next tick.
    fn grow<R: Record>(&self, folder: &Path, records: &[R], n: usize) {
        let now = self.ticks[n].now;
        let mut text = String::new();
        // The rest of a cut line belongs to the file of the day on which it was begun.
        if let Some(cut) = records.iter().find(|r| r.written() + 1 == n && r.visible() == n) {
            let line = cut.line(self);
            self.append(
                folder,
                n - 1,
                &format!("{}\n", &line[cut_at(&line)..]),
                R::header(self),
                now,
            );
        }
        for record in records.iter().filter(|r| r.written() == n) {
            let line = record.line(self);
            match record.visible() > n {
                true => text.push_str(&line[..cut_at(&line)]),
                false => writeln!(text, "{line}").unwrap(),
            }
        }
        if !text.is_empty() {
            self.append(folder, n, &text, R::header(self), now);
        }
    }

    fn append(&self, folder: &Path, n: usize, text: &str, header: &str, now: Timestamp) {
        let day = self.ticks[n].now.micros() / 86_400_000_000;
        let path = folder.join(format!("day-{day}.csv"));
        let mut file = File::options().create(true).append(true).open(&path).unwrap();
        if file.metadata().unwrap().len() == 0 {
            writeln!(file, "{header}").unwrap();
        }
        file.write_all(text.as_bytes()).unwrap();
        drop(file);
        stamp(&path, now);
    }
}

/// In the middle of a line, before its last field.
fn cut_at(line: &str) -> usize {
    line.rfind(',').unwrap() / 2 + 1
}
