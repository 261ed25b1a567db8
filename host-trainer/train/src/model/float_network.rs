//! The float forward pass for plain arrays.

use image::RgbImage;
use lcl_infer::{Architecture, LayerKind, shape::WindowPool};
use tch::{Device, Tensor, no_grad};

use super::{
    Mode, ModelError,
    array::{shape, tensor, values},
    components::Components,
    dropout::Dropout,
    pool::Pool,
    resolve,
    stage::Convolution,
    window_pool::window_pool,
};
use lcl_artefacts::{
    checkpoint::Checkpoint,
    feature_map::{FeatureMap, FloatFeatures, LayerFeatures},
    feature_model::{FeatureError, FeatureModel, Fields},
};
use lcl_run::{config::InputConfig, device::DeviceChoice};

/// A checkpoint ready to compute features, in 32-bit floats, with the running
/// statistics of its batch norms.
#[derive(Debug)]
pub struct FloatNetwork {
    device: Device,
    input: InputConfig,
    architecture: Architecture,
    /// The one side of images that it takes; 0 for any.
    input_side: usize,
    /// Those of V1, the first convolution and its pool.
    components: Components,
    dropout: Dropout,
    /// Those of the architecture, in order.
    layers: Vec<FloatLayer>,
}

/// What a layer computes.
#[derive(Debug)]
enum FloatLayer {
    Conv(Convolution),
    Pool(Pool),
    WindowPool(WindowPool),
}

impl FloatNetwork {
    /// Copies the layers of a checkpoint to a device.
    ///
    /// # Errors
    ///
    /// When the device is not there or has too little memory.
    pub fn new(checkpoint: &Checkpoint, device: DeviceChoice) -> Result<Self, ModelError> {
        let device = resolve(device)?;
        let architecture = checkpoint.architecture();
        // Behind a retina the first takes other channels than the architecture's.
        let geometries = checkpoint.geometries();
        let map = geometries[0].out_side(checkpoint.input_side);
        let components = Components::new(checkpoint.components.as_ref(), map, device)?;
        let mut weights = checkpoint.convolutions.iter().zip(geometries);
        let mut channels = architecture.input().channels();
        let mut layers = Vec::new();
        for layer in architecture.layers() {
            let made = match layer.kind {
                LayerKind::Conv(_) => {
                    let (weights, conv) =
                        weights.next().ok_or(ModelError::NoWeights(layer.name))?;
                    FloatLayer::Conv(Convolution::new(weights, conv, device)?)
                }
                LayerKind::Pool(order) => FloatLayer::Pool(Pool::new(order, channels, device)?),
                LayerKind::WindowPool(pool) => FloatLayer::WindowPool(pool),
                _ => return Err(ModelError::NoFloatLayer(layer.name)),
            };
            layers.push(made);
            channels = layer.kind.out_c(channels);
        }
        Ok(Self {
            device,
            input: checkpoint.input(),
            architecture,
            input_side: checkpoint.input_side,
            components,
            dropout: Dropout::default(),
            layers,
        })
    }

