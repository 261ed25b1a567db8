//! Local receptive fields: a convolution whose weights differ from place to
//! place.

use tch::{TchError, Tensor};

/// Side of a field.
const SIDE: i64 = 3;

/// `[N, C_in, H, W]` to `[N, C_out, H, W]` by weights
/// `[C_out, C_in, H, W, 9]`, with zeros outside and without bias.
///
/// `y[o, h, w] = Σ_{c, t} x[c, h + ky - 1, w + kx - 1] · weight[o, c, h, w, t]`
/// with `t = 3 ky + kx`.
///
/// # Errors
///
/// When libtorch refuses an operation, as for weights of another map.
pub fn local(x: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
    let (images, channels, height, width) = x.size4()?;
    let (places, taps) = (height * width, channels * SIDE * SIDE);
    // [N, C · 9, H · W] to [H · W, N, C · 9]
    let patches = x.f_im2col([SIDE, SIDE], [1, 1], [1, 1], [1, 1])?.f_permute([2, 0, 1])?;
    let weight = weight.f_to_kind(x.kind())?;
    // [C_out, C, H, W, 9] to [H · W, C · 9, C_out]
    let outputs = weight.size().first().copied().unwrap_or_default();
    let weight = weight.f_permute([2, 3, 1, 4, 0])?.f_reshape([places, taps, outputs])?;
    patches.f_bmm(&weight)?.f_permute([1, 2, 0])?.f_reshape([images, outputs, height, width])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::{Drawn, close, gradients_agree, single, values};

    fn literal([n, c, h, w]: [usize; 4], outputs: usize, x: &[f64], weight: &[f64]) -> Vec<f64> {
        let mut y = Vec::new();
        for at in 0..n * outputs * h * w {
            let (image, out) = (at / (outputs * h * w), at / (h * w) % outputs);
            let (row, column) = (at / w % h, at % w);
            let mut sum = 0.0;
            for (channel, ky, kx) in (0..c * 9).map(|tap| (tap / 9, tap % 9 / 3, tap % 3)) {
                let (from_row, from_column) = (row + ky, column + kx);
                if (1..=h).contains(&from_row) && (1..=w).contains(&from_column) {
                    let value = x[((image * c + channel) * h + from_row - 1) * w + from_column - 1];
                    let place = ((out * c + channel) * h + row) * w + column;
                    sum += value * weight[place * 9 + ky * 3 + kx];
                }
            }
            y.push(sum);
        }
        y
    }

    #[test]
    fn every_place_has_its_own_weights() {
        let mut drawn = Drawn::new(3);
        for (shape, outputs) in [([2, 3, 4, 5], 2), ([1, 1, 1, 1], 1), ([3, 2, 1, 6], 4)] {
            let [_, c, h, w] = shape;
            let x = drawn.normal(shape.iter().product());
            let weight = drawn.normal(outputs * c * h * w * 9);
            let expected = literal(shape, outputs, &x, &weight);
            let y = local(&single(&x, &shape), &single(&weight, &[outputs, c, h, w, 9]));
            close(&values(&y.expect("a map")), &expected, 1e-5);
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut drawn = Drawn::new(4);
        let inputs =
            [drawn.double(&[2, 2, 3, 2], -1.0, 1.0), drawn.double(&[2, 2, 3, 2, 9], -1.0, 1.0)];
        gradients_agree(&inputs, |inputs| local(&inputs[0], &inputs[1]));
    }
}
