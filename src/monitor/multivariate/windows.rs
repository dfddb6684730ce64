//! The same metrics in the daemon: of windows whose profiles keep sums, against a reference that was
//! frozen together with what each metric is without drift.
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Judged, Null, ON_VECTORS, correlation_change, domain_classifier_auc, mmd, pca_reconstruction,
    ranked, vectors,
};
use crate::{
    monitor::{Frozen, Measurement, MetricNames},
    profile::{
        Profile,
        joint::{Frame, Freezing, Joint, Products, RowSample},
    },
    stat::{NoValue, Side},
};

/// What is frozen of a reference as a whole: the frame that windows are summed against, and what
/// each metric says without drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Together {
    /// The frame.
    pub frame: Arc<Frame>,
    /// By metric and column of vectors; the empty name is all columns together.
    nulls: BTreeMap<String, BTreeMap<String, Null>>,
    /// Of the correlations of all pairs.
    widths: Vec<f64>,
}

/// A frame with the samples that what there is without drift is drawn from.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The frame.
    pub frame: Arc<Frame>,
    sample: RowSample,
    vectors: BTreeMap<String, RowSample>,
}

impl Drawn {
    /// Of a reference that was read.
    pub fn new(freezing: Freezing) -> Self {
        let (frame, sample, vectors) = freezing.finish();
        Self { frame: Arc::new(frame), sample, vectors }
    }

    /// With what the reference itself says against its frame.
    pub fn finish(self, own: &Joint) -> Together {
        let Self { frame, sample, vectors } = self;
        let mut nulls: BTreeMap<String, BTreeMap<String, Null>> = BTreeMap::new();
        let mut add = |metric: &str, column: &str, null: Option<Null>| {
            if let Some(null) = null {
                nulls.entry(metric.to_owned()).or_default().insert(column.to_owned(), null);
            }
        };
        let points = || sample.rows().into_iter().map(|row| frame.features.standardise(row));
        if frame.asked.residuals {
            let errors: Vec<f64> = points().map(|it| frame.components.residual(&it)).collect();
            let rows = pca_reconstruction::DRAWN_ROWS_MAX;
            let null = pca_reconstruction::null(&errors, (rows, rows));
            add("pca_reconstruction", "", null.map(Cow::into_owned));
        }
        if frame.asked.waves {
            add("mmd", "", mmd::null(&mmd::cosines(frame.components.waves(), points())));
        }
        for (name, it) in &frame.vectors {
            if let (Some(sums), Some(sample)) = (own.vectors.get(name), vectors.get(name)) {
                for (metric, null) in vectors::nulls(it, sums, sample) {
                    add(metric, name, Some(null));
                }
            }
        }
        let widths = match frame.asked.products {
            true => correlation_change::widths(&frame.features, &sample),
            false => Vec::new(),
        };
        Together { frame, nulls, widths }
    }
}

impl Together {
    /// What a metric is without drift, where that was drawn: of all columns together, or of a
    /// column of vectors.
    pub fn null(&self, metric: &str, column: &str) -> Option<&Null> {
        self.nulls.get(metric)?.get(column)
    }
}

/// Measures what is asked for of all columns together, then of each column of vectors: those that
/// the reference has, and those that are `named` besides, which then say that they are none.
pub fn measure_windows(
    frozen: &Frozen,
    current: &Profile,
    metrics: &MetricNames,
    named: &[String],
    rows_min: u64,
) -> Vec<Measurement> {
    let of_rows = metrics.multivariate.iter().map(|metric| (*metric, None));
    let mut columns: Vec<&String> = named.iter().collect();
    columns.extend(frozen.joint.iter().flat_map(|it| it.frame.vectors.keys()));
    columns.sort_unstable();
    columns.dedup();
    let columns = columns.into_iter().map(|it| Some(it.as_str()));
    let of_vectors =
        columns.flat_map(|column| metrics.embeddings.iter().map(move |metric| (*metric, column)));
    let measure = |(metric, column)| {
        let judged = judged(frozen, current, metric, column, rows_min);
        measurement(current, metric, column, &judged)
    };
    of_rows.chain(of_vectors).map(measure).collect()
}

pub(in crate::monitor) fn measurement(
    current: &Profile,
    metric: &str,
    column: Option<&str>,
    judged: &Result<Judged, NoValue>,
) -> Measurement {
    let judged = judged.as_ref().map_err(Clone::clone).and_then(|it| match it.value.is_finite() {
        true => Ok(it),
        false => Err(NoValue::Overflow),
    });
    let rows = match &judged {
        Ok(Judged { rows: Some(rows), .. }) => rows.1,
        _ => rows(current, metric, column),
    };
    let it = judged.as_ref().ok().copied();
    let finite = |it: f64| it.is_finite().then_some(it);
    Measurement {
        metric: metric.to_owned(),
        column: column.map(str::to_owned),
        segment: None,
        p_value: it.and_then(|it| it.p_value),
        error_bound: it.map_or(0.0, |it| it.error_bound),
        threshold: it.and_then(|it| it.threshold).and_then(finite),
        value: judged.map(|it| it.value),
        rows,
        labels: None,
        label_coverage: None,
        limits: Vec::new(),
        against: None,
    }
}

