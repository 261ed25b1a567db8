//! A retina of our own in front of the first convolution: light adaptation,
//! centre–surround antagonism and contrast normalisation, without weights.
//!
//! The components are those of EVNets (Piper, Oliveira and Marques, 2025); the equations are
//! simple enough for integers. docs/components.md has both.

use tch::{Device, Kind, TchError, Tensor, no_grad};

/// ON and OFF of three contrasts.
pub const RETINA_CHANNELS: usize = 6;

/// Taps of the centre along one axis, of sum 4.
const CENTRE: [f32; 3] = [1.0, 2.0, 1.0];

/// Taps of the surround along one axis, of sum 8; it is the local mean of light
/// too.
const SURROUND: [f32; 5] = [1.0, 2.0, 2.0, 2.0, 1.0];

/// What the local mean of light counts in the divisor.
const LIGHT: f64 = 0.25;

/// Keeps the divisor above 0 in the dark: one byte.
const DARK: f64 = 1.0 / 255.0;

/// The fixed taps on a device.
#[derive(Debug)]
pub struct Retina {
    /// `[3, 1, 3, 3]`, the same for each channel.
    centre: Tensor,
    /// `[3, 1, 5, 5]`
    surround: Tensor,
}

impl Retina {
    /// Makes the taps.
    ///
    /// # Errors
    ///
    /// When the device has too little memory.
    pub fn new(device: Device) -> Result<Self, TchError> {
        Ok(Self { centre: taps(&CENTRE, device)?, surround: taps(&SURROUND, device)? })
    }

    /// `[N, 3, H, W]`, red, green and blue in 0 to 1, to `[N, 6, H, W]`: ON and
    /// OFF of luminance, of red in the centre against green, of blue against
    /// yellow. No gradient goes back.
    ///
    /// With `L = (R + 2G + B) / 4`, a centre `C` and a surround `S`:
    /// `d_M = C∗L - S∗L`, `d_P = C∗R - S∗G`, `d_K = C∗B - S∗(R + G) / 2`,
    /// `y_i = d_i / (S∗L / 4 + C∗Σ|d_j| + 1/255)`. Borders are reflected.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        no_grad(|| {
            let kind = x.kind();
            // Sums of 25 terms in 16 bits would not cancel.
            let inner = if kind == Kind::Double { kind } else { Kind::Float };
            let x = x.f_to_kind(inner)?.f_clamp(0.0, 1.0)?;
            let [red, green, blue] =
                [x.f_narrow(1, 0, 1)?, x.f_narrow(1, 1, 1)?, x.f_narrow(1, 2, 1)?];
            let light = green.f_mul_scalar(2.0)?.f_add(&red)?.f_add(&blue)?.f_mul_scalar(0.25)?;
            let yellow = red.f_add(&green)?.f_mul_scalar(0.5)?;
            let centre = around(&Tensor::f_cat(&[&light, &red, &blue], 1)?, &self.centre)?;
            let surround = around(&Tensor::f_cat(&[&light, &green, &yellow], 1)?, &self.surround)?;
            let difference = centre.f_sub(&surround)?;
            let mean = surround.f_narrow(1, 0, 1)?;
            let contrast = difference.f_abs()?.f_sum_dim_intlist(1_i64, true, None::<Kind>)?;
            let contrast = around(&contrast, &self.centre.f_narrow(0, 0, 1)?)?;
            let divisor = mean.f_mul_scalar(LIGHT)?.f_add(&contrast)?.f_add_scalar(DARK)?;
            let y = difference.f_div(&divisor)?;
            let (n, _, h, w) = x.size4()?;
            // ON beside OFF of each.
            let both = Tensor::f_stack(&[y.f_relu()?, y.f_neg()?.f_relu()?], 2)?;
            both.f_reshape([n, 6, h, w])?.f_to_kind(kind)
        })
    }
}

/// Convolves each channel, with its border reflected.
fn around(x: &Tensor, taps: &Tensor) -> Result<Tensor, TchError> {
    let (channels, side) = (taps.size()[0], taps.size()[3]);
    let padded = x.f_reflection_pad2d([side / 2; 4])?;
    padded.f_conv2d(&taps.f_to_kind(x.kind())?, None::<Tensor>, 1, 0, 1, channels)
}

