//! The state of a fit after an epoch, as a file: what a fit goes on from.

use std::{collections::BTreeMap, path::Path};

use lcl_artefacts::tensor_file::{self, NamedTensor, TensorFile, Values};
use lcl_population::{
    findings::Epoch,
    plateau::{RateRule, StopRule},
};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor, no_grad};

use super::FitError;
use crate::model::{shape, tensor, values};

/// Everything beside tensors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The configuration but for the number of epochs, TOML.
    pub(super) config: String,
    /// The sessions and the core.
    pub(super) sources: Vec<String>,
    pub(super) rate: RateRule,
    pub(super) stop: StopRule,
    pub(super) updates: u64,
    pub(super) epochs: Vec<Epoch>,
}

/// Key of the progress among the metadata.
const PROGRESS: &str = "progress";

/// Writes a state, whole or not at all.
pub(super) fn write(
    path: &Path,
    progress: &Progress,
    tensors: &[(String, Tensor)],
) -> Result<(), FitError> {
    // Plain values: nothing in them can fail to serialise.
    let text = serde_json::to_string(progress).unwrap_or_default();
    let arrays: Vec<Vec<f32>> =
        tensors.iter().map(|(_, tensor)| values(tensor)).collect::<Result<_, _>>()?;
    let named: Vec<NamedTensor<'_>> = tensors
        .iter()
        .zip(&arrays)
        .map(|((name, tensor), values)| NamedTensor {
            name: name.clone(),
            shape: shape(tensor),
            values: Values::F32(values),
        })
        .collect();
    Ok(tensor_file::write(path, &named, &BTreeMap::from([(PROGRESS.to_owned(), text)]))?)
}

/// Reads the progress of a state.
pub(super) fn progress(path: &Path, file: &TensorFile) -> Result<Progress, FitError> {
    let text = file.metadata().get(PROGRESS).and_then(|text| serde_json::from_str(text).ok());
    text.ok_or_else(|| FitError::OtherFit { path: path.display().to_string(), what: "format" })
}

/// Copies a state's tensors into those of the same names.
pub(super) fn load(
    path: &Path,
    file: &TensorFile,
    into: &[(String, Tensor)],
) -> Result<(), FitError> {
    let other = || FitError::OtherFit { path: path.display().to_string(), what: "network" };
    let tensors = file.tensors()?;
    for (name, into) in into {
        let found = tensors.tensor(name).map_err(|_| other())?;
        if found.shape() != shape(into) || found.dtype() != safetensors::Dtype::F32 {
            return Err(other());
        }
        let value = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let array: Vec<f32> = found.data().chunks_exact(4).map(value).collect();
        let found = tensor(&array, found.shape(), Device::Cpu)?;
        no_grad(|| into.shallow_clone().f_copy_(&found))?;
    }
    Ok(())
}
