//! From a float checkpoint to the integers of the contracts `lcl.u8.v1` and
//! `lcl.u8.v2`.
//!
//! Post-training quantisation: batch norm and the input's normalisation are
//! folded into the convolutions in f64, every output channel has its own weight
//! scale, and every channel of a convolution's output has its own activation
//! scale.
//! [`Calibration`] finds on images which ranges the bytes cover and how the
//! inputs vary, so that weights are rounded where it shows least. Plain arrays
//! only; start with [`quantise`].

pub mod budget;
mod calibration;
mod concerns;
mod conv;
mod dense;
mod filter;
mod fold;
mod folded_network;
mod headroom;
mod layout;
mod material;
mod model;
mod moments;
mod norm;
pub mod passes;
mod readout;
mod recogniser;
mod requant;
mod resample;
mod retina;
mod rounding;
mod silent;

pub use calibration::{CalibratedConv, Calibration, RangeSearch, Ranges};
pub use concerns::{Concern, FEW_IMAGES, LEAST_CHANNEL_SQNR_DB, concerns};
pub use conv::{ConvInput, QuantiseError, QuantisedConv, quantise_conv};
pub use dense::{FloatDense, QuantisedDense, quantise_dense};
pub use fold::{FoldedConv, InputChannel};
pub use folded_network::{FoldedError, FoldedNetwork};
pub use layout::{Transforms, fastest, weights_len};
pub use material::Material;
pub use model::{GOLDEN_SEED, GOLDEN_SIDE, QuantisedModel};
pub use moments::Moments;
pub use norm::{FloatNorm, QuantisedNorm, quantise_norm};
pub use readout::{FloatReadout, QuantisedReadout, ReadoutError, quantise_readout};
pub use recogniser::{NoBlob, quantise_recogniser, recogniser_architecture};
pub use requant::requant_for_ratio;
pub use resample::{FloatRun, QuantisedRuns, fovea, quantise_runs};
pub use retina::{
    FloatRetina, on_off, opponent_channels, quantise_opponent, quantise_retina, retina_channels,
};
pub use rounding::{NearestPlane, RoundedFilter};
pub use silent::SilentChannel;

use lcl_infer::{Architecture, ConvGeometry, InputFormat, LayerKind};

use lcl_artefacts::checkpoint::{Checkpoint, ConvWeights};

/// Returns the architecture of a checkpoint's blob for images of that format.
#[must_use]
pub fn architecture(checkpoint: &Checkpoint, input: InputFormat) -> Architecture {
    Architecture::lcl_v2(input, checkpoint.pool)
}

/// Checks that a blob can carry everything that a checkpoint has.
///
/// # Errors
///
/// Names the components that it cannot.
pub fn check(checkpoint: &Checkpoint) -> Result<(), QuantiseError> {
    match checkpoint.settings() {
        Some(settings) => Err(QuantiseError::Components { components: settings.names() }),
        None => Ok(()),
    }
}

/// Quantises the layers of a checkpoint, for the architecture that the
/// calibration was made for.
///
/// # Errors
///
/// When [`check`] refuses it, or a channel cannot be expressed in the contract's
/// integers.
pub fn quantise(
    checkpoint: &Checkpoint,
    calibration: &Calibration,
) -> Result<QuantisedModel, QuantiseError> {
    check(checkpoint)?;
    let trained = checkpoint.architecture();
    let float: Vec<_> = trained.convolutions().zip(&checkpoint.convolutions).collect();
    let input = InputChannel::of_image(checkpoint.mean, checkpoint.std);
    let convolutions = quantise_convolutions(&float, &input, calibration)?;
    Ok(QuantisedModel::of_convolutions(calibration.architecture, convolutions))
}

/// Quantises the convolutions of a network in floats, one after the other.
fn quantise_convolutions(
    float: &[(ConvGeometry, &ConvWeights)],
    image: &[InputChannel],
    calibration: &Calibration,
) -> Result<Vec<QuantisedConv>, QuantiseError> {
    let architecture = calibration.architecture;
    let mut quantised: Vec<QuantisedConv> = Vec::new();
    let layers = architecture.layers().iter().filter_map(|layer| match layer.kind {
        LayerKind::Conv(conv) => Some((layer.name, conv)),
        _ => None,
    });
    for (((layer, conv), &(float, weights)), calibrated) in
        layers.zip(float).zip(&calibration.convolutions)
    {
        let at = quantised.len();
        let (input, seen) = match quantised.last() {
            // Any byte of an image may have any value.
            None => (image.to_vec(), vec![true; conv.in_c()]),
            Some(before) => (
                InputChannel::of_features(&before.output_scale),
                calibration.convolutions[at - 1].largest.iter().map(Option::is_some).collect(),
            ),
        };
        let folded = FoldedConv::new(float, weights, &input);
        let folded = if conv.in_c() < float.in_c() { folded.for_gray(conv) } else { folded };
        let moments = match quantised.last() {
            None => calibrated.input.clone(),
            Some(before) => calibrated.input.clone().in_units(&before.output_scale),
        };
        let ranges = headroom::with_room(at, calibrated, &weights.bn, calibration.material.images);
        let input = ConvInput { moments, seen: &seen };
        quantised.push(quantise_conv(layer, &folded, &ranges, &input)?);
    }
    Ok(quantised)
}
