//! The evaluation from tables to JSON.

use std::{fs, io::Write, path::Path, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use super::*;
use crate::Findings;

/// Rounding of means of a few numbers around 1.
const ROUNDING: f64 = 1e-12;

/// Columns of the toolbox's tables.
const HEAD: &str = "subj,Session,trial,rt,object_response,category,condition,imagename\n";

/// Writes a table as the toolbox does; a row is condition, category, image and
/// answer.
fn write_session(folder: &Path, set: &str, subject: &str, rows: &[[&str; 4]]) {
    let mut text = HEAD.to_owned();
    for (trial, [condition, category, image, response]) in rows.iter().enumerate() {
        let name = format!("{trial:04}_abc_s01_{condition}_{category}_00_{image}");
        let row = [subject, "1", &trial.to_string(), "0.5", response, category, condition, &name];
        text += &row.join(",");
        text.push('\n');
    }
    let folder = folder.join(set);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("{set}_{subject}_session_1.csv")), text).expect("a file");
}

/// Two people and a model on two conditions of two images, and one that is
/// excluded.
fn write_uniform_noise(folder: &Path) {
    let rows = |answers: [&'static str; 5]| {
        let [a, b, c, d, e] = answers;
        [
            ["0.10", "cat", "n01_1.png", a],
            ["0.10", "dog", "n02_2.png", b],
            ["0.20", "cat", "n01_3.png", c],
            ["0.20", "dog", "n02_4.png", d],
            ["0.90", "cat", "n01_5.png", e],
        ]
    };
    let set = "uniform-noise";
    write_session(folder, set, "subject-01", &rows(["cat", "dog", "cat", "na", "cat"]));
    write_session(folder, set, "subject-02", &rows(["cat", "cat", "dog", "dog", "cat"]));
    write_session(folder, set, "mine", &rows(["dog", "dog", "cat", "cat", "dog"]));
}

fn evaluate(paths: &[PathBuf]) -> Result<Behaviour, BehaviourError> {
    behaviour_of(&Decisions::read(paths)?)
}

#[track_caller]
fn near(value: &Value, expected: f64) {
    let value = value.as_f64().expect("a number");
    assert!((value - expected).abs() < ROUNDING, "{value} {expected}");
}

#[test]
fn tables_become_the_json_that_others_read() {
    let folder = tempfile::tempdir().expect("a folder");
    write_uniform_noise(folder.path());
    let found = evaluate(&[folder.path().to_owned()]).expect("a result");
    let json = serde_json::to_value(&found).expect("JSON");
    let humans = &json["subjects"]["humans"];
    // 3 and 2 of 4.
    near(&humans["accuracy"], 5.0 / 8.0);
    // 0.1: right right, right wrong: o = 1/2, e = 1/2, κ = 0.
    // 0.2: right wrong, wrong right: o = 0, e = 1/2, κ = -1.
    near(&humans["observed_consistency"], 0.25);
    near(&humans["error_consistency"], -0.5);
    near(&humans["accuracy_difference"], 0.25 / 2.0);
    assert_eq!(humans["shape_bias"], Value::Null);
    let model = &json["subjects"]["mine"];
    near(&model["accuracy"], 0.5);
    // With the first: o = 1/2, e = 1/2, κ = 0, and the same errors, κ = 1; with the
    // second: opposite errors twice, κ = -1.
    near(&model["observed_consistency"], (0.5 + 1.0) / 4.0);
    near(&model["error_consistency"], (0.0 + 1.0 - 1.0 - 1.0) / 4.0);
    near(&model["accuracy_difference"], 0.25 / 4.0);
    let set = &json["data_sets"]["uniform-noise"];
    assert_eq!(set["excluded_conditions"], serde_json::json!(["0.9"]));
    assert_eq!((&set["excluded_trials"], &set["humans"]), (&3.into(), &2.into()));
    near(&set["accuracy_by_condition"]["humans"]["0.9"], 1.0);
    assert!(found.notes().iter().any(|note| note.contains("3 decisions in conditions")));
    assert_eq!(found.tables()[0].rows.len(), 2);
    assert!(found.page().contains("Accuracy by condition"));
}

#[test]
fn a_compressed_table_of_several_data_sets_gives_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    write_uniform_noise(folder.path());
    let separate = evaluate(&[folder.path().to_owned()]).expect("a result");
    let mut text = "dataset,subj,condition,image_id,category,object_response\n".to_owned();
    for (subject, answers) in [
        ("subject-01", ["cat", "dog", "cat", "na", "cat"]),
        ("subject-02", ["cat", "cat", "dog", "dog", "cat"]),
        ("mine", ["dog", "dog", "cat", "cat", "dog"]),
    ] {
        let images = ["0.1,n01_1.png,cat", "0.1,n02_2.png,dog", "0.2,n01_3.png,cat"];
        let images = images.into_iter().chain(["0.2,n02_4.png,dog", "0.9,n01_5.png,cat"]);
        for (row, answer) in images.zip(answers) {
            text += &["uniform-noise", subject, row, answer].join(",");
            text.push('\n');
        }
    }
    let path = folder.path().join("all.csv.gz");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("compressed");
    let bytes = encoder.finish().expect("compressed");
    fs::write(&path, &bytes).expect("a file");
    assert_eq!(evaluate(std::slice::from_ref(&path)).expect("a result"), separate);
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("a file");
    let error = evaluate(&[path]).expect_err("half a file").to_string();
    assert!(error.contains("all.csv.gz is not a whole table"), "{error}");
}

