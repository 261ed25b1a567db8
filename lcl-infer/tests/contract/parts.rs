//! A blob opens where the parts that its layers need are built in; elsewhere it is
//! refused, by the name of the layer and of the part.

use lcl_infer::blob::Golden;
use lcl_infer::blob::write::{
    BlobSpec, ConvSpec, DenseSpec, LayerSpec, NeuronSpec, NormSpec, OperationSpec, ReadoutSpec,
    ResampleSpec,
};
use lcl_infer::parameters::{Channel, NormChannel, Requant};
use lcl_infer::shape::{
    Border, ConvGeometry, DenseGeometry, NormGeometry, Opponent, ReadoutGeometry, Resample, Retina,
    RetinaOutput, Sums, WindowOperation, WindowPool,
};
use lcl_infer::toom::{F2_3, Transform};
use lcl_infer::{Blob, InputFormat, Name, OpenError, Part, PoolOrder};

use crate::model::Bytes;

const SIDE: u16 = 9;

/// Returns a blob of one layer, `area`.
fn blob_of(operation: OperationSpec<'_>) -> Bytes {
    let name = Name::new("area").expect("a name");
    let layers = [LayerSpec { name, tap: Some(name), golden_crc32: 0, operation }];
    let golden = Golden { seed: 1, side: SIDE };
    let spec = BlobSpec { input: InputFormat::Rgb888, golden, layers: &layers, sections: &[] };
    let mut bytes = Bytes::zeros(spec.max_len());
    bytes.len = spec.emit(bytes.as_mut_slice()).expect("max_len is enough");
    bytes
}

/// Returns a blob of each kind of layer for three channels, with the part that it
/// needs.
fn blobs() -> Vec<(Option<Part>, Bytes)> {
    let requant = Requant::new(1 << 30, 37).expect("in range");
    let channels = [Channel { bias: 3, requant }; 2];
    let output_scale = &[1.0; 3];
    let conv = |transform: Option<&'static Transform>| {
        OperationSpec::Conv(ConvSpec {
            conv: ConvGeometry::new(3, 2, 3, 1, 1).expect("valid"),
            transform,
            weights: &[1; 54],
            channels: &channels,
            output_scale: &output_scale[..2],
        })
    };
    let dense = OperationSpec::Dense(DenseSpec {
        dense: DenseGeometry::new(3, 2, Sums::Bytes).expect("valid"),
        weights: &[1; 6],
        channels: &channels,
        output_scale: &output_scale[..2],
    });
    let norm = OperationSpec::Norm(NormSpec {
        norm: NormGeometry::new(3, 1, Border::Zero).expect("valid"),
        weights: &[1; 9],
        channels: &[NormChannel { bias: 1, multiplier: 0 }; 3],
        output_scale,
    });
    let resample = OperationSpec::Resample(ResampleSpec {
        resample: Resample::new(SIDE.into(), 3, 1).expect("valid"),
        runs: &[[0, 3], [3, 3], [6, 3]],
        weights: &[85; 9],
    });
    let readout = OperationSpec::Readout(ReadoutSpec {
        geometry: ReadoutGeometry::new(3, 1).expect("valid"),
        weights: &[1; 3],
        neurons: &[NeuronSpec {
            position: [0; 2],
            bias: 0,
            drive: requant,
            rate: requant,
            number: 0,
        }],
        output_scale: &[1.0],
    });
    let retina = Retina::new(RetinaOutput::OnOff, 2, 128, 512).expect("valid");
    let opponent = Opponent::new(128, 512).expect("valid");
    let pool = WindowPool::new(WindowOperation::Max, 2, 2, 0).expect("valid");
    [
        (None, conv(None)),
        (None, OperationSpec::Pool(PoolOrder::Max)),
        (Some(Part::Transforms), conv(Some(&F2_3))),
        (Some(Part::Components), norm),
        (Some(Part::Components), resample),
        (Some(Part::Components), OperationSpec::Retina(retina)),
        (Some(Part::Components), OperationSpec::Opponent(opponent)),
        (Some(Part::Recognition), dense),
        (Some(Part::Recognition), OperationSpec::WindowPool(pool)),
        (Some(Part::Population), readout),
    ]
    .map(|(part, operation)| (part, blob_of(operation)))
    .into()
}

#[test]
fn a_layer_whose_part_is_not_built_in_is_refused_by_name() {
    let layer = Name::new("area").expect("a name");
    for (part, bytes) in blobs() {
        match part.filter(|part| !part.is_built_in()) {
            None => {
                let blob = bytes.open();
                assert!(blob.layers().map(|layer| layer.part()).eq([part]), "{part:?}");
            }
            Some(part) => {
                let error = Blob::open(bytes.as_slice()).expect_err("it is not built in");
                assert_eq!(error, OpenError::NotBuiltIn { layer, part });
                let text = error.to_string();
                assert!(
                    text.contains("layer area") && text.contains(&format!("feature `{part}` of")),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_part_is_built_in_by_the_feature_of_its_name() {
    let features = [
        cfg!(feature = "transforms"),
        cfg!(feature = "components"),
        cfg!(feature = "recognition"),
        cfg!(feature = "population"),
    ];
    let names = ["transforms", "components", "recognition", "population"];
    for (part, (built_in, name)) in Part::ALL.into_iter().zip(features.into_iter().zip(names)) {
        assert_eq!((part.is_built_in(), part.name()), (built_in, name));
    }
}
