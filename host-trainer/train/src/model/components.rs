//! The components of V1 on a device: in front of the convolution, behind its
//! ReLU and in place of the pool.

use tch::{Device, TchError, Tensor};

use super::{
    Mode, ModelError,
    array::{length, tensor, values},
    dropout::Dropout,
    parameter::Parameter,
};
use crate::components::{
    CentreSurround, DivisiveNorm, Magnification, Retina, SurroundForm, local, tuned_norm,
};
use lcl_artefacts::checkpoint::{
    self, ComponentTensor, ComponentsConfig, Normalisation, RetinaName, SURROUND_CHANNELS, Surround,
};
use lcl_artefacts::feature_model::Fields;

/// What V1 has beside its convolution and pool; a stage without components has
/// the default, which changes nothing.
#[derive(Debug, Default)]
pub(super) struct Components {
    settings: Option<ComponentsConfig>,
    /// By their names behind `layer1.`.
    tensors: Vec<(String, Tensor)>,
    retina: Option<Retina>,
    magnification: Option<Magnification>,
}

impl Components {
    /// Copies the components of a checkpoint to a device; `side` is that of the
    /// first convolution's map where the model takes images of one size.
    pub(super) fn new(
        components: Option<&checkpoint::Components>,
        side: usize,
        device: Device,
    ) -> Result<Self, ModelError> {
        let Some(components) = components else {
            return Ok(Self::default());
        };
        let settings = components.settings;
        let load = |ComponentTensor { name, shape, values }: &ComponentTensor| {
            Ok((name.clone(), tensor(values, shape, device)?))
        };
        let tensors = components.tensors.iter().map(load).collect::<Result<_, TchError>>()?;
        let retina = match settings.retina {
            Some(RetinaName::ColourOpponent) => Some(Retina::new(device)?),
            None => None,
        };
        let magnification = if settings.magnification {
            let table = Magnification::new(side, device)?;
            Some(table.ok_or(ModelError::MapTooSmall { side })?)
        } else {
            None
        };
        Ok(Self { settings: Some(settings), tensors, retina, magnification })
    }

    /// `[N, 3, H, W]` to what the convolution takes.
    pub(super) fn in_front(&self, x: &Tensor) -> Result<Tensor, TchError> {
        match &self.retina {
            Some(retina) => retina.forward(x),
            None => Ok(x.shallow_clone()),
        }
    }

    /// `[N, C, H, W]` behind the convolution's ReLU to the same shape: centre–
    /// surround, local fields, normalisation.
    pub(super) fn behind(
        &self,
        x: Tensor,
        mode: Mode<'_>,
        dropout: &Dropout,
    ) -> Result<Tensor, TchError> {
        let Some(settings) = &self.settings else {
            return Ok(x);
        };
        let rectified = |x: Tensor| if settings.rectify { x.f_relu() } else { Ok(x) };
        let mut x = x;
        if let Some(surround) = settings.centre_surround {
            x = rectified(self.surrounded(&x, surround)?)?;
        }
        if settings.local {
            if matches!(mode, Mode::Training(_)) {
                x = dropout.channels(&x, settings.local_dropout)?;
            }
            x = rectified(local(&x, self.tensor("local.weight")?)?)?;
        }
        match settings.normalisation {
            None => Ok(x),
            Some(Normalisation::Tuned) => tuned_norm(&x, self.tensor("tuned_norm.sigma")?),
            Some(Normalisation::Divisive) => DivisiveNorm {
                amplitude: self.tensor("divisive_norm.amplitude")?,
                rho: self.tensor("divisive_norm.rho")?,
                sigma: self.tensor("divisive_norm.sigma")?,
                theta: self.tensor("divisive_norm.theta")?,
                v: self.tensor("divisive_norm.v")?,
                w: self.tensor("divisive_norm.w")?,
                bias: self.tensor("divisive_norm.bias")?,
            }
            .forward(&x),
        }
    }

    /// Returns what these change about where units look.
    pub(super) fn fields(&self) -> Fields {
        let Some(settings) = &self.settings else {
            return Fields::default();
        };
        let divisive = settings.normalisation == Some(Normalisation::Divisive);
        Fields {
            input_side: 0,
            // The surround, and the pool of contrast.
            in_front: settings.retina.map_or(0, |RetinaName::ColourOpponent| 2 + 1),
            behind: 2 * usize::from(settings.centre_surround.is_some())
                + usize::from(settings.local)
                + usize::from(divisive),
            is_polar: settings.magnification,
        }
    }

    /// Returns what takes the place of the pool, if anything does.
    pub(super) fn magnification(&self) -> Option<&Magnification> {
        self.magnification.as_ref()
    }

    /// Centre–surround on the first channels; the others pass.
    fn surrounded(&self, x: &Tensor, surround: Surround) -> Result<Tensor, TchError> {
        let form = match surround {
            Surround::Dog => SurroundForm::Dog,
            Surround::DogAsPublished => SurroundForm::AsPublished,
        };
        let (mixed, all) = (length(SURROUND_CHANNELS), x.size4()?.1);
        let component = CentreSurround {
            form,
            sigma1: self.tensor("centre_surround.sigma1")?,
            scale: self.tensor("centre_surround.scale")?,
            amplitude: self.tensor("centre_surround.amplitude")?,
        };
        let first = component.forward(&x.f_narrow(1, 0, mixed)?)?;
        Tensor::f_cat(&[first, x.f_narrow(1, mixed, all - mixed)?], 1)
    }

