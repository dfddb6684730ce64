//! Two distributions side by side: the reference and the window.
use maud::{Markup, html};

use super::{Px, figure, number::Axis, shown_within};

/// Most bars of a chart; the rest is one bar.
const BARS_MAX: usize = 40;
/// Most categories shown by name; the rest is one row.
const ROWS_MAX: usize = 12;

/// What the bars stand for.
#[derive(Clone, Debug, PartialEq)]
pub enum Bins {
    /// Inner edges, ascending: one bar more than edges, the first and the last open.
    Edges(Vec<f64>),
    /// One name a bar.
    Names(Vec<String>),
}

/// Shares of rows in each bin, reference against window.
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    /// What it shows, read out first.
    pub title: String,
    /// What the bars stand for.
    pub bins: Bins,
    /// Rows of the reference in each bin.
    pub reference: Vec<u64>,
    /// Rows of the window in each bin.
    pub current: Vec<u64>,
}

/// One bin: its name and both shares.
struct Bin {
    name: String,
    reference: f64,
    current: f64,
    /// All that did not get a bar of its own: told in numbers, it would dwarf the others.
    is_rest: bool,
}

impl BarChart {
    /// The chart as an `<svg>` element: columns for numbers, rows for names.
    pub fn svg(&self) -> Markup {
        let bins = self.shares();
        match &self.bins {
            _ if bins.is_empty() => self.wrap(
                90.0,
                &bins,
                html! {
                    text.none x="180" y="45" text-anchor="middle" { "no rows" }
                },
            ),
            Bins::Edges(edges) => self.columns(&bins, edges),
            Bins::Names(_) => self.rows(&bins),
        }
    }

    fn shares(&self) -> Vec<Bin> {
        let total = |counts: &[u64]| counts.iter().map(|c| *c as f64).sum::<f64>();
        let (references, currents) = (total(&self.reference), total(&self.current));
        if references <= 0.0 && currents <= 0.0 {
            return Vec::new();
        }
        let share = |counts: &[u64], total: f64, i: usize| {
            if total > 0.0 { counts.get(i).map_or(0.0, |c| *c as f64 / total) } else { 0.0 }
        };
        let count = self.reference.len().max(self.current.len());
        let mut bins: Vec<Bin> = (0..count)
            .map(|i| Bin {
                name: self.name(i),
                reference: share(&self.reference, references, i),
                current: share(&self.current, currents, i),
                is_rest: false,
            })
            .collect();
        let most = if matches!(self.bins, Bins::Names(_)) { ROWS_MAX } else { BARS_MAX };
        if bins.len() > most {
            if matches!(self.bins, Bins::Names(_)) {
                bins.sort_by(|a, b| {
                    b.reference.max(b.current).total_cmp(&a.reference.max(a.current))
                });
            }
            let rest = bins.split_off(most - 1);
            bins.push(Bin {
                name: format!("{} more", rest.len()),
                reference: rest.iter().map(|b| b.reference).sum(),
                current: rest.iter().map(|b| b.current).sum(),
                is_rest: matches!(self.bins, Bins::Names(_)),
            });
        }
        bins
    }

    fn name(&self, i: usize) -> String {
        match &self.bins {
            Bins::Names(names) => names.get(i).map_or_else(String::new, |n| shown_within(n, 60)),
            Bins::Edges(edges) => {
                let low = i.checked_sub(1).and_then(|i| edges.get(i));
                match (low, edges.get(i)) {
                    (None, Some(high)) => format!("up to {}", figure(*high)),
                    (Some(low), Some(high)) => format!("{} to {}", figure(*low), figure(*high)),
                    (Some(low), None) => format!("above {}", figure(*low)),
                    (None, None) => "all".to_owned(),
                }
            }
        }
    }

    fn wrap(&self, height: f64, bins: &[Bin], inside: Markup) -> Markup {
        html! {
            svg class="chart bars" role="img" viewBox={ "0 0 360 " (Px(height)) } {
                title { (shown_within(&self.title, 200)) }
                desc {
                    @if bins.is_empty() { "no rows" }
                    @for (i, bin) in bins.iter().enumerate() {
                        @if i > 0 { "; " }
                        (bin.name) ": reference " (percent(bin.reference)) ", current "
                        (percent(bin.current))
                    }
                }
                (inside)
            }
        }
    }

