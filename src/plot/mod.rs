//! One set of charts, as SVG text: dashboard pages, HTML reports, mail.
//!
//! Pure functions of plain data. A chart carries no script, no `style` attribute and no id, so a
//! page with a strict content policy can hold any number of them; colours come from [`CSS`], in
//! light and dark. Every chart is `role="img"` with a `<title>` and a `<desc>` that say in words
//! what it shows.
//!
//! **Invariant:** whatever the input (no points, one, a constant, 1e308, NaN, names made to break
//! out), the result is well-formed, finite and bounded in size.
mod bars;
mod histogram;
mod line;
mod number;
mod spark;
mod text;
mod time_axis;
mod trace;

pub use bars::{BarChart, Bins};
pub use histogram::Histogram;
pub use line::{Level, LineChart, Mark, Series, Stretch};
pub use number::{figure, p_value};
pub use spark::{blocks, sparkline};
pub use text::{shown, shown_within};

/// Style of every chart, to be put into the page's style sheet once.
pub const CSS: &str = include_str!("plot.css");

/// Where an axis has a label.
#[derive(Clone, Debug, PartialEq)]
struct Tick {
    /// Place on the axis, 0 at its start and 1 at its end.
    share: f64,
    /// What stands there.
    label: String,
    /// What stands below it: the day of an hour, the year of a month; only where it changes.
    context: Option<String>,
}

/// A length in the drawing's units, written with at most one decimal and never as NaN.
#[derive(Clone, Copy)]
struct Px(f64);

impl std::fmt::Display for Px {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let finite = if self.0.is_finite() { self.0.clamp(-1e5, 1e5) } else { 0.0 };
        let tenths = (finite * 10.0).round() / 10.0;
        // Adding zero turns -0 into 0.
        write!(f, "{}", tenths + 0.0)
    }
}

impl maud::Render for Px {
    fn render_to(&self, to: &mut String) {
        use std::fmt::Write as _;
        // Writing to a `String` can't fail.
        let _infallible = write!(to, "{self}");
    }
}

#[cfg(test)]
mod tests;
