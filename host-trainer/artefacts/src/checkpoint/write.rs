//! Writing a checkpoint.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use super::{
    AffineWeights, BatchNormWeights, Checkpoint, ComponentTensor, FORMAT, conv_shape, numbered,
};
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
        tensor_file::write(path, &self.named_tensors(), &self.metadata())
    }

    /// Returns the bytes of that file.
    ///
    /// # Panics
    ///
    /// When an array has not the length that its field says.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        tensor_file::to_bytes(&self.named_tensors(), &self.metadata())
    }

    fn named_tensors(&self) -> Vec<NamedTensor<'_>> {
        let mut tensors = Vec::new();
        for ((number, conv), weights) in numbered(self.settings()).zip(&self.convolutions) {
            let name = |part: &str| format!("layer{number}.{part}");
            tensors.extend(affine(&name("conv"), conv_shape(conv), &weights.conv));
            tensors.extend(batch_norm(&name("bn"), &weights.bn));
        }
        for ComponentTensor { name, shape, values } in
            self.components.iter().flat_map(|components| &components.tensors)
        {
            let (name, shape) = (format!("layer1.{name}"), shape.clone());
            tensors.push(NamedTensor { name, shape, values: Values::F32(values) });
        }
        for (kind, both) in [("projector", &self.projectors), ("predictor", &self.predictors)] {
            for (number, weights) in (1..).zip(both.iter().flatten()) {
                let name = |part: &str| format!("{kind}{number}.{part}");
                let (hidden, embedding) = (weights.fc1.bias.len(), weights.fc2.bias.len());
                let inputs = weights.fc1.weight.len() / hidden.max(1);
                tensors.extend(affine(&name("fc1"), vec![hidden, inputs], &weights.fc1));
                tensors.extend(batch_norm(&name("bn"), &weights.bn));
                tensors.extend(affine(&name("fc2"), vec![embedding, hidden], &weights.fc2));
            }
        }
        tensors
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("pool".to_owned(), self.pool.name().to_owned()),
            ("mean".to_owned(), json!(self.mean).to_string()),
            ("std".to_owned(), json!(self.std).to_string()),
            ("step".to_owned(), self.step.to_string()),
        ]);
        if self.input_side > 0 {
            metadata.insert("input_side".to_owned(), self.input_side.to_string());
        }
        if let Some(settings) = self.settings() {
            metadata.insert("components".to_owned(), json!(settings).to_string());
        }
        if let Some(config) = &self.config {
            metadata.insert("config".to_owned(), config.clone());
        }
        metadata
    }
}

fn affine<'a>(
    name: &str,
    shape: Vec<usize>,
    AffineWeights { weight, bias }: &'a AffineWeights,
) -> [NamedTensor<'a>; 2] {
    let named = |part: &str, shape: Vec<usize>, values: &'a [f32]| NamedTensor {
        name: format!("{name}.{part}"),
        shape,
        values: Values::F32(values),
    };
    let bias_shape = vec![shape[0]];
    [named("weight", shape, weight), named("bias", bias_shape, bias)]
}

fn batch_norm<'a>(name: &str, weights: &'a BatchNormWeights) -> [NamedTensor<'a>; 4] {
    let BatchNormWeights { weight, bias, running_mean, running_var } = weights;
    let named = |part: &str, values: &'a [f32]| NamedTensor {
        name: format!("{name}.{part}"),
        shape: vec![values.len()],
        values: Values::F32(values),
    };
    [
        named("weight", weight),
        named("bias", bias),
        named("running_mean", running_mean),
        named("running_var", running_var),
    ]
}
