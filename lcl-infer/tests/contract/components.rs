//! Tables of divisive normalisations and resamplings that are out of bounds, each
//! its own error.

use lcl_infer::blob::Golden;
use lcl_infer::parameters::{MAX_NORM_MULTIPLIER, Operation};
use lcl_infer::shape::{Border, NormGeometry, Resample, Retina, RetinaOutput};
use lcl_infer::{
    Architecture, Blob, Contract, InputFormat, Layer, LayerKind, Name, OpenError, self_test,
    self_test_memory_len,
};

use crate::model::{Model, Runs};

const SIDE: usize = 9;

fn resample(overlap: usize) -> Resample {
    Resample::new(SIDE, 3, overlap).expect("valid")
}

/// Returns a retina, a resampling of 9 pixels to 3 and a normalisation of 6
/// channels.
fn model() -> Model {
    let norm = NormGeometry::new(6, 1, Border::Zero).expect("valid");
    let retina = Retina::new(RetinaOutput::OnOff, 2, 128, 512).expect("valid");
    let kinds =
        [LayerKind::Retina(retina), LayerKind::Resample(resample(2)), LayerKind::Norm(norm)];
    let mut model = Model::random(architecture(&kinds), 1);
    // The last channel is of another kind than its neighbours, so the last group
    // is not whole.
    model.norms[0].weights[35] = 5;
    model.norms[0].channels[5].bias = 7;
    model.runs = vec![Runs {
        runs: vec![[0, 3], [2, 3], [6, 1]],
        weights: vec![50, 55, 150, 100, 100, 55, 255],
    }];
    model
}

fn architecture(kinds: &[LayerKind]) -> Architecture {
    let names = ["retina", "fovea", "norm"].map(|name| Name::new(name).expect("a name"));
    let layers =
        names.into_iter().zip(kinds).map(|(name, &kind)| Layer { name, tap: Some(name), kind });
    Architecture::new(InputFormat::Rgb888, &layers.collect::<Vec<_>>()).expect("they fit")
}

#[expect(clippy::cast_possible_truncation, reason = "a side of a few pixels")]
const GOLDEN: Golden = Golden { seed: 3, side: SIDE as u16 };

#[test]
fn tables_come_back() {
    let mut model = model();
    let bytes = model.blob_of(GOLDEN);
    let blob = bytes.open();
    assert_eq!(blob.contract(), Contract::V2);
    assert_eq!((blob.min_image_side(), blob.max_image_side()), (SIDE, SIDE));
    let operations: Vec<_> = blob.layers().map(|layer| layer.operation).collect();
    let [Operation::Retina(_), Operation::Resample(table), Operation::Norm(norm)] = operations[..]
    else {
        panic!("{operations:?}");
    };
    let runs: Vec<_> = table.runs().map(|(run, _)| [run.start, run.len]).collect();
    let weights: Vec<_> = table.runs().flat_map(|(_, weights)| weights).copied().collect();
    assert_eq!((&runs, &weights), (&model.runs[0].runs, &model.runs[0].weights));
    let weights: Vec<_> = (0..6).flat_map(|channel| norm.norm.filter(channel)).collect();
    assert_eq!(weights, model.norms[0].weights);
    assert!(norm.norm.channels().eq(model.norms[0].channels.iter().copied()));
    let scales = blob.output_scale(Name::new("norm").expect("a name")).expect("it has scales");
    assert!(scales.iter().eq(model.norms[0].output_scale.iter().copied()));
    let mut memory = vec![0; self_test_memory_len(&blob)];
    assert_eq!(self_test(&blob, &mut memory), Ok(()));
}

#[test]
fn any_flipped_bit_is_an_error() {
    let mut bytes = model().blob_of(GOLDEN);
    for position in 0..bytes.len {
        bytes.as_mut_slice()[position] ^= 1 << (position % 8);
        assert!(Blob::open(bytes.as_slice()).is_err(), "byte {position}");
        bytes.as_mut_slice()[position] ^= 1 << (position % 8);
    }
    bytes.open();
}

#[track_caller]
fn check(spoil: impl FnOnce(&mut Model), expected: impl FnOnce(&OpenError) -> bool, text: &str) {
    let mut model = model();
    spoil(&mut model);
    let error = Blob::open(model.emit(GOLDEN).as_slice()).expect_err("out of bounds");
    assert!(expected(&error) && error.to_string().contains(text), "{error:?}: {error}");
}

