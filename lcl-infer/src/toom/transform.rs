//! Transforms as integer matrices, each proved when the crate is compiled.
//!
//! `docs/toom-cook.md` derives them.

use super::matrices::TRANSFORMS;

/// Most points of a transform, and most values that a tile reads.
pub const MAX_POINTS: usize = 8;

/// Most taps of a transform.
pub const MAX_TAPS: usize = 5;

/// Most neighbouring outputs that a transform gives.
pub const MAX_OUTPUTS: usize = 6;

/// A matrix from the values that a tile reads to its points, `Bᵀ`.
pub type DataMatrix = [[i16; MAX_POINTS]; MAX_POINTS];

/// A matrix from taps to points, `G`.
pub type TapMatrix = [[i16; MAX_TAPS]; MAX_POINTS];

/// A matrix from points to outputs, `Aᵀ`.
pub type OutputMatrix = [[i32; MAX_POINTS]; MAX_OUTPUTS];

/// F(m, r): `m` neighbouring outputs of a row of `r` taps with `m + r - 1`
/// products in place of `m · r`.
///
/// For values `d` and taps `g`, `Aᵀ [(G g) ⊙ (Bᵀ d)]` is `scale` times the
/// outputs `y_j = Σ_i d_{j+i} · g_i`, in whole numbers. One can only be had from
/// the constants of this module, which the compiler has checked.
#[derive(Debug)]
pub struct Transform {
    name: &'static str,
    outputs: usize,
    taps: usize,
    data: DataMatrix,
    weights: TapMatrix,
    folded: OutputMatrix,
    shift: u32,
}

/// The same transform.
impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        (self.outputs, self.taps) == (other.outputs, other.taps)
    }
}

impl Eq for Transform {}

impl Transform {
    /// Makes a transform of matrices whose rows and columns beyond its size are
    /// zero. It is evaluated by the compiler alone, which stops where a
    /// transform is not exact or a number does not fit.
    pub(super) const fn proved(
        (name, outputs, taps): (&'static str, usize, usize),
        scale: i32,
        data: DataMatrix,
        weights: TapMatrix,
        sums: OutputMatrix,
    ) -> Self {
        let points = outputs + taps - 1;
        assert!(points <= MAX_POINTS && taps <= MAX_TAPS && outputs <= MAX_OUTPUTS);
        assert!(is_exact(outputs, taps, scale, &data, &weights, &sums));
        assert!(widest_data(&data) <= i16::MAX as i32);
        assert!(widest_weight(&weights) <= i16::MAX as i32);
        // A pair of products, which some machines add before they accumulate.
        assert!(2 * widest_data(&data) as i64 * widest_weight(&weights) as i64 <= i32::MAX as i64);
        let shift = scale.trailing_zeros();
        let folded = times(sums, inverse(scale >> shift));
        Self { name, outputs, taps, data, weights, folded, shift }
    }

    /// Returns the transform of that number in blobs, or `None` if there is none;
    /// 0 is the number of weights that are not transformed.
    #[must_use]
    pub fn from_number(number: u32) -> Option<&'static Self> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        TRANSFORMS.get(index).copied()
    }

    /// Returns its number in blobs.
    #[must_use]
    pub fn number(&self) -> u32 {
        let mut numbered = (1..).zip(TRANSFORMS);
        numbered.find(|(_, transform)| *transform == self).map_or(0, |(number, _)| number)
    }

    /// Returns the name, such as `F(4,5)`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns `m`, the outputs of a tile.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Returns `r`, the taps.
    #[must_use]
    pub const fn taps(&self) -> usize {
        self.taps
    }

    /// Returns `m + r - 1`: the products of a tile, and the values it reads.
    #[must_use]
    pub const fn points(&self) -> usize {
        self.outputs + self.taps - 1
    }

    /// Returns `Bᵀ`: a row for each point.
    #[must_use]
    pub const fn data(&self) -> &DataMatrix {
        &self.data
    }

