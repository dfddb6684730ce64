//! Configuration: TOML text → spanned tree → checked [`Config`]; every problem shown with its place.
mod model;
mod secret;

pub use model::*;
pub use secret::{Reveal, Revealed, Secret};

/// Options of one component, read from a table of the config file.
pub trait Options: serde::de::DeserializeOwned + schemars::JsonSchema {
    /// Makes relative paths start from the config file's folder.
    fn rebase(&mut self, folder: &std::path::Path) {
        let _ = folder;
    }

    /// Refuses options that parse but make no sense. Pure: no IO, no clock.
    fn check(&self, problems: &mut Problems<'_>) {
        let _ = problems;
    }
}

/// Where checks put what they find, so that a check never stops at the first problem.
#[derive(Debug)]
pub struct Problems<'a>(std::marker::PhantomData<&'a ()>);

/// One table of the config file while it is read.
#[derive(Debug)]
pub struct Table<'a>(std::marker::PhantomData<&'a ()>);

impl Table<'_> {
    /// Reads all remaining keys as the options `T`; what is wrong is noted as problems.
    pub fn read<T: Options>(&mut self) -> Option<T> {
        None
    }
}
