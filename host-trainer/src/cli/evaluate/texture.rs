//! `lcl evaluate texture`: texture modulation.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use host_trainer::{
    data::{ImageSet, Source},
    evaluate::{
        EvaluatedModel, ModelChoice,
        texture::{
            Against, Options, Ranking, Stimuli, TextureModulation, Units, make_noise,
            modulation_of_model,
        },
    },
};

use super::{Common, console::Console, names, numbers, output};
use crate::cli::images::ImageLimits;

/// Evaluates how much more V1 and V2 respond to textures than to noise with the
/// same spectrum
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Images are named tex-SIZE-FAMILY-smpN.png and noise-SIZE-FAMILY-smpN.png.

Examples:
  lcl evaluate texture --model runs/latest/model.lcl --images textures --size 160
  lcl evaluate texture --model best.safetensors --images textures --size 160 --against untrained --out results
  lcl evaluate texture --images textures --make-noise textures")]
pub struct Args {
    /// Model: a checkpoint, a blob, .lcl, or untrained[:SEED]
    #[arg(long, value_name = "MODEL", required_unless_present = "make_noise",
        value_parser = names::model())]
    model: Option<ModelChoice>,
    /// Textures and their noise: folders or .tar
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    images: Vec<Source>,
    /// Side of the images in pixels; others are resized and their centre cropped
    #[arg(long, value_name = "PIXELS", required_unless_present = "make_noise",
        value_parser = numbers::side())]
    size: Option<u32>,
    /// What counts as a unit: a channel averaged over space, or each location of it
    #[arg(long, value_name = "channel|location", default_value_t)]
    units: Units,
    /// What to compare with: another model, a .json of this command, or a .csv
    /// with the columns area, unit, family and `r_mod`
    #[arg(long, value_name = "MODEL|FILE")]
    against: Option<PathBuf>,
    /// Order of families to compare with: a text with a family on each line, the
    /// most modulated first; without it that of Freeman 2013 where the families
    /// are theirs
    #[arg(long, value_name = "FILE")]
    ranking: Option<PathBuf>,
    /// Only makes noise of the textures, with their spectra and random phases
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["model", "size", "against", "ranking"],
        value_parser = names::folder())]
    make_noise: Option<PathBuf>,
    /// Seed of noise and bootstrap
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When images or models cannot be read.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let name = if args.make_noise.is_some() { "texture-noise" } else { "texture" };
    let mut inputs = output::paths(&args.images);
    inputs.extend(args.model.as_ref().and_then(output::model));
    inputs.extend(args.against.as_deref().into_iter().chain(args.ranking.as_deref()));
    args.common.check(name, &inputs)?;
    let images = ImageSet::open(&args.images)?;
    if let Some(folder) = &args.make_noise {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let made = make_noise(&images, folder, args.seed, &mut Console::default())?;
        return args.common.show(name, &made);
    }
    // clap has made sure of both.
    let (model, size) = (args.model.as_ref().context("--model")?, args.size.context("--size")?);
    let model = args.common.open(model)?;
    let stimuli = Stimuli::new(images)?;
    let ranking = args.ranking.as_deref().map(Ranking::read).transpose()?;
    let (units, seed) = (args.units, args.seed);
    let mut options = Options { side: size, units, seed, ranking, against: None };
    options.against = match &args.against {
        Some(other) => Some(against(other, &stimuli, &options, args)?),
        None => None,
    };
    let found = evaluate(&model, &stimuli, &options)?;
    args.common.show(name, &found)
}

fn against(other: &Path, stimuli: &Stimuli, options: &Options, args: &Args) -> Result<Against> {
    match other.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Ok(Against::read_json(other)?),
        Some("csv") => Ok(Against::read_csv(other)?),
        _ => {
            let choice = ModelChoice::from_os(other.as_os_str())?;
            let model = args.common.open(&choice)?;
            Ok(Against::of(&evaluate(&model, stimuli, options)?))
        }
    }
}

fn evaluate(
    model: &EvaluatedModel,
    stimuli: &Stimuli,
    options: &Options,
) -> Result<TextureModulation> {
    Ok(modulation_of_model(model, stimuli, options, &mut Console::default())?)
}
