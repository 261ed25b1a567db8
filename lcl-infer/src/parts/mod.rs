//! The parts of the engine that a program may do without: a cargo feature each,
//! all on by default.
//!
//! A layer of a part that is not built in has fields of the type [`Absent`], of
//! which there is no value. So a `match` names every kind, and the compiler drops
//! the arms of those that are absent, with all that only they reach. [`Blob::open`]
//! refuses a blob that needs one of them: [`OpenError::NotBuiltIn`].
//!
//! [`Blob::open`]: crate::Blob::open
//! [`OpenError::NotBuiltIn`]: crate::OpenError::NotBuiltIn

mod switch;

use core::fmt;

pub use switch::{Absent, Components, If, Population, Recognition, Switch, Transforms};

/// A part of the engine, and the cargo feature of this crate that builds it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Part {
    /// `transforms`: convolutions whose weights are transformed, see [`toom`](crate::toom).
    Transforms,
    /// `components`: divisive normalisations, resamplings and both retinas.
    Components,
    /// `recognition`: dense layers and plain pools.
    Recognition,
    /// `population`: readouts.
    Population,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] =
        [Self::Transforms, Self::Components, Self::Recognition, Self::Population];

    /// Returns the name of its cargo feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transforms => "transforms",
            Self::Components => "components",
            Self::Recognition => "recognition",
            Self::Population => "population",
        }
    }

    /// Returns whether the part is built in.
    #[must_use]
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::Transforms => cfg!(feature = "transforms"),
            Self::Components => cfg!(feature = "components"),
            Self::Recognition => cfg!(feature = "recognition"),
            Self::Population => cfg!(feature = "population"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
