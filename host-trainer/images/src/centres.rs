//! The centres of images, which is all that training looks at.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use super::{Damage, DataError, DecodeError, ImageSet, MostlyDamaged};

/// Length to which the shorter side of a training image is resized (\[LCL\]
/// A.2).
pub const SHORTER_SIDE: u32 = 224;

/// Side of the centre that LCL-V2 needs: the larger of the two stages' centres.
pub const CENTRE_SIDE: u32 = 112;

/// The centres of a set of images, decoded when first asked for and kept in
/// memory up to a limit.
///
/// What it returns depends neither on the limit nor on the order of the calls.
#[derive(Debug)]
pub struct Centres {
    set: ImageSet,
    side: u32,
    slots: Vec<OnceLock<Slot>>,
    limit_bytes: usize,
    kept_bytes: AtomicUsize,
    damage: Damage,
}

#[derive(Debug)]
enum Slot {
    Kept(Arc<[u8]>),
    OverLimit,
    Damaged,
}

impl Centres {
    /// Creates the centres of `set`, `side`×`side` pixels each, none of them
    /// decoded yet.
    ///
    /// # Errors
    ///
    /// When a pack in the set keeps less of an image.
    pub fn new(set: ImageSet, side: u32, limit_bytes: usize) -> Result<Self, DataError> {
        set.check_side(side)?;
        let slots = (0..set.len()).map(|_| OnceLock::new()).collect();
        let (kept_bytes, damage) = (AtomicUsize::new(0), Damage::default());
        Ok(Self { set, side, slots, limit_bytes, kept_bytes, damage })
    }

    /// Returns the number of images, damaged ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Returns the side of a centre, in pixels.
    #[must_use]
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Returns the centre of an image, RGB8 `[side, side, 3]`, or `None` where
    /// the image cannot be used.
    ///
    /// The first time, an unusable image is counted and warned about.
    ///
    /// # Panics
    ///
    /// When there are not so many images.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Arc<[u8]>> {
        let mut decoded = None;
        let slot = self.slots[index].get_or_init(|| match self.decode(index) {
            Ok(centre) => {
                self.damage.count_sound();
                let kept = self.kept_bytes.fetch_add(centre.len(), Ordering::Relaxed);
                decoded = Some(Arc::clone(&centre));
                if kept < self.limit_bytes { Slot::Kept(centre) } else { Slot::OverLimit }
            }
            Err(error) => {
                self.damage.count_skipped(&error);
                Slot::Damaged
            }
        });
        match slot {
            Slot::Kept(centre) => Some(Arc::clone(centre)),
            Slot::OverLimit => decoded.or_else(|| self.decode(index).ok()),
            Slot::Damaged => None,
        }
    }

    /// Returns the number of images that turned out to be unusable.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.damage.skipped()
    }

    /// Checks that at least half of the images decoded so far can be used.
    ///
    /// # Errors
    ///
    /// When more than half cannot.
    pub fn check(&self) -> Result<(), MostlyDamaged> {
        self.damage.check()
    }

    fn decode(&self, index: usize) -> Result<Arc<[u8]>, DecodeError> {
        Ok(self.set.load_centre(index, self.side)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, pack::centre_bytes};

    #[test]
    fn the_limit_changes_nothing_but_memory() -> Result<(), DataError> {
        let bytes = centre_bytes(CENTRE_SIDE);
        let set = || ImageSet::open(&[Source::Synthetic { images: 3, seed: 5 }]);
        let roomy = Centres::new(set()?, CENTRE_SIDE, usize::MAX)?;
        let tight = Centres::new(set()?, CENTRE_SIDE, bytes)?;
        for _ in 0..2 {
            for index in 0..3 {
                let centre = roomy.get(index);
                assert_eq!(centre.as_ref().map(|c| c.len()), Some(bytes));
                assert_eq!(centre, tight.get(index));
            }
        }
        Ok(())
    }
}
