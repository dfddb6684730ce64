//! A line chart over time.
use maud::{Markup, html};
use unicode_width::UnicodeWidthStr as _;

use super::{
    Px, figure,
    number::Axis,
    shown_within,
    time_axis::{TimeAxis, moment},
    trace::{band, line},
};
use crate::time::{Interval, Timestamp};

/// Most series of one chart; there are no more colours to tell apart.
const SERIES_MAX: usize = 6;
/// Most alerts and retrainings drawn in one chart, the latest ones.
const MARKS_MAX: usize = 100;
pub(super) const NAME_CHARS: usize = 40;

/// Values over time. A point without a value, or whose value is no finite number, is a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Ascending in time.
    pub points: Vec<(Timestamp, Option<f64>)>,
    /// From where to where the truth may lie, ascending in time; empty for none.
    pub band: Vec<(Timestamp, f64, f64)>,
}

/// A horizontal line: a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Where.
    pub value: f64,
    /// `above 0.2`
    pub label: String,
}

/// A length of time that is tinted: an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// When it began.
    pub from: Timestamp,
    /// When it ended; `None` goes to the chart's end.
    pub to: Option<Timestamp>,
    /// `accuracy-fell, critical`
    pub label: String,
}

/// An instant that is marked: a retraining.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// `retrained: v2`
    pub label: String,
}

/// A line chart over time.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// What it shows, read out first.
    pub title: String,
    /// Lines, at most six are drawn.
    pub series: Vec<Series>,
    /// Thresholds.
    pub levels: Vec<Level>,
    /// Alerts.
    pub stretches: Vec<Stretch>,
    /// Retrainings.
    pub marks: Vec<Mark>,
    /// The time shown; the data's own where `None`.
    pub range: Option<Interval>,
    /// Width of the drawing in its own units, about pixels.
    pub width: u16,
    /// Height of the drawing.
    pub height: u16,
}

impl Default for LineChart {
    fn default() -> Self {
        Self {
            title: String::new(),
            series: Vec::new(),
            levels: Vec::new(),
            stretches: Vec::new(),
            marks: Vec::new(),
            range: None,
            width: 760,
            height: 240,
        }
    }
}

/// Where the data goes, and the axes around it.
pub(super) struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    time: TimeAxis,
    value: Axis,
}

impl Frame {
    pub(super) fn x(&self, at: Timestamp) -> f64 {
        self.left + self.time.share(at) * (self.right - self.left)
    }
    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - self.value.share(value) * (self.bottom - self.top)
    }
}

impl LineChart {
    /// The chart as an `<svg>` element.
    pub fn svg(&self) -> Markup {
        let width = f64::from(self.width);
        let legend = self.legend(width);
        let frame = self.frame(legend.1);
        let height = if frame.is_some() { self.height } else { self.height.min(80) };
        html! {
            svg class="chart" role="img" viewBox={ "0 0 " (self.width) " " (height) } {
                title { (shown_within(&self.title, 200)) }
                desc { (self.description()) }
                @if let Some(frame) = &frame {
                    (legend.0)
                    (self.axes(frame))
                    (self.stretches(frame))
                    @for series in self.drawn() { (band(series, frame)) }
                    (self.levels(frame))
                    (self.marks(frame))
                    @for (i, series) in self.drawn().iter().enumerate() { (line(series, i, frame)) }
                } @else {
                    text.none x=(Px(width / 2.0)) y=(Px(f64::from(height) / 2.0)) text-anchor="middle" {
                        "nothing measured yet"
                    }
                }
            }
        }
    }

    fn drawn(&self) -> &[Series] {
        &self.series[..self.series.len().min(SERIES_MAX)]
    }

