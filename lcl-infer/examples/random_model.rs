//! Writes a blob of the published geometry with random weights, always the same
//! one: something to measure with where no model has been trained.
//!
//! `cargo run --release --package lcl-infer --example random_model -- M.lcl [fast]`

use std::{env, error::Error, fs, path::PathBuf};

use lcl_infer::LCL_V2;
use model::Model;

#[path = "../tests/contract/model.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod model;

/// What the weights are drawn from.
const SEED: u64 = 0x006c_636c;

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::args_os().nth(1).map(PathBuf::from).ok_or("usage: random_model M.lcl [fast]")?;
    let model = Model::random(LCL_V2, SEED);
    let fast = env::args_os().nth(2).is_some_and(|layout| layout == "fast");
    let blob = if fast { model.fast(0) } else { model }.blob();
    fs::write(&out, blob.as_slice()).map_err(|error| format!("{}: {error}", out.display()))?;
    Ok(())
}
