//! What the front-end refuses, and what it says.

use lcl_infer::{Blob, Frontend, FrontendError, ImageSize, PixelFormat, PoolOrder, RowError, Step};

use crate::model::{Model, Random};

const SIDE: usize = 16;
const ROW: [u8; 3 * SIDE] = [1; 3 * SIDE];

#[track_caller]
fn with_frontend(check: impl FnOnce(Frontend<'_>)) {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 2).blob();
    let blob = bytes.open();
    let mut memory = vec![0; blob.memory_len(SIDE)];
    check(Frontend::new(&blob, ImageSize::square(SIDE), &mut memory[..]).expect("it streams"));
}

#[test]
fn row_of_another_length_changes_nothing() {
    with_frontend(|mut frontend| {
        let mut rows = 0;
        for _ in 0..SIDE {
            for (len, row) in [(47, &ROW[1..]), (0, &[]), (96, &[1; 96])] {
                let error =
                    frontend.push_row_with(row, |_| unreachable!()).expect_err("no such row");
                assert_eq!(error, RowError::Length { expected: 48, got: len });
                assert!(error.to_string().contains("48"), "{error}");
            }
            assert_eq!(frontend.push_row_with(&ROW, |_| rows += 1), Ok(()));
        }
        assert_eq!(rows, 4 + 2);
    });
}

#[test]
fn second_image_waits_for_the_end_of_the_first() {
    with_frontend(|mut frontend| {
        for begin_again in [Frontend::finish, |f: &mut Frontend<'_>| {
            f.reset();
            Ok(())
        }] {
            for _ in 0..SIDE {
                assert_eq!(frontend.push_row_with(&ROW, |_| {}), Ok(()));
            }
            for _ in 0..2 {
                let error =
                    frontend.push_row_with(&ROW, |_| unreachable!()).expect_err("a row too many");
                assert_eq!(error, RowError::FrameComplete { height: SIDE });
                let told = error.to_string();
                assert!(told.contains("16") && told.contains("finish()"), "{told}");
            }
            assert_eq!(begin_again(&mut frontend), Ok(()));
            assert_eq!(frontend.arrived(), 0);
        }
    });
}

#[test]
fn frame_is_not_finished_before_its_end() {
    with_frontend(|mut frontend| {
        let mut rows = 0;
        for arrived in 0..SIDE {
            let error = frontend.finish().expect_err("rows are missing");
            assert_eq!(error, RowError::FrameIncomplete { height: SIDE, arrived });
            let told = error.to_string();
            assert!(told.contains(&format!("the other {}", SIDE - arrived)), "{told}");
            // The frame goes on where it was.
            assert_eq!(frontend.push_row_with(&ROW, |_| rows += 1), Ok(()));
        }
        assert_eq!((frontend.finish(), rows), (Ok(()), 4 + 2));
        assert_eq!(frontend.finish(), Err(RowError::FrameIncomplete { height: SIDE, arrived: 0 }));
    });
}

#[test]
fn whole_frame_is_not_run_within_another() {
    with_frontend(|mut frontend| {
        let image = [1; 3 * SIDE * SIDE];
        assert_eq!(frontend.push_row_with(&ROW, |_| {}), Ok(()));
        let error = frontend.run_frame(&image, |_| unreachable!()).expect_err("one has begun");
        assert_eq!(error, RowError::FrameStarted { arrived: 1 });
        assert!(error.to_string().contains("reset()"), "{error}");
        frontend.reset();
        for _ in 0..2 {
            let mut rows = 0;
            assert_eq!(frontend.run_frame(&image, |_| rows += 1), Ok(()));
            assert_eq!(rows, 4 + 2);
        }
        let error = frontend.run_frame(&image[1..], |_| unreachable!()).expect_err("a byte short");
        assert_eq!(error, RowError::Length { expected: 768, got: 767 });
    });
}

