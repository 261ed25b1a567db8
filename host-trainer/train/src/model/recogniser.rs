//! Networks that name what is on an image.

use lcl_artefacts::recogniser::{Design, DesignConv, DesignKind, DesignLayer, Recogniser};
use lcl_infer::shape::Border;
use lcl_run::{config::InputConfig, device::Precision};
use std::collections::BTreeMap;
use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::{
    Mode, ModelError, Parameter,
    affine::Affine,
    array::{length, values},
    batch_norm::BatchNorm,
    dropout::{Dropout, Occasion},
    pool::Pool,
};
use lcl_artefacts::checkpoint::{AffineWeights, BatchNormWeights};

/// A [`Design`] on a device, for training and for answers.
#[derive(Debug)]
pub struct RecogniserNetwork {
    design: Design,
    classes: Vec<String>,
    input: InputConfig,
    side: usize,
    layers: Vec<Built>,
    dropout: Dropout,
}

/// A layer on a device.
#[derive(Debug)]
enum Built {
    Weighted { affine: Affine, norm: Option<BatchNorm> },
    Pool(Pool),
    Plain,
}

impl RecogniserNetwork {
    /// Copies a recogniser's weights to a device, to train in that precision; the
    /// layers of its front-end stay as they are.
    ///
    /// # Errors
    ///
    /// When the device has too little memory.
    pub fn new(
        recogniser: &Recogniser,
        device: Device,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let design = recogniser.design.clone();
        let mut channels = 3;
        let mut layers = Vec::new();
        for layer in &design.layers {
            layers.push(match layer.kind {
                DesignKind::Conv(_) | DesignKind::Linear(_) => weighted(recogniser, layer, device)?,
                DesignKind::Pool(order) => Built::Pool(Pool::new(order, channels, device)?),
                _ => Built::Plain,
            });
            if let DesignKind::Conv(DesignConv { out_c, .. }) = layer.kind {
                channels = out_c;
            }
        }
        let Recogniser { classes, input, side, .. } = recogniser;
        let network = Self {
            design,
            classes: classes.clone(),
            input: *input,
            side: *side,
            layers,
            dropout: Dropout::default(),
        };
        if precision == Precision::Float64 {
            for mut tensor in network.tensors() {
                let double = tensor.f_to_kind(Kind::Double)?;
                tensor.f_set_data(&double)?;
            }
        }
        for parameter in network.parameters() {
            let _ = parameter.tensor.f_set_requires_grad(true)?;
        }
        Ok(network)
    }