#[test]
fn normalisations_are_checked() {
    use OpenError::{Accumulator, Denominator, NormMultiplier, NormWeight};
    for bias in [0, -1, i32::MIN] {
        check(
            |model| model.norms[0].channels[1].bias = bias,
            |error| matches!(error, Denominator { channel: 1, got, .. } if *got == bias),
            "nothing is divided by 0",
        );
    }
    for multiplier in [-1, MAX_NORM_MULTIPLIER + 1] {
        check(
            |model| model.norms[0].channels[5].multiplier = multiplier,
            |error| matches!(error, NormMultiplier { channel: 5, got, .. } if *got == multiplier),
            "[0, 8388608]",
        );
    }
    check(
        |model| model.norms[0].weights[35] = -1,
        |error| matches!(error, NormWeight { channel: 5, got: -1, .. }),
        "[0, 127]",
    );
    check(
        |model| model.norms[0].channels[5].bias = i32::MAX,
        |error| matches!(error, Accumulator { channel: 5, .. }),
        "32 bits",
    );
    check(
        |model| model.norms[0].output_scale[3] = f32::NAN,
        |error| matches!(error, OpenError::Scale { channel: 3, .. }),
        "not a number",
    );
}

#[test]
fn resamplings_are_checked() {
    let run = |index: usize, [start, len]: [u16; 2]| {
        check(
            |model| model.runs[0].runs[index] = [start, len],
            |error| matches!(error, OpenError::Run { index: at, .. } if *at == index),
            "run",
        );
    };
    // Beyond the map, before the run before it, ending before it.
    run(2, [9, 1]);
    run(2, [1, 1]);
    run(2, [3, 1]);
    run(1, [7, 3]);
    check(
        |model| model.runs[0].weights[0] = 49,
        |error| matches!(error, OpenError::RunWeight { index: 0, got: 254, .. }),
        "sum to 255",
    );
    for overlap in [1, 3] {
        check(
            |model| {
                let mut kinds: Vec<_> =
                    model.architecture.layers().iter().map(|layer| layer.kind).collect();
                kinds[1] = LayerKind::Resample(resample(overlap));
                model.architecture = architecture(&kinds);
            },
            |error| matches!(error, OpenError::Overlap { expected: 2, got, .. } if *got == overlap),
            "up to 2 runs",
        );
    }
}

#[test]
fn maps_that_do_not_fit_each_other_are_told() {
    let kinds = [(9, 5), (7, 3)]
        .map(|(taken, given)| LayerKind::Resample(Runs::drawn(taken, given).expect("drawn").0));
    let model = Model::random(architecture(&kinds), 1);
    let bytes = model.emit(Golden { seed: 1, side: 9 });
    let error = Blob::open(bytes.as_slice()).expect_err("5 is not 7");
    assert!(error.to_string().contains("pixels"), "{error}");
    let kinds = [(9, 8), (7, 3)]
        .map(|(taken, given)| LayerKind::Resample(Runs::drawn(taken, given).expect("drawn").0));
    let model = Model::random(architecture(&kinds), 1);
    let bytes = model.emit(Golden { seed: 1, side: 9 });
    let error = Blob::open(bytes.as_slice()).expect_err("8 is not 7");
    assert_eq!(error, OpenError::NoSide { side: 9 });
}

#[test]
fn kinds_that_the_engine_cannot_run_are_none() {
    assert!(Resample::new(0, 1, 1).is_none() && Resample::new(1, 0, 1).is_none());
    assert!(Resample::new(1, 1, 0).is_none() && Resample::new(1, 1, 9).is_none());
    assert!(Resample::new(8193, 1, 1).is_none());
    assert!(NormGeometry::new(1025, 1, Border::Zero).is_none());
    // A retina would give more channels than there are.
    let retina = Retina::new(RetinaOutput::OnOff, 2, 1, 1).expect("valid");
    let name = Name::new("retina").expect("a name");
    let layers = [LayerKind::Retina(retina); 10].map(|kind| Layer { name, tap: Some(name), kind });
    assert!(Architecture::new(InputFormat::Rgb888, &layers[..8]).is_some());
    assert!(Architecture::new(InputFormat::Rgb888, &layers[..9]).is_none());
}
