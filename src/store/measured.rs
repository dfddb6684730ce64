//! Measurements as they are packed, and as they were packed before rules had budgets and models
//! seasons.
use serde::Deserialize;

use super::{StoreError, pack};
use crate::{
    monitor::{Limit, Measurement},
    stat::NoValue,
};

/// The form without the rules' own thresholds.
const WITHOUT_LIMITS: u8 = 1;
/// The form that does not say what a value is measured against.
const WITHOUT_AGAINST: u8 = 2;
/// The form that is written.
const VERSION: u8 = 3;

/// A measurement of the first form: postcard knows no missing fields.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct WithoutLimits {
    metric: String,
    column: Option<String>,
    segment: Option<String>,
    value: Result<f64, NoValue>,
    p_value: Option<f64>,
    error_bound: f64,
    threshold: Option<f64>,
    rows: u64,
    labels: Option<u64>,
    label_coverage: Option<f64>,
}

/// A measurement of the second form.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct WithoutAgainst {
    metric: String,
    column: Option<String>,
    segment: Option<String>,
    value: Result<f64, NoValue>,
    p_value: Option<f64>,
    error_bound: f64,
    threshold: Option<f64>,
    rows: u64,
    labels: Option<u64>,
    label_coverage: Option<f64>,
    limits: Vec<Limit>,
}

impl From<WithoutLimits> for WithoutAgainst {
    fn from(old: WithoutLimits) -> Self {
        Self {
            metric: old.metric,
            column: old.column,
            segment: old.segment,
            value: old.value,
            p_value: old.p_value,
            error_bound: old.error_bound,
            threshold: old.threshold,
            rows: old.rows,
            labels: old.labels,
            label_coverage: old.label_coverage,
            limits: Vec::new(),
        }
    }
}

impl From<WithoutAgainst> for Measurement {
    fn from(old: WithoutAgainst) -> Self {
        Self {
            metric: old.metric,
            column: old.column,
            segment: old.segment,
            value: old.value,
            p_value: old.p_value,
            error_bound: old.error_bound,
            threshold: old.threshold,
            rows: old.rows,
            labels: old.labels,
            label_coverage: old.label_coverage,
            limits: old.limits,
            against: None,
        }
    }
}

pub(super) fn pack(measurements: &[Measurement]) -> Result<Vec<u8>, StoreError> {
    pack::pack("measurements", VERSION, measurements)
}

pub(super) fn unpack(body: &[u8]) -> Result<Vec<Measurement>, StoreError> {
    let second: Vec<WithoutAgainst> = match body.first() {
        Some(&WITHOUT_LIMITS) => {
            let first: Vec<WithoutLimits> = pack::unpack("measurements", WITHOUT_LIMITS, body)?;
            first.into_iter().map(Into::into).collect()
        }
        Some(&WITHOUT_AGAINST) => pack::unpack("measurements", WITHOUT_AGAINST, body)?,
        _ => return pack::unpack("measurements", VERSION, body),
    };
    Ok(second.into_iter().map(Measurement::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Against;

    fn old() -> WithoutLimits {
        WithoutLimits {
            metric: "psi".into(),
            column: Some("temp".into()),
            segment: None,
            value: Ok(0.25),
            p_value: Some(0.5),
            error_bound: 0.0,
            threshold: Some(0.2),
            rows: 800,
            labels: None,
            label_coverage: Some(0.75),
        }
    }

    #[test]
    fn every_form_is_read() {
        let first = pack::pack("measurements", WITHOUT_LIMITS, &[old()][..]).unwrap();
        let plain = Measurement::from(WithoutAgainst::from(old()));
        assert_eq!(unpack(&first).unwrap(), std::slice::from_ref(&plain));
        let limits = vec![Limit { rule: "inputs".into(), threshold: 0.4 }];
        let second = WithoutAgainst { limits: limits.clone(), ..old().into() };
        let second = pack::pack("measurements", WITHOUT_AGAINST, &[second][..]).unwrap();
        let limited = Measurement { limits, ..plain };
        assert_eq!(unpack(&second).unwrap(), std::slice::from_ref(&limited));
        let measured = [Measurement { against: Some(Against::Season), ..limited }];
        let body = pack(&measured).unwrap();
        assert_eq!(unpack(&body).unwrap(), measured);
        let mut newer = body;
        newer[0] = 9;
        assert!(unpack(&newer).is_err());
    }
}
