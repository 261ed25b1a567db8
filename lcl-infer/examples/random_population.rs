//! Writes a blob of the published geometry up to V1 or V2 with a readout of so many
//! neurons behind it, all of random weights: something to measure with where nothing
//! has been fitted.
//!
//! `cargo run --release --package lcl-infer --example random_population -- V2 1000 P.lcl`

use std::{env, error::Error, fs};

use lcl_infer::blob::write::{BlobSpec, LayerSpec, NeuronSpec, OperationSpec, ReadoutSpec};
use lcl_infer::golden::golden_crc32;
use lcl_infer::parameters::Requant;
use lcl_infer::shape::ReadoutGeometry;
use lcl_infer::{LCL_V2, Name, kernels, self_test_memory_len};
use model::{Bytes, GOLDEN, Model, Random};

#[path = "../tests/contract/model.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod model;

/// What the weights are drawn from.
const SEED: u64 = 0x006c_636c;

const USAGE: &str = "usage: random_population V1|V2 NEURONS P.lcl";

fn main() -> Result<(), Box<dyn Error>> {
    let [tap, neurons, out] =
        env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| USAGE)?;
    let tap = Name::new(&tap).ok_or(USAGE)?;
    let architecture = LCL_V2.up_to(tap).ok_or(USAGE)?;
    let (_, channels) = architecture.map_of(tap, 96).ok_or(USAGE)?;
    let geometry = ReadoutGeometry::new(channels, neurons.parse()?).ok_or(USAGE)?;
    let model = Model::random(architecture, SEED);
    let tables = Tables::random(geometry)?;
    let draft = tables.blob(&model, &[])?;
    let blob = draft.open();
    let mut memory = vec![0; self_test_memory_len(&blob)];
    let crc32 = golden_crc32(&blob, &mut memory, &kernels::portable::KERNELS)?;
    fs::write(&out, tables.blob(&model, &crc32)?.as_slice())
        .map_err(|error| format!("{out}: {error}"))?;
    Ok(())
}

/// The tables of a readout.
struct Tables {
    geometry: ReadoutGeometry,
    weights: Vec<i8>,
    neurons: Vec<NeuronSpec>,
    output_scale: Vec<f32>,
}

impl Tables {
    fn random(geometry: ReadoutGeometry) -> Result<Self, Box<dyn Error>> {
        let mut random = Random(SEED);
        let weights = (0..geometry.neurons() * geometry.in_c())
            .map(|_| i8::try_from(random.below(255) - 127))
            .collect::<Result<_, _>>()?;
        let mut position = || u16::try_from(random.below(32_769));
        let mut positions = (0..geometry.neurons())
            .map(|_| Ok([position()?, position()?]))
            .collect::<Result<Vec<[u16; 2]>, Box<dyn Error>>>()?;
        positions.sort_by_key(|[_, y]| *y);
        let drive = Requant::new(1 << 30, 34).ok_or("in range")?;
        let rate = Requant::new(1 << 30, 39).ok_or("in range")?;
        let neuron = |(number, position)| NeuronSpec { position, bias: 0, drive, rate, number };
        let neurons = (0..).zip(positions).map(neuron).collect();
        Ok(Self { geometry, weights, neurons, output_scale: vec![0.01; geometry.neurons()] })
    }

    fn blob(&self, model: &Model, crc32: &[u32]) -> Result<Bytes, Box<dyn Error>> {
        model.with_spec(GOLDEN, |spec| {
            let mut layers = spec.layers.to_vec();
            let operation = OperationSpec::Readout(ReadoutSpec {
                geometry: self.geometry,
                weights: &self.weights,
                neurons: &self.neurons,
                output_scale: &self.output_scale,
            });
            let (name, tap) = (Name::new("readout").ok_or("a name")?, Name::new("rates"));
            layers.push(LayerSpec { name, tap, golden_crc32: 0, operation });
            let mut crc32 = crc32.iter();
            for layer in layers.iter_mut().filter(|layer| layer.tap.is_some()) {
                layer.golden_crc32 = crc32.next().copied().unwrap_or_default();
            }
            let spec = BlobSpec { layers: &layers, ..*spec };
            let mut bytes = Bytes::zeros(spec.max_len());
            bytes.len = spec.emit(bytes.as_mut_slice())?;
            Ok(bytes)
        })
    }
}
