//! Small random models, made from a seed.

use lcl_infer::{
    Blob, BlobSpec, Channel, ConvGeometry, EmitError, Golden, InputFormat, PoolOrder, Requant,
    StageSpec, golden_crc32, kernels,
};

/// Side of the golden image of a test model.
pub const GOLDEN_SIDE: u16 = 24;

/// A model with weights of its own.
#[derive(Debug)]
pub struct Model {
    pub stages: [Stage; 2],
}

#[derive(Debug)]
pub struct Stage {
    pub conv: ConvGeometry,
    pub pool: PoolOrder,
    pub weights: Vec<i8>,
    pub channels: Vec<Channel>,
    pub output_scale: Vec<f32>,
}

impl Model {
    /// Makes a model of that geometry whose activations fill their bytes.
    pub fn random(conv: [ConvGeometry; 2], pool: PoolOrder, seed: u64) -> Self {
        let mut random = Random(seed);
        Self { stages: conv.map(|conv| Stage::random(conv, pool, &mut random)) }
    }

    /// A model as small as the format allows to be useful.
    pub fn tiny(pool: PoolOrder, seed: u64) -> Self {
        Self::tiny_for(InputFormat::Rgb888, pool, seed)
    }

    /// A small model for images of that format.
    pub fn tiny_for(input: InputFormat, pool: PoolOrder, seed: u64) -> Self {
        let conv1 = ConvGeometry::new(input.channels(), 4, 3, 2, 1).expect("valid");
        let conv2 = ConvGeometry::new(4, 3, 3, 1, 1).expect("valid");
        Self::random([conv1, conv2], pool, seed)
    }

    /// Writes the blob, with its golden vector.
    pub fn blob(&self) -> Bytes {
        let golden = Golden { seed: 7, side: GOLDEN_SIDE, v1_crc32: 0, v2_crc32: 0 };
        let draft = self.emit(golden);
        let blob = draft.open();
        let mut memory = vec![0; lcl_infer::self_test_memory_len(&blob)];
        let [v1_crc32, v2_crc32] = golden_crc32(&blob, &mut memory, &kernels::portable::KERNELS)
            .expect("the golden image streams");
        self.emit(Golden { v1_crc32, v2_crc32, ..golden })
    }

    pub fn emit(&self, golden: Golden) -> Bytes {
        self.try_emit(golden).expect("max_len is enough")
    }

    pub fn try_emit(&self, golden: Golden) -> Result<Bytes, EmitError> {
        let spec = self.spec(golden);
        let mut bytes = Bytes::zeros(spec.max_len());
        bytes.len = spec.emit(bytes.as_mut_slice())?;
        Ok(bytes)
    }

    /// Returns what goes into the blob.
    pub fn spec(&self, golden: Golden) -> BlobSpec<'_> {
        let stages = [0, 1].map(|index| {
            let stage = &self.stages[index];
            StageSpec {
                conv: stage.conv,
                pool: stage.pool,
                weights: &stage.weights,
                channels: &stage.channels,
                output_scale: &stage.output_scale,
            }
        });
        let channels = self.stages[0].conv.in_c();
        let mut formats = InputFormat::ALL.into_iter();
        let input = formats.find(|format| format.channels() == channels).expect("1 or 3");
        BlobSpec { input, golden, stages }
    }
}

impl Stage {
    fn random(conv: ConvGeometry, pool: PoolOrder, random: &mut Random) -> Self {
        let weights: Vec<i8> = (0..conv.weights_len())
            .map(|_| i8::try_from(random.below(255) - 127).expect("within -127 to 127"))
            .collect();
        let spread = 128 * 74 * i64::try_from(conv.taps().isqrt()).expect("small");
        let channels = (0..conv.out_c())
            .map(|_| {
                // One standard deviation of the sum makes about a quarter of a byte.
                let shift = 31 + u8::try_from((spread / 64).ilog2()).expect("small");
                let multiplier = (1 << 30) + i32::try_from(random.below(1 << 30)).expect("small");
                Channel {
                    bias: i32::try_from(random.below(spread) - spread / 2).expect("small"),
                    requant: Requant::new(multiplier, shift).expect("in range"),
                }
            })
            .collect();
        let output_scale = (0..conv.out_c()).map(|c| 0.01 * (1.0 + c as f32)).collect();
        Self { conv, pool, weights, channels, output_scale }
    }
}

/// Bytes at an aligned address.
#[derive(Clone, Debug)]
pub struct Bytes {
    blocks: Vec<u128>,
    pub len: usize,
}

impl Bytes {
    pub fn zeros(len: usize) -> Self {
        Self { blocks: vec![0; len.div_ceil(16)], len }
    }

    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::zeros(bytes.len());
        copy.as_mut_slice().copy_from_slice(bytes);
        copy
    }

    pub fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.blocks)[..self.len]
    }

    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.blocks)[..self.len]
    }

    pub fn open(&self) -> Blob<'_> {
        Blob::open(self.as_slice()).expect("the test's blob is sound")
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() % end.unsigned_abs()).expect("below an i64")
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
