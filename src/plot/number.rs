//! Numbers as labels, and where an axis of numbers has its ticks.
use super::Tick;

/// A number for people: four significant digits, no needless zeros.
///
/// ```
/// assert_eq!(driftd::plot::figure(0.28271), "0.2827");
/// assert_eq!(driftd::plot::figure(1.5e-7), "1.5e-7");
/// ```
pub fn figure(value: f64) -> String {
    if value.is_nan() {
        return "not a number".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    let size = value.abs();
    if size < f64::MIN_POSITIVE {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        return scientific(value, 3);
    }
    let whole_digits = digits_before_point(size);
    let decimals = usize::try_from((4 - whole_digits).clamp(0, 8)).unwrap_or(0);
    trimmed(format!("{value:.decimals$}"))
}

/// A p-value for people: one that is too small for a number to be trusted is only that.
///
/// ```
/// assert_eq!(driftd::plot::p_value(0.0341), "0.0341");
/// assert_eq!(driftd::plot::p_value(0.0), "< 1e-300");
/// ```
pub fn p_value(p: f64) -> String {
    if (0.0..1e-300).contains(&p) { "< 1e-300".to_owned() } else { figure(p) }
}

/// Digits before the point: 3 for 123, 1 for 1.2, 0 for 0.1, -1 for 0.01.
fn digits_before_point(size: f64) -> i32 {
    exponent(size) + 1
}

/// The power of ten at or below a positive number.
fn exponent(size: f64) -> i32 {
    // `{:e}` prints the exact exponent, where `log10` may round it up or down.
    let text = format!("{size:e}");
    text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0)
}

fn scientific(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$e}");
    match text.split_once('e') {
        Some((mantissa, e)) => format!("{}e{e}", trimmed(mantissa.to_owned())),
        None => text,
    }
}

/// Without zeros after the point that say nothing.
fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// An axis of numbers that begins and ends at a tick.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Values are multiplied by this first, so that the span of 1e308 and -1e308 is a number.
    scale: f64,
    pub(super) ticks: Vec<Tick>,
}

impl Axis {
    /// An axis over the finite ones of `values`, with about `count` ticks.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, count: u32) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|v| v.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let size = low.abs().max(high.abs());
        let scale = if size > 1e290 { 1e-20 } else { 1.0 };
        let (low, high) = widened(low * scale, high * scale);
        let step = nice((high - low) / f64::from(count.max(1)));
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let (low, high) = (first * step, last * step);
        let mut axis = Self { low, high, scale, ticks: Vec::new() };
        let largest = low.abs().max(high.abs()) / scale;
        let mut at = first;
        while at <= last && axis.ticks.len() < 50 {
            let value = at * step / scale;
            // Past the largest number there is nothing to write.
            if value.is_finite() {
                let share = axis.share(value);
                let label = tick_label(value, step / scale, largest);
                axis.ticks.push(Tick { share, label, context: None });
            }
            at += 1.0;
        }
        axis
    }

    /// Where on the axis a value is, 0 to 1; one outside is held at the nearer end.
    pub(super) fn share(&self, value: f64) -> f64 {
        let share = (value * self.scale - self.low) / (self.high - self.low);
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }
}

/// Room around a constant, and zero as the start where it is near.
fn widened(low: f64, high: f64) -> (f64, f64) {
    let (span, size) = (high - low, low.abs().max(high.abs()));
    if size < 1e-290 {
        return (0.0, 1.0);
    }
    // Below this the labels of two ticks would be the same.
    if span <= size * 1e-9 {
        return (low - size * 0.1, high + size * 0.1);
    }
    if low > 0.0 && low < span * 0.6 {
        (0.0, high)
    } else if high < 0.0 && -high < span * 0.6 {
        (low, 0.0)
    } else {
        (low, high)
    }
}

/// The next of 1, 2, 5 times a power of ten at or above `raw`.
fn nice(raw: f64) -> f64 {
    let base = 10f64.powi(exponent(raw));
    [1.0, 2.0, 5.0].map(|m| m * base).into_iter().find(|s| *s >= raw * 0.999).unwrap_or(10.0 * base)
}

fn tick_label(value: f64, step: f64, largest: f64) -> String {
    if value.abs() < step * 0.5 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&largest) {
        let digits = (exponent(value.abs()) - exponent(step)).clamp(0, 9);
        return scientific(value, usize::try_from(digits).unwrap_or(0));
    }
    let (unit, suffix) = match largest {
        l if l >= 1e12 => (1e12, "T"),
        l if l >= 1e9 => (1e9, "G"),
        l if l >= 1e6 => (1e6, "M"),
        l if l >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let decimals = usize::try_from((-exponent(step / unit)).clamp(0, 12)).unwrap_or(0);
    format!("{:.decimals$}{suffix}", value / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], expected: &str) {
        let labels: Vec<_> =
            Axis::over(values.iter().copied(), 4).ticks.into_iter().map(|t| t.label).collect();
        assert_eq!(labels.join(" "), expected, "{values:?}");
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        check(&[0.61, 0.74], "0.60 0.65 0.70 0.75");
        check(&[0.0, 1.0], "0 0.5 1.0");
        check(&[0.02, 0.31], "0 0.1 0.2 0.3 0.4");
        check(&[-3.0, 9.0], "-5 0 5 10");
        check(&[12_000.0, 48_000.0], "0 20k 40k 60k");
        check(&[5.0], "4.5 5.0 5.5");
    }

    #[test]
    fn figures_have_four_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-41.09123, "-41.09"),
            (1234.56, "1235"),
            (123_456.7, "123457"),
            (0.000_123_46, "0.0001235"),
            (1e-300, "1e-300"),
            (1.7976e308, "1.798e308"),
            (5e-324, "0"),
            (f64::NAN, "not a number"),
            (f64::NEG_INFINITY, "-∞"),
        ] {
            assert_eq!(figure(value), expected);
        }
    }
}
