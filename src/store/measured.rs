//! Measurements as they are packed, and as they were packed before rules had thresholds of their
//! own that are found for each window, and models seasons.
use serde::Deserialize;

use super::{StoreError, pack};
use crate::{
    monitor::{Bounds, Limit, Measurement},
    stat::NoValue,
};

/// The form without the rules' own thresholds.
const WITHOUT_LIMITS: u8 = 1;
/// The form in which they were upper bounds, and nothing was said of what a value is against.
const WITH_THRESHOLDS: u8 = 2;
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

impl From<WithoutLimits> for Measurement {
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
            against: None,
        }
    }
}

/// A measurement of the second form: the first, and upper bounds.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct WithThresholds {
    first: WithoutLimits,
    limits: Vec<(String, f64)>,
}

impl From<WithThresholds> for Measurement {
    fn from(old: WithThresholds) -> Self {
        let limit = |(rule, threshold)| Limit {
            rule,
            bounds: Ok(Bounds::above(threshold)),
            from: String::new(),
            found: None,
        };
        Self { limits: old.limits.into_iter().map(limit).collect(), ..old.first.into() }
    }
}

pub(super) fn pack(measurements: &[Measurement]) -> Result<Vec<u8>, StoreError> {
    pack::pack("measurements", VERSION, measurements)
}

pub(super) fn unpack(body: &[u8]) -> Result<Vec<Measurement>, StoreError> {
    fn old<T: Into<Measurement> + serde::de::DeserializeOwned>(
        version: u8,
        body: &[u8],
    ) -> Result<Vec<Measurement>, StoreError> {
        let old: Vec<T> = pack::unpack("measurements", version, body)?;
        Ok(old.into_iter().map(Into::into).collect())
    }
    match body.first() {
        Some(&WITHOUT_LIMITS) => old::<WithoutLimits>(WITHOUT_LIMITS, body),
        Some(&WITH_THRESHOLDS) => old::<WithThresholds>(WITH_THRESHOLDS, body),
        _ => pack::unpack("measurements", VERSION, body),
    }
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
        let plain = Measurement::from(old());
        assert_eq!(unpack(&first).unwrap(), std::slice::from_ref(&plain));
        let limit = Limit {
            rule: "inputs".into(),
            bounds: Ok(Bounds::above(0.4)),
            from: String::new(),
            found: None,
        };
        let measured = [Measurement { limits: vec![limit], ..plain }];
        let second = WithThresholds { first: old(), limits: vec![("inputs".into(), 0.4)] };
        let second = pack::pack("measurements", WITH_THRESHOLDS, &[second][..]).unwrap();
        assert_eq!(unpack(&second).unwrap(), measured);
        let against = Some(Against::Season);
        let measured = measured.map(|it| Measurement { against, ..it });
        let body = pack(&measured).unwrap();
        assert_eq!(unpack(&body).unwrap(), measured);
        let mut newer = body;
        newer[0] = 9;
        assert!(unpack(&newer).is_err());
    }
}
