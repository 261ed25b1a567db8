//! The integers of a network's layers, one after the other.

use lcl_infer::{
    Architecture, ConvGeometry, Layer, LayerKind, Name, parameters::Channel, shape::Opponent,
};

use super::{
    Calibration,
    conv::{ConvInput, QuantiseError, QuantisedConv, quantise_conv},
    fold::{FoldedConv, InputChannel},
    headroom::{Room, with_room},
    model::QuantisedModel,
    norm::{FloatNorm, QuantisedNorm, quantise_norm},
    requant::requant_for_ratio,
    retina::{opponent_channels, quantise_opponent},
};
use lcl_artefacts::checkpoint::ConvWeights;

/// A weight that passes a channel: the largest.
const PASS: i8 = 127;

/// Contrast that byte 255 of a retina stands for where no calibration image shows
/// any, and the least: no contrast is above 4, and no gain above 1023.
const MOST_CONTRAST: f64 = 4.0;
const LEAST_CONTRAST: f64 = 0.25;

/// Quantises layers in order, each on what the one before it gives.
#[derive(Debug)]
pub(super) struct Chain<'c> {
    calibration: &'c Calibration,
    /// What the bytes stand for that the next layer takes.
    input: Vec<InputChannel>,
    /// What a step of each is worth; `None` of an image, whose moments are in bytes.
    units: Option<Vec<f32>>,
    /// Whether any calibration image shows more in a channel than zeros.
    seen: Vec<bool>,
    convolutions: Vec<QuantisedConv>,
    norms: Vec<QuantisedNorm>,
    retina: Option<Opponent>,
}

impl<'c> Chain<'c> {
    /// Starts with an image, of whose bytes any may have any value.
    pub(super) fn new(calibration: &'c Calibration, image: &[InputChannel]) -> Self {
        Self {
            calibration,
            input: image.to_vec(),
            units: None,
            seen: vec![true; image.len()],
            convolutions: Vec::new(),
            norms: Vec::new(),
            retina: None,
        }
    }

    /// Returns what a step of each byte of the last layer is worth.
    pub(super) fn scales(&self) -> Vec<f32> {
        self.units.clone().unwrap_or_default()
    }

    /// Returns the model of these layers.
    pub(super) fn finish(self) -> QuantisedModel {
        let architecture = self.calibration.architecture;
        let with_gain = |layer: &Layer| match (layer.kind, self.retina) {
            (LayerKind::Opponent(_), Some(retina)) => {
                Layer { kind: LayerKind::Opponent(retina), ..*layer }
            }
            _ => *layer,
        };
        let layers: Vec<Layer> = architecture.layers().iter().map(with_gain).collect();
        let architecture = Architecture::new(architecture.input(), &layers).unwrap_or(architecture);
        QuantisedModel {
            norms: self.norms,
            ..QuantisedModel::of_convolutions(architecture, self.convolutions)
        }
    }

    /// The next layer takes bytes of these steps.
    fn gave(&mut self, scales: &[f32], seen: impl Iterator<Item = bool>) {
        self.input = InputChannel::of_features(scales);
        self.units = Some(scales.to_vec());
        self.seen = seen.collect();
    }

    /// Adds a trained convolution, of geometry `float` in the checkpoint, where
    /// an image has more channels than in the blob that takes grey ones.
    pub(super) fn conv(
        &mut self,
        layer: Name,
        conv: ConvGeometry,
        (float, weights): (ConvGeometry, &ConvWeights),
    ) -> Result<(), QuantiseError> {
        let calibration = self.calibration;
        let Some(calibrated) = calibration.convolutions.get(self.convolutions.len()) else {
            return Ok(());
        };
        let folded = FoldedConv::new(float, weights, &self.input);
        let folded = if conv.in_c() < float.in_c() { folded.for_gray(conv) } else { folded };
        let mut moments = calibrated.input.clone();
        if let Some(units) = &self.units {
            moments = moments.in_units(units);
        }
        let room = if self.convolutions.is_empty() { Room::FIRST } else { Room::BEHIND };
        let images = calibration.material.images;
        let ranges = with_room(room, &calibrated.ranges, &weights.bn, images);
        let seen = &self.seen[..conv.in_c()];
        let quantised = quantise_conv(layer, &folded, &ranges, &ConvInput { moments, seen })?;
        let largest = &calibrated.ranges.largest;
        self.gave(&quantised.output_scale, largest.iter().map(Option::is_some));
        self.convolutions.push(quantised);
        Ok(())
    }

