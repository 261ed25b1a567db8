//! A few cases whose expectations were written by hand.

use lcl_infer::kernels::{self, Kernels, PoolStep, RowWindow};
use lcl_infer::parameters::{Channel, Requant};
use lcl_infer::{ConvGeometry, ImageSize, PoolOrder};

use crate::conv::{Tables, compare};
use crate::memory::Memory;
use crate::mismatch::{Case, Fault, Mismatch, Operation, Shape};
use crate::pool::operation;

/// A convolution 3×3 of one channel to a row of three pixels.
struct Convolution {
    name: &'static str,
    /// The rows of the window, reflected at both ends.
    rows: [[u8; 5]; 3],
    weights: [[i8; 3]; 3],
    bias: i32,
    multiplier: i32,
    shift: u8,
    expected: [u8; 3],
}

const CONV: ConvGeometry = match ConvGeometry::new(1, 1, 3, 1, 1) {
    Some(conv) => conv,
    None => panic!("the engine runs it"),
};

/// With a shift of 31, half of the sum.
const HALF: i32 = 1 << 30;

const CONVOLUTIONS: &[Convolution] = &[
    Convolution {
        name: "each tap meets its pixel",
        rows: [[20, 10, 20, 30, 20], [1, 2, 3, 4, 5], [0, 0, 1, 0, 0]],
        weights: [[1, 2, 4], [0, 10, 0], [0, 0, 100]],
        bias: 0,
        multiplier: HALF,
        shift: 31,
        // 20 + 20 + 80 + 20 + 100, 10 + 40 + 120 + 30, 20 + 60 + 80 + 40
        expected: [120, 100, 100],
    },
    Convolution {
        name: "ties round up",
        rows: [[9; 5], [0, 1, 2, 3, 0], [9; 5]],
        weights: [[0; 3], [0, 1, 0], [0; 3]],
        bias: 0,
        multiplier: HALF,
        shift: 31,
        // 0.5, 1, 1.5
        expected: [1, 1, 2],
    },
    Convolution {
        name: "ties of a shift of 33 round up",
        rows: [[9; 5], [0, 12, 20, 19, 0], [9; 5]],
        weights: [[0; 3], [0, 1, 0], [0; 3]],
        bias: 0,
        multiplier: HALF,
        shift: 33,
        // 1.5, 2.5, 2.375
        expected: [2, 3, 2],
    },
    Convolution {
        name: "below zero is zero",
        rows: [[9; 5], [0, 1, 255, 2, 0], [9; 5]],
        weights: [[0; 3], [0, -1, 0], [0; 3]],
        bias: 2,
        multiplier: HALF,
        shift: 31,
        // 0.5, -126.5, 0
        expected: [1, 0, 0],
    },
    Convolution {
        name: "above a byte is 255",
        rows: [[9; 5], [0, 255, 4, 5, 0], [9; 5]],
        weights: [[0; 3], [0, 127, 0], [0; 3]],
        bias: 0,
        multiplier: HALF,
        shift: 31,
        // 16192.5, 254, 317.5
        expected: [255, 254, 255],
    },
    Convolution {
        name: "a sum beyond 16 bits",
        rows: [[255; 5]; 3],
        weights: [[127; 3]; 3],
        bias: 0,
        multiplier: HALF,
        shift: 41,
        // 291465 / 2048 = 142.3
        expected: [142; 3],
    },
    Convolution {
        name: "the last accumulator of 32 bits",
        rows: [[9; 5], [255; 5], [9; 5]],
        weights: [[0; 3], [0, 127, 0], [0; 3]],
        bias: i32::MAX - 127 * 255,
        multiplier: HALF,
        shift: 54,
        // (2^31 - 1) · 2^30 / 2^54 = 127.99…
        expected: [128; 3],
    },
    Convolution {
        name: "the smallest ratio",
        rows: [[9; 5], [0, 255, 255, 0, 0], [9; 5]],
        weights: [[0; 3], [0, -127, 0], [0; 3]],
        bias: i32::MAX - 127 * 255,
        multiplier: HALF,
        shift: 62,
        // A little below 0.5.
        expected: [0; 3],
    },
];

/// A map of 4×4 pixels of which the first is 128, pooled.
const PIXELS: [(PoolOrder, [[u8; 2]; 2]); 3] = [
    (PoolOrder::Max, [[128, 0], [0, 0]]),
    // A square of 2×2, of which the blur sees 9, 3, 3 and 1 sixteenths.
    (PoolOrder::MaxBlur, [[72, 24], [24, 8]]),
    // 4, 2, 2 and 1 sixteenths, of which the largest are taken.
    (PoolOrder::BlurMax, [[32, 16], [16, 8]]),
];

