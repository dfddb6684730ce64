//! What a rule without a budget may cost: how often it passes its threshold where nothing drifts.
use statrs::distribution::{ContinuousCDF, Normal};

use super::{Series, WINDOWS_FEW, patience::WINDOWS_MAX, rows_of};
use crate::{monitor::Frozen, time::WindowSize};

/// The probability that a window without drift makes any of these columns breach for the
/// `windows`-th time in a row, as far as the reference's own windows tell: their values, made
/// nearly normal, have a mean and a deviation, and `threshold` of a column and the rows of a window
/// is so many deviations away. `None` where no column has enough windows.
pub fn chance(
    frozen: &Frozen,
    metric: &str,
    size: WindowSize,
    columns: &[&str],
    windows: u32,
    mut threshold: impl FnMut(&str, u64) -> Option<f64>,
) -> Option<f64> {
    let own = frozen.own.iter().find(|own| own.size == size)?;
    let normal = Normal::standard();
    let slots = own.slots();
    let in_a_row = windows.clamp(1, WINDOWS_MAX) as usize;
    // That no column breaches, by the slot of the last window in a row.
    let mut silent = vec![1.0; slots.as_ref().map_or(1, |(slots, _)| slots.count())];
    let mut known = 0;
    for name in columns {
        let Some(course) = own.course(metric, name).filter(|it| it.len() >= WINDOWS_FEW) else {
            continue;
        };
        let rows = rows_of(frozen, metric, Series { segment: "", column: name })?;
        let Some(above) = threshold(name, course.rows_typical()) else { continue };
        let against = course.against(metric, rows, above, slots.as_ref());
        let Some((centres, level)) = against else { continue };
        let passed = centres.iter().map(|centre| match centre.deviation > 0.0 {
            true => normal.sf((level - centre.mean) / centre.deviation),
            false => f64::from(u8::from(centre.mean > level)),
        });
        let passed: Vec<f64> = passed.collect();
        for (slot, silent) in silent.iter_mut().enumerate() {
            let before = passed.iter().rev().cycle().skip(passed.len() - 1 - slot);
            *silent *= 1.0 - before.take(in_a_row).product::<f64>();
        }
        known += 1;
    }
    let silent = silent.iter().sum::<f64>() / silent.len() as f64;
    (known > 0).then_some(1.0 - silent)
}
