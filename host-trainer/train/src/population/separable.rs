//! The core of \[Lurz\]: one large convolution, then layers of a pointwise, a
//! depthwise and another pointwise convolution. No biases; batch norm and ELU end
//! each layer, the last too.

use lcl_artefacts::random::{Purpose, stream};
use lcl_population::{FitConfig, fitted::Field};
use rand::Rng;
use tch::{Device, Kind, TchError, Tensor};

use super::{FitError, core::Phase};
use crate::model::{Parameter, length, tensor};

/// Share of a batch's statistics in the new running ones: what PyTorch calls a
/// momentum of 0.9.
const MOMENTUM: f64 = 0.9;

const EPSILON: f64 = 1e-5;

#[derive(Debug)]
pub(super) struct SeparableCore {
    first_kernel: usize,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    convolutions: Vec<Convolution>,
    norm: Norm,
}

#[derive(Debug)]
struct Convolution {
    weight: Tensor,
    padding: i64,
    groups: i64,
}

/// Batch norm with a scale and an offset.
#[derive(Debug)]
pub(super) struct Norm {
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    momentum: f64,
}

impl Norm {
    pub(super) fn new(channels: usize, momentum: f64) -> Result<Self, TchError> {
        let full = |value: f32| tensor(&vec![value; channels], &[channels], Device::Cpu);
        let (weight, bias) = (full(1.0)?, full(0.0)?);
        Ok(Self { weight, bias, mean: full(0.0)?, variance: full(1.0)?, momentum })
    }

    pub(super) fn forward(&self, x: &Tensor, phase: Phase) -> Result<Tensor, TchError> {
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.mean),
            Some(&self.variance),
            phase == Phase::Training,
            self.momentum,
            EPSILON,
            true,
        )
    }

    pub(super) fn parameters(&self, name: &str) -> [Parameter; 2] {
        [("weight", &self.weight), ("bias", &self.bias)].map(|(kind, tensor)| Parameter {
            name: format!("{name}.{kind}"),
            tensor: tensor.shallow_clone(),
        })
    }

    pub(super) fn statistics(&self, name: &str) -> [(String, Tensor); 2] {
        [("running_mean", &self.mean), ("running_var", &self.variance)]
            .map(|(kind, tensor)| (format!("{name}.{kind}"), tensor.shallow_clone()))
    }
}

/// Returns normal values of that deviation.
pub(super) fn normal(
    seed: u64,
    which: u64,
    shape: &[usize],
    deviation: f64,
) -> Result<Tensor, TchError> {
    let mut rng = stream(seed, Purpose::Weights, [1000 + which, 0]);
    let len: usize = shape.iter().product();
    // Box and Muller (1958), half of it.
    let mut value = || {
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        deviation * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    };
    #[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit")]
    let values: Vec<f32> = (0..len).map(|_| value() as f32).collect();
    tensor(&values, shape, Device::Cpu)
}

impl SeparableCore {
    pub(super) fn new(config: &FitConfig) -> Result<Self, TchError> {
        let (channels, kernel) = (config.channels, config.kernel);
        let mut which = 0;
        // Xavier's normal weights: variance 2 / (inputs + outputs), in taps.
        let mut convolution = |in_c: usize, side: usize, padding: usize, groups: usize| {
            let (taps, per_group) = (side * side, in_c / groups);
            let deviation = (2.0 / (taps * (per_group + channels)) as f64).sqrt();
            which += 1;
            let weight = normal(config.seed, which, &[channels, per_group, side, side], deviation)?;
            let [padding, groups] = [padding, groups].map(length);
            Ok::<_, TchError>(Convolution { weight, padding, groups })
        };
        let mut layers = Vec::new();
        for index in 0..config.layers {
            let convolutions = if index == 0 {
                vec![convolution(1, config.first_kernel, 0, 1)?]
            } else {
                vec![
                    convolution(channels, 1, 0, 1)?,
                    convolution(channels, kernel, kernel / 2, channels)?,
                    convolution(channels, 1, 0, 1)?,
                ]
            };
            layers.push(Layer { convolutions, norm: Norm::new(channels, MOMENTUM)? });
        }
        Ok(Self { first_kernel: config.first_kernel, layers })
    }

    pub(super) fn forward(&self, images: &Tensor, phase: Phase) -> Result<Tensor, TchError> {
        let mut x = images.shallow_clone();
        for layer in &self.layers {
            for Convolution { weight, padding, groups } in &layer.convolutions {
                let padding = [*padding; 2];
                x = x.f_conv2d(weight, None::<Tensor>, [1, 1], padding, [1, 1], *groups)?;
            }
            x = layer.norm.forward(&x, phase)?.f_elu()?;
        }
        Ok(x)
    }

