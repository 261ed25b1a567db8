//! Shapes at the edges of what the engine takes, run every time.

use lcl_infer::shape::{Border, MAX_KERNEL, MAX_STRIDE, WindowOperation, WindowPool};
use lcl_infer::{Architecture, ConvGeometry, ImageSize, LayerKind, PoolOrder};

use crate::conv::ConvCase;
use crate::draw::{Style, Values};
use crate::frame::{FrameCase, architecture};
use crate::pool::PoolCase;
use crate::window_pool::WindowPoolCase;

/// Convolutions, `[in_c, out_c, kernel, stride, padding]`, and the width and
/// height of their input.
const CONVOLUTIONS: &[([usize; 5], [usize; 2])] = &[
    // One pixel in, one out.
    ([1, 1, 1, 1, 0], [1, 1]),
    ([3, 5, 1, 8, 0], [1, 1]),
    // As narrow as reflection allows.
    ([1, 1, 2, 1, 0], [2, 2]),
    ([1, 3, 3, 1, 1], [2, 2]),
    ([2, 4, 5, 1, 2], [3, 3]),
    ([1, 17, 11, 4, 5], [6, 6]),
    ([1, 2, 15, 1, 7], [8, 8]),
    // Windows that overlap in one, two, three, four and five columns' steps,
    // around a tile of four pixels.
    ([1, 1, 3, 1, 1], [3, 2]),
    ([1, 1, 3, 1, 1], [4, 2]),
    ([1, 1, 3, 1, 1], [5, 2]),
    ([1, 1, 3, 1, 1], [9, 2]),
    // Channels around groups of four and sixteen.
    ([4, 4, 1, 1, 0], [3, 1]),
    ([16, 16, 1, 1, 0], [3, 1]),
    ([15, 15, 1, 1, 0], [3, 1]),
    ([17, 17, 1, 1, 0], [3, 1]),
    ([1, 33, 3, 1, 1], [3, 2]),
    ([2, 96, 2, 1, 0], [2, 2]),
    // Taps around where columns go in parts.
    ([24, 5, 4, 1, 1], [5, 3]),
    ([43, 3, 3, 1, 1], [4, 2]),
    ([8, 6, 7, 2, 3], [5, 4]),
    ([16, 7, 5, 1, 2], [5, 3]),
    ([2, 3, 15, 3, 7], [9, 8]),
    ([65, 2, 3, 1, 1], [4, 2]),
    // The published stages, with fewer channels out.
    ([3, 8, 11, 4, 5], [17, 6]),
    ([64, 12, 5, 1, 2], [4, 3]),
    // Windows that share as much as those of V2, in pairs and with one left.
    ([64, 11, 5, 1, 2], [5, 3]),
    ([64, 1, 5, 1, 2], [3, 3]),
    ([32, 2, 10, 2, 0], [14, 10]),
    // Windows that share nothing.
    ([16, 5, 1, 4, 0], [14, 2]),
    ([3, 5, 2, 5, 0], [17, 2]),
];

/// Widths, heights and channels of maps that are pooled.
const POOLS: &[[usize; 3]] = &[
    [1, 1, 1],
    [1, 1, 5],
    [2, 1, 3],
    [1, 2, 3],
    [2, 2, 16],
    [3, 3, 17],
    [4, 4, 15],
    [5, 5, 4],
    [6, 7, 64],
    [24, 3, 33],
];

/// Lengths of rows around the width of a register.
const ROWS: &[[usize; 2]] = &[
    [0, 0],
    [1, 1],
    [3, 0],
    [15, 15],
    [16, 16],
    [17, 17],
    [63, 64],
    [65, 64],
    [127, 127],
    [129, 129],
    [1536, 1536],
];

/// Two convolutions, in the order of [`CONVOLUTIONS`], each with a pool behind
/// it, and the size of an image.
const MODELS: &[([[usize; 5]; 2], [usize; 2])] = &[
    ([[3, 2, 1, 1, 0], [2, 3, 1, 1, 0]], [1, 1]),
    ([[3, 2, 1, 1, 0], [2, 3, 1, 1, 0]], [2, 5]),
    ([[3, 2, 3, 1, 1], [2, 3, 3, 1, 1]], [3, 3]),
    ([[3, 6, 11, 4, 5], [6, 9, 5, 1, 2]], [17, 17]),
    ([[3, 6, 11, 4, 5], [6, 9, 5, 1, 2]], [24, 20]),
];

