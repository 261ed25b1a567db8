//! The quantised model as a blob.

use lcl_infer::{
    Architecture, Blob, LayerKind,
    blob::{
        Golden,
        write::{BlobSpec, ConvSpec, LayerSpec, OperationSpec},
    },
    golden::golden_crc32,
    kernels::portable,
    self_test_memory_len,
    toom::Transform,
};

use super::conv::QuantisedConv;
use lcl_artefacts::blob_file::{BlobError, BlobFile};

/// Side of the golden image in pixels: large enough for every window, small
/// enough to test a board in a moment.
pub const GOLDEN_SIDE: u16 = 32;

/// Seed of the golden image.
pub const GOLDEN_SEED: u32 = 2024;

/// A model in the contract's integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedModel {
    /// The layers.
    pub architecture: Architecture,
    /// The convolutions among them, in order.
    pub convolutions: Vec<QuantisedConv>,
}

impl QuantisedModel {
    /// Writes the blob, with what its golden image gives.
    ///
    /// The golden CRCs come from the portable kernels, whose bytes every other
    /// kernel must give. The blob that is returned was opened.
    ///
    /// # Errors
    ///
    /// When the blob breaks one of the format's rules.
    pub fn to_blob(&self) -> Result<BlobFile, BlobError> {
        self.to_blob_with(&vec![None; self.convolutions.len()])
    }

    /// Writes the blob with a transform for each convolution: the features are
    /// the same bytes.
    ///
    /// # Errors
    ///
    /// As [`to_blob`](Self::to_blob), and for a transform of another kernel.
    pub fn to_blob_with(
        &self,
        transforms: &[Option<&'static Transform>],
    ) -> Result<BlobFile, BlobError> {
        let draft = self.emit(transforms, &[])?;
        let blob = self.emit(transforms, &golden_features(&draft.open()?)?)?;
        blob.open()?;
        Ok(blob)
    }

    /// Writes the blob with these CRCs of its taps, or with 0.
    fn emit(
        &self,
        transforms: &[Option<&'static Transform>],
        golden_crc32: &[u32],
    ) -> Result<BlobFile, BlobError> {
        let mut convolutions = self.convolutions.iter().zip(transforms);
        let mut golden_crc32 = golden_crc32.iter().copied();
        let layers = self.architecture.layers().iter().filter_map(|layer| {
            let operation = match layer.kind {
                LayerKind::Conv(conv) => {
                    let (quantised, &transform) = convolutions.next()?;
                    OperationSpec::Conv(ConvSpec {
                        conv,
                        transform,
                        weights: &quantised.weights,
                        channels: &quantised.channels,
                        output_scale: &quantised.output_scale,
                    })
                }
                LayerKind::Pool(order) => OperationSpec::Pool(order),
                LayerKind::WindowPool(pool) => OperationSpec::WindowPool(pool),
                _ => return None,
            };
            let golden_crc32 = layer.tap.and_then(|_| golden_crc32.next()).unwrap_or_default();
            Some(LayerSpec { name: layer.name, tap: layer.tap, golden_crc32, operation })
        });
        let spec = BlobSpec {
            input: self.architecture.input(),
            golden: Golden { seed: GOLDEN_SEED, side: GOLDEN_SIDE },
            layers: &layers.collect::<Vec<_>>(),
            sections: &[],
        };
        let mut bytes = vec![0; spec.max_len()];
        let len = spec.emit(&mut bytes)?;
        Ok(BlobFile::from_bytes(&bytes[..len]))
    }
}

fn golden_features(blob: &Blob<'_>) -> Result<Vec<u32>, BlobError> {
    let mut memory = vec![0; self_test_memory_len(blob)];
    Ok(golden_crc32(blob, &mut memory, &portable::KERNELS)?.to_vec())
}
