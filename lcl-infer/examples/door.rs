//! The picture that every door of the engine is tested on, and the CRC-32 of
//! what a blob makes of it with the portable kernels.
//!
//! `cargo run --release --package lcl-infer --example door -- M.lcl PICTURE.ppm`

#[path = "shared/blob.rs"]
mod blob;

use std::{env, error::Error, fs};

use blob::BlobFile;
use lcl_infer::golden::GoldenImage;
use lcl_infer::kernels::portable;
use lcl_infer::{Blob, Frontend, FrontendError, ImageSize, InputFormat, V1, V2};

/// The picture: 96×96 pixels of RGB888.
const PICTURE: GoldenImage = GoldenImage { seed: 1, side: 96 };

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, picture] = arguments.as_slice() else {
        return Err("usage: door M.lcl PICTURE.ppm".into());
    };
    let file = BlobFile::read(model)?;
    let blob = Blob::open(file.bytes())?;
    if blob.input() != InputFormat::Rgb888 {
        return Err("the picture has colours: take a model for colour images".into());
    }
    let mut image = vec![0; 3 * PICTURE.side * PICTURE.side];
    for (y, row) in (0..).zip(image.chunks_exact_mut(3 * PICTURE.side)) {
        PICTURE.fill_row(y, row);
    }
    let mut file = format!("P6\n{0} {0}\n255\n", PICTURE.side).into_bytes();
    file.extend(&image);
    fs::write(picture, file)?;

    let size = ImageSize::square(PICTURE.side);
    let mut memory = vec![0; blob.memory_len(size.width)];
    let mut frontend = Frontend::with_kernels(&blob, size, &mut memory, &portable::KERNELS)
        .map_err(FrontendError::from)?;
    let (mut v1, mut v2) = (!0, !0);
    frontend.run_frame(&image, |row| {
        for crc in [(V1, &mut v1), (V2, &mut v2)].into_iter().filter(|(tap, _)| *tap == row.tap) {
            *crc.1 = row.values.iter().fold(*crc.1, |crc, &byte| step(crc, byte));
        }
    })?;
    println!("V1 {:08x} V2 {:08x}", !v1, !v2);
    Ok(())
}

/// Takes a byte into a CRC-32 (that of Ethernet and zip), bit by bit.
fn step(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
}
