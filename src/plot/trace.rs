//! How one series of a line chart is drawn.
use maud::{Markup, html};

use super::{
    Px, figure,
    line::{Frame, NAME_CHARS, Series, finite},
    shown_within,
    time_axis::moment,
};

/// Up to so many points of a series are drawn as dots with their value to point at.
const DOTS_MAX: usize = 400;

/// Runs of points without a gap, in the drawing's units.
fn runs(series: &Series, frame: &Frame) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for (at, value) in &series.points {
        match finite(*value) {
            Some(value) => {
                if let Some(run) = runs.last_mut() {
                    run.push((frame.x(*at), frame.y(value)));
                }
            }
            None if runs.last().is_some_and(|r| !r.is_empty()) => runs.push(Vec::new()),
            None => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// At most a highest and a lowest point for each pixel across, so a chart's size is bounded.
fn thinned(run: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if run.len() <= DOTS_MAX {
        return run;
    }
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for pixel in run.chunk_by(|a, b| a.0.floor().total_cmp(&b.0.floor()).is_eq()) {
        let mut ends: Vec<usize> = vec![0, pixel.len() - 1];
        ends.extend((0..pixel.len()).min_by(|a, b| pixel[*a].1.total_cmp(&pixel[*b].1)));
        ends.extend((0..pixel.len()).max_by(|a, b| pixel[*a].1.total_cmp(&pixel[*b].1)));
        ends.sort_unstable();
        ends.dedup();
        kept.extend(ends.into_iter().map(|i| pixel[i]));
    }
    kept
}

/// One series: its lines and dots.
pub(super) fn line(series: &Series, index: usize, frame: &Frame) -> Markup {
    let runs: Vec<_> = runs(series, frame).into_iter().map(thinned).take(2 * DOTS_MAX).collect();
    let dots = series.points.len() <= DOTS_MAX;
    let radius = if series.points.len() > 60 { 1.5 } else { 2.5 };
    html! {
        g.{ "s" (index) } {
            @for run in &runs {
                @if run.len() > 1 {
                    polyline points=(path(run)) {}
                } @else if !dots {
                    @for (x, y) in run { circle cx=(Px(*x)) cy=(Px(*y)) r="1.5" {} }
                }
            }
            @if dots {
                @for (at, value) in &series.points {
                    @if let Some(value) = finite(*value) {
                        circle cx=(Px(frame.x(*at))) cy=(Px(frame.y(value))) r=(Px(radius)) {
                            title {
                                (shown_within(&series.name, NAME_CHARS)) ", " (moment(*at)) ": "
                                (figure(value))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The tinted area in which the truth may lie.
pub(super) fn band(series: &Series, frame: &Frame) -> Markup {
    let ends: Vec<_> = series.band.iter().filter(|b| b.1.is_finite() && b.2.is_finite()).collect();
    let step = ends.len().div_ceil(DOTS_MAX).max(1);
    let ends: Vec<_> = ends.into_iter().step_by(step).collect();
    let above = ends.iter().map(|b| (frame.x(b.0), frame.y(b.2)));
    let below = ends.iter().rev().map(|b| (frame.x(b.0), frame.y(b.1)));
    let outline: Vec<_> = above.chain(below).collect();
    html! { @if outline.len() > 2 { polygon.band points=(path(&outline)) {} } }
}

fn path(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{},{}", Px(*x), Px(*y))).collect::<Vec<_>>().join(" ")
}
