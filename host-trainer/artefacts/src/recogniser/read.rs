//! Reading a recogniser's checkpoint, with everything about it checked.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use lcl_infer::PoolOrder;
use safetensors::Dtype;

use super::{DesignName, FORMAT, Recogniser, check_classes, pool};
use crate::{
    checkpoint::InputConfig,
    tensor_file::{MOST_HEADER, ReadError, TensorFile},
};

/// A recogniser cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecogniserError {
    /// The file is no safetensors file.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file is of another kind.
    #[error(
        "{} is no network that names images; train one with `lcl train --config lcl-v2net \
         --front-end CHECKPOINT --data CLASSFOLDERS`",
        path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// Strings or tensors are missing or not as the network needs them.
    #[error("{} cannot be used: {reason}; train or export it again", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The front-end is of another shape.
    #[error("{} cannot be the front-end: {reason}", path.display())]
    FrontEnd {
        /// The checkpoint.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

/// Returns whether the header of the file at `path` says that it is a recogniser.
#[must_use]
pub fn is_recogniser(path: &Path) -> bool {
    let header = || {
        let mut file = File::open(path).ok()?;
        let mut len = [0; 8];
        file.read_exact(&mut len).ok()?;
        let mut header = Vec::new();
        let len = u64::from_le_bytes(len).min(MOST_HEADER as u64);
        file.take(len).read_to_end(&mut header).ok()?;
        let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
        Some(header["__metadata__"]["format"] == FORMAT)
    };
    header().unwrap_or(false)
}

impl Recogniser {
    /// Reads the recogniser at `path` and checks it.
    ///
    /// # Errors
    ///
    /// When the file is not whole, is of another kind, or a tensor or string is
    /// not as the network needs it.
    pub fn read(path: &Path) -> Result<Self, RecogniserError> {
        let file = TensorFile::read(path)?;
        let strings = file.metadata();
        if strings.get("format").is_none_or(|format| format != FORMAT) {
            return Err(RecogniserError::Other { path: path.to_owned() });
        }
        let wrong = |reason: String| RecogniserError::Content { path: path.to_owned(), reason };
        let string =
            |key: &str| strings.get(key).ok_or_else(|| wrong(format!("the metadata has no {key}")));
        let name: DesignName =
            string("network")?.parse().map_err(|error| wrong(format!("{error}")))?;
        let order = strings.get("pool").map_or(Some(PoolOrder::default()), |text| pool(text));
        let order = order.ok_or_else(|| wrong("the metadata's pool is unknown".to_owned()))?;
        let classes: Vec<String> = serde_json::from_str(string("classes")?)
            .map_err(|error| wrong(format!("the classes are no JSON list of names: {error}")))?;
        check_classes(&classes).map_err(wrong)?;
        let three = |key: &str| -> Result<[f32; 3], RecogniserError> {
            let parsed: Option<[f32; 3]> = serde_json::from_str(string(key)?).ok();
            let parsed = parsed.filter(|values| values.iter().all(|value| value.is_finite()));
            parsed.ok_or_else(|| wrong(format!("{key} is no JSON list of three numbers")))
        };
        let input = InputConfig { mean: three("mean")?, std: three("std")? };
        if input.std.iter().any(|&std| std <= 0.0) {
            return Err(wrong("std has numbers that are not above 0".to_owned()));
        }
        let whole = |key: &str| {
            string(key)?.parse().map_err(|_| wrong(format!("{key} is no whole number")))
        };
        let (side, step) = (whole("side")?, whole("step")?);
        let side = usize::try_from(side).map_err(|_| wrong("side is too large".to_owned()))?;
        let design = name.design(order, classes.len());
        let tensors = file.tensors()?;
        let mut weights = BTreeMap::new();
        for (name, shape) in design.tensors() {
            let tensor = tensors.tensor(&name);
            let tensor = tensor.map_err(|_| wrong(format!("{name} is missing")))?;
            if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
                let (got, dtype) = (tensor.shape(), tensor.dtype());
                return Err(wrong(format!("{name} is {dtype:?} {got:?}, expected F32 {shape:?}")));
            }
            let chunks = tensor.data().chunks_exact(4);
            let values: Vec<f32> = chunks
                .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap_or_default()))
                .collect();
            let bad = |value: &&f32| !value.is_finite();
            if values.iter().any(|value| bad(&value)) {
                let count = values.iter().filter(bad).count();
                return Err(wrong(format!("{name} has {count} values that are NaN or infinite")));
            }
            if name.ends_with("running_var") && values.iter().any(|&value| value < 0.0) {
                return Err(wrong(format!("{name} has a negative variance")));
            }
            weights.insert(name, values);
        }
        let known = |name: &str| weights.contains_key(name);
        if let Some(unknown) = tensors.names().into_iter().find(|name| !known(name)) {
            return Err(wrong(format!("{unknown} is no tensor of {name}")));
        }
        let config = strings.get("config").cloned();
        Ok(Self { design, classes, input, side, step, config, weights })
    }
}