    /// Returns the scores of each class, `[N, classes]`, before the softmax, for
    /// images `[N, 3, side, side]`, in the precision of the images.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn scores(&self, images: &Tensor, mode: Mode<'_>) -> Result<Tensor, ModelError> {
        let frozen = self.design.frozen;
        let mut x = no_grad(|| self.through(0..frozen, images, Mode::Evaluation))?;
        x = self.through(frozen..self.layers.len(), &x, mode)?;
        Ok(x)
    }

    /// Returns what each layer with weights gives behind its ReLU, by name, and
    /// the scores last.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn activations(&self, images: &Tensor) -> Result<Vec<(String, Tensor)>, ModelError> {
        let mut x = images.shallow_clone();
        let mut named = Vec::new();
        for (at, layer) in self.design.layers.iter().enumerate() {
            x = no_grad(|| self.through(at..at + 1, &x, Mode::Evaluation))?;
            named.push((layer.name.clone(), x.shallow_clone()));
        }
        Ok(named)
    }

    fn through(
        &self,
        layers: std::ops::Range<usize>,
        images: &Tensor,
        mode: Mode<'_>,
    ) -> Result<Tensor, TchError> {
        let mut x = images.shallow_clone();
        for at in layers {
            let layer = &self.design.layers[at];
            x = match (&self.layers[at], layer.kind) {
                (Built::Weighted { affine, norm }, DesignKind::Conv(conv)) => {
                    let norm = norm.as_ref();
                    let y = convolved(conv, affine, norm.is_some(), &x, mode)?;
                    normed(norm, y, mode)?.f_relu_()?
                }
                (Built::Weighted { affine, norm }, DesignKind::Linear(linear)) => {
                    let norm = norm.as_ref();
                    let flat = x.f_flatten(1, -1)?;
                    let weight = affine.weight_as(x.kind())?;
                    let bias = bias(affine, norm.is_some(), mode, x.kind())?;
                    let mut y = normed(norm, flat.f_linear(&weight, Some(bias))?, mode)?;
                    if linear.relu { y.f_relu_()? } else { y }
                }
                (Built::Pool(pool), _) => pool.forward(&x)?,
                (_, DesignKind::MaxPool { side, stride }) => {
                    let [side, stride] = [side, stride].map(length);
                    x.f_max_pool2d([side; 2], [stride; 2], [0; 2], [1; 2], false)?
                }
                (_, DesignKind::Average { side }) => x.f_adaptive_avg_pool2d([length(side); 2])?,
                (_, DesignKind::Dropout) => match mode {
                    Mode::Training(_) => self.dropped(&x)?,
                    Mode::Evaluation => x,
                },
                _ => x,
            };
        }
        Ok(x)
    }

    /// Begins a step of training, which says what dropout draws.
    pub(crate) fn begin_step(&self, occasion: Occasion) {
        self.dropout.begin(occasion);
    }

    /// Sets each value of `[N, …]` to 0 with probability ½ and doubles the others.
    fn dropped(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let units = x.f_flatten(1, -1)?.f_unsqueeze(-1)?.f_unsqueeze(-1)?;
        self.dropout.channels(&units, 0.5)?.f_reshape(x.size())
    }

    /// Returns the tensors to train, those behind the front-end.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let trained = self.design.layers.iter().zip(&self.layers).skip(self.design.frozen);
        for (layer, built) in trained {
            if let Built::Weighted { affine, norm } = built {
                let [weight, batch_norm] = layer.prefixes();
                parameters.extend(affine.parameters(&weight));
                parameters.extend(norm.iter().flat_map(|norm| norm.parameters(&batch_norm)));
            }
        }
        parameters
    }

    /// Returns everything that the network has, parameters and running
    /// statistics, shared with it.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        for built in &self.layers {
            if let Built::Weighted { affine, norm } = built {
                tensors.extend(affine.parameters("").map(|parameter| parameter.tensor));
                if let Some(norm) = norm {
                    tensors.extend(norm.parameters("").map(|parameter| parameter.tensor));
                    tensors.extend(norm.statistics());
                }
            }
        }
        tensors
    }

    /// Copies the weights out.
    ///
    /// # Errors
    ///
    /// When libtorch cannot copy them.
    pub fn checkpoint(&self, step: u64, config: String) -> Result<Recogniser, ModelError> {
        let mut weights = BTreeMap::new();
        for (layer, built) in self.design.layers.iter().zip(&self.layers) {
            let Built::Weighted { affine, norm } = built else { continue };
            let mut tensors: Vec<Tensor> =
                affine.parameters("").map(|parameter| parameter.tensor).into();
            if let Some(norm) = norm {
                tensors.extend(norm.parameters("").map(|parameter| parameter.tensor));
                tensors.extend(norm.statistics());
            }
            for ((name, _), tensor) in layer.tensors().into_iter().zip(&tensors) {
                weights.insert(name, values(tensor)?);
            }
        }
        Ok(Recogniser {
            design: self.design.clone(),
            classes: self.classes.clone(),
            input: self.input,
            side: self.side,
            step,
            config: Some(config),
            weights,
        })
    }

    /// Returns the design.
    #[must_use]
    pub fn design(&self) -> &Design {
        &self.design
    }
}

fn weighted(
    recogniser: &Recogniser,
    layer: &DesignLayer,
    device: Device,
) -> Result<Built, TchError> {
    let tensors = layer.tensors();
    let array = |at: usize| recogniser.tensor(&tensors[at].0).to_vec();
    let weights = AffineWeights { weight: array(0), bias: array(1) };
    let affine = Affine::new(&weights, &tensors[0].1, device)?;
    let norm = (tensors.len() > 2).then(|| {
        let weights = BatchNormWeights {
            weight: array(2),
            bias: array(3),
            running_mean: array(4),
            running_var: array(5),
        };
        BatchNorm::new(&weights, device)
    });
    Ok(Built::Weighted { affine, norm: norm.transpose()? })
}

fn convolved(
    conv: DesignConv,
    affine: &Affine,
    has_norm: bool,
    x: &Tensor,
    mode: Mode<'_>,
) -> Result<Tensor, TchError> {
    let padding = length(conv.padding);
    let (x, padding) = match conv.border {
        Border::Reflect => (x.f_reflection_pad2d([padding; 4])?, 0),
        Border::Zero => (x.shallow_clone(), padding),
    };
    let weight = affine.weight_as(x.kind())?;
    let bias = bias(affine, has_norm, mode, x.kind())?;
    let stride = length(conv.stride);
    x.f_conv2d(&weight, Some(bias), [stride; 2], [padding; 2], [1; 2], 1)
}

/// Returns the bias, without a gradient where a batch norm takes it out again.
fn bias(affine: &Affine, has_norm: bool, mode: Mode<'_>, kind: Kind) -> Result<Tensor, TchError> {
    if has_norm { affine.bias_before(mode, kind) } else { affine.bias.f_to_kind(kind) }
}

#[expect(clippy::needless_pass_by_value, reason = "the map before is not needed again")]
fn normed(norm: Option<&BatchNorm>, x: Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
    norm.map_or(Ok(x.shallow_clone()), |norm| norm.forward(&x, mode))
}

#[cfg(test)]
mod tests;
