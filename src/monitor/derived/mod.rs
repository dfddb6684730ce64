//! Thresholds that are found for each window: from the reference's own windows (`windows`), from
//! the usual value (`change`), or from what the metric's own history foretells (`forecast`).
//!
//! Each says where it came from, in words, or why there is none; never a guess. On which sides of
//! the usual a value is worse is the caller's to say: [`Ways`].
mod change;
mod forecast;
mod windows;

pub use change::{CHANGE_MIN, CHANGE_PAST, change};
pub use forecast::{FORECAST_MAX, FORECAST_MIN, Forecast, forecast, seasons};
pub use windows::{DEVIATIONS_MIN, deviations, own_values, quantile, quantile_min};

use super::Bounds;

/// Which ways a value is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Higher is.
    pub higher: bool,
    /// Lower is.
    pub lower: bool,
}

impl Ways {
    /// The bounds on the sides that count.
    pub fn bounds(self, lower: f64, upper: f64) -> Bounds {
        Bounds { lower: self.lower.then_some(lower), upper: self.higher.then_some(upper) }
    }

    /// `+`, `-` or `±`: where the bounds lie from the usual value.
    fn sign(self) -> &'static str {
        match (self.lower, self.higher) {
            (true, true) => "±",
            (true, false) => "-",
            _ => "+",
        }
    }
}

/// A threshold and where it came from, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The threshold.
    pub bounds: Bounds,
    /// Where it came from.
    pub from: String,
}

/// A number in words, as charts and mails show it.
fn figure(value: f64) -> String {
    crate::plot::figure(value)
}
