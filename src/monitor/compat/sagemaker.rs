//! SageMaker Model Monitor's drift check (Deequ's `Distance`).
//!
//! | column | distance | drift |
//! | --- | --- | --- |
//! | numeric | D = maxₓ ∣Fᵣ(x) − F꜀(x)∣, metric `ks` | > 0.1 |
//! | categorical | L∞ = max ∣share − share∣, metric `l_infinity` | > 0.1 |
//!
//! With `comparison_method` Robust, the default, the distance is lessened by what two samples of
//! these sizes may differ by: max(0, D − 1.8·√((n + m)/(n·m))); with Simple it is D itself. Missing
//! values are left out. Model Monitor takes Fᵣ and F꜀ from sketches; here they are exact.
use super::{
    CATEGORICAL, Judged, Metric, NUMERIC, Rules, Score, When,
    shares::{joint, l_infinity, largest_gap, shares},
    sides::{Sides, kind_of_type},
};
use crate::{
    profile::{ColumnProfile, Kind},
    stat::NoValue,
};

const METRICS: &[Metric] = &[
    Metric { name: "ks", theirs: "LInfinityNumeric", kinds: NUMERIC },
    Metric { name: "l_infinity", theirs: "LInfinity", kinds: CATEGORICAL },
];

/// `comparison_threshold` and `categorical_comparison_threshold`.
const THRESHOLD: f64 = 0.1;
/// What is allowed for the sizes, in √((n + m)/(n·m)): about α = 0.003.
const ALLOWANCE: f64 = 1.8;

/// The rules, with or without the allowance.
pub(super) struct SageMaker {
    pub(super) robust: bool,
}

impl Rules for SageMaker {
    fn metrics(&self) -> Vec<Metric> {
        METRICS.to_vec()
    }

    fn kind(&self, reference: &ColumnProfile, current: &ColumnProfile) -> Result<Kind, String> {
        kind_of_type(reference, current)
    }

    fn usual(&self, sides: &Sides<'_>) -> Vec<&'static str> {
        vec![if sides.is_numeric() { "ks" } else { "l_infinity" }]
    }

    fn how_to_read(&self) -> &'static [&'static str] {
        match self.robust {
            true => &[
                "As SageMaker Model Monitor (Robust): ▲ a column has drifted where its distance,",
                "  less what samples of these sizes may differ by, is above 0.1.",
            ],
            false => &[
                "As SageMaker Model Monitor (Simple): ▲ a column has drifted where its distance",
                "  is above 0.1.",
            ],
        }
    }

    fn judge(&self, _: &'static str, sides: &Sides<'_>) -> Judged {
        Judged::fixed(self.score(sides), When::Above, THRESHOLD)
    }
}

impl SageMaker {
    fn score(&self, sides: &Sides<'_>) -> Result<Score, NoValue> {
        let (reference, current) = sides.usable()?;
        let (n, m) = (reference.counts.rows, current.counts.rows);
        let rows = joint(&reference, &current);
        let distance = if sides.is_numeric() {
            largest_gap(&rows, n, m)
        } else {
            let (r, c) = rows.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
            l_infinity(&shares(r, n), &shares(c, m))
        };
        if !self.robust {
            return Ok(Score::of(distance));
        }
        let (n, m) = (n as f64, m as f64);
        let allowed = ALLOWANCE * ((n + m) / (n * m)).sqrt();
        Ok(Score { statistic: Some(distance), ..Score::of((distance - allowed).max(0.0)) })
    }
}
