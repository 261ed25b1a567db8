//! What a fit came to, in plain arrays and as a file.

use std::{collections::BTreeMap, path::Path};

use safetensors::Dtype;

use lcl_artefacts::{
    atomic_file::WriteError,
    tensor_file::{self, NamedTensor, ReadError, TensorFile, Values},
};

/// What the metadata of a file calls its format.
const FORMAT: &str = "lcl-population";

/// Version of the format.
const VERSION: &str = "1";

/// The readouts of a fit, and the core's own tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The configuration, TOML.
    pub config: String,
    /// Where the core's cells lie in the image.
    pub field: Field,
    /// The core's tensors by name, with their shapes; for LCL-V2 they are those of a
    /// checkpoint.
    pub core: Vec<(String, Vec<usize>, Vec<f32>)>,
    /// One for each session.
    pub readouts: Vec<Readout>,
}

/// The size of the core's map, and where its cells lie in the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Rows of the map.
    pub height: usize,
    /// Columns of the map.
    pub width: usize,
    /// Channels of the map.
    pub channels: usize,
    /// Pixel of the image, along either axis, that the middle of cell 0 sees.
    pub first: f64,
    /// Pixels of the image from one cell to the next.
    pub step: f64,
}

/// How the neurons of a session read the core.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// The session.
    pub session: String,
    /// Number of each neuron.
    pub ids: Vec<i64>,
    /// Position of each neuron, (x, y) in `[-1, 1]`, corners aligned; empty for the
    /// factorised readout.
    pub mu: Vec<[f32; 2]>,
    /// Weights, `[neurons, channels]`.
    pub weight: Vec<f32>,
    /// Bias, `[neurons]`.
    pub bias: Vec<f32>,
    /// What responses were divided by, `[neurons]`.
    pub response_scale: Vec<f64>,
    /// Numbers that the fit has for each neuron.
    pub parameters: f64,
}

/// A file of a fit cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FittedError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file is something else.
    #[error("{path} is no fitted population; give the population.safetensors that lcl fit wrote")]
    Format {
        /// The file.
        path: String,
    },
    /// A tensor is missing or has another shape.
    #[error("{path}: {name} is missing or does not fit the others; fit again")]
    Tensor {
        /// The file.
        path: String,
        /// The tensor.
        name: String,
    },
}

impl Field {
    /// Returns the pixel of the image that a position sees, (x, y).
    #[must_use]
    pub fn pixel(&self, [x, y]: [f32; 2]) -> [f64; 2] {
        let along = |at: f32, cells: usize| self.first + self.step * cell(f64::from(at), cells);
        [along(x, self.width), along(y, self.height)]
    }
}

/// Returns where a position, in `[-1, 1]`, lies among cells: corners aligned.
fn cell(at: f64, cells: usize) -> f64 {
    at.midpoint(1.0) * (cells as f64 - 1.0)
}

/// Returns the bilinear sample of one channel at (x, y), zeros outside; `value` gives
/// that of a row and a column.
#[must_use]
pub fn bilinear(
    [x, y]: [f64; 2],
    (height, width): (usize, usize),
    value: impl Fn(usize, usize) -> f64,
) -> f64 {
    let (x, y) = (cell(x, width), cell(y, height));
    let (left, top) = (x.floor(), y.floor());
    let mut sum = 0.0;
    for (row, share_y) in [(top, 1.0 - (y - top)), (top + 1.0, y - top)] {
        for (column, share_x) in [(left, 1.0 - (x - left)), (left + 1.0, x - left)] {
            let inside =
                row >= 0.0 && column >= 0.0 && row < height as f64 && column < width as f64;
            if inside && share_x * share_y > 0.0 {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "inside"
                )]
                let found = value(row as usize, column as usize);
                sum += share_x * share_y * found;
            }
        }
    }
    sum
}

/// Returns `ELU(r) + 1`.
#[must_use]
pub fn elu_plus_one(r: f64) -> f64 {
    if r > 0.0 { r + 1.0 } else { r.exp() }
}

