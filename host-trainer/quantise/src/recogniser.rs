//! A network that names images, in the contract's integers.

use lcl_infer::{
    Architecture, ConvGeometry, InputFormat, Layer, LayerKind, Name, V1, V2,
    shape::{DenseGeometry, Sums, WindowOperation, WindowPool},
};

use super::{
    Calibration, QuantiseError, QuantisedModel,
    chain::Chain,
    dense::{FloatDense, quantise_dense},
    fold::InputChannel,
};
use lcl_artefacts::{
    checkpoint::{AffineWeights, BatchNormWeights, ConvWeights},
    recogniser::{Design, DesignKind, DesignLayer, Recogniser},
};

/// The tap of the scores.
const SCORES: &str = "scores";

/// A network that names images has no blob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{network} at {side} pixels cannot be a blob: {reason}; quantise lcl-v2net or lcl-v2net-small"
)]
pub struct NoBlob {
    network: &'static str,
    side: usize,
    reason: String,
}

/// Returns the layers of a design's blob for images of `side` pixels. Its taps are
/// V1, V2 and `scores`, of which the last layer hands out the sums.
///
/// # Errors
///
/// When the engine has no such layers.
pub fn recogniser_architecture(design: &Design, side: usize) -> Result<Architecture, NoBlob> {
    let no = |reason: &str| NoBlob { network: design.name.name(), side, reason: reason.to_owned() };
    let sides = design.map_sides(side).ok_or_else(|| no("the images are too small"))?;
    let taps = [V1, V2];
    let (mut convolutions, mut pools, mut dense) = (0, 0, 0);
    let mut layers = Vec::new();
    let mut before = side;
    for (layer, &after) in design.layers.iter().zip(&sides) {
        let (name, tap, kind) = match layer.kind {
            DesignKind::Dropout => continue,
            DesignKind::Conv(conv) => {
                if !conv.norm {
                    return Err(no("a convolution has no batch norm"));
                }
                convolutions += 1;
                let geometry = ConvGeometry::new(
                    conv.in_c,
                    conv.out_c,
                    conv.kernel,
                    conv.stride,
                    conv.padding,
                );
                let geometry = geometry.ok_or_else(|| no("a convolution is too large"))?;
                let kind = LayerKind::Conv(geometry.with_border(conv.border));
                (format!("conv{convolutions}"), None, kind)
            }
            DesignKind::Pool(order) => {
                pools += 1;
                (
                    format!("pool{convolutions}"),
                    taps.get(pools - 1).copied(),
                    LayerKind::Pool(order),
                )
            }
            DesignKind::MaxPool { side, stride } => {
                let pool = WindowPool::new(WindowOperation::Max, side, stride, 0);
                let pool = pool.ok_or_else(|| no("a pool is too large"))?;
                (format!("pool{convolutions}"), None, LayerKind::WindowPool(pool))
            }
            DesignKind::Average { side: 1 } => {
                let pool = WindowPool::new(WindowOperation::Average, before, 1, 0);
                let pool = pool.ok_or_else(|| no("the last map is above 15 × 15"))?;
                ("average".to_owned(), None, LayerKind::WindowPool(pool))
            }
            DesignKind::Average { .. } => return Err(no("its average is over parts of the map")),
            DesignKind::Linear(linear) => {
                dense += 1;
                let sums = if linear.relu { Sums::Bytes } else { Sums::Words };
                let geometry = DenseGeometry::new(linear.inputs, linear.outputs, sums);
                let geometry = geometry.ok_or_else(|| no("it has more than 4096 classes"))?;
                let tap = if linear.relu { None } else { Name::new(SCORES) };
                (format!("dense{dense}"), tap, LayerKind::Dense(geometry))
            }
        };
        let name = Name::new(&name).ok_or_else(|| no("it has too many layers"))?;
        layers.push(Layer { name, tap, kind });
        before = after;
    }
    Architecture::new(InputFormat::Rgb888, &layers).ok_or_else(|| no("it has too many layers"))
}

/// Quantises a recogniser, for the architecture that the calibration was made for.
///
/// # Errors
///
/// When a channel cannot be expressed in the contract's integers.
pub fn quantise_recogniser(
    recogniser: &Recogniser,
    calibration: &Calibration,
) -> Result<QuantisedModel, QuantiseError> {
    let architecture = calibration.architecture;
    let with_weights = recogniser.design.layers.iter().filter(|layer| !layer.name.is_empty());
    let mut with_weights = with_weights.map(|layer| arrays(recogniser, layer));
    let mut chain = Chain::new(
        calibration,
        &InputChannel::of_image(recogniser.input.mean, recogniser.input.std),
    );
    let convolutions = architecture.layers().iter().filter_map(|layer| match layer.kind {
        LayerKind::Conv(conv) => Some((layer.name, conv)),
        _ => None,
    });
    for ((layer, conv), (affine, bn)) in convolutions.zip(with_weights.by_ref()) {
        if let Some(bn) = bn {
            chain.conv(layer, conv, (conv, &ConvWeights { conv: affine, bn }))?;
        }
    }
    let mut scales = chain.scales();
    let mut dense = Vec::new();
    let layers = architecture.layers().iter().filter_map(|layer| match layer.kind {
        LayerKind::Dense(geometry) => Some((layer.name, geometry)),
        _ => None,
    });
    let nothing = Vec::new();
    for (at, ((name, geometry), (affine, bn))) in layers.zip(with_weights).enumerate() {
        let float = FloatDense { weight: &affine.weight, bias: &affine.bias, bn: bn.as_ref() };
        let largest = calibration.dense.get(at).unwrap_or(&nothing);
        let input = InputChannel::of_features(&scales);
        let quantised = quantise_dense(name, geometry, float, &input, largest)?;
        scales.clone_from(&quantised.output_scale);
        dense.push(quantised);
    }
    let labels = recogniser.classes.clone();
    Ok(QuantisedModel { dense, labels, ..chain.finish() })
}

/// Returns weight, bias and batch norm of a layer.
fn arrays(
    recogniser: &Recogniser,
    layer: &DesignLayer,
) -> (AffineWeights, Option<BatchNormWeights>) {
    let tensors = layer.tensors();
    let array = |at: usize| recogniser.tensor(&tensors[at].0).to_vec();
    let norm = (tensors.len() > 2).then(|| BatchNormWeights {
        weight: array(2),
        bias: array(3),
        running_mean: array(4),
        running_var: array(5),
    });
    (AffineWeights { weight: array(0), bias: array(1) }, norm)
}

#[cfg(test)]
mod tests {
    use lcl_artefacts::recogniser::DesignName;
    use lcl_infer::PoolOrder;

    use super::*;

    #[test]
    fn designs_become_chains_that_end_with_one_pixel() {
        for (name, side, least) in [
            (DesignName::LclV2netSmall, 96, 65),
            (DesignName::LclV2netSmall, 224, 193),
            (DesignName::LclV2net, 224, 193),
        ] {
            let design = name.design(PoolOrder::default(), 10);
            let architecture = recogniser_architecture(&design, side).expect("a chain");
            assert_eq!(architecture.min_image_side(), least);
            let scores = Name::new(SCORES).expect("a name");
            assert_eq!(architecture.map_of(scores, side), Some((1, 40)));
        }
        let design = DesignName::AlexnetBn.design(PoolOrder::default(), 10);
        let error = recogniser_architecture(&design, 224).expect_err("parts").to_string();
        assert!(error.contains("alexnet-bn at 224 pixels") && error.contains("parts"), "{error}");
    }
}
