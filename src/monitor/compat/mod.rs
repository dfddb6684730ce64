//! Other tools' definitions, defaults and verdicts: what `driftd compare --as` computes.
//!
//! One tool a file, and one line each in [`Tool`]'s table. A tool's rules say what kind it takes a
//! column for, which of its metrics it would choose, and what it makes of a metric; the number that
//! it would have shown is `value`, with its own threshold and verdict. Where the tool itself would
//! raise an error or give NaN, there is no value but the reason, and other columns go on.
//!
//! driftd's own statistics are the sound ones (`docs/statistics.md`); these are for the day of the
//! move, when the old numbers are to be seen again.
mod binned;
mod compare;
mod databricks;
mod evidently;
mod nannyml;
mod numpy;
mod sagemaker;
mod shares;
mod sides;
mod smirnov;
#[cfg(test)]
mod tests;

use std::fmt;

use self::sides::Sides;
use super::report::ChunkReport;
use crate::{
    profile::{ColumnProfile, Kind},
    stat::NoValue,
};

pub use self::compare::{Chunk, Chunked, compare_as};

/// A tool whose numbers can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tool {
    /// Evidently 0.7.
    Evidently,
    /// NannyML 0.13, univariate drift.
    NannyMl,
    /// SageMaker Model Monitor with `comparison_method` Robust, its default.
    SageMaker,
    /// SageMaker Model Monitor with `comparison_method` Simple.
    SageMakerSimple,
    /// Databricks' drift metrics table.
    Databricks,
}

impl Tool {
    /// All of them, in the order in which documents list them.
    pub const ALL: &'static [Self] =
        &[Self::Evidently, Self::NannyMl, Self::SageMaker, Self::SageMakerSimple, Self::Databricks];

    /// What `--as` takes, and who computes it.
    fn entry(self) -> (&'static str, &'static dyn Rules) {
        match self {
            Self::Evidently => ("evidently", &evidently::Evidently),
            Self::NannyMl => ("nannyml", &nannyml::NannyMl),
            Self::SageMaker => ("sagemaker", &sagemaker::SageMaker { robust: true }),
            Self::SageMakerSimple => ("sagemaker-simple", &sagemaker::SageMaker { robust: false }),
            Self::Databricks => ("databricks", &databricks::Databricks),
        }
    }

    fn rules(self) -> &'static dyn Rules {
        self.entry().1
    }

    /// The name that `--as` takes.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// The tool of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|tool| tool.name() == name)
    }

    /// The names that its metrics go by: driftd's, and the tool's own.
    pub fn metric_names(self) -> impl Iterator<Item = &'static str> {
        let metrics = self.rules().metrics().into_iter();
        metrics.flat_map(|it| {
            let theirs = Some(it.theirs).filter(|theirs| *theirs != it.name);
            [Some(it.name), theirs].into_iter().flatten()
        })
    }

    /// driftd's name of a metric that the tool has, by either name.
    ///
    /// ```
    /// use driftd::monitor::compat::Tool;
    /// assert_eq!(Tool::Evidently.metric("kl_div"), Some("kl_divergence"));
    /// // What Evidently calls wasserstein is divided by the reference's deviation.
    /// assert_eq!(Tool::Evidently.metric("wasserstein"), Some("wasserstein_normed"));
    /// assert_eq!(Tool::NannyMl.metric("wasserstein"), Some("wasserstein"));
    /// assert_eq!(Tool::NannyMl.metric("psi"), None);
    /// ```
    pub fn metric(self, name: &str) -> Option<&'static str> {
        let metrics = self.rules().metrics();
        metrics.into_iter().find(|it| it.name == name || it.theirs == name).map(|it| it.name)
    }

    /// The share of drifted columns from which on the tool calls a data set drifted.
    pub fn drift_share(self) -> Option<f64> {
        self.rules().drift_share()
    }

    /// What its values and verdicts mean, in a few lines.
    pub fn how_to_read(self) -> &'static [&'static str] {
        self.rules().how_to_read()
    }

    /// Whether the tool looks at chunks of both sides, not at the sides as a whole.
    pub fn is_chunked(self) -> bool {
        self.rules().is_chunked()
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A metric of a tool.
#[derive(Clone, Copy, Debug)]
struct Metric {
    /// driftd's name.
    name: &'static str,
    /// The tool's own.
    theirs: &'static str,
    /// The kinds that the tool takes it for; booleans are categories.
    kinds: &'static [Kind],
}

const NUMERIC: &[Kind] = &[Kind::Numeric];
const CATEGORICAL: &[Kind] = &[Kind::Categorical];
const BOTH: &[Kind] = &[Kind::Numeric, Kind::Categorical];

/// What a tool does.
trait Rules: Sync {
    /// Its metrics, each under one name of driftd's.
    fn metrics(&self) -> Vec<Metric>;
    /// What it takes a column for (numeric or categorical), or why it leaves it out.
    fn kind(&self, reference: &ColumnProfile, current: &ColumnProfile) -> Result<Kind, String>;
    /// The metrics that it chooses where the user does not.
    fn usual(&self, sides: &Sides<'_>) -> Vec<&'static str>;
    /// A metric of its own, of a column of a kind that it takes it for.
    fn judge(&self, metric: &'static str, sides: &Sides<'_>) -> Judged;
    /// See [`Tool::how_to_read`].
    fn how_to_read(&self) -> &'static [&'static str];
    /// See [`Tool::drift_share`].
    fn drift_share(&self) -> Option<f64> {
        None
    }
    /// See [`Tool::is_chunked`].
    fn is_chunked(&self) -> bool {
        false
    }
}

/// On which side of its threshold a value means drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    AtLeast,
    Above,
    AtMost,
    Below,
}

impl When {
    fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
        }
    }

    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::AtLeast => value >= threshold,
            Self::Above => value > threshold,
            Self::AtMost => value <= threshold,
            Self::Below => value < threshold,
        }
    }
}

/// A number that a tool shows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Score {
    /// What it compares with its threshold.
    value: f64,
    /// The test's statistic, where it is known and not the value.
    statistic: Option<f64>,
    /// The test's p-value, where there is one.
    p_value: Option<f64>,
}

impl Score {
    fn of(value: f64) -> Self {
        Self { value, statistic: None, p_value: None }
    }

    /// Itself, where it is a number.
    fn finite(self) -> Result<Self, NoValue> {
        if self.value.is_finite() { Ok(self) } else { Err(NoValue::Overflow) }
    }

    /// A test that is judged by its p-value.
    fn p(p_value: f64, statistic: Option<f64>) -> Self {
        Self { value: p_value, statistic, p_value: Some(p_value) }
    }
}

/// What a tool says about a metric of a column.
#[derive(Clone, Debug)]
struct Judged {
    score: Result<Score, NoValue>,
    threshold: Option<f64>,
    when: Option<When>,
    drifted: bool,
    chunks: Vec<ChunkReport>,
}

impl Judged {
    /// A score against a fixed threshold. A score that is no number is none.
    fn fixed(score: Result<Score, NoValue>, when: When, threshold: f64) -> Self {
        let score = score.and_then(Score::finite);
        let drifted = score.as_ref().is_ok_and(|it| when.holds(it.value, threshold));
        Self { score, threshold: Some(threshold), when: Some(when), drifted, chunks: Vec::new() }
    }

    /// A score that the tool does not judge.
    fn unjudged(score: Result<Score, NoValue>) -> Self {
        let score = score.and_then(Score::finite);
        Self { score, threshold: None, when: None, drifted: false, chunks: Vec::new() }
    }
}
