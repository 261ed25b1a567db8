//! The quantised model as a blob.

use lcl_infer::{
    Architecture, Blob, LayerKind, Name,
    blob::{
        Golden,
        write::{BlobSpec, ConvSpec, LayerSpec, OperationSpec, ReadoutSpec},
    },
    golden::golden_crc32,
    kernels::portable,
    self_test_memory_len,
};

use super::{conv::QuantisedConv, readout::QuantisedReadout};
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
        self.blob(None)
    }

    /// Writes the blob of the layers up to the tap that a population was fitted to,
    /// with its readout behind them under the tap `rates`.
    ///
    /// # Errors
    ///
    /// As [`to_blob`](Self::to_blob).
    pub fn to_blob_with(
        &self,
        tap: Name,
        readout: &QuantisedReadout,
    ) -> Result<BlobFile, BlobError> {
        let architecture = self.architecture.up_to(tap).unwrap_or(self.architecture);
        let upto = Self { architecture, convolutions: self.convolutions.clone() };
        upto.blob(Some(readout))
    }

    fn blob(&self, readout: Option<&QuantisedReadout>) -> Result<BlobFile, BlobError> {
        let draft = self.emit(readout, &[])?;
        let blob = self.emit(readout, &golden_features(&draft.open()?)?)?;
        blob.open()?;
        Ok(blob)
    }

    /// Writes the blob with these CRCs of its taps, or with 0.
    fn emit(
        &self,
        readout: Option<&QuantisedReadout>,
        golden_crc32: &[u32],
    ) -> Result<BlobFile, BlobError> {
        let mut convolutions = self.convolutions.iter();
        let mut golden_crc32 = golden_crc32.iter().copied();
        let mut layers = Vec::new();
        for layer in self.architecture.layers() {
            let operation = match layer.kind {
                LayerKind::Conv(conv) => {
                    let Some(quantised) = convolutions.next() else { continue };
                    OperationSpec::Conv(ConvSpec {
                        conv,
                        weights: &quantised.weights,
                        channels: &quantised.channels,
                        output_scale: &quantised.output_scale,
                    })
                }
                LayerKind::Pool(order) => OperationSpec::Pool(order),
                LayerKind::WindowPool(pool) => OperationSpec::WindowPool(pool),
                _ => continue,
            };
            let golden_crc32 = layer.tap.and_then(|_| golden_crc32.next()).unwrap_or_default();
            layers.push(LayerSpec { name: layer.name, tap: layer.tap, golden_crc32, operation });
        }
        if let Some((readout, [name, tap])) = readout.zip(readout_names()) {
            let golden_crc32 = golden_crc32.next().unwrap_or_default();
            let operation = OperationSpec::Readout(ReadoutSpec {
                geometry: readout.geometry,
                weights: &readout.weights,
                neurons: &readout.neurons,
                output_scale: &readout.output_scale,
            });
            layers.push(LayerSpec { name, tap: Some(tap), golden_crc32, operation });
        }
        let spec = BlobSpec {
            input: self.architecture.input(),
            golden: Golden { seed: GOLDEN_SEED, side: GOLDEN_SIDE },
            layers: &layers,
            sections: &[],
        };
        let mut bytes = vec![0; spec.max_len()];
        let len = spec.emit(&mut bytes)?;
        Ok(BlobFile::from_bytes(&bytes[..len]))
    }
}

/// Returns the names of a readout's layer and of its tap.
fn readout_names() -> Option<[Name; 2]> {
    Some([Name::new("readout")?, Name::new("rates")?])
}

fn golden_features(blob: &Blob<'_>) -> Result<Vec<u32>, BlobError> {
    let mut memory = vec![0; self_test_memory_len(blob)];
    Ok(golden_crc32(blob, &mut memory, &portable::KERNELS)?.to_vec())
}
