//! Writing a checkpoint.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use super::{Checkpoint, FORMAT, ProjectorWeights, StageWeights, projector_layout, stage_layout};
use crate::{
    atomic_file::WriteError,
    tensor_file::{self, NamedTensor, Values},
};

impl Checkpoint {
    /// Writes the checkpoint to the safetensors file at `path`, whole or not at
    /// all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    ///
    /// # Panics
    ///
    /// When an array has not the length that its field says.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let mut tensors = Vec::new();
        for (stage, weights) in self.stages.iter().enumerate() {
            tensors.extend(named(stage_layout(stage), stage_fields(weights)));
        }
        for (stage, weights) in self.projectors.iter().flatten().enumerate() {
            let layout = projector_layout(stage, weights.fc2_bias.len());
            tensors.extend(named(layout, projector_fields(weights)));
        }
        tensor_file::write(path, &tensors, &self.metadata())
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("pool".to_owned(), self.pool.name().to_owned()),
            ("mean".to_owned(), json!(self.mean).to_string()),
            ("std".to_owned(), json!(self.std).to_string()),
            ("step".to_owned(), self.step.to_string()),
        ]);
        if let Some(config) = &self.config {
            metadata.insert("config".to_owned(), config.clone());
        }
        metadata
    }
}

fn named<const N: usize>(
    layout: [(String, Vec<usize>); N],
    fields: [&[f32]; N],
) -> impl Iterator<Item = NamedTensor<'_>> {
    let tensor = |((name, shape), values)| NamedTensor { name, shape, values: Values::F32(values) };
    layout.into_iter().zip(fields).map(tensor)
}

fn stage_fields(weights: &StageWeights) -> [&[f32]; 6] {
    let StageWeights {
        conv_weight,
        conv_bias,
        bn_weight,
        bn_bias,
        bn_running_mean,
        bn_running_var,
    } = weights;
    [conv_weight, conv_bias, bn_weight, bn_bias, bn_running_mean, bn_running_var]
}

fn projector_fields(weights: &ProjectorWeights) -> [&[f32]; 8] {
    let ProjectorWeights {
        fc1_weight,
        fc1_bias,
        bn_weight,
        bn_bias,
        bn_running_mean,
        bn_running_var,
        fc2_weight,
        fc2_bias,
    } = weights;
    [
        fc1_weight,
        fc1_bias,
        bn_weight,
        bn_bias,
        bn_running_mean,
        bn_running_var,
        fc2_weight,
        fc2_bias,
    ]
}
