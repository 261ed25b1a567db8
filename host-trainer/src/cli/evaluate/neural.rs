//! `lcl evaluate neural`: explained variance of recorded responses.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use host_trainer::{
    data::{ImageSet, Source},
    evaluate::{
        ModelChoice,
        neural::{Field, Layout, NeuralOptions, Pls, Preparation, Window, neural, read_responses},
    },
};

use super::{Common, console::Console, names, numbers, output};
use crate::cli::images::ImageLimits;

/// Predicts recorded responses of neurons from the features of a model
/// (Brain-Score)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Responses are an array [stimuli, repetitions, neurons], with the names of the images in an array
`images` of a .npz or in the metadata `images` of a .safetensors; or, as of Freeman and Ziemba, spike
counts [cell, time, repetition, sample, type, family]. NaN stands for a trial that was not made.

Examples:
  lcl evaluate neural --model best.safetensors --stimuli images --responses v2.npz
  lcl evaluate neural --model model.lcl --stimuli textures --responses fz.npz --types noise,tex \\
    --window 50-200 --stimulus-degrees 4 --field-of-view 8 --aperture 2
  lcl evaluate neural --model v1-steerpyr --stimuli images --responses v1.safetensors --json")]
pub struct Args {
    /// Model: a checkpoint, a blob, untrained[:SEED] or v1-steerpyr
    #[arg(long, value_name = "MODEL", value_parser = names::model())]
    model: ModelChoice,
    /// Images of the stimuli: a folder or a .tar
    #[arg(long, value_name = "SRC", value_parser = names::source())]
    stimuli: Source,
    /// Recorded responses: .npz, .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    responses: PathBuf,
    /// The array of responses, where the file has several
    #[arg(long, value_name = "NAME")]
    array: Option<String>,
    /// Milliseconds after the onset that are averaged: 50-150 as the paper, 50-200
    /// as Brain-Score; for six dimensions
    #[arg(long, value_name = "FROM-TO", default_value = "50-150")]
    window: Window,
    /// The types in the order of the array of six dimensions, where the file has
    /// no array `types`; Freeman and Ziemba's own is noise,tex
    #[arg(long, value_name = "TYPES", value_parser = ["noise,tex", "tex,noise"])]
    types: Option<String>,
    /// Areas of the model
    #[arg(long, value_name = "AREA", default_value = "both")]
    area: Areas,
    /// Side of the images that the model gets, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 224, value_parser = numbers::side())]
    size: u32,
    /// What the side of a stimulus covers, in degrees of visual angle
    #[arg(long, value_name = "DEGREES", requires = "field_of_view",
        value_parser = numbers::degrees)]
    stimulus_degrees: Option<f64>,
    /// What the model sees, in degrees: stimuli are put on a grey canvas
    #[arg(long, value_name = "DEGREES", requires = "stimulus_degrees",
        value_parser = numbers::degrees)]
    field_of_view: Option<f64>,
    /// Radius of a raised-cosine aperture on the stimuli, in degrees
    #[arg(long, value_name = "DEGREES", requires = "stimulus_degrees",
        value_parser = numbers::degrees)]
    aperture: Option<f64>,
    /// Components of the regression
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = numbers::count(1..=10_000))]
    components: usize,
    /// Random splits of the stimuli
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = numbers::count(1..=10_000))]
    splits: usize,
    /// Seed of the splits
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u32,
    /// Splits the stimuli whatever their kind, texture or noise
    #[arg(long)]
    unstratified: bool,
    /// Also tells apart the neurons that v1-steerpyr predicts best and worst
    #[arg(long)]
    quartiles: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    limits: ImageLimits,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Areas {
    V1,
    V2,
    Both,
}

/// Runs the command.
///
/// # Errors
///
/// When a file cannot be read, the responses and the images do not belong
/// together, or the model cannot be run.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let options = args.options();
    let mut inputs = output::paths([&args.stimuli]);
    inputs.push(&args.responses);
    inputs.extend(output::model(&args.model));
    args.common.check("neural", &inputs)?;
    let set = ImageSet::open(std::slice::from_ref(&args.stimuli))?;
    let responses = read_responses(&args.responses, &args.layout())?;
    let model = args.common.open(&args.model)?;
    let mut console = Console::default();
    let findings = neural(&model, &set, &responses, &options, &mut console)?;
    drop(console);
    args.common.show("neural", &findings)
}

impl Args {
    fn layout(&self) -> Layout {
        let types = self.types.as_deref().and_then(|types| types.split_once(','));
        let types = types.map(|(first, second)| [first.to_owned(), second.to_owned()]);
        Layout { array: self.array.clone(), window: self.window, types }
    }

    fn options(&self) -> NeuralOptions {
        let fields = self.stimulus_degrees.zip(self.field_of_view);
        let field =
            fields.map(|(stimulus, model)| Field { stimulus, model, aperture: self.aperture });
        NeuralOptions {
            preparation: Preparation { size: self.size, field },
            areas: match self.area {
                Areas::V1 => [true, false],
                Areas::V2 => [false, true],
                Areas::Both => [true, true],
            },
            pls: Pls { components: self.components, ..Pls::default() },
            splits: self.splits,
            seed: self.seed,
            stratified: !self.unstratified,
            quartiles: self.quartiles,
            ..NeuralOptions::default()
        }
    }
}
