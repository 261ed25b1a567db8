//! The kinds of files that features are written to.

use std::path::{Path, PathBuf};

/// How features are written, which the ending of the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Safetensors, `.safetensors`, and what has no ending.
    Safetensors,
    /// One array for `NumPy`, `.npy`.
    Npy,
    /// Arrays for `NumPy`, `.npz`.
    Npz,
}

/// Features are not written to such a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The ending is not known.
    #[error(
        "{}: features are written as .safetensors, .npz or .npy; choose one of these endings",
        path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// A `.npy` holds one array.
    #[error(
        "{}: a .npy holds one array and there are {arrays}; choose one with --taps V1 or --taps \
         V2, or write a .npz",
        path.display()
    )]
    OneArray {
        /// The file.
        path: PathBuf,
        /// The arrays that there are.
        arrays: usize,
    },
    /// The names of all images are too long for a safetensors file.
    #[error(
        "{}: the names of the images take {bytes} bytes and a .safetensors holds {most}; write a \
         .npz, or the images in parts",
        path.display()
    )]
    Names {
        /// The file.
        path: PathBuf,
        /// The bytes that are needed.
        bytes: usize,
        /// Those that there are.
        most: usize,
    },
}

impl Format {
    /// Returns the format of a file of that name.
    ///
    /// # Errors
    ///
    /// When the ending is none that features are written with.
    pub fn of(path: &Path) -> Result<Self, FormatError> {
        let Some(extension) = path.extension() else {
            return Ok(Self::Safetensors);
        };
        let known = [("safetensors", Self::Safetensors), ("npy", Self::Npy), ("npz", Self::Npz)];
        let found = known.iter().find(|(name, _)| extension.eq_ignore_ascii_case(name));
        let format = found.map(|(_, format)| *format);
        format.ok_or_else(|| FormatError::Unknown { path: path.to_owned() })
    }

    /// Checks that a file of this format can hold so many arrays.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn check_arrays(self, path: &Path, arrays: usize) -> Result<(), FormatError> {
        if self == Self::Npy && arrays != 1 {
            return Err(FormatError::OneArray { path: path.to_owned(), arrays });
        }
        Ok(())
    }
}
