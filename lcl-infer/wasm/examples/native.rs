//! The time of a frame with each of this machine's kernels, beside which that of
//! WebAssembly is measured: `native M.lcl PICTURE.ppm`.

use std::time::Instant;
use std::{env, error::Error, fs};

use lcl_infer::{AlignedBlob, Frontend, FrontendError, ImageSize, kernels};

const SIDE: usize = 96;
const FRAMES: usize = 400;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, picture] = arguments.as_slice() else {
        return Err("usage: native M.lcl PICTURE.ppm".into());
    };
    let file = AlignedBlob::read(model.as_ref())?;
    let blob = file.open()?;
    let picture = fs::read(picture)?;
    let image = picture.last_chunk::<{ 3 * SIDE * SIDE }>().ok_or("the picture is too short")?;
    for kernels in kernels::available().filter(|kernels| kernels.name != "portable") {
        let memory = vec![0; blob.memory_len(SIDE)];
        let size = ImageSize::square(SIDE);
        let mut frontend =
            Frontend::with_kernels(&blob, size, memory, kernels).map_err(FrontendError::from)?;
        let mut times = Vec::new();
        for _ in 0..FRAMES {
            let start = Instant::now();
            frontend.run_frame(image, |row| {
                std::hint::black_box(row);
            })?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let (median, least) = (times[FRAMES / 2], times[0]);
        println!("{} frame {median:.3} ms, least {least:.3} ms", kernels.name);
    }
    Ok(())
}
