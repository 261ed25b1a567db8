//! The kernels of the colour-opponent retina.

use super::{Contrasts, IN_C, OUT_C, Opponent, energy, packed, unpacked};
use crate::kernels::RowWindow;

/// The colour-opponent retina, a row at a call.
#[derive(Clone, Copy, Debug)]
pub struct OpponentKernels {
    /// The contrasts of one row, `[W]`, of five rows of the image with their
    /// borders, `[1, W + 4, 3]`.
    pub contrasts_row: fn(window: &RowWindow<'_>, contrasts: &mut [Contrasts]),
    /// One row of the output, `[1, W, 6]`, of the contrasts of three rows.
    pub divide_row: fn(retina: &Opponent, rows: [&[Contrasts]; 3], out: &mut [u8]),
}

impl OpponentKernels {
    /// Those of any machine.
    pub(crate) const PORTABLE: Self = Self { contrasts_row, divide_row };
}

/// Sums of one column: of red in the lower 16 bits and blue in the upper, and of
/// green.
#[derive(Clone, Copy, Default)]
struct Column {
    red_blue: u32,
    green: u32,
}

impl Column {
    #[inline]
    fn plus(self, other: Self) -> Self {
        // Neither half overflows: 64 · 255 fits 16 bits.
        Self {
            red_blue: self.red_blue.wrapping_add(other.red_blue),
            green: self.green.wrapping_add(other.green),
        }
    }

    #[inline]
    fn twice(self) -> Self {
        self.plus(self)
    }

    #[inline]
    fn of(pixel: &[u8]) -> Self {
        let &[red, green, blue] = pixel else { return Self::default() };
        Self { red_blue: u32::from(red) | u32::from(blue) << 16, green: green.into() }
    }
}

fn contrasts_row(window: &RowWindow<'_>, contrasts: &mut [Contrasts]) {
    let &[above, top, middle, bottom, below] = window.rows() else {
        return;
    };
    // Sums of the last columns, the newest last: of the centre, 1 2 1, and of the
    // surround, 1 2 2 2 1, down the rows; the latter of pairs of columns.
    let mut centres = [Column::default(); 4];
    let mut before = Column::default();
    let mut pairs = [Column::default(); 4];
    let mut places = contrasts.iter_mut();
    let mut seen = 0_u32;
    let [above, top, middle, bottom, below] =
        [above, top, middle, bottom, below].map(|row| row.chunks_exact(IN_C));
    let rows = above.zip(top).zip(middle).zip(bottom).zip(below);
    for ((((first, second), third), fourth), fifth) in rows {
        let [first, second, third] = [first, second, third].map(Column::of);
        let [fourth, fifth] = [fourth, fifth].map(Column::of);
        let sides = second.plus(fourth);
        let centre = sides.plus(third.twice());
        let surround = first.plus(fifth).plus(sides.plus(third).twice());
        let [_, a, b, c] = centres;
        centres = [a, b, c, centre];
        let [_, p, q, r] = pairs;
        pairs = [p, q, r, before.plus(surround)];
        before = surround;
        seen = seen.saturating_add(1);
        if seen < 5 {
            continue;
        }
        let Some(place) = places.next() else { return };
        // Columns 1 to 3 of five, and 1 2 2 2 1 as four pairs.
        let [left, middle, right, _] = centres;
        let centre = left.plus(right).plus(middle.twice());
        let [p, q, r, s] = pairs;
        let surround = p.plus(q).plus(r.plus(s));
        #[expect(clippy::cast_possible_wrap, reason = "16 bits each")]
        let split = |sums: Column| {
            [sums.red_blue, sums.green, sums.red_blue >> 16].map(|sum| (sum & 0xffff) as i32)
        };
        let ([cr, cg, cb], [sr, sg, sb]) = (split(centre), split(surround));
        let light = sr + 2 * sg + sb;
        let contrasts = [4 * (cr + 2 * cg + cb) - light, 16 * cr - 4 * sg, 16 * cb - 2 * (sr + sg)];
        *place = packed(contrasts, light.unsigned_abs());
    }
}

fn divide_row(retina: &Opponent, rows: [&[Contrasts]; 3], out: &mut [u8]) {
    let [above, row, below] = rows;
    let (gain, offset) = (16 * u32::from(retina.gain()), 16 * u32::from(retina.offset()));
    let mut down = above.iter().zip(row).zip(below).map(|((above, row), below)| {
        energy(*above).wrapping_add(energy(*below)).wrapping_add(energy(*row).wrapping_mul(2))
    });
    // Reflected without the edge: left of the first pixel is the second.
    let mut middle = down.next().unwrap_or_default();
    let mut right = down.next().unwrap_or_default();
    let mut left = right;
    for (&contrasts, out) in row.iter().zip(out.chunks_exact_mut(OUT_C)) {
        let [.., light] = contrasts;
        let local = left.wrapping_add(right).wrapping_add(middle.wrapping_mul(2));
        let d = local.wrapping_add(4 * u32::from(light)).wrapping_add(offset).max(1);
        for ((size, negative), out) in unpacked(contrasts).into_iter().zip(out.chunks_exact_mut(2))
        {
            let quotient = gain.wrapping_mul(size).wrapping_add(d >> 1) / d;
            let byte = if quotient > 255 { 255 } else { (quotient & 255) as u8 };
            if let [on, off] = out {
                (*on, *off) = if negative { (0, byte) } else { (byte, 0) };
            }
        }
        let after = down.next().unwrap_or(middle);
        (left, middle, right) = (middle, right, after);
    }
}
