//! Writes a blob of the published geometry with random weights, always the same
//! one: something to measure with where no model has been trained. A second
//! argument adds a component: `tuned-norm` behind the first pool,
//! `tuned-norm-before`, `retina`, `opponent`, or `fovea48` and `fovea64`, which see 224
//! pixels.
//!
//! `cargo run --release --package lcl-infer --example random_model -- M.lcl [fast | COMPONENT]`

use std::{env, error::Error, fs, path::PathBuf};

use lcl_infer::blob::Golden;
use lcl_infer::shape::{Border, NormGeometry, Opponent, Retina, RetinaOutput};
use lcl_infer::{Architecture, ConvGeometry, InputFormat, LCL_V2, Layer, LayerKind, Name};
use model::{GOLDEN, Model, Runs};

#[path = "../tests/contract/model.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod model;

/// What the weights are drawn from.
const SEED: u64 = 0x006c_636c;

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::args_os().nth(1).map(PathBuf::from);
    let out = out.ok_or("usage: random_model M.lcl [fast | COMPONENT]")?;
    let (fast, architecture) = match env::args().nth(2).as_deref() {
        None | Some("small") => (false, LCL_V2),
        Some("fast") => (true, LCL_V2),
        Some(component) => (false, with(component).ok_or("no such component: see the source")?),
    };
    let side = architecture.min_image_side().max(GOLDEN.side.into());
    let golden = Golden { side: side.try_into()?, ..GOLDEN };
    let model = Model::random(architecture, SEED);
    let blob = if fast { model.fast(0) } else { model }.blob_of(golden);
    fs::write(&out, blob.as_slice()).map_err(|error| format!("{}: {error}", out.display()))?;
    Ok(())
}

/// Returns the published model with a component.
fn with(component: &str) -> Option<Architecture> {
    let mut layers = LCL_V2.layers().to_vec();
    let norm = LayerKind::Norm(NormGeometry::new(64, 1, Border::Zero)?);
    let fovea = |side| Some(LayerKind::Resample(Runs::drawn(224, side)?.0));
    let layer = |name, kind| Some(Layer { name: Name::new(name)?, tap: None, kind });
    match component {
        "tuned-norm" => {
            // V1 is then behind the normalisation.
            let mut norm = layer("norm1", norm)?;
            norm.tap = layers.get_mut(1)?.tap.take();
            layers.insert(2, norm);
        }
        "tuned-norm-before" => layers.insert(1, layer("norm1", norm)?),
        "retina" | "opponent" => {
            let retina = match component {
                "retina" => LayerKind::Retina(Retina::new(RetinaOutput::OnOff, 3, 128, 512)?),
                _ => LayerKind::Opponent(Opponent::new(64, 256)?),
            };
            layers.insert(0, layer("retina", retina)?);
            layers.get_mut(1)?.kind = LayerKind::Conv(ConvGeometry::new(6, 64, 11, 4, 5)?);
        }
        "fovea48" => layers.insert(0, layer("fovea", fovea(48)?)?),
        "fovea64" => layers.insert(0, layer("fovea", fovea(64)?)?),
        _ => return None,
    }
    Architecture::new(InputFormat::Rgb888, &layers)
}
