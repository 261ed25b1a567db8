//! Why a configuration cannot be used.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::SHIPPED;
use lcl_artefacts::atomic_file::WriteError;

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
    /// The file is not TOML.
    #[error("{place}this is not TOML: {}", one_line(cause))]
    Format {
        /// The file and the line.
        place: Place,
        /// What is wrong.
        cause: Box<toml::de::Error>,
    },
    /// A name is not that of a field.
    #[error("{place}there is no field `{name}`{}{}", of(section), remedy(nearest.as_ref(), known))]
    UnknownField {
        /// The file and the line.
        place: Place,
        /// The section that it is in, empty at the top.
        section: String,
        /// The name.
        name: String,
        /// The field that was meant, perhaps.
        nearest: Option<String>,
        /// The fields of the section.
        known: Vec<String>,
    },
    /// A value is of another kind than its field.
    #[error("{place}{field} {problem}")]
    Kind {
        /// The file and the line.
        place: Place,
        /// The field, by its dotted name.
        field: String,
        /// What it is, and what it must be.
        problem: String,
    },
    /// A value is out of its range.
    #[error("{place}{field} is {value}; it must be {expected}")]
    Value {
        /// The file and the line.
        place: Place,
        /// The field, as `section.field`.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// What is to be set is not `FIELD=VALUE`.
    #[error("{text:?} sets no field; write FIELD=VALUE, as in training.batch=64")]
    Assignment {
        /// What was given.
        text: String,
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

/// Where in a file an error is; of values that no file gave, nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(Option<Box<(PathBuf, Option<usize>)>>);

impl Place {
    /// Creates the place in the file at `path`, whose content is `text`, that is
    /// `offset` bytes from its start.
    #[must_use]
    pub fn new(path: &Path, text: &str, offset: Option<usize>) -> Self {
        let before = offset.and_then(|offset| text.get(..offset));
        let line = before.map(|before| before.matches('\n').count() + 1);
        Self(Some(Box::new((path.to_owned(), line))))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_deref() {
            None => Ok(()),
            Some((path, None)) => write!(f, "{}: ", path.display()),
            Some((path, Some(line))) => write!(f, "{}, line {line}: ", path.display()),
        }
    }
}

fn of(section: &str) -> String {
    if section.is_empty() { String::new() } else { format!(" in [{section}]") }
}

fn remedy(nearest: Option<&String>, known: &[String]) -> String {
    let nearest = nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    match known.join(", ").as_str() {
        "" => nearest,
        known if nearest.is_empty() => format!("; the fields are {known}"),
        known => format!("{nearest} The fields are {known}"),
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

fn names() -> String {
    SHIPPED.iter().map(|shipped| shipped.name).collect::<Vec<_>>().join(", ")
}