    /// Returns the tensor of that name; the settings say which there are.
    fn tensor(&self, name: &str) -> Result<&Tensor, TchError> {
        let found = self.tensors.iter().find(|(other, _)| other == name);
        let missing = || TchError::Shape(format!("the components have no tensor {name}"));
        found.map(|(_, tensor)| tensor).ok_or_else(missing)
    }

    pub(super) fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        let named =
            |(name, tensor): &(String, Tensor)| Parameter::new(format!("{prefix}.{name}"), tensor);
        self.tensors.iter().map(named).collect()
    }

    /// Copies the settings and tensors out.
    pub(super) fn weights(&self) -> Result<Option<checkpoint::Components>, TchError> {
        let Some(settings) = self.settings else {
            return Ok(None);
        };
        let copy = |(name, tensor): &(String, Tensor)| {
            let shape = super::array::shape(tensor);
            Ok(ComponentTensor { name: name.clone(), shape, values: values(tensor)? })
        };
        let tensors = self.tensors.iter().map(copy).collect::<Result<_, TchError>>()?;
        Ok(Some(checkpoint::Components { settings, tensors }))
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use lcl_infer::V1;

    use super::*;
    use crate::{
        loss::Objective,
        model::{FloatNetwork, Network},
    };
    use lcl_artefacts::checkpoint::{Checkpoint, InputConfig, ModelConfig};
    use lcl_run::{
        config::{Config, LossConfig},
        device::{DeviceChoice, Precision},
    };

    fn checkpoint(name: &str) -> Checkpoint {
        let config = Config::find(name.as_ref()).expect("a configuration");
        let model = ModelConfig { embedding_dim: 8, ..config.model };
        let initial = Checkpoint::initial(model, config.input, 1);
        match config.components {
            Some(components) => initial.with_components(components, 1),
            None => initial,
        }
    }

    fn image(side: u32) -> RgbImage {
        let value = |x: u32, y: u32, c: u32| ((x * 7 + y * 13 + c * 31 + x * y) % 251) as u8;
        RgbImage::from_fn(side, side, |x, y| image::Rgb([0, 1, 2].map(|c| value(x, y, c))))
    }

    #[test]
    fn all_four_together_take_a_step_and_give_features() {
        let checkpoint = checkpoint("lcl-v2-composite-a");
        let network =
            Network::new(&checkpoint, Device::Cpu, Precision::Float32).expect("a network");
        let view = |seed: f64| {
            let x = Tensor::arange(2 * 3 * 128 * 128, (tch::Kind::Float, Device::Cpu));
            let x = (x * (0.37 + seed)).sin().reshape([2, 3, 128, 128]);
            [x.shallow_clone(), x]
        };
        let objective = Objective::new(LossConfig::default());
        let mode = Mode::Training(crate::workers::Ranks::ALONE);
        let [first, second] =
            network.losses(&[view(0.0), view(0.1)], objective, mode).expect("losses");
        (first + second).backward();
        for parameter in network.parameters() {
            let name = &parameter.name;
            // A batch norm takes these out again.
            if !name.ends_with("conv.bias") && !name.ends_with("fc1.bias") {
                let gradient = parameter.tensor.grad();
                assert!(gradient.defined(), "{name}");
                assert!(gradient.isfinite().all().int64_value(&[]) == 1, "{name}");
                assert!(gradient.abs().max().double_value(&[]) > 0.0, "{name}");
            }
        }
        let again = network.checkpoint(0, String::new()).expect("a checkpoint");
        assert!(again.components == checkpoint.components && again.input_side == 128);

        let float = FloatNetwork::new(&checkpoint, DeviceChoice::Cpu).expect("a network");
        let features = float.forward(&[image(128)]).expect("features");
        assert_eq!(features.tap(V1).shape(), [1, 16, 16, 64]);
        assert!(features.tap(V1).data.iter().all(|value| value.is_finite() && *value >= 0.0));
        let error = float.forward(&[image(96)]).expect_err("another size").to_string();
        assert!(error.contains("96x96") && error.contains("--size 128"), "{error}");
    }

    #[test]
    fn the_float_network_is_that_of_training() {
        for name in [
            "lcl-v2-centre-surround",
            "lcl-v2-tuned-norm",
            "lcl-v2-divisive-norm",
            "lcl-v2-magnification",
            "lcl-v2-retina",
        ] {
            let checkpoint = checkpoint(name);
            let (image, side) = (image(128), 128);
            let float = FloatNetwork::new(&checkpoint, DeviceChoice::Cpu).expect("a network");
            let features = float.forward(std::slice::from_ref(&image)).expect("features");
            let InputConfig { mean, std } = checkpoint.input();
            let pixels = image.pixels().flat_map(|pixel| {
                [0, 1, 2].map(|c| (f32::from(pixel[c]) / 255.0 - mean[c]) / std[c])
            });
            let x = tensor(&pixels.collect::<Vec<_>>(), &[1, side, side, 3], Device::Cpu);
            let x = x.expect("an image").permute([0, 3, 1, 2]);
            let stages = super::super::network::stages(&checkpoint, Device::Cpu).expect("stages");
            let dropout = Dropout::default();
            let v1 = stages[0].forward(&x, Mode::Evaluation, &dropout).expect("a map");
            let v1 = values(&v1.permute([0, 2, 3, 1])).expect("values");
            assert!(v1 == features.tap(V1).data, "{name}");
            assert!(v1.iter().any(|&value| value > 0.0), "{name}");
        }
    }
}
