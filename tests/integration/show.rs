//! `lcl show`: from features to a picture.

use std::{fs, process::Command};

use lcl_infer::PoolOrder;

use crate::command::{fail, folder, lcl, succeed};
use crate::integers::random_model;

#[test]
fn features_become_a_picture_of_orientations() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let run = |line: &str| -> Command {
        let mut command = lcl();
        command.current_dir(folder.path()).args(line.split(' '));
        command
    };
    succeed(&mut run("features --model m.lcl --images synthetic:3 --size 48 --out f.safetensors"));
    // Without a model, that of the program gives the colours.
    let told = succeed(&mut run("show f.safetensors --out plain.png"));
    assert!(told.contains("3 of 3 images"), "{told}");
    for model in ["m.lcl", "c.safetensors"] {
        succeed(&mut run(&format!("show f.safetensors --out {model}.png --model {model}")));
    }
    let picture = |name: &str| image::open(folder.path().join(name)).expect("a picture").to_rgb8();
    let (plain, blob, checkpoint) =
        (picture("plain.png"), picture("m.lcl.png"), picture("c.safetensors.png"));
    assert_eq!(blob.dimensions(), checkpoint.dimensions());
    assert!(plain.dimensions() == blob.dimensions() && plain != blob);
    // Quantised filters prefer what their floats prefer, within a shade.
    let differ = |a: u8, b: u8| a.abs_diff(b) > 48;
    let far = blob.iter().zip(checkpoint.iter()).filter(|&(&a, &b)| differ(a, b)).count();
    assert!(100 * far < blob.len(), "{far} of {}", blob.len());

    let error = fail(&mut run("show m.lcl --out x.png"));
    assert!(error.contains("m.lcl"), "{error}");
    let error = fail(&mut run("show c.safetensors --out x.png"));
    assert!(error.contains("the tensor v1 is not there"), "{error}");
    assert!(!fs::exists(folder.path().join("x.png")).expect("readable"));
}
