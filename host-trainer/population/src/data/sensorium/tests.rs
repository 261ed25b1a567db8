use std::{fs, path::Path};

use npyz::WriterBuilder;
use tempfile::TempDir;

use super::*;

fn npy(path: &Path, shape: &[u64], values: &[f64]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::<f64>::new().default_dtype().shape(shape);
    let mut writer = options.writer(&mut bytes).begin_nd().expect("a header");
    writer.extend(values.iter().copied()).expect("values");
    writer.finish().expect("an end");
    fs::write(path, bytes).expect("a file");
}

fn strings(path: &Path, names: &[&str]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let mut bytes = Vec::new();
    let dtype = npyz::DType::Plain("|S10".parse().expect("a type"));
    let options = npyz::WriteOptions::<[u8]>::new().dtype(dtype).shape(&[names.len() as u64]);
    let mut writer = options.writer(&mut bytes).begin_nd().expect("a header");
    for name in names {
        writer.push(name.as_bytes()).expect("a name");
    }
    writer.finish().expect("an end");
    fs::write(path, bytes).expect("a file");
}

/// Six trials of three neurons; trials 4 and 5 show one image, the last is held
/// back and has no files.
fn layout() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    strings(
        &at("meta/trials/tiers.npy"),
        &["train", "train", "validation", "validation", "test", "test", "final_test"],
    );
    npy(&at("meta/trials/frame_image_id.npy"), &[7], &[10.0, 11.0, 12.0, 13.0, 14.0, 14.0, 15.0]);
    for trial in 0..6 {
        let pixels: Vec<f64> = (0..6).map(|pixel| f64::from(10 * trial + pixel)).collect();
        npy(&at(&format!("data/images/{trial}.npy")), &[1, 2, 3], &pixels);
        let responses = [f64::from(trial), 0.5, 1.0 + f64::from(trial % 2)];
        npy(&at(&format!("data/responses/{trial}.npy")), &[3], &responses);
    }
    npy(&at("meta/neurons/unit_ids.npy"), &[3], &[7.0, 8.0, 9.0]);
    let positions = [0.0, 0.0, 200.0, 100.0, 0.0, 200.0, 200.0, 60.0, 210.0];
    npy(&at("meta/neurons/cell_motor_coordinates.npy"), &[3, 3], &positions);
    folder
}

fn error(folder: &TempDir) -> String {
    read(folder.path()).expect_err("an error").to_string()
}

#[test]
fn a_session_is_read_as_it_is_published() {
    let session = read(layout().path()).expect("a session");
    assert_eq!((session.height, session.width, session.neurons()), (2, 3, 3));
    assert_eq!(session.images.len(), 5 * 6);
    assert_eq!(session.image(4)[..2], [40.0, 41.0]);
    assert_eq!(session.response(1), [1.0, 0.5, 2.0]);
    assert_eq!(
        (session.of_tier(Tier::Train), session.of_tier(Tier::Test)),
        (vec![0, 1], vec![4, 5])
    );
    assert_eq!(session.ids, [7, 8, 9]);
    let repeated = session.repeated();
    assert_eq!((repeated.images, repeated.repeats), (vec![4], 2));
    assert_eq!(repeated.responses, [4.0, 0.5, 1.0, 5.0, 0.5, 2.0]);
    // Training responses 0 1, ½ ½ and 1 2: deviations ½ 0 ½, of mean ⅓.
    let scale = session.response_scale();
    for (got, expected) in scale.iter().zip([0.5, 1.0 / 300.0, 0.5]) {
        assert!((got - expected).abs() < 1e-9, "{scale:?}");
    }
    // Centre (100, 20), largest magnitude 100 over both axes.
    let plane = session.cortical_plane().expect("positions");
    for (got, expected) in plane.iter().flatten().zip([-1.0, -0.2, 0.0, -0.2, 1.0, 0.4]) {
        assert!((got - expected).abs() < 1e-6, "{plane:?}");
    }
}

#[test]
fn neurons_that_no_fit_can_use_are_counted() {
    let folder = layout();
    let file = |trial: u32| folder.path().join(format!("data/responses/{trial}.npy"));
    npy(&file(0), &[3], &[0.0, f64::NAN, 1.0]);
    npy(&file(1), &[3], &[0.0, 0.5, 2.0]);
    let session = read(folder.path()).expect("a session");
    assert_eq!(session.excluded, Excluded { not_finite: 1, silent: 1 });
    assert_eq!((session.ids.clone(), session.response(1)), (vec![9], &[2.0_f32][..]));
    npy(&file(0), &[3], &[0.0, 0.0, f64::INFINITY]);
    npy(&file(1), &[3], &[0.0, 0.0, 2.0]);
    let error = error(&folder);
    assert!(error.contains("1 with responses that are not finite, 2 that never fire"), "{error}");
}

#[test]
fn errors_name_file_and_field() {
    let folder = layout();
    let at = |name: &str| folder.path().join(name);
    npy(&at("data/images/2.npy"), &[1, 3, 2], &[0.0; 6]);
    let found = error(&folder);
    assert!(found.contains("2.npy: image has shape [1, 3, 2], expected [1, 2, 3]"), "{found}");
    npy(&at("data/images/2.npy"), &[3, 2, 3], &[0.0; 18]);
    assert!(error(&folder).contains("[3, 2, 3]"));
    npy(&at("data/images/2.npy"), &[1, 2, 3], &[0.0, 0.0, f64::NAN, 0.0, 0.0, 0.0]);
    assert!(error(&folder).contains("pixel that is not finite"));
    fs::remove_file(at("data/images/2.npy")).expect("a file");
    assert!(error(&folder).contains("2.npy is missing, the image"));
    let folder = layout();
    let at = |name: &str| folder.path().join(name);
    npy(&at("data/responses/3.npy"), &[2], &[0.0; 2]);
    let found = error(&folder);
    assert!(found.contains("3.npy: responses has shape [2], expected [3]"), "{found}");
    fs::write(at("data/responses/3.npy"), b"no array").expect("a file");
    assert!(error(&folder).contains("3.npy"));
    strings(&at("meta/trials/tiers.npy"), &["train", "tset"]);
    npy(&at("meta/trials/frame_image_id.npy"), &[2], &[0.0; 2]);
    let found = error(&folder);
    assert!(found.contains("trial 1 has the tier \"tset\""), "{found}");
    fs::remove_file(at("meta/trials/tiers.npy")).expect("a file");
    assert!(error(&folder).contains("tiers.npy is missing"));
}

#[test]
fn positions_may_be_missing_and_retinotopy_says_so() {
    let folder = layout();
    let positions = folder.path().join("meta/neurons/cell_motor_coordinates.npy");
    npy(&positions, &[2, 3], &[0.0; 6]);
    assert!(error(&folder).contains("cell_motor_coordinates has shape [2, 3]"));
    fs::remove_file(positions).expect("a file");
    let session = read(folder.path()).expect("a session");
    let error = session.cortical_plane().expect_err("none").to_string();
    assert!(error.contains("no cortical positions, which retinotopy needs"), "{error}");
}
