//! The photographs that come with the program, source `photographs`.
//!
//! They lie in the program itself, as one archive of WebP files whose shorter
//! side already is the one that training resizes to. `photographs/CREDITS.csv`
//! names the author and the licence of each, CC0 or public domain.

use std::{fmt, io::Cursor, ops::Range, path::PathBuf, sync::LazyLock};

use super::Encoded;

/// A `.tar` of `000.webp`, `001.webp` and so on, 224×224 pixels each.
static ARCHIVE: &[u8] = include_bytes!("../../photographs/photographs.tar");

/// Names of the photographs, and where in the archive each is.
static INDEX: LazyLock<Vec<(String, Range<usize>)>> =
    LazyLock::new(|| index().expect("the tests list the archive that is compiled in"));

/// The built-in photograph `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Photograph {
    /// Which one, from 0.
    pub index: usize,
}

impl fmt::Display for Photograph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "photographs/{}", self.file_name())
    }
}

impl Photograph {
    /// Returns all photographs in their order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..INDEX.len()).map(|index| Self { index })
    }

    /// Returns its name among the photographs, as in `CREDITS.csv`.
    pub fn file_name(self) -> &'static str {
        &INDEX[self.index].0
    }

    /// Returns the number of bytes of its file.
    pub fn byte_len(self) -> u64 {
        INDEX[self.index].1.len() as u64
    }

    /// Returns its file.
    pub fn encoded(self) -> Encoded {
        let bytes = ARCHIVE[INDEX[self.index].1.clone()].to_vec();
        Encoded { path: PathBuf::from(self.to_string()), bytes }
    }
}

fn index() -> std::io::Result<Vec<(String, Range<usize>)>> {
    let mut index = Vec::new();
    for entry in tar::Archive::new(Cursor::new(ARCHIVE)).entries_with_seek()? {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let start = usize::try_from(entry.raw_file_position()).map_err(std::io::Error::other)?;
        let len = usize::try_from(entry.size()).map_err(std::io::Error::other)?;
        index.push((name, start..start + len));
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SHORTER_SIDE;

    const CREDITS: &str = include_str!("../../photographs/CREDITS.csv");

    #[test]
    fn each_photograph_is_credited_and_free_of_conditions() {
        let mut credits = csv::Reader::from_reader(CREDITS.as_bytes());
        let credits: Vec<csv::StringRecord> =
            credits.records().collect::<Result<_, _>>().expect("a table");
        assert_eq!(credits.len(), Photograph::all().len());
        for (credit, photograph) in credits.iter().zip(Photograph::all()) {
            assert_eq!(&credit[0], photograph.file_name());
            assert!(["CC0", "public domain"].contains(&&credit[1]), "{credit:?}");
        }
    }

    #[test]
    fn each_photograph_decodes_at_the_side_that_training_takes() {
        for photograph in Photograph::all() {
            let image = photograph.encoded().decode().expect("a whole image");
            assert_eq!(image.dimensions(), (SHORTER_SIDE, SHORTER_SIDE), "{photograph}");
        }
    }

    #[test]
    fn the_photographs_are_small() {
        assert!(ARCHIVE.len() + CREDITS.len() <= 3_000_000);
    }
}
