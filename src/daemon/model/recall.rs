//! A window that was judged, looked at again: both sides as the store has them.
use std::{collections::BTreeMap, sync::Arc};

use super::{ModelWorker, TurnError, close::Fresh};
use crate::{
    engine::{Roles, measure},
    monitor::{Frozen, Measurement, Outcomes},
    profile::{Limits, Profile},
    store::Commit,
    time::Interval,
};

/// Both sides of a window.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// What it was compared with.
    pub reference: Arc<Frozen>,
    /// Its rows; none where its profile is not kept any longer.
    pub profile: Option<Profile>,
    /// Its predictions and labels; none where they are not kept.
    pub outcomes: Option<Outcomes>,
    /// A custom metric, measured again where that was asked for.
    pub custom: Option<Measurement>,
}

impl ModelWorker {
    /// The model's roles.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// What a window's measurements rest on, of one version (empty: all together). Nothing is read
    /// but the store.
    ///
    /// # Errors
    /// The store's, or what is kept and can't be read.
    pub async fn recall(&self, window: Interval, version: &str) -> Result<Recalled, TurnError> {
        let reference = self.reference_at(window, &Commit::default()).await?;
        let profiles = self.merged_profiles(window, &BTreeMap::new()).await?;
        let mut profiles =
            measure::with_total(&profiles, |total, it| total.merge(it, &Limits::default()));
        let outcomes = self.outcomes_of(window, &Fresh::new()).await?;
        let mut outcomes = measure::with_total(&outcomes, |total, it| total.merge(it));
        Ok(Recalled {
            reference,
            profile: profiles.remove(version).filter(|it| it.rows > 0),
            outcomes: outcomes.remove(version).filter(|it| it.rows() > 0),
            custom: None,
        })
    }
}
