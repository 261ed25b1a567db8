//! Readouts: streamed against the reference, by hand, and what `open` refuses.

use lcl_infer::blob::write::{
    BlobSpec, ConvSpec, LayerSpec, NeuronSpec, OperationSpec, ReadoutSpec,
};
use lcl_infer::blob::{Golden, OpenError};
use lcl_infer::kernels;
use lcl_infer::parameters::{Channel, Operation, POSITION_ONE, Requant};
use lcl_infer::shape::ReadoutGeometry;
use lcl_infer::{
    Blob, ConvGeometry, Frontend, ImageSize, InputFormat, Name, PoolOrder, reference, self_test,
    self_test_memory_len,
};

use crate::model::{Bytes, Random};

/// A readout's tables.
struct Population {
    in_c: usize,
    weights: Vec<i8>,
    neurons: Vec<NeuronSpec>,
}

impl Population {
    fn random(in_c: usize, count: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let weights = (0..in_c * count)
            .map(|_| i8::try_from(random.below(255) - 127).expect("a weight"))
            .collect();
        let mut position = || match random.below(6) {
            0 => 0,
            1 => POSITION_ONE,
            _ => u16::try_from(random.below(32769)).expect("a position"),
        };
        let mut positions: Vec<[u16; 2]> = (0..count).map(|_| [position(), position()]).collect();
        positions.sort_by_key(|[_, y]| *y);
        let neurons = (0..).zip(positions).map(|(number, position)| NeuronSpec {
            position,
            bias: i32::try_from(random.below(4000) - 2000).expect("a bias"),
            drive: Requant::new((1 << 30) + 12_345, 32).expect("in range"),
            rate: Requant::new((1 << 30) + 777, 40).expect("in range"),
            number,
        });
        let neurons = neurons.collect();
        Self { in_c, weights, neurons }
    }

    fn spec<'a>(&'a self, scales: &'a [f32]) -> ReadoutSpec<'a> {
        let geometry = ReadoutGeometry::new(self.in_c, self.neurons.len()).expect("valid");
        ReadoutSpec {
            geometry,
            weights: &self.weights,
            neurons: &self.neurons,
            output_scale: scales,
        }
    }

    /// Returns a blob of a pointwise convolution, a pool and the readout.
    fn blob(&self) -> Bytes {
        let mut random = Random(5);
        let weights: Vec<i8> = (0..3 * self.in_c)
            .map(|_| i8::try_from(random.below(180) - 60).expect("a weight"))
            .collect();
        let requant = Requant::new(1 << 30, 37).expect("in range");
        let channels = vec![Channel { bias: 3, requant }; self.in_c];
        let conv_scales = vec![1.0; self.in_c];
        let scales: Vec<f32> = (0..self.neurons.len()).map(|n| 0.01 + n as f32).collect();
        let conv = ConvSpec {
            conv: ConvGeometry::new(3, self.in_c, 1, 1, 0).expect("valid"),
            transform: None,
            weights: &weights,
            channels: &channels,
            output_scale: &conv_scales,
        };
        let layer = |name, tap: Option<&str>, operation| LayerSpec {
            name: Name::new(name).expect("a name"),
            tap: tap.and_then(Name::new),
            golden_crc32: 0,
            operation,
        };
        let layers = [
            layer("conv1", None, OperationSpec::Conv(conv)),
            layer("pool1", Some("V1"), OperationSpec::Pool(PoolOrder::MaxBlur)),
            layer("readout", Some("rates"), OperationSpec::Readout(self.spec(&scales))),
        ];
        let golden = Golden { seed: 1, side: 16 };
        let spec = BlobSpec { input: InputFormat::Rgb888, golden, layers: &layers, sections: &[] };
        let mut bytes = Bytes::zeros(spec.max_len());
        let len = spec.emit(bytes.as_mut_slice()).expect("space");
        Bytes::copy_of(&bytes.as_slice()[..len])
    }
}

/// Streams an image and returns the map of V1 and the rates, in rows of 16.
fn stream(
    blob: &Blob<'_>,
    size: ImageSize,
    image: &[u8],
    kernels: &'static kernels::Kernels,
) -> (Vec<u8>, Vec<u8>) {
    let mut memory = vec![0xa5; blob.memory_len(size.width)];
    let mut frontend =
        Frontend::with_kernels(blob, size, memory.as_mut_slice(), kernels).expect("a front-end");
    let (mut map, mut rates) = (Vec::new(), Vec::new());
    // Twice: the second frame finds nothing of the first.
    for _ in 0..2 {
        (map, rates) = (Vec::new(), Vec::new());
        frontend
            .run_frame(image, |row| {
                if row.tap == lcl_infer::V1 {
                    map.extend_from_slice(row.values);
                } else {
                    assert_eq!((row.y * 16, row.width, row.channels), (rates.len(), 1, 16));
                    rates.extend_from_slice(row.values);
                }
            })
            .expect("a frame");
    }
    (map, rates)
}

