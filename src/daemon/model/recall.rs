//! A window that was judged, looked at again: both sides as the store has them.
use std::sync::Arc;

use super::{ModelWorker, TurnError, close::Fresh};
use crate::{
    engine::{BySlice, Roles, Slice, season::Seasonal, slice},
    monitor::{Against, Frozen, Measurement, Outcomes},
    profile::{Limits, Profile},
    store::Commit,
    time::{Grid, Interval},
};

/// Both sides of a window.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// What it was compared with.
    pub reference: Arc<Frozen>,
    /// The season that it was compared with, where it has a slot in one.
    pub season: Option<Seasonal>,
    /// Its rows; none where its profile is not kept any longer.
    pub profile: Option<Profile>,
    /// Its predictions and labels; none where they are not kept.
    pub outcomes: Option<Outcomes>,
    /// A custom metric, measured again where that was asked for.
    pub custom: Option<Measurement>,
}

impl Recalled {
    /// What a measurement of it is against.
    pub fn compared(&self, against: Option<Against>) -> &Frozen {
        let season = self.season.as_ref().filter(|_| against == Some(Against::Season));
        season.map_or(&*self.reference, |it| &it.frozen)
    }
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
        let sizes = [self.grid.size].into_iter().chain(self.outer_sizes());
        let mut sizes = sizes.filter(|size| {
            let grid = Grid { size: *size, zone: self.grid.zone.clone() };
            grid.window_of(window.start) == window
        });
        let season = match sizes.next() {
            Some(size) => self.season_at(size, window, &reference, &profiles, roster).await?,
            None => None,
        };
        let mut profiles =
            slice::with_total(&profiles, |total, it| total.merge(it, &Limits::default()));
        let outcomes = self.outcomes_of(window, &Fresh::new()).await?;
        let mut outcomes = slice::with_total(&outcomes, |total, it| total.merge(it));
        Ok(Recalled {
            reference,
            season,
            profile: profiles.remove(slice).filter(|it| it.rows > 0),
            outcomes: outcomes.remove(slice).filter(|it| it.rows() > 0),
            custom: None,
        })
    }
}
