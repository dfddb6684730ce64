//! What a metric's own history foretells of the next window.
//!
//! ```text
//! forecast = line through the last 28 values less their seasons + each season's last value
//! bounds   = forecast ± k·s·√(n/(n - f))·√(1 + 4/l + f/n)
//! ```
//!
//! Seasons are taken out by MSTL (repeated seasonal-trend decomposition by LOESS) where the history
//! has two full ones: [`seasons`]. The line is Theil's and Sen's: the median of all slopes, through
//! the median; 29 of 100 values may be wrong before it is. A slope b with the standard error e is
//! followed as far as it is sure, b²/(b² + 9e²) of it. s is the deviation (l - 2 degrees of
//! freedom) of its l residuals. n windows are looked at, and their seasons have f free values, by
//! which s is too small and the forecast off. Errors that follow a normal distribution pass 4
//! deviations in 1 of 16,000 windows on either side, with few windows more often: those of Student
//! with l - 2 degrees of freedom, 1 of 500 where ten windows are all there are.
//!
//! The caller gives values that breached as the bound they were beyond, so that an outlier can't
//! widen the bounds of the next windows by more than that, and a new level is taken for the usual
//! one only after some windows of it.
//!
//! Windows without a value lie on the line between their neighbours. Cost: about 1 ms for 720
//! windows with two seasons.
//!
//! # References
//! - R. B. Cleveland, W. S. Cleveland, J. E. McRae, I. Terpenning (1990), *STL: a seasonal-trend
//!   decomposition procedure based on loess*.
//! - K. Bandara, R. J. Hyndman, C. Bergmeir (2021), *MSTL: a seasonal-trend decomposition algorithm
//!   for time series with multiple seasonal patterns*.
//! - P. K. Sen (1968), *Estimates of the regression coefficient based on Kendall's tau*.
use super::{Found, Ways, figure};
use crate::{
    stat::NoValue,
    time::{Span, WindowSize},
};

/// Windows that are looked back at most.
pub const FORECAST_MAX: usize = 720;
/// Fewest windows with a value.
pub const FORECAST_MIN: u64 = 10;
/// Windows through which the line is laid.
const LINE: usize = 28;
/// A slope of so many of its own variances is followed half.
const SLOPE_DOUBT: f64 = 9.0;

/// What is foretold.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The value that is expected.
    pub value: f64,
    /// How far off it usually is.
    pub deviation: f64,
    /// Windows with a value that it rests on.
    pub windows: usize,
    /// Seasons that were taken out, in windows.
    pub seasons: Vec<usize>,
}

/// How many windows of this size make a season: a day and a week of hours, a week of days, a year
/// of weeks or of months.
///
/// ```
/// use driftd::monitor::derived::seasons;
/// assert_eq!(seasons("1h".parse()?), [24, 168]);
/// assert_eq!(seasons("1d".parse()?), [7]);
/// # Ok::<(), driftd::time::BadWindow>(())
/// ```
pub fn seasons(size: WindowSize) -> Vec<usize> {
    match size {
        WindowSize::Part(_) => {
            let in_a_day = Span::days(1).as_micros() / size.nominal().as_micros().max(1);
            let in_a_day = usize::try_from(in_a_day).unwrap_or(usize::MAX);
            [in_a_day, in_a_day.saturating_mul(7)].into_iter().filter(|it| *it > 1).collect()
        }
        WindowSize::Day => vec![7],
        WindowSize::Week => vec![52],
        WindowSize::Month => vec![12],
    }
}

/// Foretells the value after `past`, oldest first: one entry for each window of this size up to the
/// one that is judged, `None` where it has no value.
///
/// # Errors
/// [`NoValue::InsufficientPast`] under [`FORECAST_MIN`] values; values that are too large.
pub fn forecast(past: &[Option<f64>], size: WindowSize) -> Result<Forecast, NoValue> {
    let past = &past[past.len().saturating_sub(FORECAST_MAX)..];
    let began = past.iter().position(Option::is_some).unwrap_or(past.len());
    let past = &past[began..];
    let windows = past.iter().flatten().count();
    if (windows as u64) < FORECAST_MIN {
        return Err(NoValue::InsufficientPast { need: FORECAST_MIN, got: windows as u64 });
    }
    let values = filled(past);
    let mut known = seasons(size);
    known.retain(|season| 2 * season <= values.len());
    let (plain, next) = match known.is_empty() {
        true => (values, 0.0),
        false => without_seasons(values, &known)?,
    };
    let line = Line::through(&plain[plain.len().saturating_sub(LINE)..]);
    let n = plain.len() as f64;
    let free: usize = known.iter().map(|season| season - 1).sum();
    let free = (free as f64).min(0.5 * n);
    let wider = (n / (n - free)).sqrt() * (1.0 + 4.0 / line.count + free / n).sqrt();
    let (value, deviation) = (line.next + next, line.deviation * wider);
    match value.is_finite() && deviation.is_finite() {
        true => Ok(Forecast { value, deviation, windows, seasons: known }),
        false => Err(NoValue::Overflow),
    }
}

