//! Why a configuration cannot be used.

use std::{io, path::PathBuf};

use super::SHIPPED;
use crate::atomic_file::WriteError;

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// There is neither a file nor a shipped configuration of that name.
    #[error(
        "there is no file {}, and no configuration of that name; those that come with it are {}",
        path.display(), names()
    )]
    Unknown {
        /// The name.
        path: PathBuf,
    },
    /// The file is not TOML, or names an unknown field.
    #[error("{}: {}", path.display(), one_line(cause))]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        cause: toml::de::Error,
    },
    /// A value is out of its range.
    #[error("{field} is {value}; it must be {expected}")]
    Value {
        /// The field, as `section.field`.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A run is to be resumed with another configuration.
    #[error(
        "cannot resume with another configuration: {}; leave these options out, or put the run's \
         config.toml back, or start another run without --resume",
        differences.join(", ")
    )]
    Changed {
        /// What differs, as `section.field is X, the run began with Y`.
        differences: Vec<String>,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

fn names() -> String {
    SHIPPED.iter().map(|shipped| shipped.name).collect::<Vec<_>>().join(", ")
}
