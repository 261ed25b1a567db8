//! One row of a convolution through a transform, for any machine.

use crate::kernels::RowWindow;
use crate::memory::aligned;
use crate::parameters::CHANNEL_WORDS;
use crate::toom::{CHANNELS, MAX_POINTS, Pair, ToomConv2d, ToomGeometry};

/// The sums of one tile and channel, one for each point.
pub(in crate::kernels) type Sums = [i32; MAX_POINTS];

/// Tiles that are computed together.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct Group {
    pub(in crate::kernels) geometry: ToomGeometry,
    /// How many there are, 1 to as many as the machine takes.
    pub(in crate::kernels) tiles: usize,
}

/// What a group of channels adds to the sums, and where its bytes go.
#[derive(Debug)]
pub(in crate::kernels) struct Output<'a> {
    /// The words of the channels in the table.
    pub(in crate::kernels) words: &'a [i32],
    /// Smallest shift of the table.
    pub(in crate::kernels) min_shift: u8,
    /// The channels that there are, at least 1.
    pub(in crate::kernels) channels: usize,
    /// The row from the group's first output on, `[1, W, out_c]`.
    pub(in crate::kernels) out: &'a mut [u8],
    /// The first of the channels.
    pub(in crate::kernels) oc: usize,
}

/// What a machine does best in its own way.
pub(in crate::kernels) trait Machine {
    /// Words that it keeps of a pair of transformed values.
    const WORDS: usize;

    /// Output channels of which it keeps sums.
    const CHANNELS: usize;

    /// Most tiles that it computes together.
    const MAX_TILES: usize;

    /// Returns how many tiles go together of those that are `left` in a row, at
    /// least one, where there is room for `most`: about as many each time.
    fn tiles(left: usize, most: usize) -> usize {
        left.div_ceil(left.div_ceil(most.max(1)).max(1))
    }

    /// Transforms what the tiles of a group read of every row of the window,
    /// from byte `start` of each on: `data` has each point, row of the kernel, pair
    /// and tile, in an order of the machine's own. A value
    /// that a row does not reach counts as 0.
    fn lay_out(group: Group, window: &RowWindow<'_>, start: usize, data: &mut [Pair]);

    /// Computes the outputs of a group for all channels: `sums` has room for those
    /// of each channel and tile, `out` starts with the group's
    /// first output and has as many pixels as there are.
    fn compute(
        group: Group,
        conv: &ToomConv2d<'_>,
        data: &[Pair],
        sums: &mut [Sums],
        out: &mut [u8],
    );
}

const fn data_len<M: Machine>(geometry: &ToomGeometry, tiles: usize) -> usize {
    geometry.data_len(tiles) * M::WORDS
}

const fn sums_len<M: Machine>(tiles: usize) -> usize {
    M::CHANNELS * tiles
}

/// Returns the bytes of scratch with which a machine computes up to `tiles`
/// tiles together.
pub(in crate::kernels) const fn scratch_len<M: Machine>(
    geometry: &ToomGeometry,
    tiles: usize,
) -> usize {
    aligned(data_len::<M>(geometry, tiles) * size_of::<Pair>())
        + sums_len::<M>(tiles) * size_of::<Sums>()
}

/// Computes one row of a convolution and its requantisation, in groups of as
/// many tiles as the scratch holds.
pub(in crate::kernels) fn conv2d_row<M: Machine>(
    conv: &ToomConv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) {
    let geometry = conv.geometry();
    let (out_c, outputs) = (geometry.conv().out_c(), geometry.transform().outputs());
    let fits = |&tiles: &usize| scratch_len::<M>(&geometry, tiles) <= scratch.len();
    let Some(most) = (1..=M::MAX_TILES).rev().find(fits) else {
        return;
    };
    if window.rows().len() < geometry.conv().kernel() {
        return;
    }
    let data_bytes = data_len::<M>(&geometry, most).saturating_mul(size_of::<Pair>());
    let sums_bytes = sums_len::<M>(most).saturating_mul(size_of::<Sums>());
    let Some((data, sums)) = scratch.split_at_mut_checked(data_bytes) else {
        return;
    };
    let sums = sums.get_mut(..sums_bytes).unwrap_or_default();
    // Both start at words, which machines rely on: the data take whole ones, and
    // sums are words.
    let (Ok(data), Ok(sums)) =
        (bytemuck::try_cast_slice_mut(data), bytemuck::try_cast_slice_mut(sums))
    else {
        return;
    };
    let mut left = geometry.tiles(out.len() / out_c);
    let (mut start, mut rest) = (0, out);
    while left > 0 {
        let group = Group { geometry, tiles: M::tiles(left, most).clamp(1, most) };
        let len = (group.tiles * outputs * out_c).min(rest.len());
        let (now, later) = rest.split_at_mut_checked(len).unwrap_or_default();
        let (Some(data), Some(sums)) = (
            data.get_mut(..data_len::<M>(&geometry, group.tiles)),
            sums.get_mut(..sums_len::<M>(group.tiles)),
        ) else {
            return;
        };
        M::lay_out(group, window, start, data);
        M::compute(group, conv, data, sums, now);
        rest = later;
        left = left.saturating_sub(group.tiles);
        start += group.tiles * outputs * geometry.step_len();
    }
}

/// Iterates over the rows of a window from byte `start` on, and the data from
/// the first pair of each at point 0 on.
pub(in crate::kernels) fn rows<'w>(
    group: Group,
    window: &'w RowWindow<'_>,
    start: usize,
) -> impl Iterator<Item = (usize, &'w [u8])> {
    let row_pairs = group.geometry.pairs_per_row() * group.tiles;
    let rows = window.rows().iter().take(group.geometry.conv().kernel());
    let rows = rows.map(move |row| row.get(start..).unwrap_or_default());
    rows.enumerate().map(move |(ky, row)| (ky * row_pairs, row))
}

/// Iterates over the groups of channels: their weights, their words in the
/// table, the first channel and how many there are.
pub(in crate::kernels) fn channel_groups<'a>(
    conv: &ToomConv2d<'a>,
) -> impl Iterator<Item = (&'a [Pair], &'a [i32], usize, usize)> {
    let out_c = conv.geometry().conv().out_c();
    // It is not 0, which the compiler does not see.
    let weights = conv.weights().chunks_exact(conv.geometry().group_len().max(1));
    let words = conv.channels().words().chunks(CHANNELS * CHANNEL_WORDS);
    let first = (0..out_c).step_by(CHANNELS);
    weights.zip(words).zip(first).map(move |((weights, words), oc)| {
        (weights, words, oc, CHANNELS.min(out_c.saturating_sub(oc)))
    })
}
