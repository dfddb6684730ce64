//! Stub until its owner writes it.
use arrow_schema::SchemaRef;
use serde::Deserialize;

use super::{Batch, Part, Query, ReadReport, Source, SourceError};
use crate::config::Options;

/// Options of `type = "files"`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// A file, a folder or a glob.
    pub path: String,
}

impl Options for Files {}

impl Source for Files {
    fn parts(&self) -> Result<Vec<Part>, SourceError> {
        Ok(Vec::new())
    }
    fn schema(&self, part: &Part) -> Result<SchemaRef, SourceError> {
        Err(SourceError::BadPart { part: part.name.clone(), why: "stub".into() })
    }
    fn read(
        &self,
        part: &Part,
        _query: &Query<'_>,
        _each: &mut dyn FnMut(Batch) -> Result<(), SourceError>,
    ) -> Result<ReadReport, SourceError> {
        Err(SourceError::BadPart { part: part.name.clone(), why: "stub".into() })
    }
}
