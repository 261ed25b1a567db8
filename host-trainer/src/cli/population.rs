//! A fitted population as the last layer of a blob.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use host_trainer::{
    blob_file::BlobFile,
    checkpoint::Checkpoint,
    data::DataError,
    evaluate::statistics::{median, pearson},
    integer_features::integer_features,
    population::{CoreChoice, FitConfig, Fitted, Readout, fitted::elu_plus_one},
    quantise::{FloatReadout, QuantisedModel, quantise_readout},
    sized_image::SizedImage,
};
use image::RgbImage;
use lcl_infer::{Blob, Frontend, FrontendError, ImageSize, Name, PixelFormat, V1, V2};

/// One session of a fit whose core is LCL-V2's.
#[derive(Debug)]
pub struct Population {
    path: PathBuf,
    fitted: Fitted,
    session: usize,
    tap: Name,
}

/// How near the integers come to the float readout.
#[derive(Clone, Copy, Debug)]
pub struct Agreement {
    /// Neurons.
    pub neurons: usize,
    /// Bytes of weights.
    pub weights: usize,
    /// Median over the neurons that vary of the correlation over images.
    pub median: f64,
    /// The least of them.
    pub least: f64,
}

impl Population {
    /// Reads a fit.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or no chip runs its core or readout.
    pub fn read(path: &Path, session: usize) -> Result<Self> {
        let fitted = Fitted::read(path)?;
        let config = FitConfig::parse(&fitted.config)
            .with_context(|| format!("reading the configuration in {}", path.display()))?;
        let tap = match config.core {
            CoreChoice::LclV1 => V1,
            CoreChoice::LclV2 => V2,
            CoreChoice::Lurz => bail!("{}: {}", path.display(), refused("lurz")),
            CoreChoice::Vgg16 => bail!("{}: {}", path.display(), refused("vgg16")),
        };
        let count = fitted.readouts.len();
        let Some(readout) = fitted.readouts.get(session) else {
            bail!("{} has {count} sessions; --session {session} is none of them", path.display());
        };
        ensure!(
            !readout.mu.is_empty(),
            "{}: chips run no factorised readout; fit one with positions, such as \"full\"",
            path.display()
        );
        Ok(Self { path: path.to_owned(), fitted, session, tap })
    }

    /// Returns the area that the population was fitted to.
    pub fn tap(&self) -> Name {
        self.tap
    }

    fn readout(&self) -> &Readout {
        &self.fitted.readouts[self.session]
    }

    /// Puts the fit's core, whose batch norms have followed its images at least, into a
    /// checkpoint.
    pub fn take_core(&self, checkpoint: &mut Checkpoint) -> Result<()> {
        for (number, layer) in (1..).zip(&mut checkpoint.convolutions) {
            for (part, values) in [
                ("conv.weight", &mut layer.conv.weight),
                ("conv.bias", &mut layer.conv.bias),
                ("bn.weight", &mut layer.bn.weight),
                ("bn.bias", &mut layer.bn.bias),
                ("bn.running_mean", &mut layer.bn.running_mean),
                ("bn.running_var", &mut layer.bn.running_var),
            ] {
                let name = format!("layer{number}.{part}");
                let found = self.fitted.core.iter().find(|(of, ..)| *of == name);
                let Some((_, _, found)) = found else { continue };
                ensure!(
                    found.len() == values.len(),
                    "{}: core.{name} has {} values, the checkpoint {}; give the checkpoint that the \
                     fit began with",
                    self.path.display(),
                    found.len(),
                    values.len()
                );
                values.clone_from(found);
            }
        }
        Ok(())
    }

    /// Makes a blob of the layers up to the area with the readout behind them; `blob` is
    /// that of the whole model, whose bytes on `images` the rates are calibrated on.
    pub fn with_readout(
        &self,
        model: &QuantisedModel,
        blob: &BlobFile,
        images: impl Iterator<Item = Result<SizedImage, DataError>>,
    ) -> Result<(BlobFile, Agreement)> {
        let (blob, readout) = (blob.open()?, self.readout());
        let images = images.map(|image| Ok(image?.pixels)).collect::<Result<Vec<RgbImage>>>()?;
        let neurons = readout.neurons();
        let mut float: Vec<Vec<f64>> = Vec::new();
        for part in images.chunks(16) {
            let areas = integer_features(&blob, part)?;
            let map = areas[usize::from(self.tap == V2)].dequantise(&blob, self.tap);
            for one in map.data.chunks_exact((map.h * map.w * map.c).max(1)) {
                let drive = readout.drive(one, (map.h, map.w));
                float.push(drive.into_iter().map(elu_plus_one).collect());
            }
        }
        let largest: Vec<f64> = (0..neurons)
            .map(|neuron| float.iter().fold(0.0, |most: f64, rates| most.max(rates[neuron])))
            .collect();
        let scales: Vec<f32> = blob.output_scale(self.tap).unwrap_or_default().iter().collect();
        let spec = FloatReadout {
            ids: &readout.ids,
            mu: &readout.mu,
            weight: &readout.weight,
            bias: &readout.bias,
            largest: &largest,
        };
        let quantised = quantise_readout(&spec, &scales)?;
        let made = model.to_blob_with_readout(self.tap, &quantised)?;
        let integer = {
            let blob = made.open()?;
            images.iter().map(|image| rates(&blob, image)).collect::<Result<Vec<_>>>()?
        };
        let of = |place: usize| {
            let float: Vec<f64> = float.iter().map(|rates| rates[quantised.order[place]]).collect();
            let bytes: Vec<f64> = integer.iter().map(|rates| rates[place].into()).collect();
            pearson(&float, &bytes)
        };
        let found: Vec<f64> = (0..neurons).filter_map(of).collect();
        let agreement = Agreement {
            neurons,
            weights: quantised.weights.len(),
            median: median(&found).unwrap_or(f64::NAN),
            least: found.iter().copied().fold(f64::INFINITY, f64::min),
        };
        Ok((made, agreement))
    }
}

fn refused(core: &str) -> String {
    format!("chips run no core {core:?}; fit with core = \"lcl-v1\" or \"lcl-v2\"")
}

/// Returns the bytes of all rates of an image, in the order of the blob.
fn rates(blob: &Blob<'_>, image: &RgbImage) -> Result<Vec<u8>> {
    let size = ImageSize { width: image.width() as usize, height: image.height() as usize };
    let frontend = Frontend::new(blob, size, vec![0; blob.memory_len(size.width)]);
    let frontend = frontend.map_err(FrontendError::from)?.with_pixels(PixelFormat::Rgb888);
    let mut frontend = frontend.map_err(FrontendError::from)?;
    let last = blob.taps().last();
    let mut rates = Vec::new();
    frontend.run_frame(image.as_raw(), |row| {
        if Some(row.tap) == last {
            rates.extend_from_slice(row.values);
        }
    })?;
    Ok(rates)
}
