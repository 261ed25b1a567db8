//! The quantised model as a blob.

use lcl_infer::{
    Blob, BlobSpec, Golden, InputFormat, StageSpec, golden_crc32, kernels::portable,
    self_test_memory_len,
};

use super::stage::QuantisedStage;
use lcl_artefacts::blob_file::{BlobError, BlobFile};

/// Side of the golden image in pixels: large enough for every window, small
/// enough to test a board in a moment.
pub const GOLDEN_SIDE: u16 = 32;

/// Seed of the golden image.
pub const GOLDEN_SEED: u32 = 2024;

/// Both stages in the contract's integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedModel {
    /// What stage 1 sees.
    pub input: InputFormat,
    /// V1 and V2.
    pub stages: [QuantisedStage; 2],
}

impl QuantisedModel {
    /// Writes the blob, with its golden vector.
    ///
    /// The golden CRCs come from the portable kernels, whose bytes every other
    /// kernel must give. The blob that is returned was opened.
    ///
    /// # Errors
    ///
    /// When the blob breaks one of the format's rules.
    pub fn to_blob(&self) -> Result<BlobFile, BlobError> {
        let golden = Golden { seed: GOLDEN_SEED, side: GOLDEN_SIDE, v1_crc32: 0, v2_crc32: 0 };
        let draft = self.emit(golden)?;
        let [v1_crc32, v2_crc32] = golden_features(&draft.open()?)?;
        let blob = self.emit(Golden { v1_crc32, v2_crc32, ..golden })?;
        blob.open()?;
        Ok(blob)
    }

    fn emit(&self, golden: Golden) -> Result<BlobFile, BlobError> {
        let stages = self.stages.each_ref().map(|stage| StageSpec {
            conv: stage.conv,
            pool: stage.pool,
            weights: &stage.weights,
            channels: &stage.channels,
            output_scale: &stage.output_scale,
        });
        let spec = BlobSpec { input: self.input, golden, stages };
        let mut bytes = vec![0; spec.max_len()];
        let len = spec.emit(&mut bytes)?;
        Ok(BlobFile::from_bytes(&bytes[..len]))
    }
}

fn golden_features(blob: &Blob<'_>) -> Result<[u32; 2], BlobError> {
    let mut memory = vec![0; self_test_memory_len(blob)];
    Ok(golden_crc32(blob, &mut memory, &portable::KERNELS)?)
}
