//! The three orders of pooling.

use lcl_infer::PoolOrder;
use tch::{Device, Kind, TchError, Tensor};

use super::array::{length, tensor};

/// The binomial blur `[1 2 1] ⊗ [1 2 1] / 16`.
const BINOMIAL: [f32; 9] = [
    1.0 / 16.0,
    2.0 / 16.0,
    1.0 / 16.0,
    2.0 / 16.0,
    4.0 / 16.0,
    2.0 / 16.0,
    1.0 / 16.0,
    2.0 / 16.0,
    1.0 / 16.0,
];

/// Pooling with window 3 and stride 2.
#[derive(Debug)]
pub(super) struct Pool {
    order: PoolOrder,
    channels: i64,
    /// `[C, 1, 3, 3]`
    blur: Tensor,
}

impl Pool {
    pub(super) fn new(order: PoolOrder, channels: usize, device: Device) -> Result<Self, TchError> {
        let blur = tensor(&BINOMIAL.repeat(channels), &[channels, 1, 3, 3], device)?;
        Ok(Self { order, channels: length(channels), blur })
    }

    /// `[N, C, H, W]` to `[N, C, ⌈H/2⌉, ⌈W/2⌉]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        match self.order {
            PoolOrder::MaxBlur => self.blurred(&maximum(x, 1)?, 2),
            PoolOrder::BlurMax => maximum(&self.blurred(x, 1)?, 2),
            PoolOrder::Max => maximum(x, 2),
        }
    }

    /// Zeros lie outside.
    ///
    /// libtorch's gradient of this convolution is some twenty times slower in
    /// bfloat16 than in 32 bits on a CPU, so that it is taken in 32 bits.
    fn blurred(&self, x: &Tensor, stride: i64) -> Result<Tensor, TchError> {
        let kind = x.kind();
        let slow = kind == Kind::BFloat16 && x.requires_grad();
        let inner = if slow { Kind::Float } else { kind };
        let (x, blur) = (x.f_to_kind(inner)?, self.blur.f_to_kind(inner)?);
        x.f_conv2d(&blur, None::<Tensor>, [stride, stride], [1, 1], [1, 1], self.channels)?
            .f_to_kind(kind)
    }
}

/// Negative infinity lies outside.
fn maximum(x: &Tensor, stride: i64) -> Result<Tensor, TchError> {
    x.f_max_pool2d([3, 3], [stride, stride], [1, 1], [1, 1], false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::values;

    #[track_caller]
    fn check(order: PoolOrder, side: usize, image: &[f32], expected: &[f32]) {
        let pooled = || {
            let x = tensor(image, &[1, 1, side, side], Device::Cpu)?;
            values(&Pool::new(order, 1, Device::Cpu)?.forward(&x)?)
        };
        assert_eq!(pooled().expect("a pooled map"), expected, "{order:?}");
    }

    #[test]
    fn orders_differ_on_a_corner() {
        let mut image = [0.0; 16];
        image[0] = 16.0;
        // The maximum fills the 2×2 corner; the blur weighs it from outside.
        check(PoolOrder::MaxBlur, 4, &image, &[9.0, 3.0, 3.0, 1.0]);
        check(PoolOrder::BlurMax, 4, &image, &[4.0, 2.0, 2.0, 1.0]);
        check(PoolOrder::Max, 4, &image, &[16.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn odd_sides_are_rounded_up() {
        let image = [1.0; 9];
        check(PoolOrder::MaxBlur, 3, &image, &[0.5625; 4]);
        check(PoolOrder::Max, 3, &image, &[1.0; 4]);
    }
}
