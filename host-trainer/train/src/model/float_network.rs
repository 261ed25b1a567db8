//! The float forward pass for plain arrays.

use image::RgbImage;
use lcl_infer::{LCL_V2, min_image_side};
use tch::{Device, Tensor, no_grad};

use super::{
    Mode, ModelError,
    array::{shape, tensor, values},
    network, resolve,
    stage::Stage,
};
use lcl_artefacts::{
    checkpoint::Checkpoint,
    feature_map::{FeatureMap, FloatFeatures, StageFeatures},
    feature_model::{FeatureError, FeatureModel},
};
use lcl_run::{config::InputConfig, device::DeviceChoice};

/// A checkpoint ready to compute features, in 32-bit floats, with the running
/// statistics of its batch norms.
#[derive(Debug)]
pub struct FloatNetwork {
    device: Device,
    input: InputConfig,
    stages: [Stage; 2],
}

impl FloatNetwork {
    /// Copies the stages of a checkpoint to a device.
    ///
    /// # Errors
    ///
    /// When the device is not there or has too little memory.
    pub fn new(checkpoint: &Checkpoint, device: DeviceChoice) -> Result<Self, ModelError> {
        let device = resolve(device)?;
        let stages = network::stages(checkpoint, device)?;
        Ok(Self { device, input: checkpoint.input(), stages })
    }

    /// Returns the activations of both stages for images of equal size, which
    /// are computed as one batch.
    ///
    /// # Errors
    ///
    /// When the images differ in size or are too small, or memory runs out.
    pub fn forward(&self, images: &[RgbImage]) -> Result<FloatFeatures, ModelError> {
        let size = images.first().map_or((0, 0), RgbImage::dimensions);
        if let Some(other) = images.iter().find(|image| image.dimensions() != size) {
            return Err(ModelError::UnequalImages { expected: size, got: other.dimensions() });
        }
        let (side, least) = (size.0.min(size.1) as usize, min_image_side(&LCL_V2));
        if side < least {
            return Err(ModelError::ImageTooSmall { side, least });
        }
        no_grad(|| {
            let [stage1, stage2] = &self.stages;
            let activation1 =
                stage1.activation(&self.normalised(images, size)?, Mode::Evaluation)?;
            let pooled1 = stage1.pooled(&activation1)?;
            let activation2 = stage2.activation(&pooled1, Mode::Evaluation)?;
            let pooled2 = stage2.pooled(&activation2)?;
            let features = |activation: &Tensor, pooled: &Tensor| -> Result<_, ModelError> {
                Ok(StageFeatures { activation: nhwc(activation)?, pooled: nhwc(pooled)? })
            };
            let stages = [features(&activation1, &pooled1)?, features(&activation2, &pooled2)?];
            Ok(FloatFeatures { stages })
        })
    }

    /// Returns the input of stage 1, `[N, 3, H, W]`.
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

fn nhwc(map: &Tensor) -> Result<FeatureMap, ModelError> {
    let map = map.f_permute([0, 2, 3, 1])?;
    let shape = shape(&map);
    let [n, h, w, c] = [0, 1, 2, 3].map(|dimension| shape[dimension]);
    Ok(FeatureMap { n, h, w, c, data: values(&map)? })
}

impl FeatureModel for FloatNetwork {
    fn features(&self, images: &[RgbImage]) -> Result<FloatFeatures, FeatureError> {
        self.forward(images).map_err(FeatureError::new)
    }
}

#[cfg(test)]
mod tests {
    use lcl_infer::PoolOrder;

    use super::*;
    use lcl_run::config::ModelConfig;

    fn network(pool: PoolOrder) -> FloatNetwork {
        let model = ModelConfig { pool, embedding_dim: 2 };
        let checkpoint = Checkpoint::initial(model, InputConfig::default(), 0);
        FloatNetwork::new(&checkpoint, DeviceChoice::Cpu).expect("a network")
    }

    #[test]
    fn sizes_are_those_of_the_design() {
        for pool in PoolOrder::ALL {
            for (side, v1, v2) in [(48, 6, 3), (96, 12, 6), (224, 28, 14), (17, 3, 2)] {
                let image = RgbImage::new(side, side);
                let features = network(pool).forward(&[image.clone(), image]).expect("features");
                let [stage1, stage2] = features.stages;
                assert_eq!(stage1.pooled.shape(), [2, v1, v1, 64]);
                assert_eq!(stage2.activation.shape(), [2, v1, v1, 192]);
                assert_eq!(stage2.pooled.shape(), [2, v2, v2, 192]);
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
