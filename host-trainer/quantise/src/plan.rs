//! The layers of a checkpoint's blob, and what each has in floats.
//!
//! One list for the float network, for calibration and for the integers: the
//! components of V1 stand in it in the order of docs/components.md.

use lcl_infer::{
    Architecture, ConvGeometry, InputFormat, Layer, LayerKind, Name, PoolOrder,
    shape::{Border, Opponent},
};

use super::{
    component::{SURROUND_SIDE, divisive_norm, surround_kernels, tuned_norm},
    conv::QuantiseError,
    fold::FoldedConv,
    norm::FloatNorm,
    refusal::Refusal,
    retina::DARK,
};
use lcl_artefacts::checkpoint::{
    Checkpoint, Components, ConvWeights, Normalisation, SURROUND_CHANNELS, Surround,
};

/// Gain of a retina before calibration: no byte clips.
const GAIN: u16 = 63;

/// The layers of a checkpoint's blob.
#[derive(Clone, Debug)]
pub(super) struct Plan<'c> {
    /// The layers; the gain of a retina is not its last.
    pub(super) architecture: Architecture,
    /// What each has in floats, in the order of the architecture.
    pub(super) parts: Vec<Part<'c>>,
}

/// What one layer has in floats.
#[derive(Clone, Debug)]
pub(super) enum Part<'c> {
    /// The colour-opponent retina.
    Opponent,
    /// A convolution with its batch norm; behind a retina or on colours.
    Conv(ConvGeometry, &'c ConvWeights),
    /// Centre–surround of the first channels; the others pass.
    Surround(FoldedConv),
    /// A divisive normalisation.
    Norm(FloatNorm),
    /// A pool.
    Pool(PoolOrder),
}

impl<'c> Plan<'c> {
    /// Returns the layers for images of that format.
    ///
    /// # Errors
    ///
    /// Names everything that no blob can carry.
    pub(super) fn new(
        checkpoint: &'c Checkpoint,
        input: InputFormat,
    ) -> Result<Self, QuantiseError> {
        let reasons = refusals(checkpoint, input);
        if !reasons.is_empty() {
            return Err(QuantiseError::NoBlob { reasons });
        }
        let plain = Architecture::lcl_v2(input, checkpoint.pool);
        let mut trained = checkpoint.geometries().into_iter().zip(&checkpoint.convolutions);
        let mut plan = Vec::new();
        for (at, layer) in plain.layers().iter().enumerate() {
            match layer.kind {
                LayerKind::Conv(conv) => {
                    let Some((geometry, weights)) = trained.next() else { continue };
                    let front = checkpoint.components.as_ref().filter(|_| at == 0);
                    let retina = front.is_some_and(|front| front.settings.retina.is_some());
                    if retina {
                        plan.push(self::retina().ok_or(QuantiseError::Tensors)?);
                    }
                    let kind = LayerKind::Conv(if retina { geometry } else { conv });
                    plan.push((Layer { kind, ..*layer }, Part::Conv(geometry, weights)));
                    if let Some(components) = front {
                        if let Some(form) = components.settings.centre_surround {
                            let surround = surround(components, form, geometry.out_c());
                            plan.push(surround.ok_or(QuantiseError::Tensors)?);
                        }
                        if let Some(kind) = components.settings.normalisation {
                            plan.push(norm(components, kind).ok_or(QuantiseError::Tensors)?);
                        }
                    }
                }
                LayerKind::Pool(order) => plan.push((*layer, Part::Pool(order))),
                _ => {}
            }
        }
        let (layers, parts): (Vec<Layer>, Vec<Part<'c>>) = plan.into_iter().unzip();
        let architecture = Architecture::new(input, &layers).ok_or(QuantiseError::Tensors)?;
        Ok(Self { architecture, parts })
    }
}

/// Returns everything about a checkpoint that no blob of that format carries.
fn refusals(checkpoint: &Checkpoint, input: InputFormat) -> Vec<Refusal> {
    let Some(settings) = checkpoint.settings() else {
        return Vec::new();
    };
    let conv1 = checkpoint.geometries().first().copied();
    let side = conv1.map_or(0, |conv1| conv1.out_side(checkpoint.input_side));
    let channels = conv1.map_or(0, |conv1| conv1.out_c());
    let local = checkpoint.components.as_ref().and_then(|all| all.tensor("local.weight"));
    let is_light = checkpoint.mean.iter().all(|&mean| mean.abs() == 0.0)
        && checkpoint.std.iter().all(|&std| std.to_bits() == 1.0_f32.to_bits());
    let retina = settings.retina.is_some();
    let weights = local.map_or(0, |local| local.values.len());
    let all = [
        (settings.local, Refusal::LocalFields { side, weights }),
        (settings.magnification, Refusal::Magnification { side, bytes: side * side * channels }),
        (!settings.rectify && settings.centre_surround.is_some(), Refusal::Signed),
        (retina && input == InputFormat::Gray8, Refusal::GreyRetina),
        (retina && !is_light, Refusal::RetinaInput),
    ];
    all.into_iter().filter_map(|(refused, reason)| refused.then_some(reason)).collect()
}

fn retina<'c>() -> Option<(Layer, Part<'c>)> {
    let kind = LayerKind::Opponent(Opponent::new(GAIN, DARK)?);
    Some((Layer { name: Name::new("retina")?, tap: None, kind }, Part::Opponent))
}

