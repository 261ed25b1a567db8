//! What can go wrong on a real board.

use defmt::Formatter;
use sensor::CameraError;
use shared::LinkError;

/// What can go wrong on a real board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The host sent something else than images.
    Link(LinkError),
    /// The board's camera does not work.
    Camera(CameraError),
}

impl defmt::Format for Error {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Link(error) => defmt::write!(f, "{}", error),
            Self::Camera(error) => defmt::write!(f, "{}", error),
        }
    }
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<CameraError> for Error {
    fn from(error: CameraError) -> Self {
        Self::Camera(error)
    }
}
