//! Queries asked over rows that were read, each within its bounds.
use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::runtime::Handle;

use super::{
    ByVersion,
    read::{Group, is_label},
};
use crate::{
    config::CustomMetric,
    monitor::Measurement,
    query::{Bounds, Cell, Gauge, Rows, Table, Tables, no_rows},
    stat::NoValue,
};

/// How far the process may grow while a query runs.
const MEMORY_MAX: u64 = 1 << 30;
/// Bytes of a page of memory, as `/proc` counts; a larger one makes the bound larger.
const PAGE_BYTES: u64 = 4096;

/// The rows of a window, or why there are none.
pub(in super::super) type WindowRows = Result<Rows, NoValue>;

/// Asks every query of a group over a window's rows: of each version, and of all together.
///
/// `expected` is how many rows the window had when it was closed. Blocks.
pub(super) fn ask(
    group: &Group,
    rows: &WindowRows,
    reference: Option<&WindowRows>,
    expected: Option<u64>,
    clock: &Handle,
) -> ByVersion {
    let rows = match rows {
        Ok(rows) => rows,
        Err(why) => return without(group, why),
    };
    let seen = rows.seen(None);
    if let Some(had) = expected.filter(|had| seen < *had) {
        let why = format!("rows are gone: {seen} of the window's {had} could be read again");
        return without(group, &NoValue::Other(why));
    }
    let mut asked = match Asked::new(group, reference, clock) {
        Ok(asked) => asked,
        Err(why) => return without(group, &why),
    };
    let versions: Vec<&str> = rows.versions().collect();
    let mut measured = ByVersion::new();
    // One version alone is all versions together: asked once, said twice.
    if versions.len() != 1 {
        measured.insert(String::new(), asked.of_version(rows, None));
    }
    for version in &versions {
        let of_it = asked.of_version(rows, Some(version));
        if versions.len() == 1 {
            measured.insert(String::new(), of_it.clone());
        }
        measured.insert((*version).to_owned(), of_it);
    }
    measured
}

/// What queries are asked over.
struct Asked<'a> {
    group: &'a Group,
    tables: Tables,
    /// Why the reference's rows are not there: no reason for queries that don't read them.
    reference: Result<(), NoValue>,
    clock: &'a Handle,
}

impl<'a> Asked<'a> {
    fn new(
        group: &'a Group,
        reference: Option<&WindowRows>,
        clock: &'a Handle,
    ) -> Result<Self, NoValue> {
        let mut tables = Tables::new()?;
        let reference = match reference {
            Some(Ok(rows)) => tables.put(Table::Reference, rows, None),
            Some(Err(why)) => Err(why.clone()),
            None => Ok(()),
        };
        Ok(Self { group, tables, reference, clock })
    }

    fn of_version(&mut self, rows: &Rows, version: Option<&str>) -> (u64, Vec<Measurement>) {
        let kept = rows.cells(version).count() as u64;
        let put = self.tables.put(Table::Window, rows, version);
        let at = rows.columns().iter().position(|it| is_label(it));
        let labelled =
            |cells: &&[Cell]| at.and_then(|at| cells.get(at)).is_some_and(|it| *it != Cell::Null);
        let labels = rows.cells(version).filter(labelled).count() as u64;
        let measured = self.group.metrics.iter().map(|metric| {
            let reads_reference = metric.query.reference().is_some();
            let value = match (&put, &self.reference) {
                _ if kept == 0 => Err(no_rows()),
                (Err(why), _) => Err(why.clone()),
                (_, Err(why)) if reads_reference => Err(why.clone()),
                _ => timed(metric, &self.tables, self.clock),
            };
            measurement(metric, value, kept, metric.query.names_label().then_some(labels))
        });
        (rows.seen(version), measured.collect())
    }
}

/// Asks, and stops the query when its time is up.
fn timed(metric: &CustomMetric, tables: &Tables, clock: &Handle) -> Result<f64, NoValue> {
    let stop = Arc::new(AtomicBool::new(false));
    let (ring, timeout) = (Arc::clone(&stop), metric.timeout.as_std());
    let alarm = clock.spawn(async move {
        tokio::time::sleep(timeout).await;
        ring.store(true, Ordering::Relaxed);
    });
    let bounds = Bounds { stop, memory: gauge().map(|it| (MEMORY_MAX, it)), ..Bounds::default() };
    let value = tables.ask(&metric.query, &bounds);
    alarm.abort();
    value
}

/// The process's resident memory, where the system says it.
fn gauge() -> Option<Gauge> {
    let statm = File::open("/proc/self/statm").ok()?;
    Some(Arc::new(move || {
        let mut text = [0_u8; 64];
        let read = statm.read_at(&mut text, 0).unwrap_or_default();
        let text = std::str::from_utf8(&text[..read]).unwrap_or_default();
        let pages = text.split(' ').nth(1).and_then(|it| it.parse::<u64>().ok());
        pages.unwrap_or_default() * PAGE_BYTES
    }))
}

/// Every query of a group without a value, of all versions together.
pub(super) fn without(group: &Group, why: &NoValue) -> ByVersion {
    let measured =
        group.metrics.iter().map(|metric| measurement(metric, Err(why.clone()), 0, None));
    ByVersion::from([(String::new(), (0, measured.collect()))])
}

fn measurement(
    metric: &CustomMetric,
    value: Result<f64, NoValue>,
    rows: u64,
    labels: Option<u64>,
) -> Measurement {
    Measurement {
        metric: metric.name.to_owned(),
        column: None,
        segment: None,
        value,
        p_value: None,
        error_bound: 0.0,
        threshold: None,
        rows,
        labels,
        label_coverage: labels.filter(|_| rows > 0).map(|labels| labels as f64 / rows as f64),
        limits: Vec::new(),
        against: None,
    }
}