    /// Returns `Σ (L ∗ W)² / Σ W²` of the first kernels, with the Laplacian
    /// `L = [0 -1 0; -1 4 -1; 0 -1 0]`.
    pub(super) fn roughness(&self) -> Result<Tensor, TchError> {
        let Some(first) = self.layers.first().and_then(|layer| layer.convolutions.first()) else {
            return Tensor::f_zeros([], (Kind::Float, Device::Cpu));
        };
        let laplacian = [0.0, -1.0, 0.0, -1.0, 4.0, -1.0, 0.0, -1.0, 0.0];
        let laplacian = tensor(&laplacian, &[1, 1, 3, 3], Device::Cpu)?;
        let filtered =
            first.weight.f_conv2d(&laplacian, None::<Tensor>, [1, 1], [1, 1], [1, 1], 1)?;
        let sum = |x: &Tensor| x.f_square()?.f_sum(Kind::Float);
        sum(&filtered)?.f_div(&sum(&first.weight)?)
    }

    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (part, convolution) in layer.convolutions.iter().enumerate() {
                let name = format!("layer{index}.conv{part}.weight");
                parameters.push(Parameter { name, tensor: convolution.weight.shallow_clone() });
            }
            parameters.extend(layer.norm.parameters(&format!("layer{index}.bn")));
        }
        parameters
    }

    pub(super) fn statistics(&self) -> Vec<(String, Tensor)> {
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(index, layer)| layer.norm.statistics(&format!("layer{index}.bn")))
            .collect()
    }

    pub(super) fn field(&self, size: (usize, usize)) -> Result<Field, FitError> {
        let (lost, (height, width)) = (self.first_kernel - 1, size);
        if height.min(width) <= lost {
            return Err(FitError::ImageTooSmall { got: size, least: self.first_kernel });
        }
        let channels = self.layers.first().map_or(0, |layer| layer.norm.weight.numel());
        let first = lost as f64 / 2.0;
        Ok(Field { height: height - lost, width: width - lost, channels, first, step: 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::values;

    fn core() -> SeparableCore {
        let config = FitConfig {
            channels: 4,
            first_kernel: 5,
            kernel: 3,
            layers: 2,
            ..FitConfig::default()
        };
        SeparableCore::new(&config).expect("a core")
    }

    #[test]
    fn roughness_is_its_equation() -> Result<(), TchError> {
        let core = core();
        let weight = values(&core.layers[0].convolutions[0].weight)?;
        let (mut filtered, mut squares) = (0.0_f64, 0.0_f64);
        for kernel in weight.chunks_exact(25) {
            let at = |y: i32, x: i32| {
                let inside = (0..5).contains(&y) && (0..5).contains(&x);
                let at = usize::try_from(y * 5 + x).unwrap_or_default();
                if inside { f64::from(kernel[at]) } else { 0.0 }
            };
            for y in 0..5 {
                for x in 0..5 {
                    let around = at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1);
                    filtered += (4.0 * at(y, x) - around).powi(2);
                    squares += at(y, x).powi(2);
                }
            }
        }
        let got = core.roughness()?.f_double_value(&[])?;
        assert!((got - filtered / squares).abs() < 1e-4, "{got} {}", filtered / squares);
        Ok(())
    }

    #[test]
    fn the_map_is_the_image_less_the_first_kernel() -> Result<(), FitError> {
        let core = core();
        let images = normal(1, 1, &[2, 1, 9, 12], 1.0)?;
        let map = core.forward(&images, Phase::Training)?;
        let field = core.field((9, 12))?;
        assert_eq!(map.size(), [2, 4, 5, 8]);
        assert_eq!((field.height, field.width, field.channels, field.first), (5, 8, 4, 2.0));
        assert!(core.field((4, 12)).is_err());
        Ok(())
    }

    #[test]
    fn running_statistics_take_nine_tenths_of_a_batch() -> Result<(), TchError> {
        let core = core();
        let images = normal(1, 1, &[2, 1, 9, 12], 1.0)?;
        let first = &core.layers[0];
        let weight = &first.convolutions[0].weight;
        let x = images.f_conv2d(weight, None::<Tensor>, [1, 1], [0, 0], [1, 1], 1)?;
        let mean = values(&x.f_mean_dim([0, 2, 3].as_slice(), false, Kind::Float)?)?;
        let _ = core.forward(&images, Phase::Training)?;
        for (running, mean) in values(&first.norm.mean)?.into_iter().zip(mean) {
            assert!((running - 0.9 * mean).abs() < 1e-5, "{running} {mean}");
        }
        let before = values(&first.norm.mean)?;
        let _ = core.forward(&images, Phase::Evaluation)?;
        assert_eq!(values(&first.norm.mean)?, before);
        Ok(())
    }
}
