//! Convolutions through a transform against the reference.

use lcl_infer::kernels::{Kernels, MAX_TILES, RowWindow, toom_scratch_len};
use lcl_infer::shape::{MAX_KERNEL, reflect};
use lcl_infer::toom::{
    FilterSums, Pair, TRANSFORMS, ToomConv2d, ToomGeometry, Transform, check_filter,
    transform_weights,
};
use lcl_infer::{ConvGeometry, ImageSize, reference};

use crate::conv::{ConvCase, MAX_OFFSET, Tables, compare, pad_rows, unbreached};
use crate::draw::{NO_CHANNEL, Style, fill_parameters};
use crate::memory::{BLOB_LEN, CHANNELS_LEN, Memory, SCRATCH_LEN};
use crate::mismatch::{Fault, Shape};
use crate::random::Random;

/// Most multiply-accumulates of a case that is drawn: the reference is slow.
const MAX_MACS: u64 = 100_000;

/// Shapes that are run every time with every transform that takes them,
/// `[in_c, out_c, kernel, stride, padding]`, and the width and height of their
/// input.
const SHAPES: &[([usize; 5], [usize; 2])] = &[
    // One output, and as narrow as reflection allows.
    ([1, 1, 3, 1, 1], [2, 2]),
    ([1, 3, 3, 1, 0], [3, 3]),
    ([2, 4, 5, 1, 2], [3, 3]),
    // The last tile has one output, all, and all but one; 1 to 5 tiles.
    ([4, 2, 3, 1, 1], [6, 2]),
    ([4, 2, 3, 1, 1], [7, 2]),
    ([4, 2, 5, 1, 2], [8, 3]),
    ([4, 2, 5, 1, 2], [9, 3]),
    ([4, 3, 5, 1, 2], [11, 3]),
    ([4, 3, 5, 1, 2], [16, 3]),
    ([4, 3, 5, 1, 2], [17, 3]),
    // Steps that are no whole quad of values.
    ([5, 3, 5, 1, 2], [8, 3]),
    ([1, 5, 5, 2, 2], [17, 6]),
    ([3, 2, 13, 3, 6], [29, 8]),
    ([1, 2, 15, 7, 7], [41, 9]),
    // The published stages, and that of grey images, with fewer channels out.
    ([3, 6, 11, 4, 5], [17, 6]),
    ([3, 5, 11, 4, 5], [96, 6]),
    ([1, 8, 11, 4, 5], [48, 6]),
    ([64, 2, 5, 1, 2], [4, 3]),
    ([64, 1, 5, 1, 2], [12, 3]),
];

/// Iterates over the cases that are run every time, with scratch for each number
/// of tiles.
pub(crate) fn edges() -> impl Iterator<Item = ToomCase> {
    let geometries = SHAPES.iter().flat_map(|&([in_c, out_c, kernel, stride, padding], size)| {
        let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding);
        let takes = TRANSFORMS.into_iter().filter_map(move |it| ToomGeometry::new(conv?, it));
        takes.map(move |geometry| (geometry, size))
    });
    geometries.flat_map(|(geometry, [width, height])| {
        let size = ImageSize { width, height };
        Style::EDGES.into_iter().flat_map(move |style| {
            let case = move |tiles| ToomCase { geometry, size, tiles, style };
            (1..=MAX_TILES).map(case).filter(ToomCase::has_room)
        })
    })
}

/// A convolution with its transform and the size of its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToomCase {
    geometry: ToomGeometry,
    size: ImageSize,
    /// Tiles that there is scratch for.
    tiles: usize,
    style: Style,
}

impl ToomCase {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let style = Style::draw(random);
        loop {
            let any: Option<&'static Transform> = random.pick(&TRANSFORMS);
            let Some(transform) = any else {
                continue;
            };
            let largest = MAX_KERNEL / transform.taps();
            let stride = 1 + random.below(largest + 2);
            let kernel = stride * transform.taps() - random.below(stride);
            let in_c = random.count(24, &[1, 2, 3, 4, 8, 12, 16]);
            let out_c = random.count(12, &[1, 2, 3, 4]);
            let most = kernel.saturating_sub(1) / 2;
            let any = random.below(most + 1);
            let padding = random.pick(&[0, most, most, any]).unwrap_or(most);
            let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding);
            let Some(geometry) = conv.and_then(|conv| ToomGeometry::new(conv, transform)) else {
                continue;
            };
            let conv = geometry.conv();
            let columns = random.count(20, &[1, 2, 3, 4, 6, 7, 8, 12, 13]);
            let rows = random.count(3, &[1]);
            let side = |outputs: usize, random: &mut Random| {
                conv.min_side() + (outputs - 1) * stride + random.below(stride)
            };
            let size = ImageSize { width: side(columns, random), height: side(rows, random) };
            let tiles = 1 + random.below(MAX_TILES);
            let case = Self { geometry, size, tiles, style };
            if conv.macs(size) <= MAX_MACS && case.has_room() {
                return case;
            }
        }
    }

    fn conv(&self) -> ConvCase {
        ConvCase { conv: self.geometry.conv(), size: self.size, style: self.style }
    }

    fn has_room(&self) -> bool {
        self.conv().has_room()
            && self.geometry.weights_len() * size_of::<Pair>() <= BLOB_LEN
            && toom_scratch_len(&self.geometry, self.tiles) <= SCRATCH_LEN
    }

    pub(crate) fn shape(&self) -> Shape {
        let transform = self.geometry.transform().name();
        let Self { size, tiles, style, .. } = *self;
        let conv = self.geometry.conv();
        Shape::Transformed { transform, tiles, conv, size, style }
    }
}

