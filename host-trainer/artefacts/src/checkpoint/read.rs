//! Reading a checkpoint, with everything about it checked.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use lcl_infer::{ConvGeometry, PoolOrder, shape::MAX_IMAGE_SIDE};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{
    AREA_CHANNELS, AffineWeights, BatchNormWeights, Checkpoint, ComponentTensor, Components,
    ComponentsConfig, ConvWeights, InputConfig, Misfit, ModelConfig, ProjectorWeights, conv_shape,
    foreign::{self, ForeignError},
    numbered,
};
use crate::tensor_file::{ReadError, TensorFile};

/// Tensors that are named in one error; the others are counted.
const NAMED_PROBLEMS: usize = 8;

/// A checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file is no safetensors file.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file is PyTorch's own.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// Tensors are missing, unknown, wrongly shaped or not finite.
    #[error(
        "{} is not a checkpoint of this model: {}; export the tensors of layer1 and layer2 with \
         PyTorch's names",
        path.display(),
        listed(problems)
    )]
    Tensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with which tensors.
        problems: Vec<TensorProblem>,
    },
    /// The components of the metadata do not fit the model.
    #[error("{}: {misfit}", path.display())]
    Components {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        misfit: Misfit,
    },
    /// A string of the metadata cannot be understood.
    #[error("{}: the metadata says {key} = {value:?}; expected {expected}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The string's name.
        key: &'static str,
        /// The string.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

/// What is wrong with one tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorProblem {
    /// It is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// The model has none of that name.
    Unknown {
        /// Its name.
        name: String,
    },
    /// It has another shape.
    Shape {
        /// Its name.
        name: String,
        /// The shape that the model has.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// Its values are no floats.
    Dtype {
        /// Its name.
        name: String,
        /// The type in the file.
        got: String,
    },
    /// Some values are not numbers or infinite.
    NotFinite {
        /// Its name.
        name: String,
        /// How many values.
        count: usize,
    },
    /// A variance is negative.
    Negative {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for TensorProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "{name} is missing"),
            Self::Unknown { name } => write!(f, "{name} is unknown"),
            Self::Shape { name, expected, got } => {
                write!(f, "{name} has shape {got:?}, expected {expected:?}")
            }
            Self::Dtype { name, got } => {
                write!(f, "{name} has type {got}, expected F32 (or F16, BF16, F64)")
            }
            Self::NotFinite { name, count } => {
                write!(f, "{name} has {count} values that are NaN or infinite")
            }
            Self::Negative { name } => write!(f, "{name} has a negative variance"),
        }
    }
}

impl Checkpoint {
    /// Reads the checkpoint at `path` and checks it.
    ///
    /// Prefixes that PyTorch's wrappers put before all names, `module.` for
    /// instance, are taken off, which a line on standard error says.
    /// Projectors may be missing, and missing biases of convolutions are 0.
    /// What the metadata leaves out takes its default. Values of 16 or 64 bits
    /// are converted to 32.
    ///
    /// # Errors
    ///
    /// When the file is not whole, or a tensor or string is not as the model
    /// needs it; all such tensors are named.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let file = TensorFile::read(path).map_err(|error| match foreign::recognised(path) {
            Some(foreign) => foreign.into(),
            None => CheckpointError::from(error),
        })?;
        Self::of_file(path, &file)
    }

    /// Takes the weights from a file that was read.
    pub(crate) fn of_file(path: &Path, file: &TensorFile) -> Result<Self, CheckpointError> {
        let mut tensors = Tensors::new(file.tensors()?);
        if !tensors.prefixes.is_empty() {
            let prefixes: Vec<&str> = tensors.prefixes.iter().map(String::as_str).collect();
            crate::tell!(
                "note: {}: took {} off the names of its tensors",
                path.display(),
                prefixes.join(" and ")
            );
        }
        let metadata = Strings { path, strings: file.metadata() };
        let (settings, input_side) = metadata.components()?;
        let convolutions = numbered(settings.as_ref())
            .map(|(number, conv)| tensors.convolution(number, conv))
            .collect();
        let components = settings.map(|settings| tensors.components(settings, input_side));
        let with_projectors = tensors.any_starts_with("projector");
        let projectors =
            with_projectors.then(|| [0, 1].map(|at| tensors.projector(at + 1, AREA_CHANNELS[at])));
        let embedding = |at: usize| {
            projectors.as_ref().map_or(0, |both: &[ProjectorWeights; 2]| both[at].fc2.bias.len())
        };
        let with_predictors = tensors.any_starts_with("predictor");
        let predictors =
            with_predictors.then(|| [0, 1].map(|at| tensors.predictor(at + 1, embedding(at))));
        let problems = tensors.finish();
        if !problems.is_empty() {
            return Err(CheckpointError::Tensors { path: path.to_owned(), problems });
        }
        let InputConfig { mean, std } = InputConfig::default();
        let three = "three finite numbers as a JSON array";
        let above_zero = "three numbers above 0 as a JSON array";
        Ok(Self {
            pool: metadata.parse(
                "pool",
                "max-blur, blur-max or max",
                PoolOrder::default(),
                pool,
            )?,
            mean: metadata.parse("mean", three, mean, |text| rgb(text, |_| true))?,
            std: metadata.parse("std", above_zero, std, |text| rgb(text, |value| value > 0.0))?,
            step: metadata.parse("step", "a whole number", 0, |text| text.parse().ok())?,
            config: file.metadata().get("config").cloned(),
            input_side,
            convolutions,
            components,
            projectors,
            predictors,
        })
    }
}

