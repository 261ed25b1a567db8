//! Pooling of rows `[1, W, C]`, four channels at a time in 32-bit words.
//!
//! Each group of channels walks along the row, so that every value is read
//! once and what neighbouring windows share is computed once. What is left of
//! the channels behind the last four goes one by one, in the same way.

use super::PoolStep;
use crate::shape::MAX_CHANNELS;

/// Channels of a word.
const LANES: usize = 4;

/// What machines do in ways of their own.
pub(super) trait Lanes {
    /// Returns the larger of each pair of bytes.
    fn max(a: u32, b: u32) -> u32;
}

/// Bytes in the plain integers of any machine.
pub(super) enum Portable {}

impl Lanes for Portable {
    #[inline]
    fn max(a: u32, b: u32) -> u32 {
        const TOP: u32 = 0x8080_8080;
        // The top bit of each byte tells whether the lower bits of `a` are at
        // least those of `b`, and then whether all of `a` is.
        let lower = (a | TOP) - (b & !TOP);
        let at_least = ((a & !b) | (!(a ^ b) & lower)) & TOP;
        let mask = (at_least >> 7).wrapping_mul(0xff);
        b ^ ((a ^ b) & mask)
    }
}

/// `row = max(row, other)`, as [`super::PoolKernels::max_rows`].
pub(super) fn max_rows<M: Lanes>(row: &mut [u8], other: &[u8]) {
    let mut words = row.chunks_exact_mut(LANES);
    let mut others = other.chunks_exact(LANES);
    for (word, other) in (&mut words).zip(&mut others) {
        store::<LANES>(word, M::max(load::<LANES>(word), load::<LANES>(other)));
    }
    for (value, &other) in words.into_remainder().iter_mut().zip(others.remainder()) {
        *value = (*value).max(other);
    }
}

/// One order of pooling.
pub(super) trait Pooling {
    /// What it reads of the map: one row or three.
    type Rows<'r>: Copy;

    /// Pools `N` channels, 1 or [`LANES`], from `c` on.
    fn pool<M: Lanes, const N: usize>(
        rows: Self::Rows<'_>,
        channels: usize,
        c: usize,
        partial: &mut [u16],
        step: PoolStep<'_>,
    );
}

/// Pools a row, as the functions of [`super::PoolKernels`] do.
pub(super) fn pool_row<P: Pooling, M: Lanes>(
    rows: P::Rows<'_>,
    channels: usize,
    partial: &mut [u16],
    mut step: PoolStep<'_>,
) {
    let channels = if channels <= MAX_CHANNELS { channels } else { 0 };
    let mut c = 0;
    while c < channels {
        let step = match &mut step {
            PoolStep::Middle => PoolStep::Middle,
            PoolStep::Edge(out) => PoolStep::Edge(out),
        };
        if c + LANES <= channels {
            P::pool::<M, LANES>(rows, channels, c, partial, step);
            c += LANES;
        } else {
            P::pool::<M, 1>(rows, channels, c, partial, step);
            c += 1;
        }
    }
}

/// The maximum over columns and the blur, as [`super::PoolKernels::max_blur_row`].
pub(super) enum MaxBlur {}

impl Pooling for MaxBlur {
    type Rows<'r> = &'r [u8];

    fn pool<M: Lanes, const N: usize>(
        row: &[u8],
        channels: usize,
        c: usize,
        sum: &mut [u16],
        step: PoolStep<'_>,
    ) {
        let mut columns = columns::<N>(row, channels, c);
        // Zero is what the blur sees outside of the map, and no byte is below it.
        let (mut before, mut left) = (0, Pairs::ZERO);
        let mut middle = columns.next().unwrap_or(0);
        fold::<M, N>(channels, c, sum, step, Op::Add, || {
            let right = columns.next();
            let after = columns.next().unwrap_or(0);
            let both = M::max(middle, right.unwrap_or(0));
            let largest = Pairs::split(M::max(before, both));
            let next = match right {
                Some(_) => Pairs::split(M::max(both, after)),
                None => Pairs::ZERO,
            };
            let blurred = left.plus(largest.twice()).plus(next);
            (before, left, middle) = (right.unwrap_or(0), next, after);
            blurred
        });
    }
}

