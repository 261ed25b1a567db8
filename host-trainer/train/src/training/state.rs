//! What a run needs besides its checkpoint to go on as if it never stopped:
//! the optimiser's moments and the stop rule, in
//! `optimiser-STEP.safetensors`.

use std::{collections::BTreeMap, path::Path};

use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::{StopRule, TrainError, learner::Learner, optimiser::Optimiser};
use crate::model::{shape, values};
use lcl_artefacts::tensor_file::{self, NamedTensor, TensorFile, Values};
use lcl_run::run::Losses;

/// Key of the metadata that holds [`State`].
const KEY: &str = "state";

/// What a run remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Updates so far.
    pub(super) step: u64,
    /// Loss on the held-out images before the first step.
    pub(super) start: Option<Losses>,
    /// The stop rule and what it saw before this step.
    pub(super) stop_rule: StopRule,
}

impl State {
    /// Returns the bytes of the file with the state and what [`remembered`] names.
    pub(super) fn to_bytes(&self, remembered: &[(String, Tensor)]) -> Result<Vec<u8>, TrainError> {
        let arrays = remembered.iter().map(|(_, tensor)| Array::of(tensor));
        let arrays = arrays.collect::<Result<Vec<_>, TchError>>()?;
        let tensors: Vec<NamedTensor<'_>> = remembered
            .iter()
            .zip(&arrays)
            .map(|((name, tensor), array)| NamedTensor {
                name: name.clone(),
                shape: shape(tensor),
                values: array.values(),
            })
            .collect();
        // Numbers always are JSON.
        let state = serde_json::to_string(self).unwrap_or_default();
        let metadata = BTreeMap::from([(KEY.to_owned(), state)]);
        Ok(tensor_file::to_bytes(&tensors, &metadata))
    }

    /// Checks that the file at `path` is whole and the state of a step.
    pub(super) fn check(path: &Path, step: u64) -> Result<(), TrainError> {
        Self::of(&TensorFile::read(path)?, path, step).map(drop)
    }

    fn of(file: &TensorFile, path: &Path, step: u64) -> Result<Self, TrainError> {
        let text = file.metadata().get(KEY).ok_or_else(|| unusable(path, "it has no state"))?;
        let state: Self =
            serde_json::from_str(text).map_err(|error| unusable(path, &error.to_string()))?;
        if state.step != step {
            let reason = format!("it is of step {}, the checkpoint of step {step}", state.step);
            return Err(unusable(path, &reason));
        }
        Ok(state)
    }

    /// Reads the state at `path`, which must be that of the checkpoint at `step`,
    /// and the tensors that [`remembered`] names in place.
    pub(super) fn read(
        path: &Path,
        remembered: &mut [(String, Tensor)],
        step: u64,
    ) -> Result<Self, TrainError> {
        let file = TensorFile::read(path)?;
        let state = Self::of(&file, path, step)?;
        let tensors = file.tensors()?;
        for (name, target) in remembered {
            let kind = target.kind();
            let dtype = if kind == Kind::Double { Dtype::F64 } else { Dtype::F32 };
            let tensor = tensors
                .tensor(name)
                .ok()
                .filter(|tensor| tensor.dtype() == dtype && tensor.shape() == shape(target));
            let missing = || unusable(path, &format!("{name} is missing or misshapen"));
            let tensor = tensor.ok_or_else(missing)?;
            let loaded = Tensor::f_from_data_size(tensor.data(), &target.size(), kind)?;
            no_grad(|| target.f_copy_(&loaded))?;
        }
        Ok(state)
    }
}

/// Returns what a run needs besides its checkpoint, by name: the optimiser's
/// moments and, where a checkpoint's 32 bits do not hold it, the network itself.
pub(super) fn remembered(learner: &Learner, optimiser: &Optimiser) -> Vec<(String, Tensor)> {
    let mut remembered = optimiser.named_moments();
    let exact = learner.tensors().into_iter().filter(|tensor| tensor.kind() == Kind::Double);
    let named = exact.enumerate().map(|(number, tensor)| (format!("exact.{number}"), tensor));
    remembered.extend(named);
    remembered
}

/// The values of a tensor.
enum Array {
    Float(Vec<f32>),
    Double(Vec<f64>),
}

impl Array {
    fn of(tensor: &Tensor) -> Result<Self, TchError> {
        if tensor.kind() != Kind::Double {
            return Ok(Self::Float(values(tensor)?));
        }
        let flat = tensor.f_detach()?.f_reshape([-1])?.f_to_device(Device::Cpu)?;
        Ok(Self::Double(Vec::try_from(&flat)?))
    }

    fn values(&self) -> Values<'_> {
        match self {
            Self::Float(values) => Values::F32(values),
            Self::Double(values) => Values::F64(values),
        }
    }
}

fn unusable(path: &Path, reason: &str) -> TrainError {
    TrainError::State { path: path.to_owned(), reason: reason.to_owned() }
}
