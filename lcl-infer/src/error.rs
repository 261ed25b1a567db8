//! One error for all.

use core::fmt;

use crate::blob::OpenError;
use crate::frontend::{FrontendError, Refused, RowError};
use crate::golden::SelfTestError;
use crate::novelty::WatchError;

/// Whatever this crate refuses; `?` turns every other error of reading and
/// running blobs into it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// A blob cannot be opened.
    Open(OpenError),
    /// A front-end cannot be created.
    Frontend(FrontendError),
    /// A row was not taken in.
    Row(RowError),
    /// A watcher cannot be created or does not take a row.
    Watch(WatchError),
    /// A self-test failed.
    SelfTest(SelfTestError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Frontend(error) => error.fmt(f),
            Self::Row(error) => error.fmt(f),
            Self::Watch(error) => error.fmt(f),
            Self::SelfTest(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl<M> From<Refused<M>> for Error {
    fn from(refused: Refused<M>) -> Self {
        Self::Frontend(refused.error)
    }
}

macro_rules! from {
    ($($variant:ident($error:ty);)+) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )+};
}

from! {
    Open(OpenError);
    Frontend(FrontendError);
    Row(RowError);
    Watch(WatchError);
    SelfTest(SelfTestError);
}
