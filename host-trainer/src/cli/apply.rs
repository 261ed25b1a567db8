//! `lcl apply`: one component on arrays from a file, to be held against an
//! independent computation.

use std::path::PathBuf;

use anyhow::{Result, bail};
use host_trainer::arrays::{self, Array, NamedArrays};

use super::{names, output::Output};

/// Applies one component to arrays of a file, to compare its values
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  lcl apply tuned-norm --in p.safetensors --out y.safetensors")]
pub struct Args {
    /// Component: dog, local and so on
    #[arg(value_name = "COMPONENT")]
    component: String,
    /// The input x and the parameters
    #[arg(long = "in", value_name = "P.safetensors")]
    input: PathBuf,
    /// The file to write, with y
    #[arg(long, value_name = "Y.safetensors", value_parser = names::output())]
    out: Output,
}

/// What a component makes of the arrays of a file, by name.
type Apply = fn(&NamedArrays) -> Result<Vec<(String, Array)>>;

/// All components, by name.
const COMPONENTS: &[(&str, Apply)] = &[
    ("dog", torch::dog),
    ("dog-as-published", torch::dog_as_published),
    ("local", torch::local),
    ("tuned-norm", torch::tuned_norm),
    ("divisive-norm", torch::divisive_norm),
    ("magnification", torch::magnification),
];

/// Runs the command.
///
/// # Errors
///
/// When there is no such component, a tensor is missing or misshapen, or the
/// file cannot be written.
pub fn run(args: &Args) -> Result<()> {
    let Some((_, apply)) = COMPONENTS.iter().find(|(name, _)| *name == args.component) else {
        let known: Vec<&str> = COMPONENTS.iter().map(|(name, _)| *name).collect();
        bail!("there is no component {}; known are {}", args.component, known.join(", "));
    };
    let out = args.out.claim(&[&args.input])?;
    Ok(arrays::write(out, &apply(&NamedArrays::read(&args.input)?)?)?)
}

/// The components that libtorch computes.
mod torch {
    use super::{Array, NamedArrays, Result};

    macro_rules! components {
        ($($name:ident),* $(,)?) => {$(
            #[cfg(feature = "torch")]
            pub fn $name(arrays: &NamedArrays) -> Result<Vec<(String, Array)>> {
                Ok(host_trainer::components::apply::$name(arrays)?)
            }

            #[cfg(not(feature = "torch"))]
            pub fn $name(_: &NamedArrays) -> Result<Vec<(String, Array)>> {
                Err(crate::cli::libtorch::WithoutLibtorch.into())
            }
        )*};
    }

    components!(dog, dog_as_published, local, tuned_norm, divisive_norm, magnification);
}
