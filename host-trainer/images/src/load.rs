//! Reading and decoding an image within the room that there is.

use std::{fs, io, path::Path};

use image::RgbImage;

use super::{
    DecodeError, Encoded,
    archive::Member,
    decode::{Wanted, open_regular},
    limits::Room,
};

/// Where an encoded image is.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// In a file.
    File(&'a Path),
    /// In an archive.
    Member(&'a Member),
}

impl Origin<'_> {
    /// Reads an image and decodes what is wanted of it.
    ///
    /// File and pixels take room in memory that all decoding shares; where there
    /// is none, it waits.
    ///
    /// # Errors
    ///
    /// When the image cannot be read, is damaged, too small or too large.
    pub fn load(self, wanted: Wanted) -> Result<RgbImage, DecodeError> {
        let len = self.byte_len()?;
        let mut room = Room::take(len);
        let file = self.read()?;
        let plan = file.plan(wanted)?;
        let pixels = plan.bytes();
        if room.try_grow(pixels) {
            return plan.decode();
        }
        // Who waits for more must not keep what others wait for.
        drop(plan);
        drop(file);
        drop(room);
        let _room = Room::take(len.saturating_add(pixels));
        self.read()?.plan(wanted)?.decode()
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Member(member) => &member.path,
        }
    }

    fn byte_len(self) -> Result<u64, DecodeError> {
        match self {
            Self::File(path) => Ok(fs::metadata(path).map_err(|cause| self.failed(cause))?.len()),
            Self::Member(member) => Ok(member.byte_len()),
        }
    }

    fn read(self) -> Result<Encoded, DecodeError> {
        match self {
            Self::File(path) => {
                let (file, len) = open_regular(path).map_err(|cause| self.failed(cause))?;
                Encoded::read_from(path, len, file)
            }
            Self::Member(member) => {
                Encoded::read_from(&member.path, member.byte_len(), member.reader())
            }
        }
    }

    fn failed(&self, cause: io::Error) -> DecodeError {
        DecodeError::Io { path: self.path().to_owned(), cause }
    }
}
