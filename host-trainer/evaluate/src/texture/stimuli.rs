//! Textures and their noise, found by the names of their files.

use std::collections::BTreeMap;

use serde::Serialize;

use super::TextureError;
use lcl_images::ImageSet;

/// The images of a set by texture family.
#[derive(Debug)]
pub struct Stimuli {
    /// The images.
    pub images: ImageSet,
    /// The families that have textures and noise, sorted by name.
    pub families: Vec<Family>,
    /// What takes no part.
    pub excluded: Excluded,
}

/// A texture family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name, as in the names of its files.
    pub name: String,
    /// Where the texture and the noise of each sample are in the set.
    pub samples: Vec<[usize; 2]>,
}

/// What takes no part in the evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Excluded {
    /// Families of textures without any noise of theirs.
    pub families_without_noise: Vec<String>,
    /// Families of noise without any texture of theirs.
    pub families_without_texture: Vec<String>,
    /// Images whose sample has no partner, in families that have both kinds.
    pub unpaired_images: Vec<String>,
    /// Images that are named otherwise.
    pub other_images: usize,
}

/// What the name of an image says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StimulusName<'a> {
    /// Texture or noise.
    pub(super) is_texture: bool,
    /// The size as it is written, `160` or `320x320`.
    pub(super) size: &'a str,
    /// The family as it is written, with `im` before a number where that is there.
    pub(super) written_family: &'a str,
    /// The number of the sample.
    pub(super) sample: u32,
}

impl Stimuli {
    /// Finds the families of a set of images named
    /// `tex-SIZE-FAMILY-smpN.EXT` and `noise-SIZE-FAMILY-smpN.EXT`, where SIZE is
    /// `160` or `160x160`. Texture N and noise N of a family are a sample; the
    /// families of \[Freeman\], `imN`, are called by their number.
    ///
    /// # Errors
    ///
    /// When two images are the same sample, or no family has both kinds.
    pub fn new(images: ImageSet) -> Result<Self, TextureError> {
        let mut families: BTreeMap<String, [BTreeMap<u32, usize>; 2]> = BTreeMap::new();
        let mut excluded = Excluded::default();
        for index in 0..images.len() {
            let path = images.name(index);
            let Some(name) = StimulusName::parse(&path) else {
                excluded.other_images += 1;
                continue;
            };
            let kinds = families.entry(name.family().to_owned()).or_default();
            let kind = &mut kinds[usize::from(!name.is_texture)];
            if let Some(first) = kind.insert(name.sample, index) {
                let (first, second) = (images.name(first).into_owned(), path.into_owned());
                return Err(TextureError::Twice { first, second });
            }
        }
        let mut found = Vec::new();
        for (name, [textures, noises]) in families {
            if noises.is_empty() {
                excluded.families_without_noise.push(name);
                continue;
            }
            if textures.is_empty() {
                excluded.families_without_texture.push(name);
                continue;
            }
            let pair = |(sample, texture): (&u32, &usize)| Some([*texture, *noises.get(sample)?]);
            let samples: Vec<[usize; 2]> = textures.iter().filter_map(pair).collect();
            let alone = |kind: &BTreeMap<u32, usize>, other: &BTreeMap<u32, usize>| {
                let indices = kind.iter().filter(|(sample, _)| !other.contains_key(sample));
                indices.map(|(_, index)| images.name(*index).into_owned()).collect::<Vec<_>>()
            };
            excluded.unpaired_images.extend(alone(&textures, &noises));
            excluded.unpaired_images.extend(alone(&noises, &textures));
            if !samples.is_empty() {
                found.push(Family { name, samples });
            }
        }
        if found.is_empty() {
            return Err(TextureError::NoFamily { excluded });
        }
        Ok(Self { images, families: found, excluded })
    }

    /// Returns the number of images that take part.
    #[must_use]
    pub fn len(&self) -> usize {
        self.families.iter().map(|family| 2 * family.samples.len()).sum()
    }

