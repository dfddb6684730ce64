//! A window that was judged, looked at again: both sides as the store has them.
use std::sync::Arc;

use super::{ModelWorker, TurnError, close::Fresh};
use crate::{
    engine::{BySlice, Roles, Slice, slice},
    monitor::{Frozen, Outcomes},
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
}

impl ModelWorker {
    /// The model's roles.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// What the measurements of a window's slice rest on. Nothing is read but the store.
    ///
    /// # Errors
    /// The store's, or what is kept and can't be read.
    pub async fn recall(&self, window: Interval, slice: &Slice) -> Result<Recalled, TurnError> {
        let reference = self.reference_at(window, &Commit::default()).await?;
        let (none, roster) = (BySlice::new(), &self.state.segments);
        let profiles = self.merged_profiles(window, &none, roster).await?;
        let mut profiles =
            slice::with_total(&profiles, |total, it| total.merge(it, &Limits::default()));
        let outcomes = self.outcomes_of(window, &Fresh::new()).await?;
        let mut outcomes = slice::with_total(&outcomes, |total, it| total.merge(it));
        Ok(Recalled {
            reference,
            profile: profiles.remove(slice).filter(|it| it.rows > 0),
            outcomes: outcomes.remove(slice).filter(|it| it.rows() > 0),
        })
    }
}
