//! LCL-V2 as it comes with the project, in the program itself.
//!
//! `models/lcl-v2/README.md` says what it was trained on and what it can do. The
//! blob is what `lcl quantise --calibration photographs` makes of the checkpoint.

use std::path::{Path, PathBuf};

use crate::{
    blob_file::{BlobError, BlobFile},
    checkpoint::{Checkpoint, CheckpointError},
    tensor_file::TensorFile,
};

/// The folder of the project that both files are in.
pub const FOLDER: &str = "models/lcl-v2";

static CHECKPOINT: &[u8] = include_bytes!("../../../models/lcl-v2/checkpoint.safetensors");

static BLOB: &[u8] = include_bytes!("../../../models/lcl-v2/lcl-v2.lcl");

/// Returns the checkpoint, without projectors.
///
/// # Errors
///
/// When it is none; the tests read it.
pub fn checkpoint() -> Result<Checkpoint, CheckpointError> {
    let path: PathBuf = Path::new(FOLDER).join("checkpoint.safetensors");
    Checkpoint::of_file(&path, &TensorFile::of_bytes(&path, CHECKPOINT.to_vec())?)
}

/// Returns the blob, which takes colour images.
///
/// # Errors
///
/// When it cannot be opened; the tests open it.
pub fn blob() -> Result<BlobFile, BlobError> {
    let file = BlobFile::from_bytes(BLOB);
    file.open()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use lcl_infer::{self_test, self_test_memory_len};

    use super::*;

    #[test]
    fn the_blob_passes_its_self_test() {
        let file = blob().expect("a blob");
        let opened = file.open().expect("a blob");
        let mut memory = vec![0; self_test_memory_len(&opened)];
        self_test(&opened, &mut memory).expect("the golden image gives the golden bytes");
    }

    #[test]
    fn the_checkpoint_has_the_layers_alone() {
        let checkpoint = checkpoint().expect("a checkpoint");
        assert_eq!(checkpoint.convolutions.len(), 2);
        assert!(checkpoint.projectors.is_none() && checkpoint.predictors.is_none());
    }
}
