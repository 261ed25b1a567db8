//! Writes a blob and, behind it at a multiple of 16 bytes, the weights of its
//! convolutions in plain OHWI order: for engines that cannot read the packed
//! one.
//!
//! `cargo run --release --package lcl-infer --example plain_weights -- M.lcl OUT`

use std::{env, error::Error, fs, path::PathBuf};

use lcl_infer::Blob;
use lcl_infer::blob::ALIGNMENT;
use lcl_infer::parameters::Operation;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [model, out] = &paths[..] else { return Err("usage: plain_weights M.lcl OUT".into()) };
    let mut bytes = fs::read(model).map_err(|error| format!("{}: {error}", model.display()))?;
    let mut aligned = vec![0_u128; bytes.len().div_ceil(size_of::<u128>())];
    let copy = &mut bytemuck::cast_slice_mut(&mut aligned)[..bytes.len()];
    copy.copy_from_slice(&bytes);
    let blob = Blob::open(copy).map_err(|error| format!("{}: {error}", model.display()))?;
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    for layer in blob.layers() {
        let Operation::Conv(layer) = layer.operation else { continue };
        let filters = (0..layer.conv.geometry().out_c()).flat_map(|oc| layer.conv.filter(oc));
        bytes.extend(filters.flat_map(i8::to_le_bytes));
    }
    fs::write(out, bytes).map_err(|error| format!("{}: {error}", out.display()))?;
    Ok(())
}
