//! The metrics on columns of vectors, judged by dealing the vectors of samples anew.
use super::{
    Judged, Null, ON_VECTORS, Vectors, centroid_cosine, centroid_euclidean, enough, mmd,
    norm_shift, permute,
};
use crate::{
    profile::joint::{RowSample, VectorFrame, VectorSums, Waves},
    stat::NoValue,
};

type Row<'a> = &'a [f64];

/// Both samples, and what they add up to.
struct Dealt<'a> {
    rows: Vec<Row<'a>>,
    sizes: (usize, usize),
    total: Vec<f64>,
    norms: Vec<f64>,
    deviation: f64,
}

/// What one way of dealing gives; not negative.
#[derive(Clone, Copy, Debug, Default)]
struct Draw([f64; 3]);

/// What falls with the square of the distance, and what falls with the distance.
const ORDERS: [f64; 3] = [1.0, 0.5, 0.5];

/// Measures these of [`ON_VECTORS`] on two samples of vectors and their sums.
pub(super) fn measure(
    metrics: &[&'static str],
    waves: Option<&Waves>,
    reference: &Vectors,
    current: &Vectors,
    rows_min: u64,
) -> Vec<(&'static str, Result<Judged, NoValue>)> {
    let rows = (reference.0.valid, current.0.valid);
    let mut draws: Option<([Option<Null>; 3], Draw)> = None;
    let mut judge = |metric: &'static str| {
        let sums = (&reference.0, &current.0);
        if metric == "mmd" {
            let mut judged = of_sums(metric, waves, sums, None, rows_min)?;
            if let Some(waves) = waves {
                let of = |it: &Vectors| {
                    let points = it.1.rows().into_iter().map(|row| it.0.space().points(row));
                    mmd::cosines(waves, points)
                };
                judged.dealt(&of(reference), &of(current), rows);
            }
            return Ok(judged);
        }
        enough(rows.0, rows.1, rows_min)?;
        let (nulls, own) = draws.get_or_insert_with(|| {
            let deviation = reference.0.norms().unwrap_or_default().1;
            let dealt = Dealt::new(reference.1.rows(), current.1.rows(), deviation);
            (dealt.nulls(), dealt.own())
        });
        let null = place(metric).and_then(|at| Some((nulls[at].as_ref()?, own.0[at])));
        let mut judged = of_sums(metric, None, sums, null.map(|it| it.0), rows_min)?;
        // Of the samples' own distance, not of that of all rows.
        judged.p_value = null.map(|(null, own)| null.p_value_drawn(own));
        Ok(judged)
    };
    let asked = ON_VECTORS.into_iter().filter(|it| metrics.contains(it));
    asked.map(|metric| (metric, judge(metric))).collect()
}

/// The place of a metric among draws.
fn place(metric: &str) -> Option<usize> {
    ["centroid_cosine", "centroid_euclidean", "norm_shift"].iter().position(|it| *it == metric)
}

/// Measures one on sums alone, with what it is without drift.
pub(super) fn of_sums(
    metric: &str,
    waves: Option<&Waves>,
    (own, now): (&VectorSums, &VectorSums),
    null: Option<&Null>,
    rows_min: u64,
) -> Result<Judged, NoValue> {
    if metric == "mmd" {
        let waves = waves.ok_or_else(|| NoValue::Other("not kept: no waves".to_owned()))?;
        return mmd::of_sums(waves, (&own.waves, &now.waves), null, rows_min);
    }
    let rows = (own.valid, now.valid);
    enough(rows.0, rows.1, rows_min)?;
    let (r, c) = (own.centroid(), now.centroid());
    let norms = (own.norms().unwrap_or_default(), now.norms().unwrap_or_default());
    let (value, cut) = match metric {
        "centroid_cosine" => (centroid_cosine::value(&r, &c)?, centroid_cosine::CUT),
        "centroid_euclidean" => {
            let cut = centroid_euclidean::CUT * own.spread().unwrap_or_default();
            (centroid_euclidean::value(&r, &c), cut)
        }
        _ => (norm_shift::value(norms.0, norms.1.0)?, norm_shift::CUT),
    };
    let mut judged = Judged { value, ..Judged::default() };
    if let Some(null) = null {
        judged.p_value = Some(null.p_value(value, rows));
        judged.threshold = Some(null.limit(rows).max(cut));
    }
    Ok(judged)
}

/// What these metrics are without drift, from vectors of the reference alone.
pub(super) fn nulls(
    frame: &VectorFrame,
    own: &VectorSums,
    sample: &RowSample,
) -> Vec<(&'static str, Null)> {
    let rows = sample.rows();
    let (x, y) = rows.split_at(rows.len() / 2);
    let deviation = own.norms().unwrap_or_default().1;
    let [cosine, euclidean, norm] = Dealt::new(x.to_vec(), y.to_vec(), deviation).nulls();
    let waves = frame.waves.as_ref().and_then(|waves| {
        mmd::null(&mmd::cosines(waves, rows.iter().map(|row| frame.space.points(row))))
    });
    let named = [
        ("centroid_cosine", cosine),
        ("centroid_euclidean", euclidean),
        ("norm_shift", norm),
        ("mmd", waves),
    ];
    named.into_iter().filter_map(|(metric, null)| Some((metric, null?))).collect()
}

impl<'a> Dealt<'a> {
    fn new(reference: Vec<Row<'a>>, current: Vec<Row<'a>>, deviation: f64) -> Self {
        let sizes = (reference.len(), current.len());
        let rows = [reference, current].concat();
        let total = sum(&rows, 0..rows.len());
        let norm = |row: &Row<'_>| row.iter().map(|x| x * x).sum::<f64>().sqrt();
        let norms = rows.iter().map(norm).collect();
        Self { rows, sizes, total, norms, deviation }
    }

    /// None where a side has hardly a vector.
    fn nulls(&self) -> [Option<Null>; 3] {
        let mut draws = Vec::with_capacity(permute::PERMUTATIONS);
        if self.sizes.0 > 1 && self.sizes.1 > 1 {
            permute::deal(self.sizes, |places| draws.push(self.draw(places)));
        }
        let drawn = (self.sizes.0 as u64, self.sizes.1 as u64);
        [0, 1, 2].map(|at| {
            let draws = draws.iter().map(|draw| draw.0[at]).collect();
            Null::new(draws, drawn, ORDERS[at])
        })
    }

    fn own(&self) -> Draw {
        let places: Vec<usize> = (self.sizes.0..self.rows.len()).collect();
        self.draw(&places)
    }

    fn draw(&self, places: &[usize]) -> Draw {
        let (n, m) = (self.sizes.0 as f64, self.sizes.1 as f64);
        let current = sum(&self.rows, places.iter().copied());
        let (r, c): (Vec<f64>, Vec<f64>) = self
            .total
            .iter()
            .zip(&current)
            .map(|(total, current)| ((total - current) / n, current / m))
            .unzip();
        let norms = places.iter().map(|place| self.norms[*place]).sum::<f64>();
        let gap = (self.norms.iter().sum::<f64>() - norms) / n - norms / m;
        let shift = if self.deviation > 0.0 { gap.abs() / self.deviation } else { 0.0 };
        Draw([
            centroid_cosine::value(&r, &c).unwrap_or(0.0),
            centroid_euclidean::value(&r, &c),
            shift,
        ])
    }
}

fn sum(rows: &[Row<'_>], places: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut sums = vec![0.0; rows.first().map_or(0, |row| row.len())];
    for place in places {
        sums.iter_mut().zip(rows[place]).for_each(|(sum, x)| *sum += x);
    }
    sums
}