/// The blur and the maximum, as [`super::PoolKernels::blur_max_row`].
pub(super) enum BlurMax {}

impl Pooling for BlurMax {
    type Rows<'r> = [&'r [u8]; 3];

    fn pool<M: Lanes, const N: usize>(
        rows: [&[u8]; 3],
        channels: usize,
        c: usize,
        largest: &mut [u16],
        step: PoolStep<'_>,
    ) {
        let [above, row, below] = rows.map(|row| columns::<N>(row, channels, c));
        let mut sums = above.zip(row).zip(below).map(|((above, row), below)| {
            Pairs::split(above).plus(Pairs::split(row).twice()).plus(Pairs::split(below))
        });
        let (mut before, mut left) = (Pairs::ZERO, 0);
        let mut middle = sums.next().unwrap_or(Pairs::ZERO);
        fold::<M, N>(channels, c, largest, step, Op::Max, || {
            let right = sums.next();
            let after = sums.next().unwrap_or(Pairs::ZERO);
            let beside = right.unwrap_or(Pairs::ZERO);
            let blurred = before.plus(middle.twice()).plus(beside).round();
            let next = match right {
                Some(right) => middle.plus(right.twice()).plus(after).round(),
                None => 0,
            };
            let value = M::max(M::max(left, blurred), next);
            (before, left, middle) = (beside, next, after);
            Pairs::split(value)
        });
    }
}

/// The maximum alone, as [`super::PoolKernels::max_row`].
pub(super) enum Max {}

impl Pooling for Max {
    type Rows<'r> = &'r [u8];

    fn pool<M: Lanes, const N: usize>(
        row: &[u8],
        channels: usize,
        c: usize,
        largest: &mut [u16],
        step: PoolStep<'_>,
    ) {
        let mut columns = columns::<N>(row, channels, c);
        let mut left = 0;
        fold::<M, N>(channels, c, largest, step, Op::Max, || {
            let middle = columns.next().unwrap_or(0);
            let right = columns.next().unwrap_or(0);
            let value = M::max(M::max(left, middle), right);
            left = right;
            Pairs::split(value)
        });
    }
}

/// Values of 16 bits in two words: of lanes 0 and 2, and of lanes 1 and 3.
#[derive(Clone, Copy)]
struct Pairs {
    even: u32,
    odd: u32,
}

impl Pairs {
    const ZERO: Self = Self { even: 0, odd: 0 };
    const BYTES: u32 = 0x00ff_00ff;

    #[inline]
    fn split(word: u32) -> Self {
        Self { even: word & Self::BYTES, odd: (word >> 8) & Self::BYTES }
    }

    /// Adds lane by lane; the blur's sums stay below 2^12.
    #[inline]
    fn plus(self, other: Self) -> Self {
        Self { even: self.even.wrapping_add(other.even), odd: self.odd.wrapping_add(other.odd) }
    }

    #[inline]
    fn twice(self) -> Self {
        Self { even: self.even << 1, odd: self.odd << 1 }
    }

    /// Makes bytes of the blur's sums, as [`round_blur`].
    #[inline]
    fn round(self) -> u32 {
        const HALF: u32 = 0x0008_0008;
        let even = (self.even.wrapping_add(HALF) >> 4) & Self::BYTES;
        let odd = (self.odd.wrapping_add(HALF) >> 4) & Self::BYTES;
        even | odd << 8
    }

    /// Makes one word of values that are bytes.
    #[inline]
    fn join(self) -> u32 {
        self.even | self.odd << 8
    }

    #[inline]
    fn load<const N: usize>(values: &[u16]) -> Self {
        match values.try_into() {
            Ok(values) if N == LANES => {
                let [first, second]: [u32; 2] = bytemuck::cast::<[u16; LANES], _>(values);
                let even = (first & 0xffff) | second << 16;
                Self { even, odd: first >> 16 | (second & 0xffff_0000) }
            }
            _ => Self { even: values.first().copied().unwrap_or_default().into(), odd: 0 },
        }
    }

