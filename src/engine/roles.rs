//! Which column plays which part.
use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;

use super::Declared;
use crate::{
    config::ModelConfig,
    monitor::Frozen,
    profile::{Kind, data_name, measured_name, with_lengths},
};

/// The parts that a model's columns play, from its configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roles {
    /// Column that names the prediction.
    pub id: Option<String>,
    /// Column that says when.
    pub time: String,
    /// Column of the version.
    pub version: Option<String>,
    /// Column of the score.
    pub score: Option<String>,
    /// Column of the decision.
    pub prediction: Option<String>,
    /// Column of the truth, where it is one of the predictions'.
    pub label: Option<String>,
    /// The name that a label column has wherever it stands: never a feature.
    pub label_name: Option<String>,
    /// The value that counts as positive.
    pub positive: Option<String>,
    /// Score from which a row without a decision counts as predicted positive.
    pub threshold: f64,
    /// Whether outcomes are kept at all.
    pub labels_wanted: bool,
    /// Features where they are listed; `None` is every other column.
    pub features: Option<Vec<String>>,
    /// Columns left out of every other column.
    pub ignore: Vec<String>,
    /// Kinds that override the inferred ones.
    pub kinds: BTreeMap<String, Kind>,
    /// Columns of free text: their lengths are summarised.
    pub texts: BTreeSet<String>,
    /// The segments that are kept besides the whole.
    pub segments: Declared,
}

impl Roles {
    /// The roles that a model's configuration gives.
    pub fn new(model: &ModelConfig) -> Self {
        let predictions = &model.predictions;
        let labels = model.labels.as_ref();
        Self {
            id: predictions.id.clone(),
            time: predictions.time.clone(),
            version: predictions.version.clone(),
            score: predictions.score.clone(),
            prediction: predictions.prediction.clone(),
            label: labels.filter(|l| l.source.is_none()).map(|l| l.label.clone()),
            label_name: labels.map(|l| l.label.clone()),
            positive: labels.and_then(|l| l.positive.clone()),
            threshold: labels.map_or(0.5, |l| l.threshold),
            labels_wanted: labels.is_some(),
            features: predictions.features.as_ref().map(|listed| {
                listed.iter().map(|name| measured_name(name, &predictions.texts)).collect()
            }),
            ignore: predictions.ignore.clone(),
            kinds: predictions.kinds.clone(),
            texts: predictions.texts.clone(),
            segments: Declared::new(model),
        }
    }

    /// Score and prediction: measured like features, and what `on = "predictions"` means.
    pub fn predictions(&self) -> Vec<String> {
        self.score.iter().chain(&self.prediction).cloned().collect()
    }

    /// The features: the listed ones, or every column of the reference without another part.
    pub fn features(&self, reference: &Frozen) -> Vec<String> {
        match &self.features {
            Some(listed) => listed.clone(),
            None => {
                let vectors = reference.joint.iter().flat_map(|it| it.frame.vectors.keys());
                let all = reference.profile.columns.keys().chain(vectors);
                all.filter(|name| self.is_feature(name)).cloned().collect()
            }
        }
    }

    /// Whether a column is one that the model takes in.
    pub fn is_feature(&self, name: &str) -> bool {
        self.is_profiled(name)
            && ![&self.score, &self.prediction].into_iter().flatten().any(|other| other == name)
    }

    /// Whether a column is summarised: features, score and prediction are.
    pub fn is_profiled(&self, name: &str) -> bool {
        let roles = [&self.id, &self.version, &self.label, &self.label_name];
        if name == self.time || roles.into_iter().flatten().any(|other| other == name) {
            return false;
        }
        match &self.features {
            None => {
                let name = data_name(name, &self.texts);
                !self.ignore.iter().any(|other| other == name)
            }
            Some(listed) => {
                let predictions = [&self.score, &self.prediction];
                listed.iter().chain(predictions.into_iter().flatten()).any(|other| other == name)
            }
        }
    }

    /// The columns with a part of their own that are wanted wherever they stand: in the rows, or
    /// in the folders' names.
    pub fn named(&self) -> Vec<String> {
        let roles = [&self.id, &self.version, &self.score, &self.prediction, &self.label];
        let roles = roles.into_iter().flatten();
        roles.chain(self.segments.each_column()).cloned().collect()
    }

    /// The columns that are worth reading, where that is known beforehand.
    pub fn wanted(&self) -> Option<Vec<String>> {
        let features = self.features.as_ref()?;
        let features = features.iter().map(|name| data_name(name, &self.texts).to_owned());
        let mut wanted: Vec<String> = features.chain(self.named()).collect();
        wanted.push(self.time.clone());
        wanted.sort();
        wanted.dedup();
        Some(wanted)
    }

    /// Of a reference: what is worth reading, where that is known beforehand, and what is wanted
    /// wherever it stands. Its labels, where it has some, have the labels' own name.
    pub fn of_reference(&self) -> (Option<Vec<String>>, Vec<String>) {
        let (mut wanted, mut named) = (self.wanted(), self.named());
        for label in self.label_name.iter().filter(|it| self.label.as_ref() != Some(it)) {
            if let Some(wanted) = &mut wanted {
                wanted.push(label.clone());
            }
            named.push(label.clone());
        }
        (wanted, named)
    }

    /// The columns of a batch that are summarised.
    ///
    /// # Errors
    /// Arrow's words.
    pub fn profiled(&self, record: &RecordBatch) -> Result<RecordBatch, String> {
        let record = with_lengths(record, &self.texts).map_err(|e| e.to_string())?;
        let schema = record.schema();
        let keep: Vec<usize> = schema
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| self.is_profiled(field.name()))
            .map(|(index, _)| index)
            .collect();
        record.project(&keep).map_err(|e| e.to_string())
    }
}