/// Returns centre–surround of the first of `all` channels.
fn surround<'c>(components: &Components, form: Surround, all: usize) -> Option<(Layer, Part<'c>)> {
    let channels = SURROUND_CHANNELS;
    let mixed = ConvGeometry::new(channels, channels, SURROUND_SIDE, 1, SURROUND_SIDE / 2)?;
    let mixed = mixed.with_border(Border::Zero);
    let folded = FoldedConv {
        conv: mixed,
        weights: surround_kernels(components, form)?,
        bias: vec![0.0; channels],
    };
    let conv = ConvGeometry::new(all, all, SURROUND_SIDE, 1, mixed.padding())?;
    let conv = conv.with_border(Border::Zero);
    let layer = Layer { name: Name::new("surround")?, tap: None, kind: LayerKind::Conv(conv) };
    Some((layer, Part::Surround(folded)))
}

fn norm<'c>(components: &Components, kind: Normalisation) -> Option<(Layer, Part<'c>)> {
    let float = match kind {
        Normalisation::Tuned => tuned_norm(components)?,
        Normalisation::Divisive => divisive_norm(components)?,
    };
    let layer = Layer { name: Name::new("norm1")?, tap: None, kind: LayerKind::Norm(float.norm) };
    Some((layer, Part::Norm(float)))
}

#[cfg(test)]
mod tests {
    use lcl_artefacts::checkpoint::{
        ComponentTensor, ComponentsConfig, InputConfig, ModelConfig, RetinaName,
    };
    use lcl_infer::V1;

    use super::*;

    /// Pixels of images, and of the first convolution's map.
    const SIDE: usize = 128;
    const MAP: usize = 32;

    fn checkpoint(settings: ComponentsConfig) -> Checkpoint {
        let model = ModelConfig { input_side: SIDE, embedding_dim: 2, ..ModelConfig::default() };
        let mut checkpoint = Checkpoint::initial(model, InputConfig::default(), 3);
        // 38 million weights are not drawn.
        let drawn = Components::initial(ComponentsConfig { local: false, ..settings }, SIDE, 3);
        let shape = vec![64, 64, MAP, MAP, 9];
        let values = vec![0.0; shape.iter().product()];
        let local = ComponentTensor { name: "local.weight".to_owned(), shape, values };
        let local = settings.local.then_some(local);
        let tensors = drawn.tensors.into_iter().chain(local).collect();
        checkpoint.components = Some(Components { settings, tensors });
        checkpoint
    }

    #[track_caller]
    fn check(checkpoint: &Checkpoint, input: InputFormat, expected: &[Refusal], words: &[&str]) {
        let error = Plan::new(checkpoint, input).expect_err("refused");
        assert_eq!(error, QuantiseError::NoBlob { reasons: expected.to_vec() });
        for word in words {
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn what_no_blob_carries_is_named_with_what_to_do() {
        let none = ComponentsConfig::default();
        let local = Refusal::LocalFields { side: MAP, weights: 37_748_736 };
        let magnified = Refusal::Magnification { side: MAP, bytes: 65_536 };
        let rgb = InputFormat::Rgb888;
        check(
            &checkpoint(ComponentsConfig { local: true, ..none }),
            rgb,
            &[local],
            &["37748736 bytes of flash (150994944 in the checkpoint)", "train without local"],
        );
        check(
            &checkpoint(ComponentsConfig { magnification: true, ..none }),
            rgb,
            &[magnified],
            &["32×32 pixels, 65536 bytes", "--fovea", "lcl features"],
        );
        // Composite a has both.
        let composite = ComponentsConfig {
            centre_surround: Some(Surround::Dog),
            normalisation: Some(Normalisation::Tuned),
            local: true,
            magnification: true,
            ..none
        };
        check(&checkpoint(composite), rgb, &[local, magnified], &["; and magnification"]);
        let signed =
            ComponentsConfig { centre_surround: Some(Surround::Dog), rectify: false, ..none };
        check(&checkpoint(signed), rgb, &[Refusal::Signed], &["rectify = true"]);
        let retina = ComponentsConfig { retina: Some(RetinaName::ColourOpponent), ..none };
        check(&checkpoint(retina), rgb, &[Refusal::RetinaInput], &["input.std"]);
        let mut seeing = checkpoint(retina);
        (seeing.mean, seeing.std) = ([0.0; 3], [1.0; 3]);
        check(&seeing, InputFormat::Gray8, &[Refusal::GreyRetina], &["leave --input out"]);
        let mut lacking = checkpoint(composite);
        let components = lacking.components.as_mut().expect("components");
        (components.settings.local, components.settings.magnification) = (false, false);
        components.tensors.retain(|tensor| tensor.name != "centre_surround.scale");
        let error = Plan::new(&lacking, rgb).expect_err("no tensor");
        assert_eq!(error, QuantiseError::Tensors);
    }

    #[test]
    fn components_stand_in_their_order() {
        let settings = ComponentsConfig {
            centre_surround: Some(Surround::Dog),
            normalisation: Some(Normalisation::Divisive),
            retina: Some(RetinaName::ColourOpponent),
            ..ComponentsConfig::default()
        };
        let mut all = checkpoint(settings).with_components(settings, 4);
        (all.mean, all.std) = ([0.0; 3], [1.0; 3]);
        let plan = Plan::new(&all, InputFormat::Rgb888).expect("a blob's");
        let layers = plan.architecture.layers().iter();
        let names: Vec<_> = layers.map(|layer| layer.name.to_string()).collect();
        let expected = ["retina", "conv1", "surround", "norm1", "pool1", "conv2", "pool2"];
        assert_eq!(names, expected);
        assert_eq!(plan.parts.len(), expected.len());
        assert_eq!(plan.architecture.map_of(V1, 96), Some((12, 64)));
    }
}