    /// Returns whether no image takes part, which [`new`](Self::new) refuses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Excluded {
    /// Returns a sentence for each kind of exclusion that happened.
    pub(super) fn sentences(&self) -> Vec<String> {
        let few = |names: &[String]| {
            let shown = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            if names.len() > 5 { shown + ", …" } else { shown }
        };
        let mut sentences = Vec::new();
        for (names, what) in [
            (&self.families_without_noise, "texture families without noise"),
            (&self.families_without_texture, "noise families without textures"),
            (&self.unpaired_images, "images whose sample has no partner of the other kind"),
        ] {
            if !names.is_empty() {
                sentences.push(format!("Left out: {} {what} ({}).", names.len(), few(names)));
            }
        }
        if self.other_images > 0 {
            sentences.push(format!(
                "Left out: {} images that are not named tex-SIZE-FAMILY-smpN or \
                 noise-SIZE-FAMILY-smpN.",
                self.other_images
            ));
        }
        sentences
    }
}

impl<'a> StimulusName<'a> {
    /// Reads the name of a file; nothing where it is named otherwise.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let file = path.rsplit('/').next()?;
        let (stem, _) = file.rsplit_once('.')?;
        let (kind, rest) = stem.split_once('-')?;
        let is_texture = match kind {
            "tex" => true,
            "noise" => false,
            _ => return None,
        };
        let (size, rest) = rest.split_once('-')?;
        let (written_family, sample) = rest.rsplit_once("-smp")?;
        let sizes_are_numbers =
            size.split('x').all(|side| !side.is_empty() && is_number(side)) && !size.is_empty();
        if !sizes_are_numbers || written_family.is_empty() || !is_number(sample) {
            return None;
        }
        Some(Self { is_texture, size, written_family, sample: sample.parse().ok()? })
    }

    /// Returns the family, `60` for `im60`.
    pub(super) fn family(&self) -> &'a str {
        family_name(self.written_family)
    }
}

/// Returns what a family is called: `imN` by its number, any other as it is.
pub(super) fn family_name(written: &str) -> &str {
    match written.strip_prefix("im") {
        Some(number) if !number.is_empty() && is_number(number) => number,
        _ => written,
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use lcl_images::Source;

    fn stimuli(names: &[&str]) -> Result<Stimuli, TextureError> {
        let folder = tempfile::tempdir().expect("a folder");
        for name in names {
            fs::write(folder.path().join(name), b"").expect("a file");
        }
        let images = ImageSet::open(&[Source::Path(folder.path().to_owned())]).expect("images");
        Stimuli::new(images)
    }

    #[test]
    fn names_are_read_in_both_forms() {
        let name = StimulusName::parse("a/tex-160-white-brick-smp03.png").expect("a name");
        assert_eq!((name.is_texture, name.size), (true, "160"));
        assert_eq!((name.family(), name.sample), ("white-brick", 3));
        let name = StimulusName::parse("noise-320x320-im327-smp15.png").expect("a name");
        assert_eq!((name.is_texture, name.family(), name.sample), (false, "327", 15));
        assert_eq!(family_name("image"), "image");
        for other in
            ["tex-160-brick.png", "tex-big-brick-smp1.png", "photo.png", "tex-1-a-smpx.png"]
        {
            assert_eq!(StimulusName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn what_has_no_partner_is_counted() {
        let found = stimuli(&[
            "tex-8-a-smp1.png",
            "tex-8-a-smp2.png",
            "noise-8-a-smp2.png",
            "noise-8-a-smp3.png",
            "tex-8-b-smp1.png",
            "noise-8-c-smp1.png",
            "photo.png",
        ])
        .expect("one family");
        assert_eq!(found.families.len(), 1);
        assert_eq!((found.families[0].name.as_str(), found.len()), ("a", 2));
        let [texture, noise] = found.families[0].samples[0];
        assert!(found.images.name(texture).ends_with("tex-8-a-smp2.png"));
        assert!(found.images.name(noise).ends_with("noise-8-a-smp2.png"));
        let excluded = &found.excluded;
        assert_eq!(excluded.families_without_noise, ["b"]);
        assert_eq!(excluded.families_without_texture, ["c"]);
        assert_eq!((excluded.unpaired_images.len(), excluded.other_images), (2, 1));
        assert_eq!(excluded.sentences().len(), 4);
    }

    #[test]
    fn sets_that_cannot_be_used_are_errors() {
        let error = stimuli(&["tex-8-a-smp1.png", "photo.png"]).expect_err("no noise").to_string();
        assert!(error.contains("--make-noise") && error.contains("1 texture families"), "{error}");
        let error =
            stimuli(&["tex-8-a-smp1.png", "tex-9-a-smp01.png"]).expect_err("twice").to_string();
        assert!(error.contains("tex-8-a-smp1.png") && error.contains("tex-9-a"), "{error}");
    }
}
