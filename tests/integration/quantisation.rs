//! Quantised against float features.

use std::path::Path;

use lcl_infer::PoolOrder;
use serde_json::{Value, json};

use crate::command::{folder, lcl, succeed};
use crate::integers::{random_model, random_model_for};

/// Signal to quantisation noise that random weights must keep, in dB.
const SQNR_V1: f64 = 40.0;
const SQNR_V2: f64 = 35.0;

#[test]
fn random_weights_keep_their_features() {
    for pool in PoolOrder::ALL {
        let folder = folder();
        random_model(folder.path(), pool, "synthetic:64:1");
        let agreement = compare(folder.path(), "synthetic:24:2");
        let (v1, v2) = (&agreement["v1"], &agreement["v2"]);
        assert!(number(&v1["sqnr_db"]) >= SQNR_V1, "{pool:?}: {agreement}");
        assert!(number(&v2["sqnr_db"]) >= SQNR_V2, "{pool:?}: {agreement}");
        assert!(number(&v2["cosine"]) > 0.999, "{pool:?}: {agreement}");
        assert!(number(&v1["max_abs_error"]) > 0.0, "{pool:?}: {agreement}");
    }
}

#[test]
fn random_weights_keep_their_features_on_grey_images() {
    let folder = folder();
    random_model_for("gray8", folder.path(), PoolOrder::MaxBlur, "synthetic:64:1");
    let agreement = compare(folder.path(), "synthetic:24:2");
    assert!(number(&agreement["v1"]["sqnr_db"]) >= SQNR_V1, "{agreement}");
    assert!(number(&agreement["v2"]["sqnr_db"]) >= SQNR_V2, "{agreement}");
    let inspected = succeed(lcl().current_dir(folder.path()).args(["inspect", "m.lcl", "--json"]));
    let inspected: Value = serde_json::from_str(&inspected).expect("one JSON object");
    assert_eq!(
        (&inspected["input"], &inspected["layers"][0]["in_c"]),
        (&json!("GRAY8"), &json!(1))
    );
}

/// Returns what `lcl compare --json` prints.
pub fn compare(folder: &Path, images: &str) -> Value {
    let printed = succeed(
        lcl()
            .current_dir(folder)
            .args(["compare", "--checkpoint", "c.safetensors", "--model", "m.lcl"])
            .args(["--images", images, "--size", "96", "--json"]),
    );
    serde_json::from_str(&printed).expect("one JSON object")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}
