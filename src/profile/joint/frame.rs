//! What windows are summed against: frozen with the reference.
use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::{
    Components, Features, Fit, RowSample, VECTORS_MAX, VectorFit, VectorSpace, Waves, is_vectors,
};
use crate::profile::names::fnv1a;

/// Columns of vectors looked at; further ones are named in [`Frame::left_out`].
pub const VECTOR_COLUMNS_MAX: usize = 16;

/// What is kept of rows as a whole: only what is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How far rows lie from the reference's plane.
    pub residuals: bool,
    /// Where rows lie on random waves.
    pub waves: bool,
    /// Products of columns.
    pub products: bool,
    /// Rows of the sample; 0: none.
    pub sample_rows: usize,
    /// Columns of vectors.
    pub vectors: bool,
    /// Where vectors lie on random waves.
    pub vector_waves: bool,
}

impl Asked {
    /// Whether it is anything of all columns together.
    pub fn is_of_rows(&self) -> bool {
        self.residuals || self.waves || self.products || self.sample_rows > 0
    }

    /// Whether it is anything at all.
    pub fn is_any(&self) -> bool {
        self.is_of_rows() || self.vectors
    }
}

/// What is frozen of a column of vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorFrame {
    /// Where they are.
    pub space: VectorSpace,
    /// Their waves, where they are asked for.
    pub waves: Option<Waves>,
}

/// What is frozen of a reference as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// How columns become numbers.
    pub features: Features,
    /// The directions, and the waves.
    pub components: Components,
    /// Columns of vectors by name.
    pub vectors: BTreeMap<String, VectorFrame>,
    /// What is kept of windows.
    pub asked: Asked,
    /// Columns of vectors without a usable one, or beyond [`VECTOR_COLUMNS_MAX`].
    pub left_out: Vec<String>,
    key: u64,
}

impl Frame {
    /// Tells sums against this frame from those against another one.
    pub fn key(&self) -> u64 {
        self.key
    }
}

/// The pass over a reference that freezes its frame.
#[derive(Debug)]
pub struct Freezing {
    features: Features,
    asked: Asked,
    fit: Fit,
    sample: RowSample,
    vectors: BTreeMap<String, (VectorFit, RowSample)>,
}

/// A frame, and some of the reference's rows and vectors.
pub(super) type Frozen = (Frame, RowSample, BTreeMap<String, RowSample>);

impl Freezing {
    /// Ready to take the rows of the reference that `features` were frozen from.
    pub fn new(features: Features, asked: Asked) -> Self {
        let fit = Fit::new(&features);
        let (sample, vectors) = (RowSample::default(), BTreeMap::new());
        Self { features, asked, fit, sample, vectors }
    }

    /// Takes rows; `key` names each by its place. Vectors are in the columns that `is_wanted`.
    pub fn update(
        &mut self,
        batch: &RecordBatch,
        key: impl Fn(usize) -> u64,
        is_wanted: impl Fn(&str) -> bool,
    ) {
        if self.asked.is_of_rows() {
            let rows = self.features.read(batch);
            self.sample.update(&rows, &key);
            self.fit.update(&self.features.standardise(&rows.values));
        }
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        for (field, array) in fields.filter(|_| self.asked.vectors) {
            if is_vectors(field.data_type()) && is_wanted(field.name()) {
                let new = || (VectorFit::default(), RowSample::new(VECTORS_MAX));
                let (fit, sample) = self.vectors.entry(field.name().clone()).or_insert_with(new);
                let (vectors, places) = fit.update(array);
                sample.update(&vectors, |at| key(places[at]));
            }
        }
    }

    /// The frame.
    pub fn finish(self) -> Frozen {
        let components = self.fit.finish(&self.features, &self.sample);
        let (mut vectors, mut samples) = (BTreeMap::new(), BTreeMap::new());
        let mut left_out = Vec::new();
        for (name, (fit, sample)) in self.vectors {
            match fit.finish() {
                Some(space) if vectors.len() < VECTOR_COLUMNS_MAX => {
                    let waves = self.asked.vector_waves.then(|| space.waves(&sample));
                    vectors.insert(name.clone(), VectorFrame { space, waves });
                    samples.insert(name, sample);
                }
                _ => left_out.push(name),
            }
        }
        let (features, asked) = (self.features, self.asked);
        let spaces: Vec<(&String, VectorSpace)> =
            vectors.iter().map(|(name, it)| (name, it.space)).collect();
        // What can't be written down has the key of nothing, and is never written down.
        let said = postcard::to_allocvec(&(&features, &components, &spaces)).unwrap_or_default();
        let key = fnv1a(&said);
        (Frame { features, components, vectors, asked, left_out, key }, self.sample, samples)
    }
}