/// A row, another, and their maximum.
const MAXIMUM: [[u8; 6]; 3] =
    [[0, 127, 128, 255, 7, 9], [255, 128, 127, 0, 7, 8], [255, 128, 128, 255, 7, 9]];

/// Runs the cases, and returns how many there are and the bytes compared.
pub(crate) fn run(kernels: &Kernels, memory: &mut Memory) -> Result<[usize; 2], Mismatch> {
    let mismatch =
        |operation, name, shape| move |fault| mismatch(kernels, operation, name, shape, fault);
    let mut compared = 0;
    for case in CONVOLUTIONS {
        let shape = Shape::Rows { row: case.expected.len(), other: case.rows[0].len() };
        compared += convolve(kernels, memory, case).map_err(mismatch(
            Operation::Conv2dRow,
            case.name,
            shape,
        ))?;
    }
    for (order, expected) in PIXELS {
        let shape = Shape::Pool { order, size: ImageSize::square(4), channels: 1 };
        compared += pool(kernels, order, expected).map_err(mismatch(
            operation(order),
            "one bright pixel",
            shape,
        ))?;
    }
    let [row, other, expected] = MAXIMUM;
    let mut got = row;
    (kernels.pool.max_rows)(&mut got, &other);
    let shape = Shape::Rows { row: row.len(), other: other.len() };
    compare(&expected, &got, 0, 1).map_err(mismatch(Operation::MaxRows, "unsigned", shape))?;
    Ok([CONVOLUTIONS.len() + PIXELS.len() + 1, compared + got.len()])
}

fn mismatch(
    kernels: &Kernels,
    operation: Operation,
    name: &'static str,
    shape: Shape,
    fault: Fault,
) -> Mismatch {
    Mismatch { kernels: kernels.name, operation, case: Case::Hand(name), shape, fault }
}

fn convolve(kernels: &Kernels, memory: &mut Memory, case: &Convolution) -> Result<usize, Fault> {
    let requant = Requant::new(case.multiplier, case.shift).ok_or(Fault::Refused)?;
    let channels = [Channel { bias: case.bias, requant }];
    let tables = Tables { packed: &mut *memory.packed, words: &mut *memory.words };
    let conv2d =
        tables.conv2d(CONV, case.weights.as_flattened(), &channels).ok_or(Fault::Refused)?;
    let scratch = memory.scratch.part(0, kernels::scratch_len(&CONV)).ok_or(Fault::Refused)?;
    let window = RowWindow::new(case.rows.iter().map(|row| &row[..]));
    let mut out = [0; 3];
    (kernels.conv.conv2d_row)(&conv2d, &window, &mut out, scratch);
    compare(&case.expected, &out, 0, 1)?;
    Ok(out.len())
}

fn pool(kernels: &Kernels, order: PoolOrder, expected: [[u8; 2]; 2]) -> Result<usize, Fault> {
    const BRIGHT: [u8; 4] = [128, 0, 0, 0];
    const DARK: [u8; 4] = [0; 4];
    let mut partial = [0; 2];
    let mut out = [[0; 2]; 2];
    let rows: [[&[u8]; 3]; 4] = [
        [&DARK, &BRIGHT, &DARK],
        [&BRIGHT, &DARK, &DARK],
        [&DARK, &DARK, &DARK],
        [&DARK, &DARK, &DARK],
    ];
    for (y, [above, row, below]) in rows.into_iter().enumerate() {
        let step = match out.get_mut(y / 2) {
            Some(out) if y % 2 == 1 => PoolStep::Edge(out),
            _ => PoolStep::Middle,
        };
        match order {
            PoolOrder::MaxBlur => {
                let bright = [above, row, below].contains(&&BRIGHT[..]);
                let largest = if bright { BRIGHT } else { DARK };
                (kernels.pool.max_blur_row)(&largest, 1, &mut partial, step);
            }
            PoolOrder::BlurMax => {
                (kernels.pool.blur_max_row)([above, row, below], 1, &mut partial, step);
            }
            PoolOrder::Max => (kernels.pool.max_row)(row, 1, &mut partial, step),
        }
    }
    for (y, (expected, out)) in expected.iter().zip(&out).enumerate() {
        compare(expected, out, y, 1)?;
    }
    Ok(out.as_flattened().len())
}