#[test]
fn rates_are_the_references_for_every_kernel_size_and_number() {
    for (in_c, count) in [(1, 1), (3, 16), (5, 17), (16, 40), (20, 100)] {
        let bytes = Population::random(in_c, count, 7 + count as u64).blob();
        let blob = bytes.open();
        let parameters = blob.layers().last().expect("a readout");
        let Operation::Readout(readout) = parameters.operation else { panic!("a readout") };
        for (width, height) in [(1, 1), (2, 9), (9, 1), (16, 16), (33, 21)] {
            let size = ImageSize { width, height };
            let image = Random(3).bytes(3 * width * height);
            for kernels in kernels::available() {
                let (map, rates) = stream(&blob, size, &image, kernels);
                let v1 = ImageSize { width: width.div_ceil(2), height: height.div_ceil(2) };
                let mut expected = vec![1; count.div_ceil(16) * 16];
                reference::readout_ref(&readout.readout, v1, &map, &mut expected);
                assert_eq!(rates, expected, "{in_c} {count} {size:?} {}", kernels.name);
                assert!(rates[count..].iter().all(|&rate| rate == 0));
            }
        }
        assert!(blob.output_scale(Name::new("rates").expect("a name")).is_some());
        let mut memory = vec![0; self_test_memory_len(&blob)];
        let _ = self_test(&blob, &mut memory);
    }
}

#[test]
fn a_rate_by_hand() {
    // Two channels of a map of 3 × 2; the neuron lies three quarters along x, that is
    // half a pixel behind the middle, and a quarter along y.
    let map = [0, 0, 10, 20, 30, 40, 0, 0, 50, 60, 70, 80];
    let mut population = Population::random(2, 1, 1);
    population.weights = vec![2, -1];
    let drive = Requant::new(1 << 30, 31).expect("in range");
    let rate = Requant::new(1 << 30, 40).expect("in range");
    population.neurons =
        vec![NeuronSpec { position: [24_576, 8192], bias: 100, drive, rate, number: 9 }];
    let bytes = population.blob();
    let blob = bytes.open();
    let Operation::Readout(readout) = blob.layers().last().expect("one").operation else {
        panic!("a readout")
    };
    let mut out = [0; 16];
    reference::readout_ref(&readout.readout, ImageSize { width: 3, height: 2 }, &map, &mut out);
    // Above (20, 30), below (60, 70), at a quarter (30, 40): 60 - 40 = 20. Half of 120
    // is 60 / 1024, and 60 / 1024 + 1 times 32 is 33.9.
    assert_eq!(out[0], 34);
    assert_eq!(readout.readout.neuron(0).map(|neuron| neuron.number), Some(9));
}

#[test]
fn what_is_no_readout_is_refused_by_name() {
    let open = |change: &dyn Fn(&mut Population)| {
        let mut population = Population::random(5, 20, 2);
        change(&mut population);
        let bytes = population.blob();
        Blob::open(bytes.as_slice()).map(|_| ())
    };
    assert_eq!(open(&|_| {}), Ok(()));
    let outside = open(&|population| population.neurons[19].position = [32_769, 32_768]);
    assert!(matches!(outside, Err(OpenError::Position { neuron: 19, .. })), "{outside:?}");
    let disorder = open(&|population| {
        population.neurons[3].position = [0, 32_768];
        population.neurons[4].position = [0, 0];
    });
    assert!(matches!(disorder, Err(OpenError::Position { neuron: 4, .. })), "{disorder:?}");
    let weight = open(&|population| population.weights[7] = i8::MIN);
    assert!(matches!(weight, Err(OpenError::Weight { channel: 1, .. })), "{weight:?}");
    let bound = open(&|population| population.neurons[2].bias = i32::MIN);
    assert!(matches!(bound, Err(OpenError::Accumulator { channel: 2, .. })), "{bound:?}");
    assert!(ReadoutGeometry::new(0, 1).is_none() && ReadoutGeometry::new(1, 0).is_none());
    assert!(ReadoutGeometry::new(1025, 1).is_none() && ReadoutGeometry::new(1, 16_385).is_none());
}

#[test]
fn damage_is_found_or_harmless() {
    let bytes = Population::random(3, 18, 4).blob();
    // Every byte, with its checksum made right again: refused or run without a panic.
    for at in 40..bytes.len {
        let mut damaged = Bytes::copy_of(bytes.as_slice());
        damaged.as_mut_slice()[at] ^= 0x81;
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let crc32 = crc.checksum(&damaged.as_slice()[40..]);
        damaged.as_mut_slice()[32..36].copy_from_slice(&crc32.to_le_bytes());
        if let Ok(blob) = Blob::open(damaged.as_slice()) {
            let size = ImageSize::square(16);
            let image = Random(9).bytes(3 * 256);
            let _ = stream(&blob, size, &image, kernels::active());
        }
    }
}