#[test]
fn rows_that_wait_are_not_lost() {
    with_frontend(|mut frontend| {
        let (mut rows, mut waited) = (Vec::new(), 0);
        for _ in 0..SIDE {
            assert_eq!(frontend.push_row(&ROW), Ok(()));
            // Pushed or finished too early, at each point of the work.
            loop {
                let arrived = frontend.arrived();
                // No row of that length is ever taken.
                let pushed = frontend.push_row(&ROW[1..]);
                let waits = pushed == Err(RowError::RowsWaiting);
                if waits {
                    waited += 1;
                    assert_eq!(frontend.push_row(&ROW), Err(RowError::RowsWaiting));
                    assert_eq!(frontend.finish(), Err(RowError::RowsWaiting));
                    assert_eq!(frontend.arrived(), arrived);
                } else {
                    let (wrong, complete) = (
                        RowError::Length { expected: 48, got: 47 },
                        RowError::FrameComplete { height: SIDE },
                    );
                    assert!(pushed == Err(wrong) || pushed == Err(complete), "{pushed:?}");
                }
                let row = match frontend.step() {
                    Step::Idle => break,
                    Step::Working => None,
                    Step::Row(row) => Some((row.tap, row.y, row.values.to_vec())),
                };
                assert!(waits, "what is done had waited");
                rows.extend(row);
            }
        }
        assert!(waited >= rows.len(), "{waited}");
        assert!(RowError::RowsWaiting.to_string().contains("next()"));
        assert_eq!(frontend.finish(), Ok(()));
        let mut expected = Vec::new();
        let image = [1; 3 * SIDE * SIDE];
        let ran = frontend.run_frame(&image, |row| {
            expected.push((row.tap, row.y, row.values.to_vec()));
        });
        assert_eq!((ran, rows), (Ok(()), expected));
    });
}

/// Kernels that count the rows of convolutions.
#[test]
fn step_computes_one_row_of_one_convolution() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use lcl_infer::kernels::{ConvKernels, Kernels, portable};

    static ROWS: AtomicUsize = AtomicUsize::new(0);
    static COUNTING: Kernels = Kernels {
        name: "counting",
        conv: ConvKernels {
            conv2d_row: |conv, window, out, scratch| {
                ROWS.fetch_add(1, Relaxed);
                (portable::KERNELS.conv.conv2d_row)(conv, window, out, scratch);
            },
            ..portable::KERNELS.conv
        },
        ..portable::KERNELS
    };
    let bytes = Model::tiny(PoolOrder::MaxBlur, 2).blob();
    let blob = bytes.open();
    let mut memory = vec![0; blob.memory_len(SIDE)];
    let size = ImageSize::square(SIDE);
    let frontend = Frontend::with_kernels(&blob, size, &mut memory, &COUNTING);
    let mut frontend = frontend.expect("it streams");
    let mut most = 0;
    for _ in 0..SIDE {
        frontend.push_row(&ROW).expect("a row");
        let mut of_row = 0;
        loop {
            let before = ROWS.load(Relaxed);
            let idle = frontend.step() == Step::Idle;
            let rows = ROWS.load(Relaxed) - before;
            assert!(rows <= 1, "{rows} rows at a step");
            of_row += rows;
            if idle {
                break;
            }
        }
        most = of_row.max(most);
    }
    // The last row of an image completes several.
    assert!(most > 1 && ROWS.load(Relaxed) == 8 + 4, "{most}");
}

#[test]
fn yuv_of_odd_width_is_refused() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 2).blob();
    let blob: Blob<'_> = bytes.open();
    let size = ImageSize { width: 17, height: 16 };
    for pixels in PixelFormat::ALL {
        let mut memory = Random(1).bytes(blob.memory_len(17));
        let frontend = Frontend::new(&blob, size, &mut memory).expect("it streams");
        match (frontend.with_pixels(pixels), pixels) {
            (Err(error), PixelFormat::Yuyv | PixelFormat::Uyvy) => {
                assert_eq!(error.error, FrontendError::OddWidth { pixels, got: 17 });
                let told = error.to_string();
                assert!(told.contains(pixels.name()) && told.contains("17"), "{told}");
            }
            (frontend, _) => {
                let frontend = frontend.expect("any width");
                assert_eq!(Some(frontend.row_len()), pixels.row_len(17));
                assert_eq!(frontend.pixels(), pixels);
            }
        }
    }
}
