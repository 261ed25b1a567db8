//! `neural`: how well the features of a model predict recorded responses of
//! neurons (\[Schrimpf2018\]; \[LCL\] A.3.2).
//!
//! The responses of each neuron, averaged over trials, are predicted from the
//! whole feature map of an area by partial least squares, fitted to 90 % of the
//! stimuli and tested on the others, and compared with how well the neuron
//! predicts itself.
//!
//! Where to start: [`read_responses`] for the files, [`neural`] for the
//! evaluation, [`Pls`] for the regression, [`AreaScore`] for what is reported.

mod array_file;
mod error;
mod findings;
mod gram;
mod layout;
mod pls;
mod random_state;
mod responses;
mod score;
mod splits;
mod stimuli;

#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use array_file::{ArrayError, ArrayFile};
pub use error::NeuralError;
pub use findings::Neural;
pub use gram::gram_matrix;
pub use layout::{Layout, LayoutError, UnknownWindow, Window, read_responses};
pub use pls::{Pls, Prediction};
pub use random_state::RandomState;
pub use responses::{Exclusions, Responses, Stimuli, Texture};
pub use score::{AreaScore, Ceiling, Estimate, Quartiles};
pub use splits::{Split, SplitError, stratified_splits};
pub use stimuli::{Field, Matched, Preparation, match_images};

use super::{EvaluatedModel, Progress};
use lcl_images::ImageSet;
use score::Experiment;

/// Images that go through a model at a time.
const BATCH: usize = 16;

/// Fewest images for testing: a correlation over two is always ±1.
const LEAST_TESTS: usize = 3;

/// The areas of a model.
const AREAS: [&str; 2] = ["V1", "V2"];

/// How explained variance is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct NeuralOptions {
    /// How stimuli are prepared.
    pub preparation: Preparation,
    /// Whether to fit V1 and V2 of the model.
    pub areas: [bool; 2],
    /// The regression.
    pub pls: Pls,
    /// Random splits into stimuli for fitting and for testing.
    pub splits: usize,
    /// Random halvings of the trials.
    pub halvings: usize,
    /// Seed of both.
    pub seed: u32,
    /// Whether both parts of a split hold the share of textures and of noise,
    /// where the stimuli are such.
    pub stratified: bool,
    /// Whether to fit `v1-steerpyr` too, to tell neurons like V1 from neurons
    /// like V2.
    pub quartiles: bool,
}

impl Default for NeuralOptions {
    fn default() -> Self {
        Self {
            preparation: Preparation { size: 224, field: None },
            areas: [true; 2],
            pls: Pls::default(),
            splits: 10,
            halvings: 10,
            seed: 1,
            stratified: true,
            quartiles: false,
        }
    }
}

/// Returns how well a model predicts recorded responses to the images of a set.
///
/// The features of all stimuli are in memory, 4 bytes each: 0.4 GB for 1,000
/// images of 224×224 pixels and LCL-V2, 0.9 GB for `v1-steerpyr`.
///
/// # Errors
///
/// When stimuli have no image, there are too few, no neuron can be used, or the
/// model cannot be run.
pub fn neural(
    model: &EvaluatedModel,
    set: &ImageSet,
    responses: &Responses,
    options: &NeuralOptions,
    progress: &mut dyn Progress,
) -> Result<Neural, NeuralError> {
    let matched = match_images(&responses.stimuli, set)?;
    if responses.repetitions < 2 {
        return Err(NeuralError::NoRepetition);
    }
    let (neurons, exclusions) = responses.usable();
    if neurons.is_empty() {
        return Err(NeuralError::NoNeuron { neurons: responses.neurons, exclusions });
    }
    let stimuli = matched.images.len();
    let splits = splits_of(&matched, options)?;
    let (train, test) = splits.first().map_or((0, 0), |s| (s.train.len(), s.test.len()));
    let components = options.pls.components;
    if train <= components {
        return Err(NeuralError::FewImages { components, train, stimuli });
    }
    if test < LEAST_TESTS {
        return Err(NeuralError::FewTests { test });
    }
    let means = responses.means(&neurons);
    let reliability = responses.reliability(&neurons, options.halvings, options.seed);
    let Some(ceiling) = Ceiling::new(&reliability) else {
        return Err(NeuralError::NoCeiling { neurons: neurons.len() });
    };
    let experiment =
        Experiment { responses: &means, ceiling: &ceiling, splits: &splits, pls: options.pls };
    let images = (set, &matched.images[..]);
    let mut scores = areas(model, images, &experiment, options, options.areas, progress)?;
    if options.quartiles {
        let baseline = EvaluatedModel::steerable_pyramid();
        let [v1, _] = areas(&baseline, images, &experiment, options, [true, false], progress)?;
        let quarters = v1.as_ref().and_then(|score| experiment.quarters(score));
        let few = NeuralError::NoQuarters { neurons: neurons.len() };
        let quarters = quarters.ok_or(few)?;
        for score in scores.iter_mut().flatten() {
            score.quartiles = Some(experiment.quartiles(score, &quarters));
        }
    }
    let [v1, v2] = scores;
    Ok(Neural {
        model: model.name().to_owned(),
        stimuli,
        unused_images: matched.unused,
        in_order: matches!(responses.stimuli, Stimuli::InOrder(_)),
        stratified: options.stratified && matched.kinds.is_some(),
        repetitions: responses.repetitions,
        recorded: responses.neurons,
        neurons,
        excluded: exclusions,
        components,
        splits: splits.len(),
        seed: options.seed,
        ceiling,
        v1,
        v2,
    })
}

fn splits_of(matched: &Matched, options: &NeuralOptions) -> Result<Vec<Split>, SplitError> {
    let kinds: Vec<&str> = match &matched.kinds {
        Some(kinds) if options.stratified => kinds.iter().map(String::as_str).collect(),
        _ => vec![""; matched.images.len()],
    };
    stratified_splits(&kinds, options.splits, options.seed)
}

/// Computes features and scores of some areas of a model.
fn areas(
    model: &EvaluatedModel,
    (set, images): (&ImageSet, &[usize]),
    experiment: &Experiment<'_>,
    options: &NeuralOptions,
    wanted: [bool; 2],
    progress: &mut dyn Progress,
) -> Result<[Option<AreaScore>; 2], NeuralError> {
    progress.begin(&format!("features of {}", model.name()), images.len());
    let mut features = [Vec::new(), Vec::new()];
    for batch in images.chunks(BATCH) {
        let load = |&image: &usize| Ok(options.preparation.prepare(set.load(image)?));
        let pixels = batch.par_iter().map(load).collect::<Result<Vec<_>, NeuralError>>()?;
        let maps = model.features(&pixels)?;
        for ((features, map), _) in
            features.iter_mut().zip(maps).zip(wanted).filter(|(_, wanted)| *wanted)
        {
            features.reserve_exact(
                (images.len() * map.data.len() / map.n.max(1)).saturating_sub(features.len()),
            );
            features.extend(map.data);
        }
        progress.advance(batch.len());
    }
    let mut scores = [None, None];
    for (area, features) in features.into_iter().enumerate() {
        if !wanted[area] {
            continue;
        }
        progress.begin(&format!("regression on {}", AREAS[area]), experiment.splits.len());
        let width = features.len() / images.len();
        let gram = gram_matrix(&features, images.len());
        drop(features);
        scores[area] = Some(experiment.score(AREAS[area], &gram, width)?);
        progress.advance(experiment.splits.len());
    }
    Ok(scores)
}
