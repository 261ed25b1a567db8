//! Files of features: one array for each stage, with the names of the images.
//!
//! [`FeatureWriter`] writes those of any number of images, a few at a time.

mod format;
mod regions;
mod writer;

pub use self::{
    format::{Format, FormatError},
    writer::{ArrayPlan, FeatureWriteError, FeatureWriter},
};

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use lcl_infer::{Area, Blob};
use safetensors::Dtype;
use serde_json::json;

use crate::{
    atomic_file::WriteError,
    feature_map::FeatureMap,
    integer_features::ByteMap,
    tensor_file::{self, NamedTensor, ReadError, TensorSlices, Values},
};

/// Names of the stages' outputs.
const NAMES: [&str; 2] = ["v1", "v2"];

/// A file of features cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureFileError {
    /// The file is not there or not whole.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A tensor is not what a file of features holds.
    #[error("{}: the tensor {name} {problem}; `lcl features` writes files of features", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// The outputs of both stages for some images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureFile {
    /// Names of the images, in the order of the features.
    pub images: Vec<String>,
    /// Outputs of stage 1 and stage 2.
    pub stages: [StageOutput; 2],
}

/// The output of one stage for some images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageOutput {
    /// `[H, W, C]`
    pub shape: [usize; 3],
    /// Real values, `[N, H, W, C]`.
    pub values: Vec<f32>,
    /// Bytes of the integer contract, `[N, H, W, C]`, where a blob made them.
    pub bytes: Option<Vec<u8>>,
}

impl StageOutput {
    /// Appends the features of further images, of the same shape.
    pub fn extend(&mut self, map: &FeatureMap) {
        self.shape = [map.h, map.w, map.c];
        self.values.extend_from_slice(&map.data);
    }
}

impl FeatureFile {
    /// Appends the bytes that a blob gave for further images, V1 and V2, and
    /// what they are worth.
    pub fn extend_bytes(&mut self, blob: &Blob<'_>, maps: &[ByteMap; 2]) {
        for area in [Area::V1, Area::V2] {
            let (output, map) = (&mut self.stages[area as usize], &maps[area as usize]);
            output.extend(&map.dequantise(blob, area));
            output.bytes.get_or_insert_default().extend_from_slice(&map.data);
        }
    }

    /// Reads the features in the safetensors file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or does not hold the features of both
    /// stages.
    pub fn read(path: &Path) -> Result<Self, FeatureFileError> {
        Self::read_first(path, usize::MAX)
    }

    /// Reads the names of all images, and the features of the first `most` of
    /// them: the file may be larger than the memory.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read).
    pub fn read_first(path: &Path, most: usize) -> Result<Self, FeatureFileError> {
        let mut file = TensorSlices::open(path)?;
        let error =
            |name, problem| FeatureFileError::Tensor { path: path.to_owned(), name, problem };
        let metadata = file.metadata();
        let names = metadata.get("images").map_or("[]", String::as_str);
        let images: Vec<String> = serde_json::from_str(names).unwrap_or_default();
        let mut read = Self { images, ..Self::default() };
        for (name, stage) in NAMES.into_iter().zip(&mut read.stages) {
            let Some((dtype, shape)) = file.tensor(name) else {
                return Err(error(name, "is not there: it takes both taps"));
            };
            if dtype != Dtype::F32 {
                return Err(error(name, "is not of type F32"));
            }
            let [n, h, w, c] = shape[..] else {
                return Err(error(name, "is not [N, H, W, C], as without --pooled"));
            };
            if n * h * w * c == 0 {
                return Err(error(name, "is empty"));
            }
            if n != read.images.len() {
                return Err(error(name, "has more or fewer images than the file names"));
            }
            let values = file.first(name, most)?;
            let values = values.chunks_exact(4);
            stage.values = values.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            if stage.values.iter().any(|value| !value.is_finite()) {
                return Err(error(name, "holds values that are no numbers"));
            }
            stage.shape = [h, w, c];
            let bytes = format!("{name}_q");
            if file.tensor(&bytes).is_some() {
                stage.bytes = Some(file.first(&bytes, most)?);
            }
        }
        Ok(read)
    }

    /// Writes the features to the safetensors file at `path`, whole or not at
    /// all: `v1` and `v2`, and `v1_q` and `v2_q` where there are bytes.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    ///
    /// # Panics
    ///
    /// When there are more or fewer values than images of that shape.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let shape = |stage: &StageOutput| [&[self.images.len()][..], &stage.shape[..]].concat();
        let named = || NAMES.into_iter().zip(&self.stages);
        let floats = named().map(|(name, stage)| NamedTensor {
            name: name.to_owned(),
            shape: shape(stage),
            values: Values::F32(&stage.values),
        });
        let bytes = named().filter_map(|(name, stage)| {
            let values = Values::U8(stage.bytes.as_ref()?);
            Some(NamedTensor { name: format!("{name}_q"), shape: shape(stage), values })
        });
        let tensors: Vec<NamedTensor<'_>> = floats.chain(bytes).collect();
        let metadata = BTreeMap::from([("images".to_owned(), json!(self.images).to_string())]);
        tensor_file::write(path, &tensors, &metadata)
    }
}

#[cfg(test)]
mod tests;
