//! Rules on undrifted windows, judged by the code that judges in the daemon.
use driftd::{
    alert::{self, Memory, Subject, Transition},
    config::{Budget, On, Rule, Severity, Threshold},
    monitor::{
        Limit, Measurement, NullDraws,
        budget::{Demand, Series, Thresholds},
        derived::Found,
    },
    time::{Interval, Span, Timestamp, WindowSize},
};

use crate::model::Model;

/// Windows in a row.
pub(crate) const PATIENCE: u32 = 2;

/// What a fixed rule did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fixed {
    pub(crate) alarms: usize,
    /// Days with an alarm open.
    pub(crate) days: usize,
}

/// One rule with what it remembers.
pub(crate) struct Judge {
    pub(crate) rule: Rule,
    memory: Memory,
    pub(crate) did: Fixed,
}

impl Judge {
    pub(crate) fn new(metric: &'static str, threshold: Threshold) -> Self {
        let rule = Rule {
            name: "r".into(),
            metric,
            on: On::Features,
            window: WindowSize::Day,
            threshold,
            clear_at: None,
            windows: PATIENCE,
            clear_windows: 2,
            severity: Severity::Warning,
            notify: Vec::new(),
            retrain: None,
            per_version: false,
            worse: driftd::config::Worse::Higher,
            segment: driftd::config::Segment::Whole,
            against: None,
        };
        Self { rule, memory: Memory::default(), did: Fixed::default() }
    }

    fn budgeted(metric: &'static str, effect_min: Option<f64>) -> Self {
        Self::new(metric, Threshold::Budget { budget: budget(), effect_min })
    }

    pub(crate) fn judge(&mut self, day: usize, measured: &[Measurement], features: &[String]) {
        let start = at(day);
        let window = Interval { start, end: start.plus(Span::days(1)) };
        let judged = alert::judge(&self.rule, measured, features, &[], 0.0);
        let subject = Subject { instance: "i", model: "m", version: None };
        let step = alert::step(&self.rule, &mut self.memory, subject, window, &judged, window.end);
        self.did.alarms += usize::from(matches!(step, Some(Transition::Fired(_))));
        self.did.days += usize::from(self.memory.episode.is_some());
    }
}

fn budget() -> Budget {
    "1/month".parse().expect("a budget")
}

pub(crate) fn demand(effect_min: Option<f64>) -> Demand {
    Demand { alarms: budget().per_window(WindowSize::Day), windows: PATIENCE, effect_min }
}

pub(crate) fn at(day: usize) -> Timestamp {
    let days = i64::try_from(day).unwrap_or(0);
    Timestamp::from_micros(0).plus(Span::days(days))
}

/// A rule with a budget on one series.
pub(crate) struct Watch<'a> {
    pub(crate) model: &'a Model,
    thresholds: Thresholds<'a>,
    pub(crate) judge: Judge,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(model: &'a Model, metric: &'static str, effect_min: Option<f64>) -> Self {
        let thresholds = model.thresholds(metric, effect_min);
        Self { model, thresholds, judge: Judge::budgeted(metric, effect_min) }
    }

    /// Judges what was measured on a day.
    pub(crate) fn judge(
        &mut self,
        day: usize,
        measured: &mut [Measurement],
        nulls: &mut NullDraws,
    ) {
        for it in measured.iter_mut() {
            let column = it.column.as_deref().expect("a column");
            let found =
                self.thresholds.bounds(Series { segment: "", column }, it.rows, at(day), nulls);
            let Found { bounds, from } = found.expect("a threshold");
            it.limits = vec![Limit { rule: "r".into(), bounds: Ok(bounds), from, found: None }];
        }
        self.judge.judge(day, measured, &self.model.features);
    }

    /// Whether its alarm tells of the first column: one that others raise is none.
    pub(crate) fn saw_the_first(&self) -> bool {
        let episode = self.judge.memory.episode.as_ref();
        episode.is_some_and(|it| it.evidence.iter().any(|it| it.column.as_deref() == Some("x00")))
    }
}
