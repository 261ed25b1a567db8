//! Plain pools: the maximum or the average of a window.

use lcl_infer::shape::{WindowOperation, WindowPool};
use tch::{TchError, Tensor};

use super::array::length;

/// `[N, C, H, W]` to `[N, C, out(H), out(W)]`. Zeros outside of the map count in
/// an average; a maximum leaves them out.
pub(super) fn window_pool(pool: WindowPool, x: &Tensor) -> Result<Tensor, TchError> {
    let [side, stride, padding] =
        [pool.side(), pool.stride(), pool.padding()].map(|count| [length(count); 2]);
    match pool.operation() {
        WindowOperation::Max => x.f_max_pool2d(side, stride, padding, [1, 1], false),
        WindowOperation::Average => x.f_avg_pool2d(side, stride, padding, false, true, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::array::{tensor, values};

    #[test]
    fn pools_by_hand() {
        let image: Vec<f32> = (1_u8..=16).map(f32::from).collect();
        let x = tensor(&image, &[1, 1, 4, 4], tch::Device::Cpu).expect("a tensor");
        let pooled = |operation, side, stride, padding| {
            let pool = WindowPool::new(operation, side, stride, padding).expect("valid");
            values(&window_pool(pool, &x).expect("pooled")).expect("values")
        };
        assert_eq!(pooled(WindowOperation::Max, 2, 2, 0), [6.0, 8.0, 14.0, 16.0]);
        assert_eq!(pooled(WindowOperation::Average, 4, 4, 0), [8.5]);
        // Four pixels of nine, 14 / 9.
        let corner = pooled(WindowOperation::Average, 3, 2, 1)[0];
        assert!((corner - 14.0 / 9.0).abs() < 1e-6, "{corner}");
    }
}
