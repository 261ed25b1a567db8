//! Rows of any length, in any order, through any blob that opens.

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Result, Unstructured};
use lcl_infer::kernels::{self, Kernels, portable};
use lcl_infer::{
    Blob, FeatureRow, Frontend, FrontendError, ImageSize, LayerKind, PixelFormat, PoolOrder,
    RowError, Step,
};
use lcl_infer_suite::Random;

use crate::aligned::{Aligned, mend_preamble};
use crate::model;

/// Most multiply-accumulates of one frame.
const MAX_MACS: u64 = 1 << 17;

/// Calls of a script.
const STEPS: usize = 8;

static SOUND: LazyLock<Aligned> = LazyLock::new(|| model::tiny(PoolOrder::BlurMax, 2));

/// What is done with a front-end.
#[derive(Arbitrary, Debug)]
struct Script {
    /// 0: the bytes that follow are a blob. Otherwise one is drawn from them.
    draws: bool,
    /// Pixels beyond the smallest that the stages can stream.
    extra_w: u8,
    extra_h: u8,
    /// Bytes from an aligned address to the memory.
    offset: u8,
    /// Which pixel format.
    pixels: u8,
    seed: u32,
    steps: [u8; STEPS],
}

/// One call of a front-end.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// As many rows as they should be.
    Rows(usize),
    /// A row that is so many bytes longer or shorter.
    WrongRow(isize),
    /// Another frame, of which `finish` says whether it may begin.
    Reset,
    Frame,
    WrongFrame(isize),
}

impl Call {
    fn of(step: u8) -> Self {
        let size = usize::from(step >> 3);
        let off = isize::from(step >> 3) - 16;
        match step & 7 {
            0..=3 => Self::Rows(size),
            4 => Self::WrongRow(if off == 0 { 1 } else { off }),
            5 => Self::Reset,
            6 => Self::Frame,
            _ => Self::WrongFrame(if off == 0 { -1 } else { off }),
        }
    }
}

/// Streams rows through the blob in `data`, with every kernel, and compares.
///
/// # Panics
///
/// Panics where lcl-infer breaks a promise.
pub fn stream(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(script) = Script::arbitrary(&mut input) else {
        return;
    };
    let Ok(Some(bytes)) = blob(script.draws, &mut input) else {
        return;
    };
    let Ok(blob) = Blob::open(bytes.as_slice()) else {
        return;
    };
    refuses_what_cannot_stream(&blob);
    let smallest = blob.min_image_side();
    let size = ImageSize {
        width: (smallest + usize::from(script.extra_w)).min(blob.max_image_side()),
        height: (smallest + usize::from(script.extra_h)).min(blob.max_image_side()),
    };
    if macs(&blob, size) > MAX_MACS {
        return;
    }
    let expected = run(&script, &blob, size, &portable::KERNELS);
    for kernels in kernels::available() {
        let got = run(&script, &blob, size, kernels);
        assert_eq!(got.len(), expected.len(), "{}: {size:?} {script:?}", kernels.name);
        assert!(got == expected, "{}: {size:?} {script:?} {blob:?}", kernels.name);
    }
}

fn blob(draws: bool, input: &mut Unstructured<'_>) -> Result<Option<Aligned>> {
    if draws {
        return model::draw(input);
    }
    let mut bytes = Aligned::copy_of(input.bytes(input.len())?);
    mend_preamble(bytes.as_mut_slice(), SOUND.as_slice());
    Ok(Some(bytes))
}

/// Returns the multiply-accumulates of an image.
pub fn macs(blob: &Blob<'_>, mut size: ImageSize) -> u64 {
    let mut macs = 0_u64;
    for kind in blob.layers().map(|layer| layer.kind()) {
        let of_layer = match kind {
            LayerKind::Conv(conv) => conv.macs(size),
            LayerKind::Norm(norm) => norm.conv().macs(size),
            _ => 0,
        };
        macs = macs.saturating_add(of_layer);
        let (width, height) = (kind.out_side(size.width), kind.out_height(size.height));
        size = ImageSize { width, height };
    }
    macs
}

fn refuses_what_cannot_stream(blob: &Blob<'_>) {
    let smallest = blob.min_image_side();
    for side in [0, smallest - 1, blob.max_image_side() + 1, 8193, usize::MAX] {
        let refused = Frontend::new(blob, ImageSize::square(side), &mut []);
        let refused = refused.map_err(FrontendError::from);
        assert!(matches!(refused, Err(FrontendError::ImageSize { .. })), "{side}");
    }
    for side in [smallest, blob.max_image_side()] {
        let refused = Frontend::new(blob, ImageSize::square(side), &mut []);
        let refused = refused.map_err(FrontendError::from);
        assert!(matches!(refused, Err(FrontendError::Memory { got: 0, .. })), "{side}");
    }
}