    fn frame(&self, top: f64) -> Option<Frame> {
        let range = self.range.iter().flat_map(|r| [r.start, r.end]);
        let times = self.drawn().iter().flat_map(|s| s.points.iter().map(|p| p.0));
        let width = f64::from(self.width);
        let time = match self.range {
            Some(_) => TimeAxis::over(range, i64::from(self.width) / 85),
            None => TimeAxis::over(times, i64::from(self.width) / 85),
        }?;
        let values = self.drawn().iter().flat_map(|s| {
            let band = s.band.iter().flat_map(|b| [b.1, b.2]);
            s.points.iter().filter_map(|p| p.1).chain(band)
        });
        let levels = self.levels.iter().map(|l| l.value);
        let value = Axis::over(values.chain(levels), u32::from(self.height) / 45);
        let widest = value.ticks.iter().map(|t| t.label.width()).max().unwrap_or(0);
        let left = 14.0 + 7.0 * widest as f64;
        let bottom = (f64::from(self.height) - 36.0).max(top + 10.0);
        Some(Frame { left, right: (width - 16.0).max(left + 10.0), top, bottom, time, value })
    }

    fn description(&self) -> String {
        let mut parts: Vec<String> = self.drawn().iter().map(describe).collect();
        let left_out = self.series.len() - self.drawn().len();
        if left_out > 0 {
            parts.push(format!("{left_out} more lines are not drawn"));
        }
        let levels = self.levels.iter().take(SERIES_MAX);
        parts.extend(levels.map(|l| format!("threshold {}", shown_within(&l.label, NAME_CHARS))));
        parts.extend(latest(&self.stretches).iter().rev().take(10).map(|s| {
            let label = shown_within(&s.label, NAME_CHARS);
            match s.to {
                Some(to) => format!("alert {label} from {} to {}", moment(s.from), moment(to)),
                None => format!("alert {label} since {}", moment(s.from)),
            }
        }));
        parts.extend(
            latest(&self.marks)
                .iter()
                .rev()
                .take(10)
                .map(|m| format!("{} on {}", shown_within(&m.label, NAME_CHARS), moment(m.at))),
        );
        if parts.is_empty() { "no data".to_owned() } else { parts.join("; ") }
    }

    /// The legend, and where the data may begin below it.
    fn legend(&self, width: f64) -> (Markup, f64) {
        let mut entries: Vec<(String, String)> = Vec::new();
        for (i, series) in self.drawn().iter().enumerate() {
            entries.push((format!("s{i}"), shown_within(&series.name, NAME_CHARS)));
        }
        for level in self.levels.iter().take(3) {
            entries.push(("level".into(), shown_within(&level.label, NAME_CHARS)));
        }
        if !self.stretches.is_empty() {
            entries.push(("alert".into(), "alert".into()));
        }
        if !self.marks.is_empty() {
            entries.push(("mark".into(), "retraining".into()));
        }
        let (mut x, mut row) = (8.0, 0.0);
        let mut placed = Vec::new();
        for (class, name) in entries {
            let needs = 30.0 + 6.4 * name.width() as f64 + 12.0;
            if x + needs > width && x > 8.0 {
                (x, row) = (8.0, row + 1.0);
            }
            placed.push((class, name, x, 14.0 + 18.0 * row));
            x += needs;
        }
        let markup = html! {
            g.legend aria-hidden="true" {
                @for (class, name, x, y) in placed {
                    @if class == "alert" {
                        rect.alert x=(Px(x)) y=(Px(y - 9.0)) width="22" height="11" {}
                        rect.alert-edge x=(Px(x)) y=(Px(y - 9.0)) width="22" height="3" {}
                    } @else if class == "mark" {
                        path.mark-head d={ "M" (Px(x + 6.0)) " " (Px(y - 9.0)) "h10l-5 9z" } {}
                    } @else {
                        line.(class) x1=(Px(x)) x2=(Px(x + 22.0)) y1=(Px(y - 4.0)) y2=(Px(y - 4.0)) {}
                    }
                    text x=(Px(x + 28.0)) y=(Px(y)) { (name) }
                }
            }
        };
        (markup, 14.0 + 18.0 * row + 20.0)
    }

