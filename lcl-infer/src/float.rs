//! Features as real numbers, for programs that go on in floating point.
//!
//! The integer path never comes here.

use half::f16;
use micromath::F32Ext;

use crate::parameters::Scales;

/// Writes `scale · byte` for each feature.
///
/// # Shapes
///
/// `features` and `out` are `[.., C]`, with as many channels as there are
/// scales; where one is shorter, the rest is left as it is.
///
/// # Examples
///
/// ```
/// # fn run(blob: &lcl_infer::Blob<'_>, v1_row: &[u8]) {
/// let mut real = [0.0; 28 * 64];
/// let scales = blob.output_scale(lcl_infer::V1).unwrap_or_default();
/// lcl_infer::dequantise(v1_row, scales, &mut real);
/// # }
/// ```
pub fn dequantise(features: &[u8], scales: Scales<'_>, out: &mut [f32]) {
    for ((out, &feature), scale) in out.iter_mut().zip(features).zip(scales.iter().cycle()) {
        *out = scale * f32::from(feature);
    }
}

/// Writes `scale · byte` for each feature in half precision.
///
/// # Shapes
///
/// As [`dequantise`].
pub fn dequantise_f16(features: &[u8], scales: Scales<'_>, out: &mut [f16]) {
    for ((out, &feature), scale) in out.iter_mut().zip(features).zip(scales.iter().cycle()) {
        *out = f16::from_f32(scale * f32::from(feature));
    }
}

/// Divides a vector by its Euclidean length, so that the dot product of two is
/// their cosine; a vector of zeros stays as it is.
///
/// The square root is approximate: micromath's deviates by about 5 %, and one
/// Newton step brings that to about 0.1 %, also without floating-point hardware.
pub fn normalise(vector: &mut [f32]) {
    let energy: f32 = vector.iter().map(|value| value * value).sum();
    if energy <= 0.0 {
        return;
    }
    let guess = F32Ext::sqrt(energy);
    let length = 0.5 * (guess + energy / guess);
    for value in vector {
        *value /= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised_vectors_have_unit_length() {
        let mut vector = [3.0, 0.0, 4.0];
        normalise(&mut vector);
        for (value, expected) in vector.into_iter().zip([0.6, 0.0, 0.8]) {
            assert!((value - expected).abs() < 2e-3, "{value} {expected}");
        }
        let mut zeros = [0.0; 2];
        normalise(&mut zeros);
        assert_eq!(zeros.map(f32::to_bits), [0; 2]);
    }
}