impl Readout {
    /// Returns the number of neurons.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.ids.len()
    }

    /// Returns each neuron's response to a map, `[height, width, channels]`, before
    /// ELU: `r_n = Σ_c w_nc · bilinear(map_c, μ_n) + b_n`, in `f64`.
    #[must_use]
    pub fn drive(&self, map: &[f32], (height, width): (usize, usize)) -> Vec<f64> {
        let channels = self.weight.len() / self.neurons().max(1);
        let drive = |(neuron, weights): (usize, &[f32])| {
            let at = self.mu[neuron].map(|at| f64::from(at).clamp(-1.0, 1.0));
            let sum = |(c, weight): (usize, &f32)| {
                let value = |y: usize, x: usize| f64::from(map[(y * width + x) * channels + c]);
                f64::from(*weight) * bilinear(at, (height, width), value)
            };
            weights.iter().enumerate().map(sum).sum::<f64>() + f64::from(self.bias[neuron])
        };
        self.weight.chunks_exact(channels.max(1)).enumerate().map(drive).collect()
    }
}

impl Fitted {
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let metadata = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("version".to_owned(), VERSION.to_owned()),
            ("config".to_owned(), self.config.clone()),
            (
                "sessions".to_owned(),
                // Strings: nothing in them can fail to serialise.
                serde_json::to_string(
                    &self.readouts.iter().map(|readout| &readout.session).collect::<Vec<_>>(),
                )
                .unwrap_or_default(),
            ),
        ]);
        let Field { height, width, channels, first, step } = self.field;
        let field = [height as f64, width as f64, channels as f64, first, step];
        let ids: Vec<Vec<f64>> =
            self.readouts.iter().map(|one| one.ids.iter().map(|&id| id as f64).collect()).collect();
        let mu: Vec<Vec<f32>> =
            self.readouts.iter().map(|one| one.mu.iter().flatten().copied().collect()).collect();
        let parameters: Vec<f64> = self.readouts.iter().map(|one| one.parameters).collect();
        let tensor = |name: String, shape: Vec<usize>, values| NamedTensor { name, shape, values };
        let mut tensors = vec![
            tensor("field".to_owned(), vec![field.len()], Values::F64(&field)),
            tensor("parameters".to_owned(), vec![parameters.len()], Values::F64(&parameters)),
        ];
        for (index, one) in self.readouts.iter().enumerate() {
            let count = one.neurons();
            let wide = [("ids", &ids[index]), ("response_scale", &one.response_scale)];
            for (name, values) in wide {
                let name = format!("readout.{index}.{name}");
                tensors.push(tensor(name, vec![count], Values::F64(values)));
            }
            let weights = vec![count, one.weight.len() / count.max(1)];
            let positions = vec![one.mu.len(), 2];
            for (name, shape, values) in [
                ("mu", positions, &mu[index]),
                ("weight", weights, &one.weight),
                ("bias", vec![count], &one.bias),
            ] {
                tensors.push(tensor(format!("readout.{index}.{name}"), shape, Values::F32(values)));
            }
        }
        for (name, shape, values) in &self.core {
            tensors.push(tensor(format!("core.{name}"), shape.clone(), Values::F32(values)));
        }
        tensors.sort_by_key(|tensor| matches!(tensor.values, Values::F32(_)));
        tensor_file::write(path, &tensors, &metadata)
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is something else or is not whole.
    pub fn read(path: &Path) -> Result<Self, FittedError> {
        let file = TensorFile::read(path)?;
        let named = path.display().to_string();
        let text = |key: &str| file.metadata().get(key).cloned();
        if text("format").as_deref() != Some(FORMAT) || text("version").as_deref() != Some(VERSION)
        {
            return Err(FittedError::Format { path: named });
        }
        let tensors = file.tensors()?;
        let missing =
            |name: &str| FittedError::Tensor { path: named.clone(), name: name.to_owned() };
        let floats = |name: &str| {
            let tensor = tensors.tensor(name).map_err(|_| missing(name))?;
            if tensor.dtype() != Dtype::F32 {
                return Err(missing(name));
            }
            let value = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            Ok((
                tensor.shape().to_vec(),
                tensor.data().chunks_exact(4).map(value).collect::<Vec<_>>(),
            ))
        };
        let doubles = |name: &str| {
            let tensor = tensors.tensor(name).map_err(|_| missing(name))?;
            if tensor.dtype() != Dtype::F64 {
                return Err(missing(name));
            }
            let value = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap_or_default());
            Ok(tensor.data().chunks_exact(8).map(value).collect::<Vec<_>>())
        };
        let sessions = text("sessions").and_then(|text| serde_json::from_str(&text).ok());
        let sessions: Vec<String> = sessions.ok_or_else(|| missing("sessions"))?;
        let [height, width, channels, first, step] =
            doubles("field")?.try_into().map_err(|_| missing("field"))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths")]
        let [height, width, channels] = [height, width, channels].map(|side: f64| side as usize);
        let parameters = doubles("parameters")?;
        let mut readouts = Vec::new();
        for (index, session) in sessions.into_iter().enumerate() {
            let name = |part: &str| format!("readout.{index}.{part}");
            #[expect(clippy::cast_possible_truncation, reason = "numbers of units are whole")]
            let ids: Vec<i64> = doubles(&name("ids"))?.into_iter().map(|id| id as i64).collect();
            let (_, mu) = floats(&name("mu"))?;
            let (_, weight) = floats(&name("weight"))?;
            let (_, bias) = floats(&name("bias"))?;
            let response_scale = doubles(&name("response_scale"))?;
            let count = ids.len();
            let fits = weight.len() == count * channels
                && bias.len() == count
                && response_scale.len() == count
                && (mu.is_empty() || mu.len() == 2 * count);
            if !fits {
                return Err(missing(&name("weight")));
            }
            let mu = mu.chunks_exact(2).map(|at| [at[0], at[1]]).collect();
            let parameters = parameters.get(index).copied().unwrap_or(f64::NAN);
            readouts.push(Readout { session, ids, mu, weight, bias, response_scale, parameters });
        }
        let mut names: Vec<String> = tensors
            .names()
            .into_iter()
            .filter_map(|name| name.strip_prefix("core."))
            .map(str::to_owned)
            .collect();
        names.sort();
        let mut core = Vec::new();
        for name in names {
            let (shape, values) = floats(&format!("core.{name}"))?;
            core.push((name, shape, values));
        }
        let field = Field { height, width, channels, first, step };
        Ok(Self { config: text("config").unwrap_or_default(), field, core, readouts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readout() -> Readout {
        Readout {
            session: "a".to_owned(),
            ids: vec![3, 4],
            mu: vec![[0.0, 0.0], [1.0, -1.0]],
            weight: vec![1.0, 10.0, 2.0, 0.0],
            bias: vec![0.5, -1.0],
            response_scale: vec![1.0, 2.0],
            parameters: 5.0,
        }
    }

    #[test]
    fn drive_by_hand() {
        // [2 rows, 3 columns, 2 channels].
        let map = [0.0, 0.0, 1.0, 2.0, 4.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0];
        // The middle: half of (0, 1) and half of (1, 1): 2 and 3. The corner: 4.
        assert_eq!(readout().drive(&map, (2, 3)), [2.0 + 30.0 + 0.5, 8.0 - 1.0]);
    }

    #[test]
    fn samples_outside_are_zero() {
        let sample = |at| bilinear(at, (2, 2), |_, _| 8.0);
        assert!((sample([0.3, -0.9]) - 8.0).abs() < 1e-12);
        // Half a cell outside along one axis, along both.
        assert!((sample([2.0, 0.0]) - 4.0).abs() < 1e-12);
        assert!((sample([2.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!(sample([4.0, 0.0]).abs() < 1e-12);
    }

    #[test]
    fn a_file_is_read_as_it_was_written() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("population.safetensors");
        let fitted = Fitted {
            config: "seed = 1".to_owned(),
            field: Field { height: 2, width: 3, channels: 2, first: 7.0, step: 1.5 },
            core: vec![("conv.weight".to_owned(), vec![1, 2], vec![1.0, 2.0])],
            readouts: vec![readout()],
        };
        fitted.write(&path)?;
        assert_eq!(Fitted::read(&path)?, fitted);
        assert_eq!(fitted.field.pixel([-1.0, 1.0]).map(f64::to_bits), [7.0, 8.5].map(f64::to_bits));
        tensor_file::write(&path, &[], &BTreeMap::new())?;
        assert!(Fitted::read(&path).expect_err("another").to_string().contains("no fitted"));
        Ok(())
    }
}