    fn axes(&self, frame: &Frame) -> Markup {
        html! {
            g.axis aria-hidden="true" {
                @for tick in &frame.value.ticks {
                    @let y = frame.bottom - tick.share * (frame.bottom - frame.top);
                    line.grid x1=(Px(frame.left)) x2=(Px(frame.right)) y1=(Px(y)) y2=(Px(y)) {}
                    text x=(Px(frame.left - 7.0)) y=(Px(y + 4.0)) text-anchor="end" { (tick.label) }
                }
                line.base x1=(Px(frame.left)) x2=(Px(frame.right)) y1=(Px(frame.bottom))
                    y2=(Px(frame.bottom)) {}
                @for tick in &frame.time.ticks {
                    @let x = frame.left + tick.share * (frame.right - frame.left);
                    // A label near an edge must not leave the drawing.
                    @let anchor = if tick.share < 0.02 { "start" }
                        else if tick.share > 0.97 { "end" } else { "middle" };
                    line.base x1=(Px(x)) x2=(Px(x)) y1=(Px(frame.bottom))
                        y2=(Px(frame.bottom + 5.0)) {}
                    text x=(Px(x)) y=(Px(frame.bottom + 17.0)) text-anchor=(anchor) { (tick.label) }
                    @if let Some(context) = &tick.context {
                        text.context x=(Px(x)) y=(Px(frame.bottom + 31.0)) text-anchor=(anchor) {
                            (context)
                        }
                    }
                }
            }
        }
    }

    fn stretches(&self, frame: &Frame) -> Markup {
        html! {
            @for stretch in latest(&self.stretches) {
                @let from = frame.x(stretch.from);
                @let to = stretch.to.map_or(frame.right, |at| frame.x(at));
                // One that is shorter than a pixel is still seen.
                @let width = (to - from).max(2.0);
                g {
                    title {
                        (shown_within(&stretch.label, NAME_CHARS)) ": from " (moment(stretch.from))
                        @if let Some(to) = stretch.to { " to " (moment(to)) } @else { ", still on" }
                    }
                    rect.alert x=(Px(from)) y=(Px(frame.top)) width=(Px(width))
                        height=(Px(frame.bottom - frame.top)) {}
                    rect.alert-edge x=(Px(from)) y=(Px(frame.top)) width=(Px(width)) height="3" {}
                }
            }
        }
    }

    fn levels(&self, frame: &Frame) -> Markup {
        html! {
            @for level in self.levels.iter().filter(|l| l.value.is_finite()).take(SERIES_MAX) {
                @let y = frame.y(level.value);
                g {
                    title { (shown_within(&level.label, NAME_CHARS)) }
                    line.level x1=(Px(frame.left)) x2=(Px(frame.right)) y1=(Px(y)) y2=(Px(y)) {}
                }
            }
        }
    }

    fn marks(&self, frame: &Frame) -> Markup {
        html! {
            @for mark in latest(&self.marks) {
                @let x = frame.x(mark.at);
                g {
                    title { (shown_within(&mark.label, NAME_CHARS)) ", " (moment(mark.at)) }
                    line.mark x1=(Px(x)) x2=(Px(x)) y1=(Px(frame.top)) y2=(Px(frame.bottom)) {}
                    path.mark-head d={ "M" (Px(x - 5.0)) " " (Px(frame.top - 7.0)) "h10l-5 9z" } {}
                }
            }
        }
    }
}

/// The last ones that are drawn.
fn latest<T>(all: &[T]) -> &[T] {
    &all[all.len().saturating_sub(MARKS_MAX)..]
}

pub(super) fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

fn describe(series: &Series) -> String {
    let name = shown_within(&series.name, NAME_CHARS);
    let values: Vec<_> =
        series.points.iter().filter_map(|(at, v)| Some((*at, finite(*v)?))).collect();
    let missing = series.points.len() - values.len();
    let gaps = if missing > 0 { format!(", {missing} without a value") } else { String::new() };
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return format!("{name}: no values{gaps}");
    };
    let low = values.iter().map(|v| v.1).fold(f64::INFINITY, f64::min);
    let high = values.iter().map(|v| v.1).fold(f64::NEG_INFINITY, f64::max);
    format!(
        "{name}: {} values from {} to {}, lowest {}, highest {}, last {}{gaps}",
        values.len(),
        moment(first.0),
        moment(last.0),
        figure(low),
        figure(high),
        figure(last.1),
    )
}
