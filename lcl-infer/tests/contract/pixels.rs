//! Rows in a camera's format against the same image in the blob's own.

use lcl_infer::{Frontend, ImageSize, InputFormat, PixelFormat, PoolOrder, V1, V2};

use crate::model::{Model, Random};

/// Returns red, green and blue of each pixel, by the formulas as documented.
fn rgb(pixels: PixelFormat, row: &[u8]) -> Vec<[i64; 3]> {
    let wide = |byte: &u8| i64::from(*byte);
    let expand = |value: u16, bits: u32| {
        let value = i64::from(value) & ((1 << bits) - 1);
        value << (8 - bits) | value >> (2 * bits - 8)
    };
    let rgb565 = |word: u16| [expand(word >> 11, 5), expand(word >> 5, 6), expand(word, 5)];
    let yuv = |y: i64, u: i64, v: i64| {
        let (u, v) = (u - 128, v - 128);
        [91_881 * v, -22_553 * u - 46_802 * v, 116_130 * u]
            .map(|chroma| (((y << 16) + chroma + (1 << 15)) >> 16).clamp(0, 255))
    };
    let words = || row.chunks_exact(2).map(|bytes| [bytes[0], bytes[1]]);
    let quads = || row.chunks_exact(4).map(|bytes| [0, 1, 2, 3].map(|at| wide(&bytes[at])));
    match pixels {
        PixelFormat::Rgb888 => {
            row.chunks_exact(3).map(|pixel| [0, 1, 2].map(|c| wide(&pixel[c]))).collect()
        }
        PixelFormat::Gray8 => row.iter().map(|byte| [wide(byte); 3]).collect(),
        PixelFormat::Rgb565Be => words().map(|word| rgb565(u16::from_be_bytes(word))).collect(),
        PixelFormat::Rgb565Le => words().map(|word| rgb565(u16::from_le_bytes(word))).collect(),
        PixelFormat::Yuyv => {
            quads().flat_map(|[y0, u, y1, v]| [yuv(y0, u, v), yuv(y1, u, v)]).collect()
        }
        PixelFormat::Uyvy => {
            quads().flat_map(|[u, y0, v, y1]| [yuv(y0, u, v), yuv(y1, u, v)]).collect()
        }
        _ => panic!("{pixels:?} has no formula here"),
    }
}

/// Returns the luma of each pixel.
fn gray(pixels: PixelFormat, row: &[u8]) -> Vec<i64> {
    let every_second = |first: usize| row[first..].iter().step_by(2).map(|&y| y.into()).collect();
    match pixels {
        PixelFormat::Yuyv => every_second(0),
        PixelFormat::Uyvy => every_second(1),
        _ => rgb(pixels, row)
            .into_iter()
            .map(|[r, g, b]| (19_595 * r + 38_470 * g + 7471 * b + (1 << 15)) >> 16)
            .collect(),
    }
}

fn features(mut frontend: Frontend<'_>, image: &[u8]) -> [Vec<u8>; 2] {
    let mut features = [V1, V2].map(|tap| vec![0; frontend.features_len(tap)]);
    let run =
        frontend.run_frame(image, |row| row.copy_to(&mut features[usize::from(row.tap == V2)]));
    run.expect("lengths fit");
    features
}

#[test]
fn converted_rows_give_the_features_of_the_blobs_own_format() {
    let size = ImageSize { width: 26, height: 19 };
    for input in InputFormat::ALL {
        let bytes = Model::tiny_for(input, PoolOrder::MaxBlur, 8).blob();
        let blob = bytes.open();
        assert_eq!(blob.input(), input);
        let memory_len = blob.memory_len(size.width);
        let (mut memory, mut other) = (vec![0; memory_len], vec![0; memory_len]);
        for pixels in PixelFormat::ALL {
            let row_len = pixels.row_len(size.width).expect("even");
            let camera = Random(3).bytes(row_len * size.height);
            let own: Vec<i64> = match input {
                InputFormat::Gray8 => gray(pixels, &camera),
                _ => rgb(pixels, &camera).into_iter().flatten().collect(),
            };
            let own: Vec<u8> = own.into_iter().map(|v| v.try_into().expect("a byte")).collect();

            let plain = Frontend::new(&blob, size, &mut memory[..]).expect("it streams");
            assert_eq!(plain.pixels(), input.into());
            let expected = features(plain, &own);
            let converting = Frontend::new(&blob, size, &mut other[..]).expect("it streams");
            let converting = converting.with_pixels(pixels).expect("an even width");
            assert_eq!(converting.row_len(), row_len);
            assert_eq!(features(converting, &camera), expected, "{pixels:?} to {input:?}");
            assert!(expected.iter().flatten().any(|&byte| byte > 0 && byte < 255));
        }
    }
}
