//! Bytes of features as the engine of two fused stages gave them: they stay for
//! ever.

use lcl_infer::PoolOrder::{self, BlurMax, Max, MaxBlur};
use lcl_infer::{Architecture, Frontend, ImageSize, InputFormat};

use crate::model::{Model, Random};

type Pin = (InputFormat, PoolOrder, u64, [usize; 2], [u32; 2], [u32; 2]);

const RGB: InputFormat = InputFormat::Rgb888;
const GRAY: InputFormat = InputFormat::Gray8;

/// Models of the published geometry with weights of a seed, the size of an
/// image, the CRC-32 of V1 and V2 of the golden image and of that image.
const PINS: [Pin; 12] = [
    (RGB, MaxBlur, 1, [96, 96], [0xcd58_de4f, 0x3ed6_b621], [0x621e_2605, 0x27f7_b1fb]),
    (RGB, MaxBlur, 2, [48, 33], [0x58c6_c698, 0x6482_bb36], [0xf71a_67d3, 0x021b_025e]),
    (RGB, BlurMax, 1, [96, 96], [0xd602_4a75, 0x78b0_0141], [0x9ce3_a543, 0x9cb1_f5a0]),
    (RGB, BlurMax, 2, [48, 33], [0x24a2_caaa, 0x41a9_e636], [0xe99e_54c1, 0x23fc_3f85]),
    (RGB, Max, 1, [96, 96], [0x7e4f_6aa6, 0x48ac_337a], [0x94d1_59a3, 0xef83_f751]),
    (RGB, Max, 2, [48, 33], [0xe660_28b9, 0x9e7c_bcb5], [0xf965_a5b0, 0xbbb0_58ed]),
    (GRAY, MaxBlur, 1, [96, 96], [0xf9a9_97e3, 0x6c52_f852], [0x01eb_6eb0, 0x180d_49f2]),
    (GRAY, MaxBlur, 2, [48, 33], [0xf481_790b, 0xd5ca_0de7], [0xa1e7_023a, 0x8715_de0c]),
    (GRAY, BlurMax, 1, [96, 96], [0xaf90_e742, 0xbd00_32f3], [0x5e04_3ccc, 0x2753_64e7]),
    (GRAY, BlurMax, 2, [48, 33], [0x8c4a_2f07, 0x18a2_fcf7], [0x54c7_33cb, 0x0c42_006a]),
    (GRAY, Max, 1, [96, 96], [0x0fb0_77bc, 0x48b0_17c1], [0x7e79_636d, 0x15a9_92fa]),
    (GRAY, Max, 2, [48, 33], [0x9831_7fa2, 0xff10_e0ba], [0xa1f9_5abc, 0x2c32_2417]),
];

/// The same for the golden images of the tests' small models, seed 7.
const TINY: [(InputFormat, PoolOrder, [u32; 2]); 6] = [
    (RGB, MaxBlur, [0xc5ab_a850, 0xaf14_0fe7]),
    (RGB, BlurMax, [0x1544_ba03, 0x75da_df3f]),
    (RGB, Max, [0x2321_5998, 0x9f4f_a2a9]),
    (GRAY, MaxBlur, [0xeaec_d7d5, 0x1c70_b02c]),
    (GRAY, BlurMax, [0x52b0_d1d6, 0x8d8f_ca13]),
    (GRAY, Max, [0x3a2f_34d1, 0x073a_2d23]),
];

#[test]
fn published_geometry() {
    for (input, pool, seed, [width, height], golden, features) in PINS {
        let mut model = Model::random(Architecture::lcl_v2(input, pool), seed);
        let bytes = model.blob();
        let context = format!("{input:?} {pool:?} {seed}");
        assert_eq!(model.crc32[..2], golden, "{context}: the golden image");
        let (blob, size) = (bytes.open(), ImageSize { width, height });
        let image = Random(seed ^ 9).bytes(input.channels() * width * height);
        let mut memory = vec![0; blob.memory_len(width)];
        let mut frontend = Frontend::new(&blob, size, &mut memory).expect("it streams");
        let mut maps: Vec<_> =
            blob.taps().map(|tap| (tap, vec![0; frontend.features_len(tap)])).collect();
        let run = frontend.run_frame(&image, |row| {
            for (tap, map) in &mut maps {
                if *tap == row.tap {
                    row.copy_to(map);
                }
            }
        });
        assert_eq!(run, Ok(()));
        let crc32 = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let got: Vec<_> = maps.iter().map(|(_, map)| crc32.checksum(map)).collect();
        assert_eq!(got, features, "{context}");
    }
}

#[test]
fn small_models() {
    for (input, pool, golden) in TINY {
        let mut model = Model::tiny_for(input, pool, 7);
        model.blob();
        assert_eq!(model.crc32[..2], golden, "{input:?} {pool:?}");
    }
}
