//! The quantised model as a blob.

use lcl_infer::{
    Architecture, Blob, Layer, LayerKind, Name,
    blob::{
        Golden, SECTION_LABELS,
        write::{
            BlobSpec, ConvSpec, DenseSpec, LayerSpec, NormSpec, OperationSpec, ReadoutSpec,
            ResampleSpec,
        },
    },
    golden::golden_crc32,
    kernels::portable,
    self_test_memory_len,
    toom::Transform,
};

use super::{
    conv::{QuantiseError, QuantisedConv},
    dense::QuantisedDense,
    norm::QuantisedNorm,
    readout::QuantisedReadout,
    resample::{QuantisedRuns, fovea, quantise_runs},
};
use lcl_artefacts::blob_file::{BlobError, BlobFile};

/// Side of the golden image in pixels: large enough for every window of LCL-V2,
/// small enough to test a board in a moment. Layers that need more have more.
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
    /// The dense layers among them, in order.
    pub dense: Vec<QuantisedDense>,
    /// The names of the classes that the last layer gives sums for.
    pub labels: Vec<String>,
    /// The divisive normalisations, in order.
    pub norms: Vec<QuantisedNorm>,
    /// The resamplings, in order.
    pub resamplings: Vec<QuantisedRuns>,
}

impl QuantisedModel {
    /// Creates a model of convolutions and layers without tables.
    #[must_use]
    pub const fn of_convolutions(
        architecture: Architecture,
        convolutions: Vec<QuantisedConv>,
    ) -> Self {
        Self {
            architecture,
            convolutions,
            dense: Vec::new(),
            labels: Vec::new(),
            norms: Vec::new(),
            resamplings: Vec::new(),
        }
    }

    /// Puts a fovea in front: images have `seen` pixels a side, and the model gets
    /// `given` of them, the middle at its own scale and the edge coarse.
    ///
    /// # Errors
    ///
    /// When there is no such fovea or the model has no room for a layer.
    pub fn foveated(mut self, seen: usize, given: usize) -> Result<Self, QuantiseError> {
        let error = QuantiseError::Fovea { seen, given };
        let (Some(runs), Some(name)) = (fovea(seen, given), Name::new("fovea")) else {
            return Err(error);
        };
        let runs = quantise_runs(name, seen, &runs)?;
        let mut layers = self.architecture.layers().to_vec();
        layers.insert(0, Layer { name, tap: None, kind: LayerKind::Resample(runs.resample) });
        let architecture = Architecture::new(self.architecture.input(), &layers);
        self.architecture = architecture.ok_or(error)?;
        self.resamplings.insert(0, runs);
        Ok(self)
    }

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

    /// Writes the blob of the layers up to the tap that a population was fitted to,
    /// with its readout behind them under the tap `rates`.
    ///
    /// # Errors
    ///
    /// As [`to_blob`](Self::to_blob).
    pub fn to_blob_with_readout(
        &self,
        tap: Name,
        readout: &QuantisedReadout,
    ) -> Result<BlobFile, BlobError> {
        let architecture = self.architecture.up_to(tap).unwrap_or(self.architecture);
        let upto = Self { architecture, ..self.clone() };
        let transforms = vec![None; self.convolutions.len()];
        let draft = upto.emit(&transforms, Some(readout), &[])?;
        let blob = upto.emit(&transforms, Some(readout), &golden_features(&draft.open()?)?)?;
        blob.open()?;
        Ok(blob)
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
        let draft = self.emit(transforms, None, &[])?;
        let blob = self.emit(transforms, None, &golden_features(&draft.open()?)?)?;
        blob.open()?;
        Ok(blob)
    }

    /// Writes the blob with these CRCs of its taps, or with 0.
    fn emit(
        &self,
        transforms: &[Option<&'static Transform>],
        readout: Option<&QuantisedReadout>,
        golden_crc32: &[u32],
    ) -> Result<BlobFile, BlobError> {
        let mut convolutions = self.convolutions.iter().zip(transforms);
        let mut dense = self.dense.iter();
        let (mut norms, mut resamplings) = (self.norms.iter(), self.resamplings.iter());
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
                LayerKind::Dense(geometry) => {
                    let quantised = dense.next()?;
                    OperationSpec::Dense(DenseSpec {
                        dense: geometry,
                        weights: &quantised.weights,
                        channels: &quantised.channels,
                        output_scale: &quantised.output_scale,
                    })
                }
                LayerKind::Norm(norm) => {
                    let quantised = norms.next()?;
                    OperationSpec::Norm(NormSpec {
                        norm,
                        weights: &quantised.weights,
                        channels: &quantised.channels,
                        output_scale: &quantised.output_scale,
                    })
                }
                LayerKind::Resample(resample) => {
                    let QuantisedRuns { runs, weights, .. } = resamplings.next()?;
                    OperationSpec::Resample(ResampleSpec { resample, runs, weights })
                }
                LayerKind::Retina(retina) => OperationSpec::Retina(retina),
                LayerKind::Opponent(retina) => OperationSpec::Opponent(retina),
                _ => return None,
            };
            let golden_crc32 = layer.tap.and_then(|_| golden_crc32.next()).unwrap_or_default();
            Some(LayerSpec { name: layer.name, tap: layer.tap, golden_crc32, operation })
        });
        let mut layers: Vec<_> = layers.collect();
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
        let labels = self.labels.iter().fold(String::new(), |text, label| text + label + "\n");
        let labels = [(SECTION_LABELS, labels.as_bytes())];
        let spec = BlobSpec {
            input: self.architecture.input(),
            golden: Golden { seed: GOLDEN_SEED, side: self.golden_side() },
            layers: &layers,
            sections: if self.labels.is_empty() { &[] } else { &labels },
        };
        let mut bytes = vec![0; spec.max_len()];
        let len = spec.emit(&mut bytes)?;
        Ok(BlobFile::from_bytes(&bytes[..len]))
    }

    /// Returns the side of the golden image: [`GOLDEN_SIDE`], or the nearest that
    /// the layers take.
    fn golden_side(&self) -> u16 {
        let (least, most) =
            (self.architecture.min_image_side(), self.architecture.max_image_side());
        usize::from(GOLDEN_SIDE).max(least).min(most).try_into().unwrap_or(GOLDEN_SIDE)
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
