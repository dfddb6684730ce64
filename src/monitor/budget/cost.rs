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
    let (mut silent, mut known) = (1.0, 0);
    for name in columns {
        let Some(course) = own.course(metric, name).filter(|it| it.len() >= WINDOWS_FEW) else {
            continue;
        };
        let rows = rows_of(frozen, metric, Series { segment: "", column: name })?;
        let Some(above) = threshold(name, course.rows_typical()) else { continue };
        let Some((mean, deviation, level)) = course.against(metric, rows, above) else { continue };
        let passed = match deviation > 0.0 {
            true => normal.sf((level - mean) / deviation),
            false => f64::from(u8::from(mean > level)),
        };
        let in_a_row = i32::try_from(windows.clamp(1, WINDOWS_MAX)).unwrap_or(1);
        silent *= 1.0 - passed.powi(in_a_row);
        known += 1;
    }
    (known > 0).then_some(1.0 - silent)
}
