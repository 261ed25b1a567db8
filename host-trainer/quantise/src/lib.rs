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
mod chain;
mod component;
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
mod opponent;
pub mod passes;
mod plan;
mod readout;
mod recogniser;
mod refusal;
mod requant;
mod resample;
mod retina;
mod rounding;
mod silent;

pub use calibration::{CalibratedConv, CalibratedRanges, Calibration, RangeSearch, Ranges};
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
pub use refusal::Refusal;
pub use requant::requant_for_ratio;
pub use resample::{FloatRun, QuantisedRuns, fovea, quantise_runs};
pub use retina::{
    FloatRetina, on_off, opponent_channels, quantise_opponent, quantise_retina, retina_channels,
};
pub use rounding::{NearestPlane, RoundedFilter};
pub use silent::SilentChannel;

use lcl_infer::{Architecture, InputFormat, LayerKind};

use chain::Chain;
use lcl_artefacts::checkpoint::Checkpoint;
use plan::{Part, Plan};

/// Returns the architecture of a checkpoint's blob for images of that format: that
/// of LCL-V2 with the checkpoint's components.
///
/// # Errors
///
/// Names everything about the checkpoint that no such blob can carry.
pub fn architecture(
    checkpoint: &Checkpoint,
    input: InputFormat,
) -> Result<Architecture, QuantiseError> {
    Ok(Plan::new(checkpoint, input)?.architecture)
}

/// Quantises the layers of a checkpoint, for the architecture that the
/// calibration was made for.
///
/// # Errors
///
/// When [`architecture`] refuses the checkpoint, or a channel cannot be expressed
/// in the contract's integers.
pub fn quantise(
    checkpoint: &Checkpoint,
    calibration: &Calibration,
) -> Result<QuantisedModel, QuantiseError> {
    let plan = Plan::new(checkpoint, calibration.architecture.input())?;
    let image = InputChannel::of_image(checkpoint.mean, checkpoint.std);
    let mut chain = Chain::new(calibration, &image);
    for (layer, part) in calibration.architecture.layers().iter().zip(&plan.parts) {
        match (part, layer.kind) {
            (Part::Opponent, _) => chain.opponent(layer.name)?,
            (Part::Conv(float, weights), LayerKind::Conv(conv)) => {
                chain.conv(layer.name, conv, (*float, weights))?;
            }
            (Part::Surround(float), LayerKind::Conv(conv)) => {
                chain.surround(layer.name, conv, float)?;
            }
            (Part::Norm(float), _) => chain.norm(layer.name, float)?,
            _ => {}
        }
    }
    Ok(chain.finish())
}