/// Compares every row of a case, and the weights back from their transform, and
/// returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    toom: &ToomCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let (geometry, case) = (toom.geometry, toom.conv());
    let ConvCase { conv, size, style } = case;
    if !toom.has_room() {
        return Err(Fault::Refused);
    }
    let weights = memory.weights.get_mut(..conv.weights_len()).ok_or(Fault::Refused)?;
    let mut channels = [NO_CHANNEL; CHANNELS_LEN];
    let channels = channels.get_mut(..conv.out_c()).ok_or(Fault::Refused)?;
    fill_parameters(random, style, weights, channels);
    let input_len = size.width * size.height * conv.in_c();
    let input = memory.input.get_mut(..input_len).ok_or(Fault::Refused)?;
    style.values.fill(random, input);
    let row_len = conv.out_side(size.width) * conv.out_c();
    let out_len = row_len * conv.out_side(size.height);
    let expected = memory.expected.get_mut(..out_len).ok_or(Fault::Refused)?;

    let tables = Tables { packed: &mut *memory.packed, words: &mut *memory.words };
    let conv2d = tables.conv2d(conv, weights, channels).ok_or(Fault::Refused)?;
    reference::conv2d_ref(conv2d, size, input, expected);

    let blob: &mut [u8] = &mut *memory.blob;
    let transformed: &mut [Pair] = bytemuck::cast_slice_mut(blob);
    let transformed = transformed.get_mut(..geometry.weights_len()).ok_or(Fault::Refused)?;
    transformed.fill([0; 2]);
    transform_weights(geometry, weights, |index, half, value| {
        if let Some(place) = transformed.get_mut(index).and_then(|pair| pair.get_mut(half)) {
            *place = value;
        }
    });
    damage(geometry, transformed, random)?;
    let scratch_len = toom_scratch_len(&geometry, toom.tiles);
    let toom = ToomConv2d::new(geometry, transformed, conv2d.channels()).ok_or(Fault::Refused)?;
    for (oc, filter) in weights.chunks_exact(conv.taps()).enumerate() {
        let expected = FilterSums {
            sum: filter.iter().map(|&weight| i32::from(weight)).sum(),
            magnitude: filter.iter().map(|weight| u32::from(weight.unsigned_abs())).sum(),
        };
        let sums = check_filter(geometry, transformed, oc).map_err(|_| Fault::Refused)?;
        if sums != expected || !toom.filter(oc).eq(filter.iter().copied()) {
            return Err(Fault::Refused);
        }
    }

    let offset = random.below(1 + MAX_OFFSET);
    let padded_len = case.row_len() * size.height;
    let padded = memory.padded.get_mut(offset..offset + padded_len).ok_or(Fault::Refused)?;
    pad_rows(&case, input, padded);
    let padded = &*padded;
    for (y, expected) in expected.chunks_exact(row_len).enumerate() {
        let rows = (0..conv.kernel()).map(|ky| {
            let y = reflect(y * conv.stride() + ky, conv.padding(), size.height);
            padded.get(y * case.row_len()..(y + 1) * case.row_len()).unwrap_or_default()
        });
        let window = RowWindow::new(rows);
        let offset = random.below(1 + MAX_OFFSET);
        let out = memory.out.part(offset, row_len).ok_or(Fault::Refused)?;
        // A byte that is not written then differs.
        for (out, &expected) in out.iter_mut().zip(expected) {
            *out = !expected;
        }
        let part = memory.scratch.part(0, scratch_len).ok_or(Fault::Refused)?;
        part.fill(random.byte());
        (kernels.conv.toom_row)(&toom, &window, out, part);
        unbreached(&memory.out, offset, row_len)?;
        unbreached(&memory.scratch, 0, scratch_len)?;
        compare(expected, memory.out.written(offset, row_len), y, conv.out_c())?;
    }
    // Rows, outputs and scratch of any length: nothing is written elsewhere.
    for _ in 0..2 {
        let input_len = 1 + random.below(case.row_len());
        let rows = random.below(conv.kernel() + 1);
        let window = RowWindow::new(padded.chunks(input_len).take(rows));
        let (out_len, len) = (random.below(row_len + 2), random.below(scratch_len + 1));
        let out = memory.out.part(1, out_len).ok_or(Fault::Refused)?;
        let scratch = memory.scratch.part(0, len).ok_or(Fault::Refused)?;
        (kernels.conv.toom_row)(&toom, &window, out, scratch);
        unbreached(&memory.out, 1, out_len)?;
        unbreached(&memory.scratch, 0, len)?;
    }
    Ok(out_len)
}

/// Checks that one number that is changed is found to be no transform, and puts
/// it back.
fn damage(
    geometry: ToomGeometry,
    transformed: &mut [Pair],
    random: &mut Random,
) -> Result<(), Fault> {
    let index = random.below(transformed.len());
    let place = transformed.get_mut(index).and_then(|pair| pair.first_mut());
    let place = place.ok_or(Fault::Refused)?;
    let before = *place;
    *place ^= 1 << random.below(16);
    let whole = geometry.conv().out_c().next_multiple_of(2);
    let found: Result<(), _> =
        (0..whole).try_for_each(|oc| check_filter(geometry, transformed, oc).map(drop));
    if let Some(place) = transformed.get_mut(index).and_then(|pair| pair.first_mut()) {
        *place = before;
    }
    if found.is_err() { Ok(()) } else { Err(Fault::Refused) }
}
