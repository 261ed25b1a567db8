//! What comes after training: the blob of the best weights, and the report.

use std::sync::Arc;

use lcl_artefacts::{blob_file::BlobError, checkpoint::Checkpoint, feature_model::FeatureModel};
use lcl_evaluate::receptive_fields::{Oriented, Rule};
use lcl_images::{ImageSet, Source, images_at_size};
use lcl_infer::{Architecture, InputFormat};
use lcl_quantise::{
    Concern, FoldedNetwork, QuantiseError, architecture, concerns,
    passes::{PassError, calibrate, compare_channels},
    quantise,
};
use lcl_run::{
    config::Config,
    loader::Split,
    report::{Filters, Orientedness, QuantisationError},
    run::{RunFolder, RunManifest, RunSummary},
};

use super::TrainError;
use crate::model::FloatNetwork;

/// Most images that the blob is calibrated on, and as many that it is compared
/// on.
const QUANTISATION_IMAGES: usize = 256;

/// Width and height of these images: those of stage 2's views, and where the
/// model takes one size alone, that.
const QUANTISATION_SIZE: u32 = 96;

/// The best weights cannot be quantised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FinishError {
    /// The weights, the images or the report cannot be had or written.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The images cannot be passed through the network.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// The weights cannot be expressed in integers.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// The blob cannot be made or written.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// What came of the best weights of a run.
#[derive(Debug)]
pub enum Finished {
    /// There is a blob, with what is of concern about it.
    Quantised(Vec<Concern>),
    /// No blob can carry the model, for this reason.
    Float(QuantiseError),
}

/// Quantises the best weights of a run that has ended, calibrated on images that
/// it was trained on and compared on held-out ones, writes the blob, and
/// completes the report. A model that no blob can carry stays as it is.
///
/// # Errors
///
/// When the weights or the images of the run cannot be had, the weights cannot
/// be expressed in integers, or a file cannot be written.
pub fn finish(
    run: &RunFolder,
    config: &Config,
    summary: &mut RunSummary,
) -> Result<Finished, FinishError> {
    let checkpoint = Checkpoint::read(&run.best()).map_err(TrainError::from)?;
    let (quantised, finished) = match architecture(&checkpoint, InputFormat::Rgb888) {
        Ok(architecture) => {
            let (quantised, concerns) = quantise_best(run, config, &checkpoint, &architecture)?;
            (Some(quantised), Finished::Quantised(concerns))
        }
        Err(reason) => (None, Finished::Float(reason)),
    };
    let Oriented { filters, oriented, r2_median } = Oriented::of(&checkpoint);
    let report = &mut summary.report;
    report.filters = Some(Filters::of(&checkpoint));
    report.orientedness = r2_median.map(|median_r2| Orientedness {
        oriented,
        filters,
        r2_from: Rule::default().least_r2,
        median_r2,
    });
    report.quantisation = quantised;
    report.write(&run.report()).map_err(TrainError::from)?;
    Ok(finished)
}

fn quantise_best(
    run: &RunFolder,
    config: &Config,
    checkpoint: &Checkpoint,
    architecture: &Architecture,
) -> Result<(QuantisationError, Vec<Concern>), FinishError> {
    let (images, split) = images_of(run, config)?;
    let size = match u32::try_from(checkpoint.input_side) {
        Ok(side) if side > 0 => side,
        _ => QUANTISATION_SIZE,
    };
    let at_size = |indices: &[usize]| {
        let indices = indices.iter().copied().take(QUANTISATION_IMAGES);
        let images = Arc::new(images.subset(indices));
        move || images_at_size(Arc::clone(&images), size)
    };
    // The network of training does not hand out what each component gives.
    let network: Box<dyn FeatureModel> = if checkpoint.components.is_some() {
        Box::new(FoldedNetwork::new(checkpoint)?)
    } else {
        Box::new(FloatNetwork::new(checkpoint, config.training.device).map_err(TrainError::from)?)
    };
    let calibration = calibrate(&*network, *architecture, at_size(&split.training))?;
    let model = quantise(checkpoint, &calibration)?;
    let file = model.to_blob()?;
    file.write(&run.blob()).map_err(TrainError::from)?;
    let areas = compare_channels(&*network, &file.open()?, at_size(&split.validation)())?;
    let concerns = concerns(&calibration, &model, &areas);
    let images = split.validation.len().min(QUANTISATION_IMAGES);
    let on = format!("{images} images of {size} pixels {}", held_out(config));
    let blob_len = file.bytes().len();
    Ok((QuantisationError { areas, blob_len, images, size, on }, concerns))
}

/// Returns the images of a run, and which of them were held out.
fn images_of(run: &RunFolder, config: &Config) -> Result<(ImageSet, Split), TrainError> {
    let sources = [&config.data.sources[..], &config.data.validation_sources].concat();
    let began = RunManifest::read(&run.manifest())?.images;
    let sources = RunManifest::located(&began.sources, &sources);
    let images = ImageSet::open_like(&sources, Some(&began.fingerprint))?;
    let split = Split::of_run(&images, config)?;
    Ok((images, split))
}

/// Says where the held-out images come from.
fn held_out(config: &Config) -> String {
    let named = |sources: &[Source]| {
        let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    match &config.data.validation_sources[..] {
        [] => format!("held out from {}", named(&config.data.sources)),
        sources => format!("of {}", named(sources)),
    }
}
