use image::metadata::Orientation;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{
    super::{CropBox, Encoded, centre_crop, shorter_side_to},
    TurboImage, decode_region, orientation,
    segments::segments,
};

fn pixels(width: u16, height: u16) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..u32::from(height) {
        for x in 0..u32::from(width) {
            let mixed = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b);
            let edge = if (x / 9 + y / 7) % 2 == 0 { 90 } else { 0 };
            let noise = (mixed.wrapping_mul(0xc2b2_ae35) >> 25) as u8;
            pixels.extend([edge + noise, 200 - edge - noise / 2, noise]);
        }
    }
    pixels
}

fn encoded(width: u16, height: u16, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 88);
    change(&mut encoder);
    encoder.encode(&pixels(width, height), width, height, ColorType::Rgb).expect("encoded");
    bytes
}

fn whole(image: &TurboImage<'_>) -> CropBox {
    CropBox { x: 0, y: 0, width: image.header().width, height: image.header().height }
}

#[track_caller]
fn check_regions(bytes: &[u8], what: &str) {
    let open = || TurboImage::open(bytes).expect("a JPEG");
    let image = open();
    let all = whole(&image);
    let expected = image.decode(all).expect("an image");
    for (left, width) in [(0, 5), (1, 30), (15, 17), (16, 16), (33, 40), (47, all.width - 47)] {
        for (top, height) in [(0, 3), (1, 20), (7, 9), (16, 16), (17, 31), (40, all.height - 40)] {
            let region = CropBox { x: left, y: top, width, height };
            let got = decode_region(&open(), region).expect("a region");
            let rows = expected.chunks_exact(all.width as usize * 3);
            let rows = rows.skip(top as usize).take(height as usize);
            let cropped: Vec<u8> = rows
                .flat_map(|row| &row[left as usize * 3..(left + width) as usize * 3])
                .copied()
                .collect();
            assert!(got == cropped, "{what} {region:?}");
        }
    }
}

#[test]
fn a_region_has_the_bytes_of_the_whole_image() {
    use SamplingFactor as S;
    for (width, height) in [(96, 80), (101, 77), (130, 91)] {
        for sampling in [S::F_1_1, S::F_2_1, S::F_1_2, S::F_2_2, S::F_4_1, S::F_4_2, S::F_1_4] {
            for progressive in [false, true] {
                for restarts in [0, 3] {
                    let bytes = encoded(width, height, |encoder| {
                        encoder.set_sampling_factor(sampling);
                        encoder.set_progressive(progressive);
                        encoder.set_restart_interval(restarts);
                    });
                    let what = format!("{width}x{height} {sampling:?} {progressive} {restarts}");
                    check_regions(&bytes, &what);
                }
            }
        }
    }
}

#[test]
fn a_grey_region_has_the_bytes_of_the_whole_image() {
    let mut bytes = Vec::new();
    let pixels: Vec<u8> = pixels(99, 75).chunks_exact(3).map(|pixel| pixel[0]).collect();
    Encoder::new(&mut bytes, 90).encode(&pixels, 99, 75, ColorType::Luma).expect("encoded");
    check_regions(&bytes, "grey");
}

#[test]
fn the_centre_is_that_of_the_decoded_image() {
    for (width, height) in [(500, 375), (224, 300), (130, 91), (16, 40)] {
        let bytes = encoded(width, height, |e| e.set_sampling_factor(SamplingFactor::F_2_2));
        let file = Encoded { path: "a.jpg".into(), bytes };
        let expected = centre_crop(&shorter_side_to(file.decode().expect("whole"), 224), 112);
        let centre = file.decode_centre(224, 112).expect("a centre");
        assert!(centre == expected, "{width}x{height}");
    }
}

/// Metadata that states nothing but an orientation, in either byte order.
fn metadata(exif: u8, little: bool) -> Vec<u8> {
    let mut chunk = b"Exif\0\0".to_vec();
    chunk.extend(if little { *b"II*\0\x08\0\0\0\x01\0" } else { *b"MM\0*\0\0\0\x08\0\x01" });
    let entry: [u8; 12] = if little {
        [0x12, 0x01, 3, 0, 1, 0, 0, 0, exif, 0, 0, 0]
    } else {
        [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, exif, 0, 0]
    };
    chunk.extend(entry);
    chunk.extend([0; 4]);
    chunk
}

#[test]
fn orientation_in_the_metadata_is_respected() {
    let upright = |exif: u8, little: bool| {
        let bytes = encoded(97, 61, |encoder| {
            encoder.add_app_segment(1, &metadata(exif, little)).expect("metadata");
        });
        assert_eq!(Some(orientation(&bytes)), Orientation::from_exif(exif));
        Encoded { path: "a.jpg".into(), bytes }
    };
    let stored = upright(1, true).decode().expect("an image");
    for exif in 1..=8 {
        for little in [false, true] {
            let file = upright(exif, little);
            let mut expected = image::DynamicImage::from(stored.clone());
            expected.apply_orientation(Orientation::from_exif(exif).expect("one of eight"));
            let expected = expected.into_rgb8();
            assert!(file.decode().expect("an image") == expected, "{exif}");
            let centre = file.decode_centre(224, 112).expect("a centre");
            assert!(centre == centre_crop(&shorter_side_to(expected, 224), 112), "{exif}");
        }
    }
    assert_eq!(orientation(&metadata(6, true)), Orientation::NoTransforms);
}