/// Makes the product of taps along both axes, of sum 1, for three channels.
fn taps(along: &[f32], device: Device) -> Result<Tensor, TchError> {
    let side = i64::try_from(along.len()).unwrap_or(i64::MAX);
    let line = Tensor::f_from_slice(along)?;
    let line = line.f_div(&line.f_sum(Kind::Float)?)?;
    let square = line.f_outer(&line)?.f_reshape([1, 1, side, side])?;
    square.f_repeat([3, 1, 1, 1])?.f_to_device(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::{Drawn, close, single, values};

    /// The integer form of docs/components.md, on bytes.
    fn on_bytes(h: usize, w: usize, bytes: &[i64]) -> Vec<f64> {
        let reflect = |at: i64, length: usize| {
            let last = i64::try_from(length).expect("a length") - 1;
            usize::try_from(if at < 0 {
                -at
            } else if at > last {
                2 * last - at
            } else {
                at
            })
            .expect("inside")
        };
        let around = |value: &dyn Fn(usize, usize) -> i64, taps: &[i64], y: usize, x: usize| {
            let half = i64::try_from(taps.len() / 2).expect("a half");
            let mut sum = 0;
            for (ky, by_row) in (-half..).zip(taps) {
                for (kx, by_column) in (-half..).zip(taps) {
                    let row = reflect(i64::try_from(y).expect("a row") + ky, h);
                    let column = reflect(i64::try_from(x).expect("a column") + kx, w);
                    sum += by_row * by_column * value(row, column);
                }
            }
            sum
        };
        let (c, s) = ([1, 2, 1], [1, 2, 2, 2, 1]);
        let channel = |channel: usize| move |y: usize, x: usize| bytes[(channel * h + y) * w + x];
        let (red, green, blue) = (channel(0), channel(1), channel(2));
        let light = |y: usize, x: usize| red(y, x) + 2 * green(y, x) + blue(y, x);
        let yellow = |y: usize, x: usize| red(y, x) + green(y, x);
        let d = |y: usize, x: usize| {
            [
                4 * around(&light, &c, y, x) - around(&light, &s, y, x),
                16 * around(&red, &c, y, x) - 4 * around(&green, &s, y, x),
                16 * around(&blue, &c, y, x) - 2 * around(&yellow, &s, y, x),
            ]
        };
        let contrast = |y: usize, x: usize| d(y, x).iter().map(|d| d.abs()).sum::<i64>();
        let mut out = vec![0.0; 6 * h * w];
        for (y, x) in (0..h * w).map(|at| (at / w, at % w)) {
            let divisor = around(&light, &s, y, x) as f64 / 4.0
                + around(&contrast, &c, y, x) as f64 / 16.0
                + 256.0;
            for (i, d) in d(y, x).into_iter().enumerate() {
                out[(2 * i * h + y) * w + x] = (d.max(0) as f64) / divisor;
                out[((2 * i + 1) * h + y) * w + x] = ((-d).max(0) as f64) / divisor;
            }
        }
        out
    }

    #[test]
    fn floats_are_the_integer_form() {
        let (h, w) = (7, 9);
        let bytes: Vec<i64> = Drawn::new(11)
            .uniform(3 * h * w, 0.0, 256.0)
            .into_iter()
            .map(|value| value as i64)
            .collect();
        let light: Vec<f64> = bytes.iter().map(|&byte| byte as f64 / 255.0).collect();
        let retina = Retina::new(Device::Cpu).expect("a retina");
        let y = retina.forward(&single(&light, &[1, 3, h, w])).expect("a map");
        assert_eq!(y.size(), [1, 6, 7, 9]);
        close(&values(&y), &on_bytes(h, w, &bytes), 1e-5);
    }

    #[test]
    fn uniform_grey_is_silent_and_exposure_nearly_cancels() {
        let retina = Retina::new(Device::Cpu).expect("a retina");
        let grey = retina.forward(&single(&vec![0.5; 3 * 64], &[1, 3, 8, 8])).expect("a map");
        assert!(values(&grey).iter().all(|value| value.abs() < 1e-6));
        let light = Drawn::new(12).uniform(3 * 256, 0.1, 0.25);
        let of = |factor: f64| {
            let light: Vec<f64> = light.iter().map(|value| value * factor).collect();
            values(&retina.forward(&single(&light, &[1, 3, 16, 16])).expect("a map"))
        };
        let (bright, dim) = (of(4.0), of(1.0));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let cosine = dot(&bright, &dim) / (dot(&bright, &bright) * dot(&dim, &dim)).sqrt();
        assert!(cosine > 0.999, "{cosine}");
    }

    #[test]
    fn light_below_black_and_above_white_is_cut_off() {
        let retina = Retina::new(Device::Cpu).expect("a retina");
        let mut light = vec![0.0; 3 * 25];
        light[12] = -3.0;
        light[37] = 7.0;
        let cut: Vec<f64> = light.iter().map(|value: &f64| value.clamp(0.0, 1.0)).collect();
        let of = |light: &[f64]| values(&retina.forward(&single(light, &[1, 3, 5, 5])).expect("y"));
        assert_eq!(of(&light), of(&cut));
        assert!(of(&light).iter().all(|value| (0.0..4.0).contains(value)));
    }
}