struct Tensors<'a> {
    file: SafeTensors<'a>,
    /// Names in the file by names without prefixes.
    names: BTreeMap<String, String>,
    /// Prefixes that were taken off.
    prefixes: BTreeSet<String>,
    unused: BTreeSet<String>,
    problems: Vec<TensorProblem>,
}

impl<'a> Tensors<'a> {
    fn new(file: SafeTensors<'a>) -> Self {
        // PyTorch counts batches for batch norms without a momentum.
        let counter = |name: &&str| name.ends_with(".num_batches_tracked");
        let all: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
        let (mut names, mut prefixes) = (BTreeMap::new(), BTreeSet::new());
        for name in all {
            let (prefix, rest) = foreign::without_prefixes(&name);
            // A name that is there twice keeps its prefix, and is unknown.
            let is_there =
                names.contains_key(rest) || (!prefix.is_empty() && file.tensor(rest).is_ok());
            if prefix.is_empty() || is_there {
                names.insert(name.clone(), name);
            } else {
                prefixes.insert(prefix.to_owned());
                names.insert(rest.to_owned(), name);
            }
        }
        let unused = names.keys().filter(|name| !counter(&name.as_str())).cloned().collect();
        Self { file, names, prefixes, unused, problems: Vec::new() }
    }

    fn tensor(&self, name: &str) -> Option<TensorView<'a>> {
        self.file.tensor(self.names.get(name)?).ok()
    }

    fn any_starts_with(&self, prefix: &str) -> bool {
        self.unused.iter().any(|name| name.starts_with(prefix))
    }

    fn convolution(&mut self, number: usize, conv: ConvGeometry) -> ConvWeights {
        let name = |part: &str| format!("layer{number}.{part}");
        let (shape, channels) = (conv_shape(conv), conv.out_c());
        let conv = if self.unused.contains(&name("conv.bias")) {
            self.affine(&name("conv"), &shape)
        } else {
            let weight = self.take(name("conv.weight"), &shape);
            AffineWeights { weight, bias: vec![0.0; channels] }
        };
        ConvWeights { conv, bn: self.batch_norm(&name("bn"), channels) }
    }

    fn components(&mut self, settings: ComponentsConfig, input_side: usize) -> Components {
        let tensors = settings.tensors(input_side).into_iter().map(|plan| {
            let values = self.take(format!("layer1.{}", plan.name), &plan.shape);
            ComponentTensor { name: plan.name, shape: plan.shape, values }
        });
        Components { settings, tensors: tensors.collect() }
    }

    fn projector(&mut self, number: usize, channels: usize) -> ProjectorWeights {
        let name = |part: &str| format!("projector{number}.{part}");
        let last = self.tensor(&name("fc2.weight"));
        let embedding = last.and_then(|tensor| tensor.shape().first().copied());
        ProjectorWeights {
            fc1: self.affine(&name("fc1"), &[channels, channels]),
            bn: self.batch_norm(&name("bn"), channels),
            fc2: self.affine(&name("fc2"), &[embedding.unwrap_or_default(), channels]),
        }
    }

    fn predictor(&mut self, number: usize, embedding: usize) -> ProjectorWeights {
        let name = |part: &str| format!("predictor{number}.{part}");
        let first = self.tensor(&name("fc1.weight"));
        let hidden = first.and_then(|tensor| tensor.shape().first().copied());
        let hidden = hidden.unwrap_or_default();
        ProjectorWeights {
            fc1: self.affine(&name("fc1"), &[hidden, embedding]),
            bn: self.batch_norm(&name("bn"), hidden),
            fc2: self.affine(&name("fc2"), &[embedding, hidden]),
        }
    }

    fn affine(&mut self, name: &str, shape: &[usize]) -> AffineWeights {
        AffineWeights {
            weight: self.take(format!("{name}.weight"), shape),
            bias: self.take(format!("{name}.bias"), &shape[..1]),
        }
    }

    fn batch_norm(&mut self, name: &str, channels: usize) -> BatchNormWeights {
        let mut take = |part: &str| self.take(format!("{name}.{part}"), &[channels]);
        BatchNormWeights {
            weight: take("weight"),
            bias: take("bias"),
            running_mean: take("running_mean"),
            running_var: take("running_var"),
        }
    }

    fn take(&mut self, name: String, expected: &[usize]) -> Vec<f32> {
        self.unused.remove(&name);
        let Some(tensor) = self.tensor(&name) else {
            self.problems.push(TensorProblem::Missing { name });
            return Vec::new();
        };
        if tensor.shape() != expected {
            let (expected, got) = (expected.to_vec(), tensor.shape().to_vec());
            self.problems.push(TensorProblem::Shape { name, expected, got });
            return Vec::new();
        }
        let Some(values) = floats(&tensor) else {
            let got = format!("{:?}", tensor.dtype());
            self.problems.push(TensorProblem::Dtype { name, got });
            return Vec::new();
        };
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            self.problems.push(TensorProblem::NotFinite { name, count });
        } else if name.ends_with("running_var") && values.iter().any(|&value| value < 0.0) {
            self.problems.push(TensorProblem::Negative { name });
        }
        values
    }

    fn finish(mut self) -> Vec<TensorProblem> {
        self.problems.extend(self.unused.into_iter().map(|name| TensorProblem::Unknown { name }));
        self.problems
    }
}

