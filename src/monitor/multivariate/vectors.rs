//! The metrics on a column of vectors, judged by dealing the vectors of both samples anew.
use super::{Judged, ON_VECTORS, Vectors, centroid_cosine, centroid_euclidean, enough};
use super::{norm_shift, permute};
use crate::stat::NoValue;

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

/// Measures these of [`ON_VECTORS`].
pub(super) fn measure(
    metrics: &[&'static str],
    reference: &Vectors,
    current: &Vectors,
    rows_min: u64,
) -> Vec<(&'static str, Result<Judged, NoValue>)> {
    let asked = || ON_VECTORS.into_iter().enumerate().filter(|(_, it)| metrics.contains(it));
    let rows = (reference.0.valid, current.0.valid);
    if let Err(why) = enough(rows.0, rows.1, rows_min) {
        return asked().map(|(_, metric)| (metric, Err(why.clone()))).collect();
    }
    if asked().count() == 0 {
        return Vec::new();
    }
    let (r, c) = (reference.0.centroid(), current.0.centroid());
    let norms = (reference.0.norms().unwrap_or_default(), current.0.norms().unwrap_or_default());
    let dealt = Dealt::new(reference.1.rows(), current.1.rows(), norms.0.1);
    let draws = dealt.draws();
    let own = dealt.own();
    let values = [
        centroid_cosine::value(&r, &c),
        Ok(centroid_euclidean::value(&r, &c)),
        norm_shift::value(norms.0, norms.1.0),
    ];
    let cuts = [
        centroid_cosine::CUT,
        centroid_euclidean::CUT * reference.0.spread().unwrap_or_default(),
        norm_shift::CUT,
    ];
    // What falls with the square of the distance, and what falls with the distance.
    let orders = [1.0, 0.5, 0.5];
    let drawn = (dealt.sizes.0 as u64, dealt.sizes.1 as u64);
    let judge = |(at, metric): (usize, &'static str)| {
        let judged = values[at].clone().map(|value| {
            let draws: Vec<f64> = draws.iter().map(|draw| draw.0[at]).collect();
            let p_value = Some(permute::p_value(&draws, own.0[at]));
            let null = permute::quantile(draws, drawn, rows, orders[at]);
            Judged { value, p_value, threshold: Some(null.max(cuts[at])), ..Judged::default() }
        });
        (metric, judged)
    };
    asked().map(judge).collect()
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

    fn draws(&self) -> Vec<Draw> {
        let mut draws = Vec::with_capacity(permute::PERMUTATIONS);
        permute::deal(self.sizes, |places| draws.push(self.draw(places)));
        draws
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
