//! From a float checkpoint to the integers of the contract `lcl.u8.v1`.
//!
//! Post-training quantisation: batch norm and the input's normalisation are
//! folded into the convolutions in f64, every output channel has its own weight
//! scale, and every channel of a stage's output has its own activation scale.
//! [`Calibration`] finds on images which ranges the bytes cover and how the
//! inputs vary, so that weights are rounded where it shows least. Plain arrays
//! only; start with [`quantise`].

mod calibration;
mod concerns;
mod filter;
mod fold;
mod headroom;
mod material;
mod model;
mod moments;
pub mod passes;
mod requant;
mod rounding;
mod silent;
mod stage;

pub use calibration::{CalibratedStage, Calibration, RangeSearch, Ranges};
pub use concerns::{Concern, FEW_IMAGES, LEAST_CHANNEL_SQNR_DB, concerns};
pub use fold::{FoldedStage, InputChannel};
pub use material::Material;
pub use model::{GOLDEN_SEED, GOLDEN_SIDE, QuantisedModel};
pub use moments::Moments;
pub use requant::requant_for_ratio;
pub use rounding::{NearestPlane, RoundedFilter};
pub use silent::SilentChannel;
pub use stage::{QuantiseError, QuantisedStage, StageInput, quantise_stage};

use lcl_infer::{ConvGeometry, InputFormat, LCL_V2, LCL_V2_GRAY};

use lcl_artefacts::checkpoint::Checkpoint;

/// Quantises the layers of a checkpoint, for images of the format that the
/// calibration was made for.
///
/// # Errors
///
/// When a channel cannot be expressed in the contract's integers.
pub fn quantise(
    checkpoint: &Checkpoint,
    calibration: &Calibration,
) -> Result<QuantisedModel, QuantiseError> {
    let [v1, v2] = &calibration.stages;
    let ranges = |stage: usize| {
        let (calibrated, bn) = (&calibration.stages[stage], &checkpoint.stages[stage].bn);
        headroom::with_room(stage, calibrated, bn, calibration.material.images)
    };
    let image = InputChannel::of_image(checkpoint.mean, checkpoint.std);
    let folded = FoldedStage::new(LCL_V2[0], &checkpoint.stages[0], &image);
    let folded = match calibration.input {
        InputFormat::Gray8 => folded.for_gray(LCL_V2_GRAY[0]),
        _ => folded,
    };
    // Any byte of an image may have any value.
    let seen = vec![true; folded.conv.in_c()];
    let input = StageInput { moments: v1.input.clone(), seen: &seen };
    let stage1 = quantise_stage(1, &folded, checkpoint.pool, &ranges(0), &input)?;

    let features = InputChannel::of_features(&stage1.output_scale);
    let folded = FoldedStage::new(LCL_V2[1], &checkpoint.stages[1], &features);
    let seen: Vec<bool> = v1.largest.iter().map(Option::is_some).collect();
    let moments = v2.input.clone().in_units(&stage1.output_scale);
    let input = StageInput { moments, seen: &seen };
    let stage2 = quantise_stage(2, &folded, checkpoint.pool, &ranges(1), &input)?;
    Ok(QuantisedModel { input: calibration.input, stages: [stage1, stage2] })
}

/// Returns the convolutions of a blob that takes images of that format.
fn convolutions(input: InputFormat) -> [ConvGeometry; 2] {
    match input {
        InputFormat::Gray8 => LCL_V2_GRAY,
        _ => LCL_V2,
    }
}