    fn columns(&self, bins: &[Bin], edges: &[f64]) -> Markup {
        let (left, right, top, bottom) = (40.0, 352.0, 26.0, 140.0);
        let axis = axis_of(bins);
        let slot = (right - left) / bins.len() as f64;
        let height = |share: f64| axis.share(share * 100.0) * (bottom - top);
        // A label each so many edges, so that they don't touch.
        let every = edges.len().div_ceil(5).max(1);
        let inside = html! {
            (legend(left))
            g.axis aria-hidden="true" {
                @for tick in &axis.ticks {
                    @let y = bottom - tick.share * (bottom - top);
                    line.grid x1=(Px(left)) x2=(Px(right)) y1=(Px(y)) y2=(Px(y)) {}
                    text x=(Px(left - 6.0)) y=(Px(y + 4.0)) text-anchor="end" { (tick.label) "%" }
                }
                line.base x1=(Px(left)) x2=(Px(right)) y1=(Px(bottom)) y2=(Px(bottom)) {}
                @for (i, edge) in edges.iter().take(bins.len().saturating_sub(1)).enumerate() {
                    @let x = left + slot * (i as f64 + 1.0);
                    line.base x1=(Px(x)) x2=(Px(x)) y1=(Px(bottom)) y2=(Px(bottom + 4.0)) {}
                    @if (i + every / 2).is_multiple_of(every) {
                        text x=(Px(x)) y=(Px(bottom + 16.0)) text-anchor="middle" { (figure(*edge)) }
                    }
                }
            }
            @for (i, bin) in bins.iter().enumerate() {
                @let x = left + slot * i as f64;
                @let (r, c) = (height(bin.reference), height(bin.current));
                g {
                    title { (tooltip(bin)) }
                    rect.hit x=(Px(x)) y=(Px(top)) width=(Px(slot)) height=(Px(bottom - top)) {}
                    rect.reference x=(Px(x + slot * 0.1)) y=(Px(bottom - r))
                        width=(Px(slot * 0.4)) height=(Px(r)) {}
                    rect.current x=(Px(x + slot * 0.5)) y=(Px(bottom - c))
                        width=(Px(slot * 0.4)) height=(Px(c)) {}
                }
            }
        };
        self.wrap(162.0, bins, inside)
    }

    fn rows(&self, bins: &[Bin]) -> Markup {
        let (left, right, top, slot) = (112.0, 312.0, 26.0, 26.0);
        let axis = axis_of(bins);
        let width = |share: f64| axis.share(share * 100.0) * (right - left);
        let bottom = top + slot * bins.len() as f64;
        let inside = html! {
            (legend(left))
            g.axis aria-hidden="true" {
                line.base x1=(Px(left)) x2=(Px(left)) y1=(Px(top)) y2=(Px(bottom)) {}
            }
            @for (i, bin) in bins.iter().enumerate() {
                @let y = top + slot * i as f64;
                @let length = |share| if bin.is_rest { 0.0 } else { width(share) };
                @let (r, c) = (length(bin.reference), length(bin.current));
                g {
                    title { (tooltip(bin)) }
                    rect.hit x="0" y=(Px(y)) width="360" height=(Px(slot)) {}
                    text x=(Px(left - 7.0)) y=(Px(y + 17.0)) text-anchor="end" {
                        (shown_within(&bin.name, 16))
                    }
                    rect.reference x=(Px(left)) y=(Px(y + 3.0)) width=(Px(r)) height="9" {}
                    rect.current x=(Px(left)) y=(Px(y + 13.0)) width=(Px(c)) height="9" {}
                    text.small x=(Px(left + r + 4.0)) y=(Px(y + 11.0)) { (percent(bin.reference)) }
                    text.small x=(Px(left + c + 4.0)) y=(Px(y + 21.5)) { (percent(bin.current)) }
                }
            }
        };
        self.wrap(bottom + 6.0, bins, inside)
    }
}

fn axis_of(bins: &[Bin]) -> Axis {
    let drawn = bins.iter().filter(|b| !b.is_rest);
    let shares = drawn.flat_map(|b| [b.reference * 100.0, b.current * 100.0]);
    Axis::over(shares.chain([0.0]), 4)
}

fn legend(left: f64) -> Markup {
    html! {
        g.legend aria-hidden="true" {
            rect.reference x=(Px(left)) y="5" width="11" height="11" {}
            text x=(Px(left + 16.0)) y="14" { "reference" }
            rect.current x=(Px(left + 88.0)) y="5" width="11" height="11" {}
            text x=(Px(left + 104.0)) y="14" { "current" }
        }
    }
}

fn tooltip(bin: &Bin) -> String {
    let (reference, current) = (percent(bin.reference), percent(bin.current));
    format!("{}: reference {reference}, current {current}", bin.name)
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "<0.1%".to_owned();
    }
    let decimals = usize::from(percent < 99.95);
    format!("{percent:.decimals$}%")
}