/// Where a segment of a JPEG is.
fn place(bytes: &[u8], marker: u8) -> std::ops::Range<usize> {
    segments(bytes).find(|segment| segment.marker == marker).expect("a segment").place
}

#[test]
fn oddities_before_the_pixels_are_no_damage() {
    let sound = encoded(120, 90, |encoder| {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.add_app_segment(1, &metadata(6, true)).expect("metadata");
    });
    let file = |bytes| Encoded { path: "a.jpg".into(), bytes };
    let expected = file(sound.clone()).decode().expect("an image");
    let [huffman, scan] = [0xc4, 0xda].map(|marker| place(&sound, marker).start);
    let version = place(&sound, 0xe0).start + 4 + 5;
    let gap = |at: usize| [&sound[..at], b"\0gap\xff\0", &sound[at..]].concat();
    let mut other_version = sound.clone();
    other_version[version] = 7;
    let mut everything = gap(scan);
    everything[version] = 0;
    for odd in [gap(huffman), gap(scan), other_version, everything] {
        // What is damaged besides is found.
        assert!(file(odd[..odd.len() - 200].to_vec()).decode().is_err());
        assert!(file(odd).decode().expect("an image") == expected);
    }
}

#[test]
fn bytes_left_over_after_the_pixels_are_what_damage_leaves() {
    let sound = encoded(120, 90, |_| {});
    let end = sound.len() - 2;
    let with = |rest: &[u8]| [&sound[..end], rest, &sound[end..]].concat();
    let decode = |bytes| Encoded { path: "a.jpg".into(), bytes }.decode();
    // Blocks that follow the last one: a decoder that lost its place stops there.
    assert!(decode(with(&sound[end - 80..end])).is_err());
    // Fill bytes and what cameras write after the end are part of the format.
    for bytes in [with(&[0xff; 9]), [&sound[..], b"x"].concat()] {
        assert!(decode(bytes).is_ok());
    }
}

#[test]
fn stray_bytes_before_the_end_are_passed_over() {
    use SamplingFactor as S;
    for (sampling, restarts) in [(S::F_1_1, 0), (S::F_2_2, 0), (S::F_2_1, 3), (S::F_1_2, 5)] {
        let sound = encoded(121, 93, |encoder| {
            encoder.set_sampling_factor(sampling);
            encoder.set_restart_interval(restarts);
        });
        let end = sound.len() - 2;
        let file = |bytes| Encoded { path: "a.jpg".into(), bytes };
        let expected = file(sound.clone()).decode().expect("an image");
        let centre = file(sound.clone()).decode_centre(224, 112).expect("a centre");
        let camera: &[u8] = b"written by a camera";
        let strays: [&[u8]; 7] =
            [&[0], &[0; 2], &[0; 40], &[0; 3000], &[0, 0, 0xff, 0, 0], camera, &[0x12, 0x34]];
        for stray in strays {
            let stray = file([&sound[..end], stray, &sound[end..]].concat());
            assert!(stray.decode().expect("an image") == expected, "{sampling:?} {stray:?}");
            assert!(stray.decode_centre(224, 112).expect("a centre") == centre, "{sampling:?}");
        }
        // What is damaged besides is found.
        let mut damaged = [&sound[..end], &[0; 40], &sound[end..]].concat();
        damaged[end / 2..end / 2 + 300].fill(0);
        assert!(file(damaged).decode().is_err(), "{sampling:?}");
    }
}

#[test]
fn damage_anywhere_is_an_error() {
    let bytes = encoded(300, 200, |e| e.set_sampling_factor(SamplingFactor::F_2_2));
    let fails = |bytes: Vec<u8>| {
        let file = Encoded { path: "a.jpg".into(), bytes };
        let (whole, centre) = (file.decode(), file.decode_centre(224, 112));
        assert_eq!(whole.is_err(), centre.is_err());
        whole.is_err()
    };
    assert!(!fails(bytes.clone()));
    let mut found = 0;
    for part in 1..32 {
        let at = bytes.len() * part / 33;
        assert!(fails(bytes[..at].to_vec()), "truncated at {part}/33");
        let mut zeroed = bytes.clone();
        zeroed[at..at + 500].fill(0);
        let removed = [&bytes[..at], &bytes[at + 200..]].concat();
        found += u32::from(fails(zeroed)) + u32::from(fails(removed));
    }
    // By chance the wrong bits are as many blocks as the right ones were.
    assert!(found >= 62 * 3 / 4, "{found} of 62");
}
