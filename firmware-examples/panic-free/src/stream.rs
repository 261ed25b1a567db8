//! Opens any bytes, tests them, and streams rows of any length and format at any
//! size.

use core::hint::black_box;

use lcl_infer::golden::{GoldenImage, golden_crc32};
use lcl_infer::shape::reflect;
use lcl_infer::{
    AlignedMemory, Blob, Error, Frontend, FrontendError, ImageSize, Kernels, LCL_V2, Memory, Name,
    PixelFormat, Step, blob_len, fast_memory_len, memory_len, self_test, self_test_memory_len,
};

use crate::errors::{self, Length};

/// Widest image that the memory is for.
const MAX_WIDTH: usize = 96;

const MEMORY_LEN: usize = fast_memory_len(&LCL_V2, MAX_WIDTH, 1);

#[inline(never)]
pub fn run(bytes: &[u8], numbers: [usize; 8]) -> Option<usize> {
    let [width, height, padded, padding, ..] = numbers;
    let size = ImageSize { width, height };
    let mut memory = AlignedMemory::<MEMORY_LEN>::default();
    let len = blob_len(bytes).ok()?;
    let blob = Blob::open(bytes.get(..len)?).map_err(Error::from).map_err(errors::show).ok()?;
    let tap = Name::new(core::str::from_utf8(bytes).ok()?)?;
    errors::show(tap);
    errors::debug(tap);
    let blob = if black_box(false) { blob } else { blob.up_to(tap)? };
    let tested = self_test(&blob, memory.bytes()).map_err(Error::from);
    tested.map_err(errors::show).ok()?;
    let mut seen = self_test_memory_len(&blob) ^ blob.min_image_side() ^ blob.memory_len(width);
    seen ^= described(&blob, tap, width)? ^ reflect(padded, padding, width);
    seen ^= fast_memory_len(&LCL_V2, width, padding) ^ blob.memory_len_with(width, padding);
    seen ^= memory_len(&LCL_V2, width) ^ blob.section(black_box(1))?.len();
    for kernels in lcl_infer::kernels::available() {
        seen ^= with_kernels(&blob, size, bytes, memory.bytes(), kernels)?;
    }
    // In memory of its own.
    let frontend = Frontend::new(&blob, size, memory).map_err(|refused| {
        errors::debug(&refused);
        errors::show(&refused);
        errors::show(Error::from(refused));
    });
    let mut frontend = frontend.ok()?;
    stream(&mut frontend, bytes, tap)?;
    black_box(frontend.into_memory().bytes());
    Some(seen)
}

/// Reads what a blob says of itself.
fn described(blob: &Blob<'_>, tap: Name, width: usize) -> Option<usize> {
    let mut seen = blob.len() ^ usize::from(blob.is_empty()) ^ blob.taps().count();
    seen ^= blob.contract().id().len() ^ blob.input().channels() ^ blob.input().name().len();
    for layer in blob.layers() {
        seen ^= layer.kind().out_side(width) ^ layer.name.as_str().len();
        seen ^= layer.part().map_or(0, errors::len);
    }
    for conv in blob.convolutions() {
        let scales = conv.output_scale;
        let normal = scales.iter().filter(|scale| scale.is_normal()).count();
        seen ^= normal ^ scales.len() ^ usize::from(scales.is_empty());
    }
    let architecture = blob.architecture()?.up_to(tap)?;
    seen ^= blob.output_scale(tap)?.len() ^ architecture.min_image_side();
    seen ^= architecture.max_image_side() ^ blob.max_image_side() ^ blob.out_side(width);
    seen ^= architecture.convolutions().count() ^ memory_len(&architecture, width);
    seen ^= architecture.input().channels();
    let (side, channels) = architecture.map_of(tap, width)?;
    Some(seen ^ side ^ channels)
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
    let frontend = frontend.map_err(FrontendError::from).map_err(errors::show).ok()?;
    let frontend = frontend.with_pixels(pixels);
    let mut frontend = frontend.map_err(FrontendError::from).map_err(errors::show).ok()?;
    let tap = blob.taps().next()?;
    stream(&mut frontend, rows, tap)
}

fn stream<M: Memory>(frontend: &mut Frontend<'_, M>, rows: &[u8], tap: Name) -> Option<usize> {
    // It may be anywhere in a frame.
    let frontend = black_box(frontend);
    let mut seen = Length::default();
    for row in rows.split(|&byte| byte == 0) {
        let pushed = frontend.push_row_with(row, |features| seen.add(features.values));
        if pushed.map_err(Error::from).map_err(errors::show).is_err() {
            let finished = frontend.finish().map_err(errors::show);
            finished.unwrap_or_else(|()| frontend.reset());
        }
        if let Step::Row(features) = frontend.step() {
            seen.add(features.values);
            seen.add(features.pixels().next()?);
        }
    }
    let mut map = [0; 64];
    let map = map.get_mut(..frontend.features_len(tap)).unwrap_or_default();
    frontend.run_frame(rows, |features| features.copy_to(map)).map_err(errors::show).ok()?;
    seen.add(map);
    let size = frontend.map_size(tap)?.width ^ frontend.map_channels(tap)?;
    let format = frontend.pixels().name().len() ^ frontend.row_len() ^ frontend.arrived();
    Some(seen.get() ^ frontend.image_size().width ^ format ^ size ^ frontend.taps().count())
}
