//! Batch norm and input scaling, folded into a convolution.

use lcl_infer::ConvGeometry;

use lcl_artefacts::checkpoint::{BatchNormWeights, ConvWeights};

/// What a byte of one input channel stands for: `real = scale · byte + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputChannel {
    /// What one step of the byte is worth.
    pub scale: f64,
    /// What byte 0 is worth.
    pub offset: f64,
}

impl InputChannel {
    /// Returns the channels of an image that the network sees as
    /// `(byte / 255 - mean) / std`.
    #[must_use]
    pub fn of_image(mean: [f32; 3], std: [f32; 3]) -> [Self; 3] {
        [0, 1, 2].map(|c| {
            let (mean, std) = (f64::from(mean[c]), f64::from(std[c]));
            Self { scale: 1.0 / (255.0 * std), offset: -mean / std }
        })
    }

    /// Returns the channels of a convolution's output.
    #[must_use]
    pub fn of_features(output_scale: &[f32]) -> Vec<Self> {
        let channel = |&scale: &f32| Self { scale: scale.into(), offset: 0.0 };
        output_scale.iter().map(channel).collect()
    }
}

/// A convolution on bytes with everything around it folded in:
/// `activation = relu(Σ weight · byte + bias)`.
///
/// Exact where borders are reflected, or where byte 0 of the input is worth 0:
/// no pixel is padded with a zero that the input's offset would have to reach.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedConv {
    /// Geometry of the convolution.
    pub conv: ConvGeometry,
    /// `[out_c, kernel, kernel, in_c]` (OHWI).
    pub weights: Vec<f64>,
    /// `[out_c]`.
    pub bias: Vec<f64>,
}

impl FoldedConv {
    /// Folds batch norm and input scaling into a convolution.
    ///
    /// # Panics
    ///
    /// When there are not as many weights or inputs as the geometry says; a
    /// checkpoint that was read has them.
    #[must_use]
    pub fn new(conv: ConvGeometry, layer: &ConvWeights, input: &[InputChannel]) -> Self {
        assert_eq!(input.len(), conv.in_c());
        let area = conv.kernel() * conv.kernel();
        let mut weights = Vec::with_capacity(conv.weights_len());
        let mut bias = Vec::with_capacity(conv.out_c());
        for (oc, filter) in layer.conv.weight.chunks_exact(conv.in_c() * area).enumerate() {
            let deviation =
                (f64::from(layer.bn.running_var[oc]) + BatchNormWeights::EPSILON).sqrt();
            let gain = f64::from(layer.bn.weight[oc]) / deviation;
            let mut shift = f64::from(layer.conv.bias[oc]) - f64::from(layer.bn.running_mean[oc]);
            for position in 0..area {
                for (c, input) in input.iter().enumerate() {
                    let weight = f64::from(filter[c * area + position]);
                    weights.push(gain * weight * input.scale);
                    shift += weight * input.offset;
                }
            }
            bias.push(gain * shift + f64::from(layer.bn.bias[oc]));
        }
        assert_eq!(weights.len(), conv.weights_len());
        Self { conv, weights, bias }
    }

    /// Iterates over the filters, `[kernel, kernel, in_c]` each, with their bias.
    pub fn filters(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.weights.chunks_exact(self.conv.taps()).zip(self.bias.iter().copied())
    }

    /// Folds the channels of an image into one: on a grey byte the result is
    /// what `self` gives for a pixel with that byte in every channel, since
    /// `Σ weight[c] · byte = (Σ weight[c]) · byte`. Mean and standard deviation
    /// of each channel are in the weights and the bias already.
    ///
    /// `conv` has the same geometry but one input channel.
    ///
    /// # Panics
    ///
    /// When it has more.
    #[must_use]
    pub fn for_gray(&self, conv: ConvGeometry) -> Self {
        let pixels = self.weights.chunks_exact(self.conv.in_c());
        let weights: Vec<f64> = pixels.map(|weights| weights.iter().sum()).collect();
        assert_eq!(weights.len(), conv.weights_len());
        Self { conv, weights, bias: self.bias.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_artefacts::checkpoint::{AffineWeights, BatchNormWeights};

    fn layer() -> ConvWeights {
        ConvWeights {
            conv: AffineWeights {
                weight: vec![0.5, -1.0, 2.0, 1.5, 0.25, -0.75],
                bias: vec![0.125, -0.5],
            },
            bn: BatchNormWeights {
                weight: vec![1.5, -2.0],
                bias: vec![0.25, 0.75],
                running_mean: vec![-0.5, 0.375],
                running_var: vec![2.0, 0.25],
            },
        }
    }

    #[test]
    fn grey_byte_gives_what_it_gives_in_every_channel() {
        let [rgb, gray] = [3, 1].map(|in_c| ConvGeometry::new(in_c, 2, 1, 1, 0).expect("valid"));
        let image = InputChannel::of_image([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        let folded = FoldedConv::new(rgb, &layer(), &image);
        let for_gray = folded.for_gray(gray);
        assert_eq!(for_gray.bias, folded.bias);
        for (weight, filter) in for_gray.weights.iter().zip(folded.weights.chunks_exact(3)) {
            let expected: f64 = filter.iter().map(|weight| weight * 77.0).sum();
            // A few additions in f64.
            assert!((weight * 77.0 - expected).abs() < 1e-12, "{weight} {expected}");
        }
    }

    #[test]
    fn folded_convolution_equals_the_layers_one_after_the_other() {
        let conv = ConvGeometry::new(3, 2, 1, 1, 0).expect("valid");
        let layer = layer();
        let (mean, std) = ([0.5, 0.25, 0.75], [0.25, 0.5, 0.125]);
        let folded = FoldedConv::new(conv, &layer, &InputChannel::of_image(mean, std));
        let pixel = [12.0, 200.0, 99.0];
        for oc in 0..2 {
            let mut sum = f64::from(layer.conv.bias[oc]);
            for c in 0..3 {
                let x = (pixel[c] / 255.0 - f64::from(mean[c])) / f64::from(std[c]);
                sum += f64::from(layer.conv.weight[3 * oc + c]) * x;
            }
            let var = f64::from(layer.bn.running_var[oc]) + 1e-5;
            let normal = (sum - f64::from(layer.bn.running_mean[oc])) / var.sqrt();
            let expected = f64::from(layer.bn.weight[oc]) * normal + f64::from(layer.bn.bias[oc]);
            let products = folded.weights[3 * oc..].iter().zip(pixel).map(|(w, x)| w * x);
            let got = products.sum::<f64>() + folded.bias[oc];
            // A few additions in f64.
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
    }
}
