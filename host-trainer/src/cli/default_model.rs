//! The model where none is named: the newest run's, or LCL-V2 as it comes with
//! the program.

use std::path::Path;

use anyhow::Result;
use host_trainer::{blob_file::BlobFile, shipped, tell};

/// The newest run's blob, in the folder that training was started in.
const NEWEST: &str = "runs/latest/model.lcl";

/// Reads the blob that is named, or else the newest run's, or else takes the one
/// that comes with the program; says which, where none is named.
pub fn blob(named: Option<&Path>) -> Result<BlobFile> {
    if let Some(path) = named {
        return Ok(BlobFile::read(path)?);
    }
    let newest = Path::new(NEWEST);
    if newest.is_file() {
        tell!("note: no --model is given: using the newest run's, {NEWEST}");
        return Ok(BlobFile::read(newest)?);
    }
    tell!(
        "note: no --model is given: using LCL-V2 as it comes with the program, {}",
        shipped::FOLDER
    );
    Ok(shipped::blob()?)
}