/// Returns everything that came out.
fn run(script: &Script, blob: &Blob<'_>, size: ImageSize, kernels: &'static Kernels) -> Vec<u8> {
    let mut random = Random::new(script.seed.into());
    let len = blob.memory_len(size.width);
    let rubbish: Vec<u8> = (0..len).map(|_| random.byte()).collect();
    let mut memory = Aligned::copy_off(&rubbish, script.offset.into());
    let short = Frontend::with_kernels(blob, size, &mut memory.as_mut_slice()[1..], kernels);
    assert!(matches!(short.map_err(FrontendError::from), Err(FrontendError::Memory { .. })));
    let frontend = Frontend::with_kernels(blob, size, memory.as_mut_slice(), kernels)
        .expect("as much memory as it asks for");
    let pixels = PixelFormat::ALL[usize::from(script.pixels) % PixelFormat::ALL.len()];
    let Some(row_len) = pixels.row_len(size.width) else {
        let refused = frontend.with_pixels(pixels);
        assert!(matches!(
            refused.map_err(FrontendError::from),
            Err(FrontendError::OddWidth { .. })
        ));
        return Vec::new();
    };
    let mut frontend = frontend.with_pixels(pixels).expect("there are such rows");
    assert_eq!(frontend.row_len(), row_len);
    let mut out = Vec::new();
    let mut arrived = 0;
    let mut bytes = |len: usize| (0..len).map(|_| random.byte()).collect::<Vec<u8>>();
    for call in script.steps.map(Call::of) {
        match call {
            Call::Rows(count) => {
                for _ in 0..count {
                    let row = bytes(row_len);
                    let pushed = push(&mut frontend, &row, &mut out);
                    let complete = RowError::FrameComplete { height: size.height };
                    let expected = if arrived < size.height { Ok(()) } else { Err(complete) };
                    assert_eq!(pushed, expected);
                    arrived = size.height.min(arrived + 1);
                }
            }
            Call::WrongRow(off) => {
                let row = bytes(row_len.saturating_add_signed(off));
                let before = out.len();
                let pushed = push(&mut frontend, &row, &mut out);
                assert!(pushed.is_err() && out.len() == before, "{pushed:?}");
            }
            Call::Reset => {
                assert_eq!(frontend.arrived(), arrived);
                assert_eq!(frontend.finish().is_ok(), arrived == size.height);
                frontend.reset();
                arrived = 0;
            }
            Call::Frame | Call::WrongFrame(_) => {
                let off = if let Call::WrongFrame(off) = call { off } else { 0 };
                let image = bytes((row_len * size.height).saturating_add_signed(off));
                let mut maps: Vec<_> =
                    frontend.taps().map(|tap| (tap, vec![0; frontend.features_len(tap)])).collect();
                let ran = frontend.run_frame(&image, |row| {
                    for (_, map) in maps.iter_mut().filter(|(tap, _)| *tap == row.tap) {
                        row.copy_to(map);
                    }
                });
                assert_eq!(ran.is_ok(), off == 0 && arrived == 0, "{ran:?}");
                out.extend(maps.into_iter().flat_map(|(_, map)| map));
            }
        }
    }
    out
}

/// Pushes a row and pulls what it completes, by turns step by step and at once.
fn push<M: lcl_infer::Memory>(
    frontend: &mut Frontend<'_, M>,
    row: &[u8],
    out: &mut Vec<u8>,
) -> std::result::Result<(), RowError> {
    let mut take = |features: FeatureRow<'_>| {
        assert_eq!(features.values.len(), features.width * features.channels);
        out.push(features.y.to_le_bytes()[0]);
        out.extend_from_slice(features.values);
    };
    frontend.push_row(row)?;
    if frontend.arrived() % 2 == 0 {
        while let Some(features) = frontend.next() {
            take(features);
        }
        return Ok(());
    }
    loop {
        match frontend.step() {
            Step::Row(features) => take(features),
            Step::Working => {
                assert_eq!(frontend.push_row(row), Err(RowError::RowsWaiting));
            }
            Step::Idle => return Ok(()),
        }
    }
}

/// Returns the bytes that [`stream`] starts from: whole frames through blobs
/// as they are and as they are drawn.
#[must_use]
pub fn streaming_seed(index: u8) -> Vec<u8> {
    let mut random = Random::new(index.into());
    let draws = index % 2;
    let script = [draws, index, index / 2, index % 16, index, index, 0, 0, 0];
    let steps = [6, 0xf8, 5, 6, 0xf9, 0x23, 4, 7];
    let pool = PoolOrder::ALL[usize::from(index) % PoolOrder::ALL.len()];
    let rest = match draws {
        0 => model::tiny(pool, index.into()).as_slice().to_vec(),
        _ => (0..64).map(|_| random.byte()).collect(),
    };
    [&script[..], &steps, &rest].concat()
}
