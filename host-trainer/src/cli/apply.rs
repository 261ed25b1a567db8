//! `lcl apply`: one component on arrays from a file, to be held against an
//! independent computation.

use std::path::PathBuf;

use anyhow::{Result, bail};
use host_trainer::{
    arrays::{self, Array, NamedArrays},
    population::{
        self,
        measures::{Measures, Repeats},
    },
};

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
    ("readout-full", torch::readout_full),
    ("readout-uncorrelated", torch::readout_uncorrelated),
    ("readout-isotropic", torch::readout_isotropic),
    ("measures", measures),
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

/// Measures `predictions` of `responses`, `[images, repeats, neurons]` each; one value
/// for each neuron.
fn measures(arrays: &NamedArrays) -> Result<Vec<(String, Array)>> {
    arrays.only(&["responses", "predictions"])?;
    let responses = arrays.with_axes("responses", &["images", "repeats", "neurons"])?;
    let predictions = arrays.with_shape("predictions", &responses.shape)?;
    let (repeats, neurons) = (responses.shape[1], responses.shape[2]);
    let double = |array: &Array| array.values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let (responses, predictions) = (double(responses), double(predictions));
    let found = population::measures::measures(
        &Repeats::new(&responses, repeats, neurons)?,
        &Repeats::new(&predictions, repeats, neurons)?,
    );
    let column = |name: &str, of: fn(&Measures) -> f64| {
        #[expect(clippy::cast_possible_truncation, reason = "the file has 32-bit floats")]
        let values = found.iter().map(|one| of(one) as f32).collect();
        (name.to_owned(), Array { shape: vec![neurons], values })
    };
    Ok(vec![
        column("oracle_jackknife", |one| one.oracle_jackknife),
        column("oracle_conservative", |one| one.oracle_conservative),
        column("explainable_variance", |one| one.explainable_variance),
        column("fev", |one| one.fev),
        column("feve", |one| one.feve),
        column("correlation", |one| one.correlation),
    ])
}

/// The components that libtorch computes.
mod torch {
    use super::{Array, NamedArrays, Result};

    macro_rules! components {
        ($module:ident: $($name:ident),* $(,)?) => {$(
            #[cfg(feature = "torch")]
            pub fn $name(arrays: &NamedArrays) -> Result<Vec<(String, Array)>> {
                Ok(host_trainer::$module::apply::$name(arrays)?)
            }

            #[cfg(not(feature = "torch"))]
            pub fn $name(_: &NamedArrays) -> Result<Vec<(String, Array)>> {
                Err(crate::cli::libtorch::WithoutLibtorch.into())
            }
        )*};
    }

    components!(components: dog, dog_as_published, local, tuned_norm, divisive_norm, magnification);
    components!(fitting: readout_full, readout_uncorrelated, readout_isotropic);
}
