//! A run goes on from what is left of it, from elsewhere, and no further than it
//! may.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    command::{fail, lcl, picture, succeed},
    runs::{Runs, lines, warnings},
};

/// A run of some steps that another one is to end like.
fn begun(runs: &Runs, name: &str) -> PathBuf {
    succeed(&mut runs.start_for(name, 6));
    runs.out(name)
}

/// Resumes a run to the end and returns what it warns of.
#[track_caller]
fn go_on(runs: &Runs, name: &str) -> String {
    warnings(runs.resume(name).args(["--steps", "16"]))
}

#[track_caller]
fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(path).expect("removed");
    fs::write(path, bytes).expect("written");
}

/// A file of a run, what is said of it, and how it is damaged.
type Damage<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));

#[test]
fn a_damaged_or_missing_state_gives_way_to_the_one_before() {
    let runs = Runs::new();
    let remove = |path: &Path| fs::remove_file(path).expect("removed");
    let damages: [Damage<'_>; 4] = [
        ("checkpoint.safetensors", "is damaged: its checksum", &flip),
        ("checkpoint.safetensors", "is missing", &remove),
        ("optimiser-6.safetensors", "is damaged: its checksum", &flip),
        ("optimiser-6.safetensors", "is missing", &remove),
    ];
    for (number, (file, expected, damage)) in damages.into_iter().enumerate() {
        let name = format!("damaged {number}");
        damage(&begun(&runs, &name).join(file));
        let text = go_on(&runs, &name);
        for part in [file, expected, "the run goes on from step 5"] {
            assert!(text.contains(part), "{part:?} is missing in {text:?}");
        }
        runs.assert_whole(&name);
    }
    // Of the older state none hears as long as the newest is sound.
    let out = begun(&runs, "older");
    flip(&out.join("best.safetensors"));
    fs::remove_file(out.join("checksums.json")).expect("removed");
    assert_eq!(go_on(&runs, "older"), "");
    runs.assert_whole("older");
}

#[test]
fn where_no_state_can_be_used_nothing_is_overwritten() {
    let runs = Runs::new();
    let out = begun(&runs, "both");
    for file in ["checkpoint.safetensors", "previous.safetensors"] {
        flip(&out.join(file));
    }
    let log = fs::read(out.join("metrics.jsonl")).expect("a log");
    let message = fail(&mut runs.resume("both"));
    for part in ["checkpoint.safetensors", "previous.safetensors", "--init", "best.safetensors"] {
        assert!(message.contains(part), "{part:?} is missing in {message}");
    }
    for file in ["checkpoint.safetensors", "previous.safetensors"] {
        fs::remove_file(out.join(file)).expect("removed");
    }
    let message = fail(&mut runs.resume("both"));
    assert!(message.contains("checkpoint.safetensors is missing"), "{message}");
    assert!(message.contains("best.safetensors --out"), "{message}");
    assert!(log == fs::read(out.join("metrics.jsonl")).expect("a log"));

    // Nothing is left: it begins anew, and the log is kept.
    fs::remove_file(out.join("best.safetensors")).expect("removed");
    let text = go_on(&runs, "both");
    assert!(text.contains("begins anew at step 0") && text.contains("metrics-1.jsonl"), "{text}");
    assert!(log == fs::read(out.join("metrics-1.jsonl")).expect("kept"));
    runs.assert_whole("both");
}

#[test]
fn one_bad_file_is_no_dead_end() {
    let runs = Runs::new();
    for (file, text, expected) in [
        ("metrics.jsonl", None, "metrics.jsonl is missing"),
        ("manifest.json", None, "manifest.json is missing"),
        ("manifest.json", Some("{"), "manifest.json is damaged"),
        ("config.toml", None, "the configuration in the checkpoint takes its place"),
        ("config.toml", Some("[training"), "the configuration in the checkpoint takes its place"),
        ("checksums.json", Some("no JSON"), ""),
        ("best.safetensors", None, "best.safetensors is missing"),
        ("events.out.tfevents.lcl", Some("no record"), ""),
    ] {
        let name = format!("{file} {}", text.is_some());
        let out = begun(&runs, &name);
        let path = out.join(file);
        match text {
            None => fs::remove_file(&path).expect("removed"),
            Some(text) => fs::write(&path, text).expect("written"),
        }
        let text = go_on(&runs, &name);
        assert!(text.contains(expected), "{name}: {text}");
        assert!(expected.is_empty() == text.is_empty(), "{name}: {text}");
        if file == "metrics.jsonl" {
            assert_eq!(lines(&out), 11);
        } else {
            runs.assert_whole(&name);
        }
    }
}

#[test]
fn an_edited_configuration_is_refused_with_the_difference() {
    let runs = Runs::new();
    let path = begun(&runs, "edited").join("config.toml");
    let text = fs::read_to_string(&path).expect("a configuration");
    let edit = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).expect("written");
    };
    edit("learning_rate = 0.001", "learning_rate = 0.1");
    let message = fail(&mut runs.resume("edited"));
    assert!(message.contains("optimiser.learning_rate is 0.1, the run began with 0.001"));
    assert!(message.contains("config.toml"), "{message}");
    edit("patience = 0", "patience = 100");
    succeed(runs.resume("edited").args(["--steps", "16"]));
    runs.assert_weights("edited");
}