/// Iterates over the convolutions, each in every style; nothing stands for one
/// that lcl-infer refuses.
pub(crate) fn convolutions() -> impl Iterator<Item = Option<ConvCase>> {
    let listed = CONVOLUTIONS.iter().map(|&(conv, size)| (conv, size));
    let kernels = (1..=MAX_KERNEL).map(|kernel| {
        let padding = (kernel - 1) / 2;
        let side = (kernel - 2 * padding).max(padding + 1);
        ([3, 5, kernel, 1, padding], [side + 1, side])
    });
    let strides = (1..=MAX_STRIDE).map(|stride| ([5, 3, 3, stride, 1], [4 * stride + 2, 3]));
    listed.chain(kernels).chain(strides).flat_map(|(conv, [width, height])| {
        let size = ImageSize { width, height };
        let conv = geometry(conv);
        Style::EDGES.map(|style| Some(ConvCase { conv: conv?, size, style }))
    })
}

/// Iterates over the maps, in each order of pooling, with any values and with
/// the largest.
pub(crate) fn pools() -> impl Iterator<Item = PoolCase> {
    POOLS.iter().flat_map(|&[width, height, channels]| {
        let size = ImageSize { width, height };
        let case = move |order, values| PoolCase { order, size, channels, values };
        PoolOrder::ALL
            .into_iter()
            .flat_map(move |order| [case(order, Values::Any), case(order, Values::Largest)])
    })
}

/// Iterates over the lengths of two rows.
pub(crate) fn rows() -> impl Iterator<Item = [usize; 2]> {
    ROWS.iter().copied()
}

/// Iterates over the models, in each order of pooling.
pub(crate) fn models() -> impl Iterator<Item = Option<FrameCase>> {
    MODELS.iter().flat_map(|&([first, second], [width, height])| {
        let size = ImageSize { width, height };
        PoolOrder::ALL.map(|order| {
            let conv = [geometry(first)?, geometry(second)?];
            Some(FrameCase::direct(two_areas(conv, order)?, size))
        })
    })
}

/// Iterates over plain pools, `[side, stride, padding]`, each with any values and
/// with the largest.
pub(crate) fn window_pools() -> impl Iterator<Item = Option<WindowPoolCase>> {
    const POOLS: [[usize; 3]; 7] =
        [[1, 1, 0], [1, 8, 0], [2, 2, 0], [3, 2, 1], [3, 1, 1], [6, 6, 0], [15, 8, 7]];
    let operations = WindowOperation::ALL.into_iter();
    let pools = operations.flat_map(|of| POOLS.iter().map(move |pool| (of, *pool)));
    pools.flat_map(|(of, [side, stride, padding])| {
        let pool = WindowPool::new(of, side, stride, padding);
        [(Values::Any, 5), (Values::Largest, 16)].map(|(values, channels)| {
            let pool = pool?;
            let size = ImageSize { width: pool.in_side(2), height: pool.min_side() };
            Some(WindowPoolCase { pool, size, channels, values })
        })
    })
}

/// Iterates over chains of other shapes.
pub(crate) fn chains() -> impl Iterator<Item = Option<FrameCase>> {
    let size = ImageSize { width: 9, height: 7 };
    let case =
        move |kinds: &[LayerKind]| Some(FrameCase::direct(architecture(kinds, u32::MAX)?, size));
    let zero = |numbers| Some(LayerKind::Conv(geometry(numbers)?.with_border(Border::Zero)));
    let pool = LayerKind::Pool(PoolOrder::MaxBlur);
    [
        // A pool of the image, convolutions that follow each other, one pool.
        case(&[pool]),
        zero([3, 4, 3, 1, 1]).and_then(|conv| case(&[conv])),
        zero([3, 4, 3, 2, 1])
            .zip(zero([4, 5, 5, 1, 2]))
            .and_then(|(first, second)| case(&[pool, first, second, pool])),
    ]
    .into_iter()
}

fn two_areas([first, second]: [ConvGeometry; 2], order: PoolOrder) -> Option<Architecture> {
    let pool = LayerKind::Pool(order);
    architecture(&[LayerKind::Conv(first), pool, LayerKind::Conv(second), pool], 0b1010)
}

fn geometry([in_c, out_c, kernel, stride, padding]: [usize; 5]) -> Option<ConvGeometry> {
    ConvGeometry::new(in_c, out_c, kernel, stride, padding)
}
