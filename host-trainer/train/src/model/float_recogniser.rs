//! Scores of images, for plain arrays.

use image::RgbImage;
use lcl_infer::Architecture;
use tch::{Device, Tensor, no_grad};

use super::{
    Mode, ModelError, RecogniserNetwork,
    array::{tensor, values},
    float_network::nhwc,
    resolve,
};
use lcl_artefacts::{
    feature_map::{FloatFeatures, LayerFeatures},
    feature_model::{FeatureError, FeatureModel},
    recogniser::{DesignKind, Recogniser},
    score_model::ScoreModel,
};
use lcl_run::{
    config::InputConfig,
    device::{DeviceChoice, Precision},
};

/// A recogniser ready to give scores, in 32-bit floats, with the running
/// statistics of its batch norms.
#[derive(Debug)]
pub struct FloatRecogniser {
    network: RecogniserNetwork,
    classes: Vec<String>,
    input: InputConfig,
    side: u32,
    device: Device,
    architecture: Option<Architecture>,
}

impl FloatRecogniser {
    /// Copies a recogniser to a device, for images of that side, or of that of its
    /// training.
    ///
    /// # Errors
    ///
    /// When the device is not there or has too little memory, or images of that
    /// side are too small.
    pub fn new(
        recogniser: &Recogniser,
        side: Option<u32>,
        device: DeviceChoice,
    ) -> Result<Self, ModelError> {
        let side = side.map_or(recogniser.side, |side| side as usize);
        let design = &recogniser.design;
        if design.map_sides(side).is_none() {
            return Err(ModelError::ImageTooSmall { side, least: design.least_side() });
        }
        let device = resolve(device)?;
        Ok(Self {
            network: RecogniserNetwork::new(recogniser, device, Precision::Float32)?,
            classes: recogniser.classes.clone(),
            input: recogniser.input,
            side: u32::try_from(side).unwrap_or(u32::MAX),
            device,
            architecture: None,
        })
    }

    /// Lets it give the features of a blob's layers.
    #[must_use]
    pub fn with_architecture(self, architecture: Architecture) -> Self {
        Self { architecture: Some(architecture), ..self }
    }

    fn of_layers(&self, images: &[RgbImage]) -> Result<FloatFeatures, ModelError> {
        let x = self.normalised(images)?;
        let layers = self.architecture.as_ref().map_or(&[][..], |all| all.layers());
        let named = self.network.activations(&x)?;
        let kinds = self.network.design().layers.iter().map(|layer| layer.kind);
        let kept = named.iter().zip(kinds).filter(|(_, kind)| *kind != DesignKind::Dropout);
        let mut features = Vec::new();
        for (&layer, ((_, map), _)) in layers.iter().zip(kept) {
            let map = if map.dim() == 2 {
                map.f_unsqueeze(2)?.f_unsqueeze(3)?
            } else {
                map.shallow_clone()
            };
            features.push(LayerFeatures { layer, map: nhwc(&map)? });
        }
        Ok(FloatFeatures { layers: features })
    }

    fn of_images(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>, ModelError> {
        let x = self.normalised(images)?;
        let scores = values(&no_grad(|| self.network.scores(&x, Mode::Evaluation))?)?;
        Ok(scores.chunks_exact(self.classes.len().max(1)).map(<[f32]>::to_vec).collect())
    }

    fn normalised(&self, images: &[RgbImage]) -> Result<Tensor, ModelError> {
        let side = self.side;
        if let Some(other) = images.iter().find(|image| image.dimensions() != (side, side)) {
            let (expected, got) = ((side, side), other.dimensions());
            return Err(ModelError::UnequalImages { expected, got });
        }
        let InputConfig { mean, std } = self.input;
        let pixels = images.iter().flat_map(|image| image.pixels());
        let normalised: Vec<f32> = pixels
            .flat_map(|pixel| [0, 1, 2].map(|c| (f32::from(pixel[c]) / 255.0 - mean[c]) / std[c]))
            .collect();
        let shape = [images.len(), side as usize, side as usize, 3];
        Ok(tensor(&normalised, &shape, self.device)?.f_permute([0, 3, 1, 2])?)
    }
}

impl FeatureModel for FloatRecogniser {
    /// Returns what each layer of the blob's architecture gives, dropout left out.
    fn features(&self, images: &[RgbImage]) -> Result<FloatFeatures, FeatureError> {
        self.of_layers(images).map_err(FeatureError::new)
    }
}

impl ScoreModel for FloatRecogniser {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn side(&self) -> u32 {
        self.side
    }

    fn scores(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>, FeatureError> {
        self.of_images(images).map_err(FeatureError::new)
    }
}
