//! The matrices.
//!
//! Points are 0, 1, -1, 2, -2, ½, -½ and infinity, in this order, as many as a
//! transform has of them; infinity is always the last. Rows of points that are
//! fractions are scaled to whole numbers.

use super::transform::{DataMatrix, MAX_POINTS, MAX_TAPS, OutputMatrix, TapMatrix, Transform};

/// Points 0, 1, -1, infinity.
const DATA_4: DataMatrix = [
    [1, 0, -1, 0, 0, 0, 0, 0],
    [0, 1, 1, 0, 0, 0, 0, 0],
    [0, -1, 1, 0, 0, 0, 0, 0],
    [0, -1, 0, 1, 0, 0, 0, 0],
    [0; 8],
    [0; 8],
    [0; 8],
    [0; 8],
];

/// Points 0, ±1, ±2, infinity.
const DATA_6: DataMatrix = [
    [4, 0, -5, 0, 1, 0, 0, 0],
    [0, -4, -4, 1, 1, 0, 0, 0],
    [0, 4, -4, -1, 1, 0, 0, 0],
    [0, -2, -1, 2, 1, 0, 0, 0],
    [0, 2, -1, -2, 1, 0, 0, 0],
    [0, 4, 0, -5, 0, 1, 0, 0],
    [0; 8],
    [0; 8],
];

/// Points 0, ±1, ±2, ½, infinity.
const DATA_7: DataMatrix = [
    [4, -8, -5, 10, 1, -2, 0, 0],
    [0, -4, 4, 9, -1, -2, 0, 0],
    [0, 4, -12, 7, 3, -2, 0, 0],
    [0, -2, 3, 4, -3, -2, 0, 0],
    [0, 2, -5, 0, 5, -2, 0, 0],
    [0, -4, 0, 5, 0, -1, 0, 0],
    [0, -4, 8, 5, -10, -1, 2, 0],
    [0; 8],
];

/// Points 0, ±1, ±2, ±½, infinity.
const DATA_8: DataMatrix = [
    [4, 0, -21, 0, 21, 0, -4, 0],
    [0, -4, -4, 17, 17, -4, -4, 0],
    [0, 4, -4, -17, 17, 4, -4, 0],
    [0, -2, -1, 10, 5, -8, -4, 0],
    [0, 2, -1, -10, 5, 8, -4, 0],
    [0, -4, -8, 5, 10, -1, -2, 0],
    [0, 4, -8, -5, 10, 1, -2, 0],
    [0, -4, 0, 21, 0, -21, 0, 4],
];

/// F(2,3), at 0, ±1 and infinity: 4 products for 6.
pub static F2_3: Transform = Transform::proved(("F(2,3)", 2, 3), 2, DATA_4, taps(4, 3), SUMS_2_3);

/// F(4,3), at 0, ±1, ±2 and infinity: 6 products for 12.
pub static F4_3: Transform = Transform::proved(("F(4,3)", 4, 3), 24, DATA_6, taps(6, 3), SUMS_4_3);

/// F(6,3), at 0, ±1, ±2, ±½ and infinity: 8 products for 18.
pub static F6_3: Transform = Transform::proved(("F(6,3)", 6, 3), 360, DATA_8, taps(8, 3), SUMS_6_3);

/// F(2,5), at 0, ±1, ±2 and infinity: 6 products for 10.
pub static F2_5: Transform = Transform::proved(("F(2,5)", 2, 5), 24, DATA_6, taps(6, 5), SUMS_2_5);

/// F(3,5), at 0, ±1, ±2, ½ and infinity: 7 products for 15.
pub static F3_5: Transform = Transform::proved(("F(3,5)", 3, 5), 360, DATA_7, taps(7, 5), SUMS_3_5);

/// F(4,5), at 0, ±1, ±2, ±½ and infinity: 8 products for 20.
pub static F4_5: Transform = Transform::proved(("F(4,5)", 4, 5), 360, DATA_8, taps(8, 5), SUMS_4_5);

/// Every transform, in the order of their numbers in blobs, from 1 on.
pub static TRANSFORMS: [&Transform; 6] = [&F2_3, &F4_3, &F6_3, &F2_5, &F3_5, &F4_5];

/// The points but infinity, as a numerator and a denominator.
const POINTS: [[i16; 2]; MAX_POINTS - 1] =
    [[0, 1], [1, 1], [-1, 1], [2, 1], [-2, 1], [1, 2], [-1, 2]];

/// Returns the powers of the first `points` points, infinity among them: a row of
/// a fraction is multiplied by the last power of its denominator.
const fn taps(points: usize, taps: usize) -> TapMatrix {
    let mut matrix = [[0; MAX_TAPS]; MAX_POINTS];
    let mut p = 0;
    while p + 1 < points {
        let [numerator, denominator] = POINTS[p];
        let mut i = 0;
        while i < taps {
            let (mut power, mut at) = (1, 1);
            while at < taps {
                power *= if at <= i { numerator } else { denominator };
                at += 1;
            }
            matrix[p][i] = power;
            i += 1;
        }
        p += 1;
    }
    matrix[points - 1][taps - 1] = 1;
    matrix
}

const SUMS_2_3: OutputMatrix =
    [[2, 1, 1, 0, 0, 0, 0, 0], [0, 1, -1, 2, 0, 0, 0, 0], [0; 8], [0; 8], [0; 8], [0; 8]];

const SUMS_4_3: OutputMatrix = [
    [6, -4, -4, 1, 1, 0, 0, 0],
    [0, -4, 4, 2, -2, 0, 0, 0],
    [0, -4, -4, 4, 4, 0, 0, 0],
    [0, -4, 4, 8, -8, 24, 0, 0],
    [0; 8],
    [0; 8],
];

const SUMS_6_3: OutputMatrix = [
    [90, 20, 20, -1, -1, -32, -32, 0],
    [0, 20, -20, -2, 2, -16, 16, 0],
    [0, 20, 20, -4, -4, -8, -8, 0],
    [0, 20, -20, -8, 8, -4, 4, 0],
    [0, 20, 20, -16, -16, -2, -2, 0],
    [0, 20, -20, -32, 32, -1, 1, 90],
];

const SUMS_2_5: OutputMatrix =
    [[6, -4, -4, 1, 1, 0, 0, 0], [0, -4, 4, 2, -2, 24, 0, 0], [0; 8], [0; 8], [0; 8], [0; 8]];

const SUMS_3_5: OutputMatrix = [
    [90, 60, -20, -5, 3, -16, 0, 0],
    [0, 60, 20, -10, -6, -8, 0, 0],
    [0, 60, -20, -20, 12, -4, 180, 0],
    [0; 8],
    [0; 8],
    [0; 8],
];

const SUMS_4_5: OutputMatrix = [
    [90, 20, 20, -1, -1, -8, -8, 0],
    [0, 20, -20, -2, 2, -4, 4, 0],
    [0, 20, 20, -4, -4, -2, -2, 0],
    [0, 20, -20, -8, 8, -1, 1, 90],
    [0; 8],
    [0; 8],
];
