//! The matrices.
//!
//! Points are 0, 1, -1, 2, -2, ½, -½ and infinity, in this order, as many as a
//! transform has of them; infinity is always the last. Rows of points that are
//! fractions are scaled to whole numbers.

use super::transform::{DataMatrix, OutputMatrix, TapMatrix, Transform};

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
pub static F2_3: Transform = Transform::proved(("F(2,3)", 2, 3), 2, DATA_4, TAPS_3_AT_4, SUMS_2_3);

/// F(4,3), at 0, ±1, ±2 and infinity: 6 products for 12.
pub static F4_3: Transform = Transform::proved(("F(4,3)", 4, 3), 24, DATA_6, TAPS_3_AT_6, SUMS_4_3);

/// F(6,3), at 0, ±1, ±2, ±½ and infinity: 8 products for 18.
pub static F6_3: Transform =
    Transform::proved(("F(6,3)", 6, 3), 360, DATA_8, TAPS_3_AT_8, SUMS_6_3);

/// F(2,5), at 0, ±1, ±2 and infinity: 6 products for 10.
pub static F2_5: Transform = Transform::proved(("F(2,5)", 2, 5), 24, DATA_6, TAPS_5_AT_6, SUMS_2_5);

/// F(3,5), at 0, ±1, ±2, ½ and infinity: 7 products for 15.
pub static F3_5: Transform =
    Transform::proved(("F(3,5)", 3, 5), 360, DATA_7, TAPS_5_AT_7, SUMS_3_5);

/// F(4,5), at 0, ±1, ±2, ±½ and infinity: 8 products for 20.
pub static F4_5: Transform =
    Transform::proved(("F(4,5)", 4, 5), 360, DATA_8, TAPS_5_AT_8, SUMS_4_5);

/// Every transform.
pub static TRANSFORMS: [&Transform; 6] = [&F2_3, &F4_3, &F6_3, &F2_5, &F3_5, &F4_5];

const TAPS_3_AT_4: TapMatrix = [
    [1, 0, 0, 0, 0],
    [1, 1, 1, 0, 0],
    [1, -1, 1, 0, 0],
    [0, 0, 1, 0, 0],
    [0; 5],
    [0; 5],
    [0; 5],
    [0; 5],
];

const TAPS_3_AT_6: TapMatrix = [
    [1, 0, 0, 0, 0],
    [1, 1, 1, 0, 0],
    [1, -1, 1, 0, 0],
    [1, 2, 4, 0, 0],
    [1, -2, 4, 0, 0],
    [0, 0, 1, 0, 0],
    [0; 5],
    [0; 5],
];

const TAPS_3_AT_8: TapMatrix = [
    [1, 0, 0, 0, 0],
    [1, 1, 1, 0, 0],
    [1, -1, 1, 0, 0],
    [1, 2, 4, 0, 0],
    [1, -2, 4, 0, 0],
    [4, 2, 1, 0, 0],
    [4, -2, 1, 0, 0],
    [0, 0, 1, 0, 0],
];

const TAPS_5_AT_6: TapMatrix = [
    [1, 0, 0, 0, 0],
    [1, 1, 1, 1, 1],
    [1, -1, 1, -1, 1],
    [1, 2, 4, 8, 16],
    [1, -2, 4, -8, 16],
    [0, 0, 0, 0, 1],
    [0; 5],
    [0; 5],
];

const TAPS_5_AT_7: TapMatrix = [
    [1, 0, 0, 0, 0],
    [1, 1, 1, 1, 1],
    [1, -1, 1, -1, 1],
    [1, 2, 4, 8, 16],
    [1, -2, 4, -8, 16],
    [16, 8, 4, 2, 1],
    [0, 0, 0, 0, 1],
    [0; 5],
];

const TAPS_5_AT_8: TapMatrix = [
    [1, 0, 0, 0, 0],
    [1, 1, 1, 1, 1],
    [1, -1, 1, -1, 1],
    [1, 2, 4, 8, 16],
    [1, -2, 4, -8, 16],
    [16, 8, 4, 2, 1],
    [16, -8, 4, -2, 1],
    [0, 0, 0, 0, 1],
];

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