#[test]
fn a_run_that_stopped_early_goes_on_with_more_patience() {
    let runs = Runs::new();
    let stop = ["--patience", "2", "--min-improvement", "0.99"];
    let printed = succeed(runs.start("early").args(stop));
    assert!(printed.contains("stopped as it no longer improved"), "{printed}");
    let out = runs.out("early");
    let go_on = format!("go on   lcl train --out {} --resume --patience 4", out.display());
    assert!(printed.contains(&go_on), "{go_on:?} is missing in {printed}");
    assert_eq!(lines(&runs.out("early")), 3);
    succeed(runs.resume("early").args(["--patience", "4"]));
    assert_eq!(lines(&runs.out("early")), 5);
    let printed = succeed(runs.resume("early").args(["--patience", "0"]));
    assert!(printed.contains("--resume --steps 32"), "{printed}");
    runs.assert_weights("early");
}

fn pictures(folder: &Path, seeds: std::ops::Range<u32>) {
    fs::create_dir_all(folder).expect("a folder");
    for seed in seeds {
        let path = folder.join(format!("{seed}.png"));
        picture(40, 40, seed).save(path).expect("saved");
    }
}

#[test]
fn images_that_moved_are_known_and_a_relative_place_is_found() {
    let runs = Runs::new();
    let home = runs.out("home");
    pictures(&home.join("photos"), 0..9);
    let out = runs.out("run");
    let config = runs.config();
    let mut start = lcl();
    start.current_dir(&home).args(["train", "--steps", "2", "--data", "photos", "--config"]);
    succeed(start.arg(config).arg("--out").arg(&out));
    // From elsewhere, where another folder has the same name.
    let elsewhere = runs.out("elsewhere");
    pictures(&elsewhere.join("photos"), 20..23);
    succeed(runs.resume("run").current_dir(&elsewhere).args(["--steps", "3"]));
    fs::rename(home.join("photos"), runs.out("moved")).expect("moved");
    let message = fail(runs.resume("run").current_dir(&home).args(["--steps", "4"]));
    assert!(message.contains("photos"), "{message}");
    let mut moved = runs.resume("run");
    succeed(moved.current_dir(&home).args(["--steps", "4", "--data", "../moved"]));
    // Its new place is remembered.
    succeed(runs.resume("run").current_dir(&elsewhere).args(["--steps", "5"]));
    assert_eq!(lines(&out), 6);
    let mut others = runs.resume("run");
    let message = fail(others.current_dir(&elsewhere).args(["--data", "photos"]));
    assert!(message.contains("the images have changed"), "{message}");
}

#[test]
fn a_run_starts_from_given_weights() {
    let runs = Runs::new();
    let best = begun(&runs, "first").join("best.safetensors");
    succeed(runs.start_for("second", 0).arg("--init").arg(&best));
    let weights = |path: &Path| {
        let mut checkpoint = host_trainer::checkpoint::Checkpoint::read(path).expect("weights");
        (checkpoint.step, checkpoint.config) = (0, None);
        checkpoint
    };
    assert!(weights(&best) == weights(&runs.out("second").join("checkpoint.safetensors")));
    succeed(runs.resume("second").args(["--steps", "2"]));
    let message = fail(runs.start_for("third", 1).arg("--init").arg(runs.out("none")));
    assert!(message.contains("cannot read"), "{message}");
    assert!(!runs.out("third").exists());
}

#[test]
fn held_out_images_come_from_their_own_source() {
    let runs = Runs::new();
    let photos = runs.out("photos");
    pictures(&photos.join("train"), 0..9);
    pictures(&photos.join("val"), 9..14);
    let words = warnings(runs.start_for("together", 1).arg("--data").arg(&photos));
    assert!(words.contains("photos has folders train and val"), "{words}");
    let split = |name: &str, steps: u64| {
        let mut command = runs.start_for(name, steps);
        command.arg("--data").arg(photos.join("train")).arg("--validation").arg(photos.join("val"));
        command
    };
    let output = split("apart", 2).output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    // The configuration takes three at most.
    assert!(printed.contains("9 to train on, 3 held out"), "{printed}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    succeed(runs.resume("apart").args(["--steps", "4"]));
    pictures(&photos.join("val"), 14..15);
    assert!(fail(&mut runs.resume("apart")).contains("val has 6 images and had 5"));
}

#[test]
fn checkpoints_are_kept_where_a_run_is_to_keep_them() {
    let runs = Runs::new();
    let config = fs::read_to_string(runs.config()).expect("a configuration");
    let config = config.replace("patience = 0", "patience = 0\nkeep_every = 3");
    fs::write(runs.config(), config).expect("written");
    succeed(&mut runs.start_for("run", 7));
    for step in 0..=7 {
        let path = runs.out("run").join(format!("checkpoint-{step}.safetensors"));
        assert_eq!(path.exists(), step == 3 || step == 6, "{step}");
    }
}
