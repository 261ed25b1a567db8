//! Shape bias on images whose shape and texture are of different categories.

use super::Trial;

/// The data set of images with the shape of one and the texture of another
/// category.
pub(super) const CUE_CONFLICT: &str = "cue-conflict";

/// How often decisions follow shape and texture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShapeBias {
    /// Answers that name the shape.
    pub shape: usize,
    /// Answers that name the texture.
    pub texture: usize,
    /// Images whose shape and texture are of one category, left out.
    pub without_conflict: usize,
    /// Images whose name says no texture, left out.
    pub unnamed: usize,
}

/// Counts decisions for shape, which is an image's category, and for texture,
/// which its name says: `SHAPEn-TEXTUREn.png` (Geirhos et al. 2019).
#[must_use]
pub fn shape_bias<'a>(trials: impl Iterator<Item = (&'a str, &'a Trial)>) -> ShapeBias {
    let mut found = ShapeBias::default();
    for (image, trial) in trials {
        match texture_of(image) {
            None => found.unnamed += 1,
            Some(texture) if texture == trial.category => found.without_conflict += 1,
            Some(texture) => {
                found.shape += usize::from(trial.response == trial.category);
                found.texture += usize::from(trial.response == texture);
            }
        }
    }
    found
}

impl ShapeBias {
    /// Returns `shape / (shape + texture)`, or nothing where no answer names
    /// either.
    ///
    /// Answers that name neither do not count, so that it says nothing about
    /// accuracy, and rests on few answers where that is low.
    #[must_use]
    pub fn bias(&self) -> Option<f64> {
        let both = self.shape + self.texture;
        (both > 0).then(|| self.shape as f64 / both as f64)
    }
}

fn texture_of(image: &str) -> Option<String> {
    let stem = image.split('.').next()?;
    let (_, texture) = stem.rsplit_once('-')?;
    let texture: String = texture.chars().filter(|c| !c.is_ascii_digit()).collect();
    (!texture.is_empty()).then_some(texture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_conflicts_count() {
        let trial = |category: &str, response: &str| Trial {
            category: category.to_owned(),
            response: response.to_owned(),
        };
        let trials = [
            ("cat1-dog2.png", trial("cat", "cat")),
            ("cat1-dog3.png", trial("cat", "dog")),
            ("cat2-bird11.png", trial("cat", "cat")),
            ("cat2-bird12.png", trial("cat", "na")),
            ("cat1-cat2.png", trial("cat", "cat")),
            ("cat1.png", trial("cat", "cat")),
        ];
        let found = shape_bias(trials.iter().map(|(image, trial)| (*image, trial)));
        let expected = ShapeBias { shape: 2, texture: 1, without_conflict: 1, unnamed: 1 };
        assert_eq!(found, expected);
        assert_eq!(found.bias(), Some(2.0 / 3.0));
        assert_eq!(ShapeBias::default().bias(), None);
    }
}