#[test]
fn shape_bias_is_pooled_over_people_and_leaves_agreement_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = |condition, answers: [&'static str; 3]| {
        let [a, b, c] = answers;
        [
            [condition, "cat", "cat1-dog1.png", a],
            [condition, "dog", "dog1-cat2.png", b],
            [condition, "cat", "cat1-cat2.png", c],
        ]
    };
    let set = "cue-conflict";
    write_session(folder.path(), set, "subject-01", &rows("0", ["cat", "dog", "cat"]));
    write_session(folder.path(), set, "subject-02", &rows("0", ["cat", "cat", "cat"]));
    // Models may have no condition.
    write_session(folder.path(), set, "mine", &rows("NaN", ["dog", "bird", "cat"]));
    let found = evaluate(&[folder.path().to_owned()]).expect("a result");
    assert_eq!(found.subjects["humans"].shape_bias, Some(0.75));
    assert_eq!(found.subjects["mine"].shape_bias, Some(0.0));
    assert_eq!(
        found.shape_bias_by_category["humans"]["dog"].total_cmp(&0.5),
        std::cmp::Ordering::Equal
    );
    assert_eq!(found.trials_without_conflict, 3);
    assert!(found.subjects["mine"].error_consistency.is_some());
    assert_eq!(found.unmatched, Unmatched::default());
    assert!(found.page().contains("Shape bias by category"));
}

#[test]
fn unequal_trial_sets_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    write_uniform_noise(folder.path());
    let rows = [["0.10", "cat", "n01_1.png", "cat"], ["0.10", "cat", "n01_9.png", "cat"]];
    write_session(folder.path(), "uniform-noise", "other", &rows);
    write_session(folder.path(), "edge", "other", &[["0", "cat", "cat1.png", "cat"]]);
    let found = evaluate(&[folder.path().to_owned()]).expect("a result");
    // Both people and the model miss one image and have one more in 0.1; 0.2 is
    // missing altogether.
    assert_eq!(found.unmatched, Unmatched { trials: 3 * 2, conditions: 3 });
    let notes = found.notes();
    for part in ["6 trials and 3 conditions", "mine: means are over 1 of 2", "among them: edge"] {
        assert!(notes.iter().any(|note| note.contains(part)), "{part}: {notes:?}");
    }
    // Together on one image of one condition, both right.
    let scores = &found.data_sets["uniform-noise"].subjects["other"];
    assert_eq!(scores.error_consistency, Some(1.0));
}

#[test]
fn answers_that_are_no_category_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    write_uniform_noise(folder.path());
    let rows = [["0.10", "cat", "n01_1.png", "Cat"], ["0.10", "dog", "n02_2.png", "husky"]];
    write_session(folder.path(), "uniform-noise", "other", &rows);
    // A category of no image here, but one of those that people choose among.
    let rows = [["0.10", "cat", "n01_1.png", "oven"], ["0.10", "dog", "n02_2.png", "na"]];
    write_session(folder.path(), "uniform-noise", "baker", &rows);
    let found = evaluate(&[folder.path().to_owned()]).expect("a result");
    assert_eq!(found.unknown_answers, [("other".to_owned(), 2)].into());
    assert_eq!(found.subjects["other"].accuracy, Some(0.0));
    let notes = found.notes();
    assert!(notes.iter().any(|note| note.contains("count as wrong: other 2")), "{notes:?}");
}

#[test]
fn wrong_tables_are_errors_that_say_where() {
    let check = |text: &str, part: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("edge_x_session_1.csv");
        fs::write(&path, text).expect("a file");
        let error = evaluate(&[path]).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    };
    let with = |rows: &str| HEAD.to_owned() + rows;
    check("subj,category\n", "no column object_response");
    check(&with("a,1,1,1,,cat,0,cat1.png\n"), "line 2: object_response is empty");
    check(&with("a,1,1,1,cat\n"), "not a whole table");
    check(&with(""), "no decision");
    let twice = "a,1,1,1,cat,cat,0,cat1.png\na,1,2,1,dog,cat,0,0002_cat1.png\n";
    check(&with(twice), "edge: a decides twice on cat1.png");
    let two = "a,1,1,1,cat,cat,0,cat1.png\nb,1,2,1,dog,dog,0,cat1.png\n";
    check(&with(two), "cat1.png is a cat for one decision maker and a dog");
    let folder = tempfile::tempdir().expect("a folder");
    let error = evaluate(&[folder.path().to_owned()]).expect_err("empty").to_string();
    assert!(error.contains("holds no .csv"), "{error}");
    let one = [["0.1", "cat", "a.png", "cat"], ["0.2", "cat", "b.png", "cat"]];
    write_session(folder.path(), "contrast", "subject-01", &one);
    write_session(folder.path(), "contrast", "mine", &[["", "cat", "a.png", "cat"]]);
    let error = evaluate(&[folder.path().to_owned()]).expect_err("no condition").to_string();
    assert!(error.contains("contrast: mine has decisions without"), "{error}");
}