impl Forecast {
    /// The threshold `k` deviations away from it.
    pub fn found(&self, k: f64, ways: Ways) -> Found {
        let Self { value, deviation, windows, seasons } = self;
        let bounds = ways.bounds(value - k * deviation, value + k * deviation);
        let (sign, value, deviation) = (ways.sign(), figure(*value), figure(*deviation));
        let lengths: Vec<String> = seasons.iter().map(ToString::to_string).collect();
        let by = match lengths.is_empty() {
            true => "the trend".to_owned(),
            false => format!("trend and season ({})", lengths.join(", ")),
        };
        let from = format!(
            "forecast {value} {sign} {k} deviations of {deviation}, from {by} of {windows} windows"
        );
        Found { bounds, from }
    }
}

/// Gaps lie on the line between their neighbours; the first value is there.
fn filled(past: &[Option<f64>]) -> Vec<f64> {
    let mut values: Vec<f64> = Vec::with_capacity(past.len());
    for value in past {
        if let Some(value) = value {
            values.push(*value);
            continue;
        }
        let last = values.last().copied().unwrap_or(0.0);
        let gap = past[values.len()..].iter().position(Option::is_some);
        let next = gap.and_then(|gap| past[values.len() + gap]).unwrap_or(last);
        let steps = gap.map_or(1.0, |gap| gap as f64 + 1.0);
        values.push(last + (next - last) / steps);
    }
    values
}

/// The values less their seasons, and what the seasons add to the next one.
fn without_seasons(mut values: Vec<f64>, known: &[usize]) -> Result<(Vec<f64>, f64), NoValue> {
    // As wide as that a season is the same all along: the mean of its slot over the whole history.
    let wide = 10 * values.len() + 1;
    let mut params = stlrs::Mstl::params();
    params.seasonal_lengths(&vec![wide; known.len()]);
    params.stl_params(stlrs::params().seasonal_degree(0).clone());
    let fit = params.fit(&values, known);
    let fit = fit.map_err(|error| NoValue::Other(format!("no season: {error}")))?;
    let mut next = 0.0;
    for (season, component) in known.iter().zip(fit.seasonal()) {
        next += component[component.len() - season];
        values.iter_mut().zip(component).for_each(|(value, part)| *value -= part);
    }
    Ok((values, next))
}

/// A straight line through values side by side.
struct Line {
    /// Where it is at the next one.
    next: f64,
    /// Deviation of the values from it.
    deviation: f64,
    count: f64,
}

impl Line {
    fn through(values: &[f64]) -> Self {
        let mut slopes = Vec::with_capacity(values.len() * values.len() / 2);
        for (i, a) in values.iter().enumerate() {
            slopes.extend(
                values.iter().enumerate().skip(i + 1).map(|(j, b)| (b - a) / (j - i) as f64),
            );
        }
        let slope = median(slopes);
        let height = median(values.iter().enumerate().map(|(i, y)| y - slope * i as f64).collect());
        let at = |i: usize| height + slope * i as f64;
        let squares = values.iter().enumerate().map(|(i, y)| (y - at(i)).powi(2)).sum::<f64>();
        let count = values.len() as f64;
        let variance = squares / (count - 2.0).max(1.0);
        // A slope that may be chance is followed only as far as it is more than that.
        let chance = SLOPE_DOUBT * variance * 12.0 / count.powi(3);
        let sure = if slope.abs() > 0.0 { slope * slope / (slope * slope + chance) } else { 1.0 };
        let middle = at(0) + slope * 0.5 * (count - 1.0);
        let next = middle + sure * (at(values.len()) - middle);
        Self { next, deviation: variance.sqrt(), count }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => 0.0,
        0 => 0.5 * (values[middle - 1] + values[middle]),
        _ => values[middle],
    }
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
