//! Whole images of one size, for features, calibration and comparisons.

use std::{collections::VecDeque, sync::Arc};

use rayon::prelude::*;

use lcl_artefacts::sized_image::{ImageError, SizedImage};

use super::{Damage, DataError, DecodeError, ImageSet};

/// Images decoded at a time, in parallel.
const CHUNK: usize = 32;

/// Returns the images of a set at `side`×`side` pixels, in its order.
///
/// Images that cannot be used are skipped with a warning. Where they turn out
/// to be more than half, the last item is an error, so collecting into a
/// `Result` is enough. A set of one image is strict.
#[must_use]
pub fn images_at_size(set: Arc<ImageSet>, side: u32) -> SizedImages {
    SizedImages {
        set,
        side,
        next: 0,
        ready: VecDeque::new(),
        damage: Damage::default(),
        done: false,
    }
}

/// The iterator of [`images_at_size`].
#[derive(Debug)]
pub struct SizedImages {
    set: Arc<ImageSet>,
    side: u32,
    next: usize,
    ready: VecDeque<SizedImage>,
    damage: Damage,
    done: bool,
}

impl SizedImages {
    /// Returns the number of images skipped so far.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.damage.skipped()
    }

    fn decode_chunk(&mut self) -> Result<(), DecodeError> {
        let end = (self.next + CHUNK).min(self.set.len());
        let (set, side) = (&self.set, self.side);
        let load = |index| Ok((set.name(index).into_owned(), set.load_fitted(index, side)?));
        let chunk: Vec<Result<_, DecodeError>> =
            (self.next..end).into_par_iter().map(load).collect();
        self.next = end;
        for image in chunk {
            match image {
                Ok((name, pixels)) => {
                    self.damage.count_sound();
                    self.ready.push_back(SizedImage { name, pixels });
                }
                Err(error) if self.set.len() == 1 => return Err(error),
                Err(error) => self.damage.count_skipped(&error),
            }
        }
        Ok(())
    }
}

impl Iterator for SizedImages {
    type Item = Result<SizedImage, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && self.next < self.set.len() {
            if let Err(error) = self.decode_chunk() {
                self.done = true;
                return Some(Err(error.into()));
            }
        }
        if let Some(image) = self.ready.pop_front() {
            return Some(Ok(image));
        }
        if self.done {
            return None;
        }
        self.done = true;
        self.damage.check().err().map(|error| Err(error.into()))
    }
}

impl From<DataError> for ImageError {
    fn from(error: DataError) -> Self {
        Self::new(error)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io};

    use image::RgbImage;

    use super::*;
    use crate::Source;

    #[test]
    fn damaged_images_are_skipped_until_they_are_most() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        for (index, name) in ["a.png", "b.png"].into_iter().enumerate() {
            let side = 20 + 10 * u32::try_from(index).unwrap_or_default();
            RgbImage::new(side, 20).save(folder.path().join(name)).map_err(io::Error::other)?;
        }
        let names = || {
            let set = ImageSet::open(&[Source::Path(folder.path().to_owned())])?;
            images_at_size(Arc::new(set), 18)
                .map(|image| image.map(|i| (i.name.len(), i.pixels.dimensions())))
                .collect::<Result<Vec<_>, DataError>>()
        };
        for damaged in ["c.png", "d.png"] {
            fs::write(folder.path().join(damaged), b"no image")?;
        }
        let sound = names().map_err(io::Error::other)?;
        assert!(sound.len() == 2 && sound.iter().all(|(_, size)| *size == (18, 18)));
        fs::write(folder.path().join("e.png"), b"no image")?;
        let error = names().expect_err("most are damaged").to_string();
        assert!(error.contains("3 of 5 images") && error.contains("c.png"), "{error}");
        Ok(())
    }
}
