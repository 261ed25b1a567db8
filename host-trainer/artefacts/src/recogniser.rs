//! Checkpoints of networks that name what is on an image.
//!
//! A file is safetensors: the tensors of the [`Design`] by their names, and in
//! the metadata the name of the network and the names of its classes.

mod design;
mod read;

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use lcl_infer::PoolOrder;
use rand::Rng;
use serde_json::json;

pub use design::{
    Design, DesignConv, DesignKind, DesignLayer, DesignLinear, DesignName, UnknownDesign,
};
pub use read::{RecogniserError, is_recogniser};

use crate::{
    atomic_file::WriteError,
    checkpoint::{Checkpoint, InputConfig},
    random::{Purpose, stream},
    tensor_file::{self, NamedTensor, Values},
};

/// What the metadata of a recogniser's checkpoint calls its format.
const FORMAT: &str = "lcl-recogniser";

/// Weights of a network that names what is on an image, and what is needed to
/// run or continue it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recogniser {
    /// The network.
    pub design: Design,
    /// The names of its answers, in their order.
    pub classes: Vec<String>,
    /// The normalisation of its input.
    pub input: InputConfig,
    /// Side of the images that it was trained on, in pixels.
    pub side: usize,
    /// Updates of the weights so far.
    pub step: u64,
    /// The configuration of the run, TOML.
    pub config: Option<String>,
    /// The values of each of the design's [`tensors`](Design::tensors), by name.
    pub weights: BTreeMap<String, Vec<f32>>,
}

impl Recogniser {
    /// Draws initial weights, the same on every machine: uniform in
    /// `±1/√fan_in`, as PyTorch does, with batch norms that change nothing.
    #[must_use]
    pub fn initial(
        design: Design,
        classes: Vec<String>,
        input: InputConfig,
        side: usize,
        seed: u64,
    ) -> Self {
        let mut weights = BTreeMap::new();
        for (place, layer) in design.layers.iter().enumerate() {
            let tensors = layer.tensors();
            let fan_in = tensors.first().map_or(1, |(_, shape)| shape[1..].iter().product());
            let bound = 1.0 / (fan_in as f32).sqrt();
            for (part, (name, shape)) in tensors.into_iter().enumerate() {
                let len = shape.iter().product();
                let values = match part {
                    0 | 1 => {
                        let key = [FIRST_STREAM + place as u64, part as u64];
                        let mut rng = stream(seed, Purpose::Weights, key);
                        (0..len).map(|_| rng.random_range(-bound..=bound)).collect()
                    }
                    // The weight and the running variance of a batch norm.
                    2 | 5 => vec![1.0; len],
                    _ => vec![0.0; len],
                };
                weights.insert(name, values);
            }
        }
        Self { design, classes, input, side, step: 0, config: None, weights }
    }

    /// Takes the frozen layers from a checkpoint of LCL-V2, as `path` holds it.
    ///
    /// # Errors
    ///
    /// When the network has no front-end, or the checkpoint's does not fit.
    pub fn with_front_end(
        mut self,
        front_end: &Checkpoint,
        path: &Path,
    ) -> Result<Self, RecogniserError> {
        let refuse =
            |reason: String| Err(RecogniserError::FrontEnd { path: path.to_owned(), reason });
        if self.design.frozen == 0 {
            let name = self.design.name;
            return refuse(format!("the network {name} has no front-end; leave --front-end out"));
        }
        if front_end.settings().is_some() {
            return refuse(
                "it has components in front of or behind its convolutions, which no network \
                 here takes; name a plain checkpoint of LCL-V2"
                    .to_owned(),
            );
        }
        if front_end.pool != self.design.pool {
            let (got, expected) = (front_end.pool.name(), self.design.pool.name());
            return refuse(format!(
                "it pools by {got} and the configuration by {expected}; change model.pool"
            ));
        }
        let frozen = self.design.layers[..self.design.frozen].to_vec();
        let convolutions = frozen.iter().filter(|layer| !layer.name.is_empty());
        for (layer, given) in convolutions.zip(&front_end.convolutions) {
            let arrays = [
                &given.conv.weight,
                &given.conv.bias,
                &given.bn.weight,
                &given.bn.bias,
                &given.bn.running_mean,
                &given.bn.running_var,
            ];
            for ((name, shape), array) in layer.tensors().into_iter().zip(arrays) {
                let expected: usize = shape.iter().product();
                if array.len() != expected {
                    return refuse(format!(
                        "its {name} has {} values and the network takes {expected}, {shape:?}: \
                         the channels do not fit",
                        array.len()
                    ));
                }
                self.weights.insert(name, array.clone());
            }
        }
        self.input = front_end.input();
        Ok(self)
    }