    /// Returns what every layer gives for images of equal size, which are
    /// computed as one batch.
    ///
    /// # Errors
    ///
    /// When the images differ in size or are too small, or memory runs out.
    pub fn forward(&self, images: &[RgbImage]) -> Result<FloatFeatures, ModelError> {
        let size = images.first().map_or((0, 0), RgbImage::dimensions);
        if let Some(other) = images.iter().find(|image| image.dimensions() != size) {
            return Err(ModelError::UnequalImages { expected: size, got: other.dimensions() });
        }
        let (side, least) = (size.0.min(size.1) as usize, self.architecture.min_image_side());
        if side < least {
            return Err(ModelError::ImageTooSmall { side, least });
        }
        if self.input_side > 0 && [size.0, size.1].map(|side| side as usize) != [self.input_side; 2]
        {
            return Err(ModelError::OtherSize { side: self.input_side, got: size });
        }
        no_grad(|| {
            let mut x = self.components.in_front(&self.normalised(images, size)?)?;
            let mut layers = Vec::new();
            let all = self.architecture.layers().iter().zip(&self.layers);
            for (at, (&layer, float)) in all.enumerate() {
                x = match (float, self.components.magnification()) {
                    (FloatLayer::Conv(conv), _) if at == 0 => {
                        let activation = conv.activation(&x, Mode::Evaluation)?;
                        self.components.behind(activation, Mode::Evaluation, &self.dropout)?
                    }
                    (FloatLayer::Pool(_), Some(magnification)) if at == 1 => {
                        magnification.forward(&x)?
                    }
                    (FloatLayer::Conv(conv), _) => conv.activation(&x, Mode::Evaluation)?,
                    (FloatLayer::Pool(pool), _) => pool.forward(&x)?,
                    (FloatLayer::WindowPool(pool), _) => window_pool(*pool, &x)?,
                };
                layers.push(LayerFeatures { layer, map: nhwc(&x)? });
            }
            Ok(FloatFeatures { layers })
        })
    }

    /// Returns the input of the first layer, `[N, 3, H, W]`.
    fn normalised(
        &self,
        images: &[RgbImage],
        (width, height): (u32, u32),
    ) -> Result<Tensor, ModelError> {
        let InputConfig { mean, std } = self.input;
        let pixels = images.iter().flat_map(|image| image.pixels());
        let values: Vec<f32> = pixels
            .flat_map(|pixel| [0, 1, 2].map(|c| (f32::from(pixel[c]) / 255.0 - mean[c]) / std[c]))
            .collect();
        let shape = [images.len(), height as usize, width as usize, 3];
        Ok(tensor(&values, &shape, self.device)?.f_permute([0, 3, 1, 2])?)
    }
}

pub(super) fn nhwc(map: &Tensor) -> Result<FeatureMap, ModelError> {
    let map = map.f_permute([0, 2, 3, 1])?;
    let shape = shape(&map);
    let [n, h, w, c] = [0, 1, 2, 3].map(|dimension| shape[dimension]);
    Ok(FeatureMap { n, h, w, c, data: values(&map)? })
}

impl FeatureModel for FloatNetwork {
    fn features(&self, images: &[RgbImage]) -> Result<FloatFeatures, FeatureError> {
        self.forward(images).map_err(FeatureError::new)
    }

    fn fields(&self) -> Fields {
        Fields { input_side: self.input_side, ..self.components.fields() }
    }
}

#[cfg(test)]
mod tests {
    use lcl_infer::PoolOrder;

    use super::*;
    use lcl_run::config::ModelConfig;

    fn network(pool: PoolOrder) -> FloatNetwork {
        let model = ModelConfig { pool, embedding_dim: 2, ..ModelConfig::default() };
        let checkpoint = Checkpoint::initial(model, InputConfig::default(), 0);
        FloatNetwork::new(&checkpoint, DeviceChoice::Cpu).expect("a network")
    }

    #[test]
    fn sizes_are_those_of_the_design() {
        for pool in PoolOrder::ALL {
            for (side, v1, v2) in [(48, 6, 3), (96, 12, 6), (224, 28, 14), (17, 3, 2)] {
                let image = RgbImage::new(side, side);
                let features = network(pool).forward(&[image.clone(), image]).expect("features");
                let shapes: Vec<_> =
                    features.layers.iter().map(|layer| layer.map.shape()).collect();
                let expected = [[2, v1, v1, 64], [2, v1, v1, 192], [2, v2, v2, 192]];
                assert_eq!(shapes[1..], expected);
            }
        }
    }

    #[test]
    fn images_that_do_not_fit_are_errors() {
        let network = network(PoolOrder::MaxBlur);
        let error =
            |images: &[RgbImage]| network.forward(images).expect_err("an error").to_string();
        assert!(error(&[RgbImage::new(32, 32), RgbImage::new(32, 33)]).contains("33"));
        assert!(error(&[RgbImage::new(16, 32)]).contains("least side is 17"));
        assert!(error(&[]).contains("least side"));
    }
}
