//! An error budget: what each part of a blob costs alone.

use std::fmt;

use lcl_infer::{Blob, InputFormat};

use super::{FoldedNetwork, QuantisedConv, passes::PassError};
use lcl_artefacts::{
    checkpoint::Checkpoint,
    compare::{Agreement, TapComparison},
    integer_features::AREAS,
    sized_image::{ImageError, SizedImage, as_seen, for_each_batch},
};

/// What of a blob takes the place of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The integer weights and biases of V1's convolution.
    V1Weights,
    /// The bytes of V1, as they leave the convolution and the pool.
    V1Bytes,
    /// Those that leave V1's pool, of a convolution and a pool in floats: what
    /// 8 bits of V1 cost at the least with these ranges.
    V1LastBytes,
    /// The integer weights and biases of V2's convolution.
    V2Weights,
    /// The bytes of V2, as they leave the convolution and the pool.
    V2Bytes,
    /// All of it: what the blob computes.
    All,
}

impl Part {
    /// All parts, in order.
    pub const EACH: [Self; 6] = [
        Self::V1Weights,
        Self::V1Bytes,
        Self::V1LastBytes,
        Self::V2Weights,
        Self::V2Bytes,
        Self::All,
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1Weights => "V1's weights",
            Self::V1Bytes => "V1's bytes",
            Self::V1LastBytes => "V1's last bytes",
            Self::V2Weights => "V2's weights",
            Self::V2Bytes => "V2's bytes",
            Self::All => "all",
        })
    }
}

/// Compares the float features with those of networks in which one part each is
/// the blob's, V1 and V2, on images of one size.
///
/// # Errors
///
/// When the model has components, the images cannot be had or a network cannot be run.
pub fn budget<S: Into<ImageError>>(
    checkpoint: &Checkpoint,
    blob: &Blob<'_>,
    images: impl Iterator<Item = Result<SizedImage, S>>,
) -> Result<Vec<(Part, [Agreement; 2])>, PassError> {
    if let Some(settings) = checkpoint.settings() {
        return Err(PassError::BudgetOfComponents { components: settings.names() });
    }
    let float = FoldedNetwork::new(checkpoint)?;
    let convolutions = of_blob(blob);
    let parts: Vec<(Part, FoldedNetwork)> =
        Part::EACH.map(|part| (part, with(part, &float, &convolutions))).into();
    let channels =
        AREAS.map(|tap| blob.output_scale(tap).map_or(0, |scales| scales.iter().count()));
    let mut comparisons = vec![channels.map(TapComparison::new); parts.len()];
    for_each_batch::<PassError, ImageError>(
        images.map(|image| image.map_err(Into::into)),
        |_, batch| {
            let batch = as_seen(batch, blob.input());
            let expected = float.forward(&batch)?;
            for ((_, network), comparisons) in parts.iter().zip(&mut comparisons) {
                let found = network.forward(&batch)?;
                for (tap, comparison) in AREAS.into_iter().zip(comparisons) {
                    comparison.add(&expected.tap(tap).data, &found.tap(tap).data);
                }
            }
            Ok(())
        },
    )?;
    let agreements = comparisons.iter().map(|both| both.each_ref().map(|tap| tap.agreement().all));
    Ok(parts.iter().map(|(part, _)| *part).zip(agreements).collect())
}

/// Returns the convolutions of a blob, on three channels where it takes grey
/// images.
fn of_blob(blob: &Blob<'_>) -> Vec<QuantisedConv> {
    let convolutions = blob.convolutions();
    let quantised = convolutions.map(|parameters| {
        let conv = parameters.conv;
        QuantisedConv {
            conv: conv.geometry(),
            weights: (0..conv.geometry().out_c()).flat_map(|oc| conv.filter(oc)).collect(),
            channels: conv.channels().iter().collect(),
            output_scale: parameters.output_scale.iter().collect(),
            silent: Vec::new(),
        }
    });
    let mut quantised: Vec<QuantisedConv> = quantised.collect();
    if let Some(first) = quantised.first_mut().filter(|_| blob.input() == InputFormat::Gray8) {
        first.weights = first.weights.iter().flat_map(|&weight| [weight, 0, 0]).collect();
        first.conv = lcl_infer::LCL_V2.convolutions().next().unwrap_or(first.conv);
    }
    quantised
}

/// Returns the network with that part of the blob.
fn with(part: Part, float: &FoldedNetwork, convolutions: &[QuantisedConv]) -> FoldedNetwork {
    let [v1, v2] = convolutions else { return float.clone() };
    let float = float.clone();
    match part {
        Part::V1Weights => float.with_weights(0, v1, &[1.0]),
        Part::V1Bytes => float.with_bytes(0, &v1.output_scale),
        Part::V1LastBytes => float.with_last_bytes(0, &v1.output_scale),
        Part::V2Weights => float.with_weights(1, v2, &v1.output_scale),
        Part::V2Bytes => float.with_bytes(1, &v2.output_scale),
        Part::All => float
            .with_weights(0, v1, &[1.0])
            .with_bytes(0, &v1.output_scale)
            .with_weights(1, v2, &v1.output_scale)
            .with_bytes(1, &v2.output_scale),
    }
}
