//! Budgets of false alarms as people write them: `1/month`.
use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{Span, WindowSize};

/// How many false alarms may come in what time; an alarm is an episode that starts.
///
/// ```
/// use driftd::{config::Budget, time::WindowSize};
/// let budget: Budget = "2/week".parse()?;
/// assert_eq!(budget.to_string(), "2 false alarms a week");
/// assert!((budget.per_window(WindowSize::Day) - 2.0 / 7.0).abs() < 1e-12);
/// # Ok::<(), driftd::config::BadBudget>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// False alarms in one period; finite and above 0.
    pub alarms: f64,
    /// The period.
    pub period: Period,
}

/// A period of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// 24 hours.
    Day,
    /// Seven days.
    Week,
    /// A twelfth of a year.
    Month,
    /// A quarter of a year.
    Quarter,
    /// 365.25 days.
    Year,
}

const PERIODS: [(Period, &str, Span); 5] = [
    (Period::Day, "day", Span::days(1)),
    (Period::Week, "week", Span::days(7)),
    (Period::Month, "month", Span::minutes(43_830)),
    (Period::Quarter, "quarter", Span::minutes(131_490)),
    (Period::Year, "year", Span::minutes(525_960)),
];

impl Period {
    fn entry(self) -> (&'static str, Span) {
        let found = PERIODS.iter().find(|(period, ..)| *period == self);
        found.map_or(("year", Span::minutes(525_960)), |(_, name, length)| (*name, *length))
    }

    /// How long it is.
    pub fn length(self) -> Span {
        self.entry().1
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().0)
    }
}

/// A text that is no budget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no budget of false alarms; expected a number and day, week, month, quarter or year, \
     like 1/month"
)]
pub struct BadBudget(String);

impl FromStr for Budget {
    type Err = BadBudget;

    fn from_str(text: &str) -> Result<Self, BadBudget> {
        let bad = || BadBudget(text.to_owned());
        let (alarms, period) = text.split_once('/').ok_or_else(bad)?;
        let alarms: f64 = alarms.trim().parse().map_err(|_| bad())?;
        let known = PERIODS.iter().find(|(_, name, _)| *name == period.trim());
        match known {
            Some((period, ..)) if alarms.is_finite() && alarms > 0.0 => {
                Ok(Self { alarms, period: *period })
            }
            _ => Err(bad()),
        }
    }
}

impl Budget {
    /// Alarms that it allows in one window of this size, on average.
    pub fn per_window(&self, size: WindowSize) -> f64 {
        let (window, period) = (size.nominal().as_micros(), self.period.length().as_micros());
        self.alarms * window as f64 / period as f64
    }

    /// Alarms that it allows in a month, on average.
    pub fn per_month(&self) -> f64 {
        let (month, period) = (Period::Month.length().as_micros(), self.period.length());
        self.alarms * month as f64 / period.as_micros() as f64
    }

    /// One of `count` equal parts.
    #[must_use]
    pub fn part_of(self, count: usize) -> Self {
        Self { alarms: self.alarms / count.max(1) as f64, ..self }
    }
}

impl fmt::Display for Budget {
    /// In words: `1 false alarm a month`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alarms = (self.alarms * 1e4).round() / 1e4;
        // A part of a small budget may be smaller than what four digits show.
        let alarms = if alarms > 0.0 { alarms } else { self.alarms };
        let is_one = alarms.to_bits() == 1_f64.to_bits();
        let plural = if is_one { "" } else { "s" };
        write!(f, "{alarms} false alarm{plural} a {}", self.period)
    }
}

impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{}/{}", self.alarms, self.period))
    }
}

impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Budget {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Budget".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^\\s*[0-9.eE+-]+\\s*/\\s*(day|week|month|quarter|year)\\s*$",
            "examples": ["1/month", "2/week", "1/quarter", "0.5/month", "12/year"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, words: &str, per_month: f64) {
        let budget: Budget = text.parse().unwrap();
        assert_eq!(budget.to_string(), words);
        assert!((budget.per_month() - per_month).abs() < 1e-3, "{}", budget.per_month());
        let json = serde_json::to_string(&budget).unwrap();
        assert_eq!(serde_json::from_str::<Budget>(&json).unwrap(), budget);
    }

    #[test]
    fn budgets_are_read_and_told() {
        check("1/month", "1 false alarm a month", 1.0);
        check(" 0.5 / month ", "0.5 false alarms a month", 0.5);
        check("2/week", "2 false alarms a week", 8.696);
        check("1/quarter", "1 false alarm a quarter", 1.0 / 3.0);
        check("12/year", "12 false alarms a year", 1.0);
        check("1/day", "1 false alarm a day", 30.4375);
    }

    #[test]
    fn what_is_no_budget_is_refused() {
        for text in ["", "1", "month", "1/fortnight", "0/month", "-1/month", "nan/day", "inf/day"] {
            assert!(text.parse::<Budget>().is_err(), "{text}");
        }
    }

    #[test]
    fn parts_add_up() {
        let budget: Budget = "1/month".parse().unwrap();
        assert_eq!(budget.part_of(3).to_string(), "0.3333 false alarms a month");
        assert!((budget.part_of(3).per_month() * 3.0 - 1.0).abs() < 1e-12);
        assert!((budget.per_window(WindowSize::Week) - 7.0 / 30.4375).abs() < 1e-12);
    }
}