/// Rows of a side that a metric rests on.
pub(in crate::monitor) fn rows(side: &Profile, metric: &str, column: Option<&str>) -> u64 {
    let Some(joint) = &side.joint else { return 0 };
    match (metric, column) {
        (_, Some(column)) => joint.vectors.get(column).map_or(0, |it| it.valid),
        ("pca_reconstruction", _) => joint.sums.rows,
        ("mmd", _) => joint.sums.waves.rows,
        ("correlation_change", _) => joint.products.rows,
        _ => joint.sample.len() as u64,
    }
}

/// One metric of a window, of all columns together or of a column of vectors.
///
/// # Errors
/// Why there is none: what was not frozen or not kept, too few rows, and what the metric says.
pub fn judged(
    frozen: &Frozen,
    current: &Profile,
    metric: &str,
    column: Option<&str>,
    rows_min: u64,
) -> Result<Judged, NoValue> {
    let (together, own, now) = sides(frozen, current)?;
    let frame = &together.frame;
    let other = |why: &str| Err(NoValue::Other(why.to_owned()));
    let null = || together.null(metric, column.unwrap_or_default());
    if let Some(column) = column {
        let Some(it) = frame.vectors.get(column) else {
            return Err(NoValue::Other(
                match frame.left_out.iter().any(|it| it == column) {
                    true => "not defined: no usable vector in the reference, or too many columns",
                    false => "not defined: the reference has no vectors in it",
                }
                .to_owned(),
            ));
        };
        let sums = own.vectors.get(column).zip(now.vectors.get(column));
        let sums = sums.ok_or(NoValue::MissingColumn { side: Side::Current })?;
        if !ON_VECTORS.contains(&metric) || metric == "mmd" && it.waves.is_none() {
            return other(NOT_FROZEN);
        }
        return vectors::of_sums(metric, it.waves.as_ref(), sums, null(), rows_min);
    }
    match metric {
        "pca_reconstruction" if frame.asked.residuals => {
            let sums = (&own.sums, &now.sums);
            let has = frame.components.has_residuals();
            let null = || null().map(Cow::Borrowed);
            let mut judged = pca_reconstruction::of_sums(has, sums, null, rows_min)?;
            let growth = pca_reconstruction::growth(own.sums.missed(), now.sums.missed());
            judged.ranking = ranked(&frame.features, &growth);
            Ok(judged)
        }
        "mmd" if frame.asked.waves => {
            let sums = (&own.sums.waves, &now.sums.waves);
            mmd::of_sums(frame.components.waves(), sums, null(), rows_min)
        }
        "correlation_change" if frame.asked.products => {
            let names = Products::columns(&frame.features);
            let products = (&own.products, &now.products);
            correlation_change::of_products(&names, products, &together.widths, rows_min)
        }
        "domain_classifier_auc" if frame.asked.sample_rows > 0 => {
            let samples = (&own.sample, &now.sample);
            domain_classifier_auc::of_samples(&frame.features, samples, rows_min)
        }
        "domain_classifier_auc" => other("no rows are kept to tell apart: `sample_rows` is 0"),
        _ => other(NOT_FROZEN),
    }
}

const NOT_FROZEN: &str = "not frozen: the reference was read before this metric was asked for";

/// What was frozen, what the reference says, and what the window says.
fn sides<'a>(
    frozen: &'a Frozen,
    current: &'a Profile,
) -> Result<(&'a Together, &'a Joint, &'a Joint), NoValue> {
    for (side, profile) in [(Side::Reference, &frozen.profile), (Side::Current, current)] {
        if profile.rows == 0 {
            return Err(NoValue::NoData { side });
        }
    }
    let other = |why: &str| NoValue::Other(why.to_owned());
    let together = frozen.joint.as_ref().ok_or_else(|| other(NOT_FROZEN))?;
    let own = frozen.profile.joint.as_deref().ok_or_else(|| other(NOT_FROZEN))?;
    let now = current.joint.as_deref().ok_or_else(|| {
        other("not kept: the window's rows were read before this metric was asked for")
    })?;
    if !own.is_of(&together.frame) || !now.is_of(&together.frame) {
        return Err(other("not comparable: the window was summed against an earlier reference"));
    }
    Ok((together, own, now))
}
