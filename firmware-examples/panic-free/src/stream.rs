//! Opens any bytes, tests them, and streams rows of any length and format at any
//! size.

use core::hint::black_box;

use lcl_infer::{
    Area, Blob, Frontend, GoldenImage, ImageSize, Kernels, PixelFormat, blob_len, golden_crc32,
    memory_len, memory_len_of, min_image_side, reflect, self_test, self_test_memory_len,
};

use crate::errors::{self, Length};

/// Widest image that the memory is for.
const MAX_WIDTH: usize = 96;

#[inline(never)]
pub fn run(bytes: &[u8], numbers: [usize; 8]) -> Option<usize> {
    let [width, height, padded, padding, ..] = numbers;
    let size = ImageSize { width, height };
    let mut memory = [0; memory_len(MAX_WIDTH)];
    let len = blob_len(bytes).ok()?;
    let blob = Blob::open(bytes.get(..len)?).ok()?;
    self_test(&blob, &mut memory).map_err(errors::show).ok()?;
    let mut seen = self_test_memory_len(&blob) ^ min_image_side(&blob.convolutions());
    seen ^= memory_len_of(&blob.convolutions(), width);
    for stage in blob.stages() {
        let scales = stage.output_scale;
        let scales = scales.iter().filter(|scale| scale.is_normal()).count() ^ scales.len();
        seen ^= scales ^ stage.geometry().out_side(width) ^ stage.pool.name().len();
    }
    seen ^= reflect(padded, padding, width) ^ memory_len(width);
    seen ^= blob.input().channels() ^ blob.input().name().len();
    for kernels in lcl_infer::kernels::available() {
        seen ^= with_kernels(&blob, size, bytes, &mut memory, kernels)?;
    }
    Some(seen)
}

fn with_kernels(
    blob: &Blob<'_>,
    size: ImageSize,
    rows: &[u8],
    memory: &mut [u8],
    kernels: &'static Kernels,
) -> Option<usize> {
    let crc32 = golden_crc32(blob, memory, kernels).map_err(errors::show).ok()?;
    let golden = blob.golden();
    let image = GoldenImage { seed: golden.seed ^ crc32[0], side: golden.side.into() };
    let mut row = [0; 3 * MAX_WIDTH];
    image.fill_row(crc32[1], &mut row);
    black_box(&row);

    let frontend = if black_box(false) {
        Frontend::new(blob, size, memory)
    } else {
        Frontend::with_kernels(blob, size, memory, kernels)
    };
    let pixels = black_box(PixelFormat::Rgb888);
    let frontend = frontend.map_err(errors::show).ok()?;
    let mut frontend = frontend.with_pixels(pixels).map_err(errors::show).ok()?;
    // It may be anywhere in a frame.
    let frontend = black_box(&mut frontend);
    let mut seen = Length::default();
    for row in rows.split(|&byte| byte == 0) {
        let pushed = frontend.push_row(row, |features| seen.add(features.values));
        if pushed.map_err(errors::show).is_err() {
            let finished = frontend.finish().map_err(errors::show);
            finished.unwrap_or_else(|()| frontend.reset());
        }
    }
    let (mut v1, mut v2) = ([0; 64], [0; 64]);
    let areas = [(Area::V1, &mut v1), (Area::V2, &mut v2)];
    let [v1, v2] = areas.map(|(area, out)| {
        let len = frontend.features_len(area) ^ frontend.area_size(area).width;
        out.get_mut(..len).unwrap_or_default()
    });
    let ran = frontend.run_frame(rows, v1, v2);
    ran.map_err(errors::show).ok()?;
    seen.add(v1);
    seen.add(v2);
    let format = frontend.pixels().name().len() ^ frontend.row_len() ^ frontend.arrived();
    Some(seen.get() ^ frontend.image_size().width ^ format)
}