    /// Adds a convolution of the first channels; the bytes of the others pass as
    /// they are: a weight of 127, and 1/127.
    pub(super) fn surround(
        &mut self,
        layer: Name,
        conv: ConvGeometry,
        float: &FoldedConv,
    ) -> Result<(), QuantiseError> {
        let calibration = self.calibration;
        let calibrated = calibration.convolutions.get(self.convolutions.len());
        let before = self.convolutions.last();
        let (Some(calibrated), Some(before), Some(units)) = (calibrated, before, &self.units)
        else {
            return Ok(());
        };
        let (mixed, all) = (float.conv.in_c(), conv.in_c());
        let scaled = float.weights.iter().zip(self.input[..mixed].iter().cycle());
        let folded = FoldedConv {
            weights: scaled.map(|(weight, input)| weight * input.scale).collect(),
            ..float.clone()
        };
        let moments = calibrated.input.of_first(float.conv).in_units(&units[..mixed]);
        let ranges = Room::COMPONENT.of_shown(&calibrated.ranges, calibration.material.images);
        let input = ConvInput { moments, seen: &self.seen[..mixed] };
        let first = quantise_conv(layer, &folded, &ranges[..mixed], &input)?;

        let ratio = 1.0 / f64::from(PASS);
        let unusable = QuantiseError::Ratio { layer, channel: mixed, ratio };
        let requant = requant_for_ratio(ratio).ok_or(unusable)?;
        let area = conv.kernel() * conv.kernel();
        let mut weights = vec![0; conv.weights_len()];
        for (to, from) in weights.chunks_exact_mut(all).zip(first.weights.chunks_exact(mixed)) {
            to[..mixed].copy_from_slice(from);
        }
        for channel in mixed..all {
            weights[(channel * area + area / 2) * all + channel] = PASS;
        }
        let passed = (mixed..all).map(|_| Channel { bias: 0, requant });
        let silent = before.silent.iter().filter(|silent| silent.channel >= mixed);
        let quantised = QuantisedConv {
            conv,
            weights,
            channels: first.channels.iter().copied().chain(passed).collect(),
            output_scale: [&first.output_scale, &units[mixed..]].concat(),
            silent: first.silent.iter().chain(silent).copied().collect(),
        };
        let largest = &calibrated.ranges.largest;
        self.gave(&quantised.output_scale, largest.iter().map(Option::is_some));
        self.convolutions.push(quantised);
        Ok(())
    }

    /// Adds a divisive normalisation.
    ///
    /// A channel that no calibration image makes active gets the range of all that
    /// its bytes can become.
    pub(super) fn norm(&mut self, layer: Name, float: &FloatNorm) -> Result<(), QuantiseError> {
        let calibration = self.calibration;
        let calibrated = calibration.norms.get(self.norms.len());
        let Some((calibrated, units)) = calibrated.zip(self.units.clone()) else {
            return Ok(());
        };
        let ranges = Room::COMPONENT.of_shown(calibrated, calibration.material.images);
        let bounds =
            units.iter().zip(&float.bias).map(|(&unit, bias)| 255.0 * f64::from(unit) / bias);
        let largest: Vec<f64> = ranges
            .into_iter()
            .zip(bounds)
            .map(|(range, bound)| range.map_or(bound, |range| range.min(bound)))
            .collect();
        let quantised = quantise_norm(layer, float, &units, &largest)?;
        self.gave(&quantised.output_scale, calibrated.largest.iter().map(Option::is_some));
        self.norms.push(quantised);
        Ok(())
    }

    /// Adds a colour-opponent retina.
    pub(super) fn opponent(&mut self, layer: Name) -> Result<(), QuantiseError> {
        let calibration = self.calibration;
        let Some(calibrated) = &calibration.retina else { return Ok(()) };
        let ranges = Room::COMPONENT.of_shown(calibrated, calibration.material.images);
        let largest = ranges.iter().flatten().copied().reduce(f64::max).unwrap_or(MOST_CONTRAST);
        let retina = quantise_opponent(layer, largest.clamp(LEAST_CONTRAST, MOST_CONTRAST))?;
        #[expect(clippy::cast_possible_truncation, reason = "scales of bytes are f32")]
        let scales = opponent_channels(&retina).map(|channel| channel.scale as f32);
        self.gave(&scales, [true; 6].into_iter());
        self.retina = Some(retina);
        Ok(())
    }
}
