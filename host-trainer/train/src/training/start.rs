//! The weights that a run starts with.

use std::path::Path;

use super::TrainError;
use crate::model::ModelError;
use lcl_artefacts::{checkpoint::Checkpoint, recogniser::Recogniser, saved::Saved};
use lcl_run::config::{Config, InputConfig, ObjectiveName};

/// Draws the weights that a run starts with; `classes` are those of recognition.
///
/// # Errors
///
/// When the front-end of a recogniser is missing or does not fit, or its images
/// are too small.
pub(super) fn initial(config: &Config, classes: Option<Vec<String>>) -> Result<Saved, TrainError> {
    let Some(name) = config.recognition.network else {
        return Ok(Saved::Layers(Box::new(initial_layers(config))));
    };
    let classes = classes.unwrap_or_default();
    let design = name.design(config.model.pool, classes.len());
    let side = config.views.stages[0].size as usize;
    if design.map_sides(side).is_none() {
        return Err(ModelError::ImageTooSmall { side, least: design.least_side() }.into());
    }
    let takes_front_end = design.frozen > 0;
    let drawn = Recogniser::initial(design, classes, config.input, side, config.training.seed);
    let recogniser = match &config.recognition.front_end {
        Some(path) => {
            let front_end = Checkpoint::read(path)?;
            let InputConfig { mean, std } = config.input;
            check_input(path, &front_end, mean, std)?;
            drawn.with_front_end(&front_end, path)?
        }
        None if takes_front_end => {
            return Err(TrainError::NoFrontEnd { network: name.name() });
        }
        None => drawn,
    };
    Ok(Saved::Recogniser(Box::new(recogniser)))
}

/// Draws the weights of the layers of LCL-V2 that a run starts with.
pub(super) fn initial_layers(config: &Config) -> Checkpoint {
    let seed = config.training.seed;
    let mut checkpoint = Checkpoint::initial(config.model, config.input, seed);
    if let Some(components) = config.components {
        checkpoint = checkpoint.with_components(components, seed);
    }
    match config.loss.objective {
        ObjectiveName::BarlowTwins | ObjectiveName::Simclr => checkpoint,
        ObjectiveName::Simsiam => checkpoint.with_predictors(config.model.embedding_dim, seed),
    }
}

/// Returns the weights of the checkpoint at `path` as those that a run starts
/// with, and what of them is drawn as the checkpoint has none that fits.
pub(super) fn from_weights(
    path: &Path,
    config: &Config,
) -> Result<(Checkpoint, Option<String>), TrainError> {
    let given = Checkpoint::read(path)?;
    let InputConfig { mean, std } = config.input;
    let refuse = |field, got: String, expected: String| {
        Err(TrainError::OtherWeights { path: path.to_owned(), field, got, expected })
    };
    if given.pool != config.model.pool {
        let [got, expected] = [given.pool, config.model.pool].map(|pool| pool.name().to_owned());
        return refuse("model.pool", got, expected);
    }
    if given.input_side != config.model.input_side {
        let [got, expected] = [given.input_side, config.model.input_side].map(|s| s.to_string());
        return refuse("model.input_side", got, expected);
    }
    if given.settings() != config.components.as_ref() {
        let [got, expected] = [given.settings(), config.components.as_ref()].map(|settings| {
            settings.map_or_else(|| "none".to_owned(), |settings| settings.names().join(" and "))
        });
        return refuse("components", got, expected);
    }
    check_input(path, &given, mean, std)?;
    let mut checkpoint = initial_layers(config);
    checkpoint.convolutions = given.convolutions;
    checkpoint.components = given.components;
    let dim = config.model.embedding_dim;
    let mut drawn = Vec::new();
    for (name, own, given) in [
        ("projectors", &mut checkpoint.projectors, given.projectors),
        ("predictors", &mut checkpoint.predictors, given.predictors),
    ] {
        if own.is_none() {
            continue;
        }
        match given.filter(|both| both.iter().all(|weights| weights.fc2.bias.len() == dim)) {
            Some(given) => *own = Some(given),
            None => drawn.push(name),
        }
    }
    let warning = (!drawn.is_empty()).then(|| {
        let of = path.display();
        format!("{of} has no {} of {dim} units; they are drawn", drawn.join(" and no "))
    });
    Ok((checkpoint, warning))
}

/// Checks that a checkpoint normalises its input as the configuration does.
fn check_input(
    path: &Path,
    given: &Checkpoint,
    mean: [f32; 3],
    std: [f32; 3],
) -> Result<(), TrainError> {
    for (field, got, expected) in [("input.mean", given.mean, mean), ("input.std", given.std, std)]
    {
        if got.map(f32::to_bits) != expected.map(f32::to_bits) {
            let (path, got) = (path.to_owned(), format!("{got:?}"));
            return Err(TrainError::OtherWeights {
                path,
                field,
                got,
                expected: format!("{expected:?}"),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_another_run_are_taken_as_far_as_they_fit() -> Result<(), TrainError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        let mut config = Config::default();
        config.model.embedding_dim = 8;
        let mut given = initial_layers(&config);
        given.step = 70;
        given.convolutions[1].conv.bias[3] = 0.25;
        given.write(&path)?;
        config.training.seed = 9;
        let (started, warning) = from_weights(&path, &config)?;
        assert!(
            started.convolutions == given.convolutions && started.projectors == given.projectors
        );
        assert_eq!((started.step, warning), (0, None));

        config.model.embedding_dim = 16;
        config.loss.objective = ObjectiveName::Simsiam;
        let (started, warning) = from_weights(&path, &config)?;
        assert!(
            started.convolutions == given.convolutions && started.projectors != given.projectors
        );
        assert!(warning.is_some_and(|w| w.contains("no projectors and no predictors of 16")));

        config.input.mean[0] = 0.5;
        let error = from_weights(&path, &config).expect_err("refused").to_string();
        assert!(error.contains("change input.mean in the configuration"), "{error}");
        Ok(())
    }
}
