//! Names of files and sources on the command line, as the system gives them:
//! they need not be UTF-8.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::builder::{OsStringValueParser, TypedValueParser};
use host_trainer::{data::Source, evaluate::ModelChoice, population::PopulationSource};

use super::output::Output;

/// A name that no file can have.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum NoName {
    #[error("the name is empty")]
    Empty,
    #[error("a folder is needed, not the standard output; ./- is a folder of that name")]
    StandardOutput,
}

fn named(name: OsString) -> Result<OsString, NoName> {
    if name.is_empty() { Err(NoName::Empty) } else { Ok(name) }
}

/// Takes a source of images.
pub fn source() -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new().try_map(named).try_map(|name| Source::from_os(&name))
}

/// Takes a model to evaluate.
pub fn model() -> impl TypedValueParser<Value = ModelChoice> {
    OsStringValueParser::new().try_map(named).try_map(|name| ModelChoice::from_os(&name))
}

/// Takes a session of a population.
pub fn population() -> impl TypedValueParser<Value = PopulationSource> {
    OsStringValueParser::new().try_map(named).try_map(|name| PopulationSource::from_os(&name))
}

/// Takes a file to write, or `-`.
pub fn output() -> impl TypedValueParser<Value = Output> {
    OsStringValueParser::new().try_map(named).map(Output::from)
}

/// Takes a folder to write to, which `-` is not.
pub fn folder() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(named).try_map(|name| {
        if Path::new(&name) == Path::new("-") {
            return Err(NoName::StandardOutput);
        }
        Ok(PathBuf::from(name))
    })
}
