//! What a value would be, and where it is: a histogram with marks.
use maud::{Markup, html};

use super::{Px, figure, number::Axis, shown_within};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 16.0;
const RIGHT: f64 = 544.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 150.0;
/// How many times as wide as the bars the axis may be, so that a far mark leaves them visible.
const STRETCH_MAX: f64 = 3.0;

/// Counts between ascending edges, and marked values.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// What it shows, read out first.
    pub title: String,
    /// From, to, how many.
    pub bars: Vec<(f64, f64, usize)>,
    /// Values with their names; the first is the one that it is about.
    pub marks: Vec<(f64, String)>,
}

impl Histogram {
    /// The chart as an `<svg>` element.
    #[expect(clippy::cast_precision_loss, reason = "counts of draws are small")]
    pub fn svg(&self) -> Markup {
        let low = self.bars.first().map_or(0.0, |bar| bar.0);
        let high = self.bars.last().map_or(1.0, |bar| bar.1);
        // A mark that is far out stands at the edge, with an arrow.
        let farthest = low + (high - low).max(f64::MIN_POSITIVE) * STRETCH_MAX;
        let marks = self.marks.iter().filter(|(at, _)| at.is_finite());
        let marks: Vec<_> = marks.map(|(at, name)| (*at, shown_within(name, 40))).collect();
        let near = marks.iter().map(|(at, _)| at.clamp(low, farthest));
        let axis = Axis::over(self.bars.iter().flat_map(|bar| [bar.0, bar.1]).chain(near), 6);
        let x = |value: f64| LEFT + axis.share(value).clamp(0.0, 1.0) * (RIGHT - LEFT);
        let most = self.bars.iter().map(|bar| bar.2).max().unwrap_or(0).max(1) as f64;
        let described = marks.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>().join("; ");
        html! {
            svg class="chart" role="img" viewBox={ "0 0 " (Px(WIDTH)) " " (Px(HEIGHT)) } {
                title { (shown_within(&self.title, 200)) }
                desc { "from " (figure(low)) " to " (figure(high)) "; " (described) }
                g.axis aria-hidden="true" {
                    line.base x1=(Px(LEFT)) x2=(Px(RIGHT)) y1=(Px(BOTTOM)) y2=(Px(BOTTOM)) {}
                    @for tick in &axis.ticks {
                        @let at = LEFT + tick.share * (RIGHT - LEFT);
                        text x=(Px(at)) y=(Px(BOTTOM + 16.0)) text-anchor="middle" { (tick.label) }
                    }
                }
                @for (from, to, count) in &self.bars {
                    @let height = *count as f64 / most * (BOTTOM - TOP - 6.0);
                    @let width = (x(*to) - x(*from) - 1.0).max(1.0);
                    rect.reference x=(Px(x(*from))) y=(Px(BOTTOM - height)) width=(Px(width))
                        height=(Px(height)) {
                        title { (figure(*from)) " to " (figure(*to)) ": " (count) }
                    }
                }
                @for (i, (at, name)) in marks.iter().enumerate() {
                    @let y = 12.0 + 14.0 * i as f64;
                    @let right = axis.share(*at) > 0.6;
                    @let shift = if right { -5.0 } else { 5.0 };
                    line.(if i == 0 { "mark" } else { "level" }) x1=(Px(x(*at))) x2=(Px(x(*at)))
                        y1=(Px(y - 8.0)) y2=(Px(BOTTOM)) {}
                    @let anchor = if right { "end" } else { "start" };
                    text x=(Px(x(*at) + shift)) y=(Px(y)) text-anchor=(anchor) {
                        (name) @if *at > farthest { " →" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_input_it_is_finite() {
        let check = |bars: &[(f64, f64, usize)], marks: &[f64]| {
            let marks = marks.iter().map(|at| (*at, "value <b>".to_owned())).collect();
            let title = "t".to_owned();
            let svg = Histogram { title, bars: bars.to_vec(), marks }.svg().into_string();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(!svg.contains("<b>"), "{svg}");
            svg
        };
        check(&[], &[]);
        check(&[(0.0, 0.0, 5)], &[0.0, 1e308]);
        check(&[(1.0, 2.0, 0)], &[f64::NAN, f64::INFINITY]);
        let far = check(&[(0.0, 1.0, 3), (1.0, 2.0, 9)], &[1e9, 1.5]);
        assert!(far.contains("→"), "{far}");
    }
}