struct Strings<'a> {
    path: &'a Path,
    strings: &'a HashMap<String, String>,
}

impl Strings<'_> {
    /// Returns the components and the one size of images, having checked that
    /// they fit.
    fn components(&self) -> Result<(Option<ComponentsConfig>, usize), CheckpointError> {
        let side = self.parse("input_side", "a whole number of pixels", 0, |text| {
            text.parse().ok().filter(|&side: &usize| side <= MAX_IMAGE_SIDE)
        })?;
        let expected = "the components as a JSON object, as docs/components.md has it";
        let settings = self.parse("components", expected, None, |text| {
            serde_json::from_str(text).ok().map(Some)
        })?;
        let model = ModelConfig { input_side: side, ..ModelConfig::default() };
        let fits = settings.map_or(Ok(()), |settings: ComponentsConfig| settings.check(model));
        let path = || self.path.to_owned();
        fits.map_err(|misfit| CheckpointError::Components { path: path(), misfit })?;
        Ok((settings, side))
    }

    fn parse<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, CheckpointError> {
        let Some(text) = self.strings.get(key) else {
            return Ok(default);
        };
        let (path, value) = (self.path.to_owned(), text.clone());
        parse(text).ok_or(CheckpointError::Metadata { path, key, value, expected })
    }
}

fn pool(name: &str) -> Option<PoolOrder> {
    PoolOrder::ALL.into_iter().find(|pool| pool.name() == name)
}

fn rgb(text: &str, accepts: impl Fn(f32) -> bool) -> Option<[f32; 3]> {
    let values: [f32; 3] = serde_json::from_str(text).ok()?;
    values.iter().all(|&value| value.is_finite() && accepts(value)).then_some(values)
}

fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    fn convert<const N: usize>(data: &[u8], to_f32: impl Fn([u8; N]) -> f32) -> Option<Vec<f32>> {
        let chunks = data.chunks_exact(N);
        chunks.map(|chunk| Some(to_f32(chunk.try_into().ok()?))).collect()
    }
    match tensor.dtype() {
        Dtype::F32 => convert(tensor.data(), f32::from_le_bytes),
        Dtype::F16 => convert(tensor.data(), |bytes| f16::from_le_bytes(bytes).to_f32()),
        Dtype::BF16 => convert(tensor.data(), |bytes| bf16::from_le_bytes(bytes).to_f32()),
        #[allow(clippy::cast_possible_truncation, reason = "the weights are used in 32 bits")]
        Dtype::F64 => convert(tensor.data(), |bytes| f64::from_le_bytes(bytes) as f32),
        _ => None,
    }
}

fn listed(problems: &[TensorProblem]) -> String {
    let named: Vec<String> =
        problems.iter().take(NAMED_PROBLEMS).map(TensorProblem::to_string).collect();
    let more = problems.len().saturating_sub(NAMED_PROBLEMS);
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{rest}", named.join(", "))
}
