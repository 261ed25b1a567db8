//! How many images are wanted of a camera yet.

use shared::Loss;

use crate::CameraError;

/// Losses in a row after which a number of images is given up: a camera that is
/// slowed down to its slowest loses seven.
const MOST_LOSSES: u32 = 20;

/// How many whole frames the host wants yet.
#[derive(Clone, Debug)]
pub struct Quota {
    left: Option<u32>,
    losses: u32,
}

impl Quota {
    /// Returns the quota of `count` whole frames, or of frames without end.
    #[must_use]
    pub const fn new(count: Option<u32>) -> Self {
        Self { left: count, losses: 0 }
    }

    /// Returns whether no frame is wanted any more.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.left == Some(0)
    }

    /// Takes note of a whole frame.
    pub fn whole(&mut self) {
        self.losses = 0;
        self.left = self.left.map(|left| left.saturating_sub(1));
    }

    /// Takes note of a frame that was lost.
    ///
    /// # Errors
    ///
    /// Returns an error where a number of frames is wanted and too many were lost
    /// in a row. Without a number the camera goes on: somebody is looking.
    pub fn lost(&mut self, last: Loss) -> Result<(), CameraError> {
        self.losses = self.losses.saturating_add(1);
        if self.left.is_some() && self.losses >= MOST_LOSSES {
            return Err(CameraError::OnlyLosses { count: self.losses, last });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_frames_count_and_lost_ones_do_not() {
        let mut quota = Quota::new(Some(2));
        for _ in 0..3 {
            assert_eq!(quota.lost(Loss::Overrun), Ok(()));
        }
        quota.whole();
        assert!(!quota.is_met());
        quota.whole();
        assert!(quota.is_met());
    }

    #[test]
    fn twenty_losses_in_a_row_are_an_error_where_a_number_is_wanted() {
        let mut quota = Quota::new(Some(2));
        let lose = |quota: &mut Quota, count: usize| {
            (0..count).map(|_| quota.lost(Loss::EndedEarly)).find(Result::is_err)
        };
        assert_eq!(lose(&mut quota, 19), None);
        quota.whole();
        assert_eq!(lose(&mut quota, 19), None);
        let error = CameraError::OnlyLosses { count: 20, last: Loss::EndedEarly };
        assert_eq!(lose(&mut quota, 1), Some(Err(error)));
        assert_eq!(lose(&mut Quota::new(None), 100), None);
        assert!(!Quota::new(None).is_met());
    }
}