    /// Returns the values of a tensor of the design.
    ///
    /// # Panics
    ///
    /// When the design has none of that name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> &[f32] {
        self.weights.get(name).unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// Writes the checkpoint to the file at `path`, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        crate::atomic_file::write(path, &[&self.to_bytes()])
    }

    /// Returns the bytes of that file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let named = |(name, shape): (String, Vec<usize>)| {
            let values = Values::F32(self.tensor(&name));
            NamedTensor { name: name.clone(), shape, values }
        };
        let tensors: Vec<NamedTensor<'_>> = self.design.tensors().into_iter().map(named).collect();
        let mut metadata = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("network".to_owned(), self.design.name.to_string()),
            ("pool".to_owned(), self.design.pool.name().to_owned()),
            ("classes".to_owned(), json!(self.classes).to_string()),
            ("mean".to_owned(), json!(self.input.mean).to_string()),
            ("std".to_owned(), json!(self.input.std).to_string()),
            ("side".to_owned(), self.side.to_string()),
            ("step".to_owned(), self.step.to_string()),
        ]);
        if let Some(config) = &self.config {
            metadata.insert("config".to_owned(), config.clone());
        }
        tensor_file::to_bytes(&tensors, &metadata)
    }
}

/// Checks names of classes: at least two, all different, none empty.
///
/// # Errors
///
/// Returns what is wrong, as a clause.
pub fn check_classes(classes: &[String]) -> Result<(), String> {
    if classes.len() < 2 {
        return Err(format!("there are {} classes, and two are needed", classes.len()));
    }
    let mut seen = HashSet::new();
    for class in classes {
        if class.is_empty() {
            return Err("a class has no name".to_owned());
        }
        if !seen.insert(class) {
            return Err(format!("two classes are called {class:?}"));
        }
    }
    Ok(())
}

/// The first random stream of a recogniser's weights, behind those of LCL-V2.
const FIRST_STREAM: u64 = 1 << 16;

/// Returns the order of pooling of that name.
fn pool(name: &str) -> Option<PoolOrder> {
    PoolOrder::ALL.into_iter().find(|pool| pool.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::ModelConfig;

    fn recogniser() -> Recogniser {
        let design = DesignName::LclV2netSmall.design(PoolOrder::default(), 3);
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        Recogniser::initial(design, classes, InputConfig::default(), 96, 4)
    }

    #[test]
    fn is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.safetensors");
        let mut written = recogniser();
        (written.step, written.config) = (7, Some("x = 1\n".to_owned()));
        written.write(&path).expect("written");
        assert!(is_recogniser(&path));
        assert!(Recogniser::read(&path).expect("read") == written);
    }

    #[test]
    fn takes_a_front_end_and_refuses_one_that_does_not_fit() {
        let front_end = Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 9);
        let path = Path::new("front.safetensors");
        let taken = recogniser().with_front_end(&front_end, path).expect("fits");
        assert_eq!(taken.tensor("layer2.conv.weight"), front_end.convolutions[1].conv.weight);
        assert_eq!(taken.tensor("layer3.conv.weight"), recogniser().tensor("layer3.conv.weight"));

        let mut narrow = front_end.clone();
        narrow.convolutions[1].bn.bias.truncate(100);
        let error = recogniser().with_front_end(&narrow, path).expect_err("narrow").to_string();
        assert!(
            error.contains("layer2.bn.bias has 100 values") && error.contains("192"),
            "{error}"
        );
        let other = Checkpoint { pool: PoolOrder::Max, ..front_end.clone() };
        let error = recogniser().with_front_end(&other, path).expect_err("pools").to_string();
        assert!(error.contains("model.pool"), "{error}");
        let design = DesignName::Alexnet.design(PoolOrder::default(), 3);
        let alexnet = Recogniser { design, ..recogniser() };
        let error = alexnet.with_front_end(&front_end, path).expect_err("none").to_string();
        assert!(error.contains("no front-end"), "{error}");
    }

    #[test]
    fn files_that_are_not_whole_name_what_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.safetensors");
        let error = |broken: Recogniser| {
            broken.write(&path).expect("written");
            Recogniser::read(&path).expect_err("refused").to_string()
        };
        let mut infinite = recogniser();
        infinite.weights.get_mut("layer4.bn.bias").expect("there")[2] = f32::NAN;
        assert!(error(infinite).contains("layer4.bn.bias"));
        let doubled =
            Recogniser { classes: vec!["a".into(), "a".into(), "b".into()], ..recogniser() };
        assert!(error(doubled).contains("two classes are called \"a\""));
        let few = Recogniser { classes: vec!["a".into(), "b".into()], ..recogniser() };
        assert!(error(few).contains("layer7.linear.weight"));
    }
}
