//! Small random models, made from a seed.

use lcl_infer::blob::Golden;
use lcl_infer::blob::write::{BlobSpec, ConvSpec, EmitError, LayerSpec, OperationSpec};
use lcl_infer::golden::golden_crc32;
use lcl_infer::parameters::{Channel, Requant};
use lcl_infer::toom::{TRANSFORMS, ToomGeometry, Transform};
use lcl_infer::{
    Architecture, Blob, ConvGeometry, InputFormat, Layer, LayerKind, Name, PoolOrder, V1, V2,
    kernels, self_test_memory_len,
};

/// Side of the golden image of a test model.
pub const GOLDEN_SIDE: u16 = 24;

/// The golden image of a test model.
pub const GOLDEN: Golden = Golden { seed: 7, side: GOLDEN_SIDE };

/// A model with weights of its own.
#[derive(Debug)]
pub struct Model {
    pub architecture: Architecture,
    /// The weights of each convolution, in the order of the layers.
    pub weights: Vec<Tables>,
    /// What the golden image gives at each tap.
    pub crc32: Vec<u32>,
    pub sections: Vec<(u32, Vec<u8>)>,
}

/// The weights of one convolution.
#[derive(Clone, Debug)]
pub struct Tables {
    pub transform: Option<&'static Transform>,
    pub weights: Vec<i8>,
    pub channels: Vec<Channel>,
    pub output_scale: Vec<f32>,
}

/// Returns two convolutions with their pools, V1 and V2.
pub fn two_areas(conv: [ConvGeometry; 2], pool: PoolOrder) -> Architecture {
    let name = |text| Name::new(text).expect("a name");
    let layers = [
        Layer { name: name("conv1"), tap: None, kind: LayerKind::Conv(conv[0]) },
        Layer { name: name("pool1"), tap: Some(V1), kind: LayerKind::Pool(pool) },
        Layer { name: name("conv2"), tap: None, kind: LayerKind::Conv(conv[1]) },
        Layer { name: name("pool2"), tap: Some(V2), kind: LayerKind::Pool(pool) },
    ];
    Architecture::new(input(conv[0].in_c()), &layers).expect("the layers fit")
}

/// Returns the input of so many channels.
pub fn input(channels: usize) -> InputFormat {
    let mut formats = InputFormat::ALL.into_iter();
    formats.find(|format| format.channels() == channels).expect("1 or 3")
}

impl Model {
    /// Makes a model whose activations fill their bytes.
    #[allow(clippy::large_types_passed_by_value, reason = "a test has time")]
    pub fn random(architecture: Architecture, seed: u64) -> Self {
        let mut random = Random(seed);
        let convolutions = architecture.convolutions();
        let weights = convolutions.map(|conv| Tables::random(conv, &mut random)).collect();
        Self { architecture, weights, crc32: Vec::new(), sections: Vec::new() }
    }

    /// A model as small as the format allows to be useful.
    pub fn tiny(pool: PoolOrder, seed: u64) -> Self {
        Self::tiny_for(InputFormat::Rgb888, pool, seed)
    }

    /// A small model for images of that format.
    pub fn tiny_for(input: InputFormat, pool: PoolOrder, seed: u64) -> Self {
        let conv1 = ConvGeometry::new(input.channels(), 4, 3, 2, 1).expect("valid");
        let conv2 = ConvGeometry::new(4, 3, 3, 1, 1).expect("valid");
        Self::random(two_areas([conv1, conv2], pool), seed)
    }

    /// Returns the model with the last transform that each convolution takes,
    /// or the one `before` it.
    pub fn fast(mut self, before: usize) -> Self {
        for (tables, conv) in self.weights.iter_mut().zip(self.architecture.convolutions()) {
            let mut takes =
                TRANSFORMS.into_iter().filter(|it| ToomGeometry::new(conv, it).is_some()).rev();
            tables.transform = takes.nth(before);
        }
        self
    }

    /// Writes the blob, with what its golden image gives.
    pub fn blob(&mut self) -> Bytes {
        let draft = self.emit(GOLDEN);
        let blob = draft.open();
        let mut memory = vec![0; self_test_memory_len(&blob)];
        let crc32 = golden_crc32(&blob, &mut memory, &kernels::portable::KERNELS);
        self.crc32 = crc32.expect("the golden image streams").to_vec();
        self.emit(GOLDEN)
    }

    pub fn emit(&self, golden: Golden) -> Bytes {
        self.try_emit(golden).expect("max_len is enough")
    }

    pub fn try_emit(&self, golden: Golden) -> Result<Bytes, EmitError> {
        self.with_spec(golden, |spec| {
            let mut bytes = Bytes::zeros(spec.max_len());
            bytes.len = spec.emit(bytes.as_mut_slice())?;
            Ok(bytes)
        })
    }

    /// Calls `use_it` with what goes into the blob.
    pub fn with_spec<R>(&self, golden: Golden, use_it: impl FnOnce(&BlobSpec<'_>) -> R) -> R {
        let (mut weights, mut crc32) = (self.weights.iter(), self.crc32.iter().copied());
        let layers = self.architecture.layers().iter().map(|layer| LayerSpec {
            name: layer.name,
            tap: layer.tap,
            golden_crc32: layer.tap.and_then(|_| crc32.next()).unwrap_or_default(),
            operation: match layer.kind {
                LayerKind::Conv(conv) => {
                    OperationSpec::Conv(weights.next().expect("weights").spec(conv))
                }
                LayerKind::Pool(order) => OperationSpec::Pool(order),
                LayerKind::WindowPool(pool) => OperationSpec::WindowPool(pool),
                kind => panic!("the tests know no {kind:?}"),
            },
        });
        let layers: Vec<_> = layers.collect();
        let sections: Vec<_> =
            self.sections.iter().map(|(kind, bytes)| (*kind, &bytes[..])).collect();
        let input = self.architecture.input();
        use_it(&BlobSpec { input, golden, layers: &layers, sections: &sections })
    }
}

impl Tables {
    fn spec(&self, conv: ConvGeometry) -> ConvSpec<'_> {
        ConvSpec {
            transform: self.transform,
            conv,
            weights: &self.weights,
            channels: &self.channels,
            output_scale: &self.output_scale,
        }
    }

    fn random(conv: ConvGeometry, random: &mut Random) -> Self {
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
        Self { transform: None, weights, channels, output_scale }
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
