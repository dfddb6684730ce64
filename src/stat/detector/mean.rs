//! A mean that grows value by value: what most detectors remember.
use serde::{Deserialize, Serialize};

/// How many values came, and their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// Values so far.
    pub values: u64,
    /// Their mean; 0 before the first.
    pub mean: f64,
}

impl Mean {
    pub(super) fn update(&mut self, x: f64) {
        self.values = self.values.saturating_add(1);
        self.mean += (x - self.mean) / self.values as f64;
    }

    /// The mean of the values that came after `earlier`; `None` where none did.
    pub(super) fn since(&self, earlier: &Self) -> Option<f64> {
        let count = self.values.checked_sub(earlier.values).filter(|it| *it > 0)? as f64;
        let before = (self.mean - earlier.mean) * earlier.values as f64;
        Some(self.mean + before / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_since_is_that_of_what_came_after() {
        let mut mean = Mean::default();
        [1.0, 3.0].iter().for_each(|x| mean.update(*x));
        let earlier = mean;
        assert_eq!(mean.since(&earlier), None);
        [5.0, 6.0, 7.0].iter().for_each(|x| mean.update(*x));
        assert_eq!((earlier.mean, mean.mean), (2.0, 4.4));
        assert!((mean.since(&earlier).unwrap() - 6.0).abs() < 1e-12);
        assert!((mean.since(&Mean::default()).unwrap() - 4.4).abs() < 1e-12);
    }
}
