//! The poolings by hand, on one channel.

use lcl_infer::kernels::{PoolStep, portable};
use lcl_infer::shape::pooled_side;
use lcl_infer::{ImageSize, PoolOrder, reference};

/// Pools a map of height and width 4 or 5.
#[track_caller]
fn check<const SIDE: usize, const OUT: usize>(
    order: PoolOrder,
    input: [[u8; SIDE]; SIDE],
    expected: [[u8; OUT]; OUT],
) {
    assert_eq!(OUT, pooled_side(SIDE));
    let mut out = [[0; OUT]; OUT];
    let size = ImageSize::square(SIDE);
    reference::pool_ref(order, size, 1, input.as_flattened(), out.as_flattened_mut());
    assert_eq!(out, expected);
}

/// One bright pixel in a corner of a dark map.
const CORNER: [[u8; 4]; 4] = [[128, 0, 0, 0], [0; 4], [0; 4], [0; 4]];

#[test]
fn maximum_alone() {
    check(PoolOrder::Max, CORNER, [[128, 0], [0, 0]]);
    let mut map = [[0; 5]; 5];
    (map[0][0], map[1][3], map[4][4]) = (1, 9, 5);
    check(PoolOrder::Max, map, [[1, 9, 9], [0, 9, 9], [0, 0, 5]]);
}

#[test]
fn maximum_then_blur() {
    // The maximum makes a square of 2×2 of the pixel. The blur sees 9, 3, 3
    // and 1 sixteenths of it.
    check(PoolOrder::MaxBlur, CORNER, [[72, 24], [24, 8]]);
    // Outside of an even map there is zero for the blur.
    check(PoolOrder::MaxBlur, [[240; 4]; 4], [[135, 180], [180, 240]]);
    // A map of odd side has its last window's middle at its end.
    check(PoolOrder::MaxBlur, [[240; 5]; 5], [[135, 180, 135], [180, 240, 180], [135, 180, 135]]);
}

#[test]
fn blur_then_maximum() {
    // The blur leaves 4, 2, 2 and 1 sixteenths of the pixel.
    check(PoolOrder::BlurMax, CORNER, [[32, 16], [16, 8]]);
    check(PoolOrder::BlurMax, [[240; 4]; 4], [[240, 240], [240, 240]]);
}

#[test]
fn ties_of_the_blur_round_up() {
    let mut sum = [0_u16; 1];
    let mut out = [0_u8; 1];
    // A single column of width 1: the blur weighs it by 2 of 4.
    (portable::KERNELS.pool.max_blur_row)(&[1], 1, &mut sum, PoolStep::Middle);
    assert_eq!(sum, [4]);
    (portable::KERNELS.pool.max_blur_row)(&[2], 1, &mut sum, PoolStep::Edge(&mut out));
    assert_eq!((sum, out), ([4], [1]));
}
