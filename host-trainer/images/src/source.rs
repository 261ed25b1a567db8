//! The names of image sources, `SRC` on the command line.

use std::{ffi::OsStr, fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

/// Number of drawn images where the name says none.
const DEFAULT_SYNTHETIC_IMAGES: usize = 1024;

/// Most built-in images: each has an entry in memory.
const MOST_BUILT_IN: usize = 10_000_000;

/// Number of frames of the built-in film of light where the name says none.
const DEFAULT_LIGHT_FRAMES: usize = 64;

/// Number of frames of the built-in scene where the name says none.
const DEFAULT_SCENE_FRAMES: usize = 16;

/// Where images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// The photographs that come with the program, `photographs`.
    #[default]
    Photographs,
    /// Drawn images with natural statistics, `synthetic[:N[:SEED]]`.
    Synthetic {
        /// Number of images.
        images: usize,
        /// Seed of the images.
        seed: u64,
    },
    /// Frames of a built-in scene that something passes through,
    /// `scene[:N[:SEED]]`.
    Scene {
        /// Number of frames.
        frames: usize,
        /// Seed of the scene.
        seed: u64,
    },
    /// Frames of a built-in film in which the light alone changes,
    /// `light[:N[:SEED]]`.
    Light {
        /// Number of frames.
        frames: usize,
        /// Seed of the film.
        seed: u64,
    },
    /// A folder of images or archives, searched to any depth; a `.tar` of images;
    /// a pack, or a shard of one; one image.
    Path(PathBuf),
}

/// The name of a source does not follow `photographs`, `synthetic[:N[:SEED]]`,
/// `scene[:N[:SEED]]` or `light[:N[:SEED]]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown source {name:?}; built-in images are photographs, or synthetic, synthetic:N or \
     synthetic:N:SEED with whole numbers, N from 1 to 10000000, and scene and light \
     likewise"
)]
pub struct UnknownSource {
    name: String,
}

impl Source {
    /// Takes the name of a source as a system gives it; one that is not UTF-8 is
    /// a path.
    ///
    /// # Errors
    ///
    /// When it begins like built-in images and is none.
    pub fn from_os(name: &OsStr) -> Result<Self, UnknownSource> {
        name.to_str().map_or_else(|| Ok(Self::Path(name.into())), str::parse)
    }
}

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(name: &str) -> Result<Self, UnknownSource> {
        let mut parts = name.split(':');
        let kind = parts.next();
        let mut count = match kind {
            Some("synthetic") => DEFAULT_SYNTHETIC_IMAGES,
            Some("scene") => DEFAULT_SCENE_FRAMES,
            Some("light") => DEFAULT_LIGHT_FRAMES,
            Some("photographs") if name == "photographs" => return Ok(Self::Photographs),
            Some("photographs") => return Err(UnknownSource { name: name.to_owned() }),
            _ => return Ok(Self::Path(PathBuf::from(name))),
        };
        let unknown = || UnknownSource { name: name.to_owned() };
        let mut seed = 0;
        if let Some(part) = parts.next() {
            count = part.parse().map_err(|_| unknown())?;
        }
        if let Some(part) = parts.next() {
            seed = part.parse().map_err(|_| unknown())?;
        }
        if !(1..=MOST_BUILT_IN).contains(&count) || parts.next().is_some() {
            return Err(unknown());
        }
        Ok(match kind {
            Some("scene") => Self::Scene { frames: count, seed },
            Some("light") => Self::Light { frames: count, seed },
            _ => Self::Synthetic { images: count, seed },
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Photographs => f.write_str("photographs"),
            Self::Synthetic { images, seed } => write!(f, "synthetic:{images}:{seed}"),
            Self::Scene { frames, seed } => write!(f, "scene:{frames}:{seed}"),
            Self::Light { frames, seed } => write!(f, "light:{frames}:{seed}"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = UnknownSource;

    fn try_from(name: String) -> Result<Self, UnknownSource> {
        name.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&Source>) {
        assert_eq!(name.parse::<Source>().ok().as_ref(), expected, "{name}");
    }

    #[test]
    fn names_of_sources() {
        let synthetic = |images, seed| Source::Synthetic { images, seed };
        check("synthetic", Some(&synthetic(1024, 0)));
        check("synthetic:12", Some(&synthetic(12, 0)));
        check("synthetic:12:7", Some(&synthetic(12, 7)));
        check("scene", Some(&Source::Scene { frames: 16, seed: 0 }));
        check("light", Some(&Source::Light { frames: 64, seed: 0 }));
        check("light:9:1", Some(&Source::Light { frames: 9, seed: 1 }));
        check("scene:8:2", Some(&Source::Scene { frames: 8, seed: 2 }));
        check("photographs", Some(&Source::Photographs));
        check("photographs:3", None);
        check("./photographs", Some(&Source::Path("./photographs".into())));
        check("photos/synthetic", Some(&Source::Path("photos/synthetic".into())));
        for wrong in [":", ":0", ":x", ":1:", ":1:2:3", ":10000001"] {
            check(&format!("synthetic{wrong}"), None);
            check(&format!("scene{wrong}"), None);
            check(&format!("light{wrong}"), None);
        }
    }

    #[test]
    fn displays_as_it_parses() {
        for source in
            [Source::default(), Source::Scene { frames: 3, seed: 1 }, Source::Path("a/b".into())]
        {
            check(&source.to_string(), Some(&source));
        }
    }
}
