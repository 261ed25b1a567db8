//! When a camera is to be slower, and when it may be faster once more.

/// Whole frames after which a faster camera is tried, at first and at most.
const PATIENCE: u32 = 32;
const MOST_PATIENCE: u32 = 4096;

/// Overruns in a row at a speed that had whole frames: one late moment of the host
/// is no reason.
const OVERRUNS: u32 = 2;

/// What becomes of a camera's speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    None,
    /// Lines are to last twice as long.
    Slower,
    /// Lines may last half as long.
    Faster,
}

/// Overruns and whole frames at the speed that a camera has.
///
/// A speed without a whole frame is left at its first overrun. Where the faster one
/// that was tried is too fast still, the next try comes after twice as many frames.
#[derive(Clone, Debug)]
pub struct Pace {
    overruns: u32,
    whole: u32,
    /// Whether frames came whole at this speed.
    is_proved: bool,
    /// Whether the speed is one that is tried.
    is_trial: bool,
    patience: u32,
}

impl Pace {
    /// Returns the pace of a camera at a speed that nothing is known of.
    #[must_use]
    pub const fn new() -> Self {
        Self { overruns: 0, whole: 0, is_proved: false, is_trial: false, patience: PATIENCE }
    }

    /// Takes note of a frame that came faster than it was taken.
    pub fn overrun(&mut self) -> Change {
        self.whole = 0;
        self.overruns += 1;
        if self.is_proved && self.overruns < OVERRUNS {
            return Change::None;
        }
        if self.is_trial {
            self.patience = (2 * self.patience).min(MOST_PATIENCE);
        }
        *self = Self { patience: self.patience, is_proved: self.is_trial, ..Self::new() };
        Change::Slower
    }

    /// Takes note of a whole frame.
    pub fn whole(&mut self) -> Change {
        self.overruns = 0;
        self.is_proved = true;
        self.whole += 1;
        if self.whole < self.patience {
            return Change::None;
        }
        *self = Self { patience: self.patience, is_trial: true, ..Self::new() };
        Change::Faster
    }

    /// Takes back that the camera is faster: it is at its fastest.
    pub fn is_fastest(&mut self) {
        (self.is_trial, self.is_proved) = (false, true);
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns after how many whole frames a faster camera is tried.
    fn frames_to_a_trial(pace: &mut Pace) -> usize {
        (1..).find(|_| pace.whole() == Change::Faster).expect("it is tried")
    }

    #[test]
    fn an_unknown_speed_is_left_at_once_and_a_known_one_after_two_overruns_in_a_row() {
        let mut pace = Pace::new();
        assert_eq!([pace.overrun(), pace.overrun()], [Change::Slower; 2]);
        for _ in 0..3 {
            assert_eq!([pace.whole(), pace.overrun()], [Change::None; 2]);
        }
        assert_eq!(pace.overrun(), Change::Slower);
    }

    #[test]
    fn faster_is_tried_again_and_each_failure_doubles_the_time_to_the_next() {
        let mut pace = Pace::new();
        assert_eq!(frames_to_a_trial(&mut pace), 32);
        for expected in [64, 128, 256, 512, 1024, 2048, 4096, 4096] {
            assert_eq!(pace.overrun(), Change::Slower);
            // The speed that it comes back to was proved.
            assert_eq!(pace.overrun(), Change::None);
            assert_eq!(frames_to_a_trial(&mut pace), expected);
        }
        // One that does not fail stays.
        assert_eq!(
            [pace.whole(), pace.overrun(), pace.overrun()],
            [Change::None, Change::None, Change::Slower]
        );
    }

    #[test]
    fn at_its_fastest_a_late_host_is_forgiven() {
        let mut pace = Pace::new();
        frames_to_a_trial(&mut pace);
        pace.is_fastest();
        assert_eq!([pace.overrun(), pace.overrun()], [Change::None, Change::Slower]);
        assert_eq!(frames_to_a_trial(&mut pace), 32);
    }
}