    /// Returns `G`: a row for each point.
    #[must_use]
    pub const fn weights(&self) -> &TapMatrix {
        &self.weights
    }

    /// Returns `Aᵀ` times the inverse of the odd part of the scale, modulo
    /// 2^32: a row for each output. It gives `2^shift` times the outputs.
    #[must_use]
    pub const fn folded(&self) -> &OutputMatrix {
        &self.folded
    }

    /// Returns the power of two in the scale, which remains to be shifted out.
    #[must_use]
    pub const fn shift(&self) -> u32 {
        self.shift
    }

    /// Returns the largest magnitude of a sum, without its bias, that comes out
    /// right: the sums themselves wrap.
    #[must_use]
    pub const fn largest_sum(&self) -> u64 {
        (1 << (31 - (self.shift & 31))) - 1
    }
}

/// Returns whether `Σ_p sums[j][p] · weights[p][i] · data[p][t]` is `scale`
/// where `t = j + i`, and else 0: then the outputs are right for all values and
/// all taps.
const fn is_exact(
    outputs: usize,
    taps: usize,
    scale: i32,
    data: &DataMatrix,
    weights: &TapMatrix,
    sums: &OutputMatrix,
) -> bool {
    let (mut j, mut exact) = (0, scale > 0);
    while j < outputs {
        let mut i = 0;
        while i < taps {
            let mut t = 0;
            while t < MAX_POINTS {
                let (mut p, mut sum) = (0, 0);
                while p < MAX_POINTS {
                    sum += sums[j][p] * weights[p][i] as i32 * data[p][t] as i32;
                    p += 1;
                }
                exact &= sum == if t == j + i { scale } else { 0 };
                t += 1;
            }
            i += 1;
        }
        j += 1;
    }
    exact
}

/// Returns the largest magnitude of a transformed value, for bytes.
const fn widest_data(matrix: &DataMatrix) -> i32 {
    let (mut p, mut widest) = (0, 0);
    while p < MAX_POINTS {
        let (mut t, mut above, mut below) = (0, 0, 0);
        while t < MAX_POINTS {
            let entry = u8::MAX as i32 * matrix[p][t] as i32;
            if entry > 0 {
                above += entry;
            } else {
                below -= entry;
            }
            t += 1;
        }
        let wider = if above > below { above } else { below };
        widest = if wider > widest { wider } else { widest };
        p += 1;
    }
    widest
}

/// Returns the largest magnitude of a transformed weight, for weights in
/// `[-127, 127]`.
const fn widest_weight(matrix: &TapMatrix) -> i32 {
    let (mut p, mut widest) = (0, 0);
    while p < MAX_POINTS {
        let (mut i, mut sum) = (0, 0);
        while i < MAX_TAPS {
            sum += i8::MAX as i32 * (matrix[p][i] as i32).abs();
            i += 1;
        }
        widest = if sum > widest { sum } else { widest };
        p += 1;
    }
    widest
}

/// Returns the inverse of an odd number modulo 2^32.
const fn inverse(odd: i32) -> i32 {
    assert!(odd & 1 == 1);
    // Each step doubles the digits that are right, three to begin with.
    let (mut x, mut step) = (odd, 0);
    while step < 4 {
        x = x.wrapping_mul(2_i32.wrapping_sub(odd.wrapping_mul(x)));
        step += 1;
    }
    assert!(odd.wrapping_mul(x) == 1);
    x
}

/// Returns a matrix times a number, modulo 2^32.
const fn times(mut matrix: OutputMatrix, factor: i32) -> OutputMatrix {
    let mut j = 0;
    while j < MAX_OUTPUTS {
        let mut p = 0;
        while p < MAX_POINTS {
            matrix[j][p] = matrix[j][p].wrapping_mul(factor);
            p += 1;
        }
        j += 1;
    }
    matrix
}
