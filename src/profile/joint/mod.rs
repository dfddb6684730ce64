//! What is kept of rows as a whole, beside what is kept of each column.
//!
//! A reference is read twice: once into a profile, once more for how its columns vary together
//! ([`Fit`]). That freezes [`Components`]: the principal directions and the random frequencies
//! against which every window is summed in one pass ([`JointSums`]). Correlations are sums of
//! products ([`Products`]); columns of lists, such as embeddings, have sums of their own
//! ([`VectorSums`]). What sums can't say is asked of a bounded [`RowSample`].
//!
//! In the daemon all that is frozen is one [`Frame`], and all that a window keeps one [`Joint`], a
//! part of its profile.
//!
//! **Invariant:** sums are monoids to the bit. They are added in fixed point ([`ExactSum`]), so
//! that the same rows in any order and any split give the same bits.
//!
//! **Invariant:** the same bits on every machine. Sine and cosine are polynomials, not the
//! system's.
mod components;
mod eigen;
mod exact;
mod features;
mod fit;
mod frame;
mod means;
mod products;
mod read;
mod sample;
mod sums;
#[cfg(test)]
mod tests;
mod turns;
mod vectors;
mod waves;
mod whole;

pub use components::{Components, VARIANCE_KEPT};
pub use exact::ExactSum;
pub use features::{Encoding, FEATURES_MAX, Features, Matrix};
pub use fit::Fit;
pub use frame::{Asked, Frame, Freezing, VECTOR_COLUMNS_MAX, VectorFrame};
pub use means::{NUMBERS_MAX, ScoreSums};
pub use products::{CORRELATED_MAX, Correlation, Products};
pub use sample::{ROWS_MAX, RowSample, row_key};
pub use sums::JointSums;
pub use vectors::{DIMENSIONS_MAX, VECTORS_MAX, VectorFit, VectorSpace, VectorSums, is_vectors};
pub use waves::{FREQUENCIES, WaveSums, Waves};
pub use whole::Joint;
#[cfg(test)]
mod whole_tests;