    #[inline]
    fn store<const N: usize>(self, values: &mut [u16]) {
        match values.try_into() {
            Ok(values) if N == LANES => {
                let first = (self.even & 0xffff) | self.odd << 16;
                let second = self.even >> 16 | (self.odd & 0xffff_0000);
                let values: &mut [u16; LANES] = values;
                *values = bytemuck::cast([first, second]);
            }
            _ => {
                if let Some(value) = values.first_mut() {
                    *value = (self.even & 0xffff) as u16;
                }
            }
        }
    }
}

/// What becomes of a partial result.
#[derive(Clone, Copy)]
enum Op {
    /// The blur: the middle row counts twice, and the sum is rounded.
    Add,
    Max,
}

/// Folds what `column` returns for each pooled column into the partial row.
#[inline]
fn fold<M: Lanes, const N: usize>(
    channels: usize,
    c: usize,
    partial: &mut [u16],
    step: PoolStep<'_>,
    op: Op,
    mut column: impl FnMut() -> Pairs,
) {
    let mut start = c;
    match step {
        PoolStep::Middle => {
            while let Some(partial) = partial.get_mut(start..start + N) {
                let value = column();
                let kept = Pairs::load::<N>(partial);
                let folded = match op {
                    Op::Add => kept.plus(value.twice()),
                    Op::Max => Pairs::split(M::max(kept.join(), value.join())),
                };
                folded.store::<N>(partial);
                start += channels;
            }
        }
        PoolStep::Edge(out) => {
            while let (Some(partial), Some(out)) =
                (partial.get_mut(start..start + N), out.get_mut(start..start + N))
            {
                let value = column();
                let kept = Pairs::load::<N>(partial);
                let folded = match op {
                    Op::Add => kept.plus(value).round(),
                    Op::Max => M::max(kept.join(), value.join()),
                };
                store::<N>(out, folded);
                value.store::<N>(partial);
                start += channels;
            }
        }
    }
}

/// Iterates over the columns of a row, at `N` channels from `c` on.
#[inline]
fn columns<const N: usize>(row: &[u8], channels: usize, c: usize) -> impl Iterator<Item = u32> {
    let mut start = c;
    core::iter::from_fn(move || {
        let word = row.get(start..start + N).map(load::<N>);
        start += channels;
        word
    })
}

#[inline]
fn load<const N: usize>(bytes: &[u8]) -> u32 {
    match bytes.try_into() {
        Ok(bytes) if N == LANES => u32::from_le_bytes(bytes),
        _ => bytes.first().copied().unwrap_or_default().into(),
    }
}

#[inline]
fn store<const N: usize>(bytes: &mut [u8], word: u32) {
    match bytes.try_into() {
        Ok(bytes) if N == LANES => {
            let bytes: &mut [u8; LANES] = bytes;
            *bytes = word.to_le_bytes();
        }
        _ => {
            if let Some(byte) = bytes.first_mut() {
                *byte = (word & 0xff) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::round_blur;

    #[test]
    fn maximum_of_every_pair_of_bytes() {
        for a in 0..=255_u8 {
            for b in 0..=255_u8 {
                let word = Portable::max(
                    u32::from_le_bytes([a, 255, 0, b]),
                    u32::from_le_bytes([b, 0, 255, a]),
                );
                assert_eq!(word.to_le_bytes(), [a.max(b), 255, 255, a.max(b)]);
            }
        }
    }

    #[test]
    fn rounding_is_the_contract() {
        for sum in 0..=16 * 255 {
            let pairs = Pairs { even: u32::from(sum) << 16, odd: sum.into() };
            let [first, second, third, fourth] = pairs.round().to_le_bytes();
            assert_eq!([first, second, third, fourth], [0, round_blur(sum), round_blur(sum), 0]);
        }
    }
}
