//! Noise for a set of textures.

use std::{
    collections::BTreeSet,
    io::Cursor,
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageFormat, Rgb};
use rayon::prelude::*;
use serde::Serialize;

use super::{PhaseNoise, TextureError, phase_noise, stimuli::StimulusName};
use crate::{Findings, Progress, Table};
use lcl_artefacts::atomic_file::{self, WriteError};
use lcl_images::ImageSet;
use lcl_numerics::statistics::mean;

/// Images made at a time, in parallel.
const CHUNK: usize = 16;

/// How well the noise of a set of textures matches them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseSet {
    /// Where it is.
    pub folder: PathBuf,
    /// Images made.
    pub images: usize,
    /// Images of the set that are no textures.
    pub other_images: usize,
    /// Share of values clipped to bytes, mean over images.
    pub clipped_mean: f64,
    /// The same, of the worst image.
    pub clipped_max: f64,
    /// Correlation of log spectra, mean over images.
    pub spectrum_correlation_mean: Option<f64>,
    /// The same, of the worst image.
    pub spectrum_correlation_min: Option<f64>,
    /// Largest change of the mean, in bytes.
    pub mean_change_max: f64,
    /// Largest change of the standard deviation, in bytes.
    pub deviation_change_max: f64,
    /// Textures of one colour, whose noise is themselves.
    pub uniform_images: usize,
}

/// Writes for each `tex-SIZE-FAMILY-smpN` of a set the [`phase_noise`]
/// `noise-SIZE-FAMILY-smpN.png` to a folder; what a folder has under that name
/// is replaced. Every image depends on `seed`, family and sample alone.
///
/// # Errors
///
/// When there is no texture, or one cannot be read or its noise written, or two
/// would go into the same file.
pub fn make_noise(
    images: &ImageSet,
    folder: &Path,
    seed: u64,
    progress: &mut dyn Progress,
) -> Result<NoiseSet, TextureError> {
    let mut files: BTreeSet<String> = BTreeSet::new();
    let mut textures = Vec::new();
    for index in 0..images.len() {
        let path = images.name(index);
        let Some(name) = StimulusName::parse(&path).filter(|name| name.is_texture) else {
            continue;
        };
        let file = format!("noise-{}-{}-smp{:02}.png", name.size, name.written_family, name.sample);
        let key = [u64::from(crc32fast::hash(name.family().as_bytes())), u64::from(name.sample)];
        if !files.insert(file.clone()) {
            let (first, second) = (file, path.into_owned());
            return Err(TextureError::Twice { first, second });
        }
        textures.push((index, file, key));
    }
    if textures.is_empty() {
        return Err(TextureError::NoTexture);
    }
    progress.begin("noise", textures.len());
    let mut made = Vec::new();
    for chunk in textures.chunks(CHUNK) {
        let noises: Vec<PhaseNoise> = chunk
            .par_iter()
            .map(|(index, file, key)| {
                let noise = phase_noise(&images.load(*index)?, seed, *key);
                write(&noise, &folder.join(file))?;
                Ok(noise)
            })
            .collect::<Result<_, TextureError>>()?;
        let figures = |noise: PhaseNoise| PhaseNoise { image: image::RgbImage::default(), ..noise };
        made.extend(noises.into_iter().map(figures));
        progress.advance(chunk.len());
    }
    Ok(NoiseSet::new(folder, images.len() - made.len(), &made))
}

impl NoiseSet {
    fn new(folder: &Path, other_images: usize, made: &[PhaseNoise]) -> Self {
        let clipped: Vec<f64> = made.iter().map(|noise| noise.clipped).collect();
        let correlations: Vec<f64> =
            made.iter().filter_map(|noise| noise.spectrum_correlation).collect();
        let most = |of: fn(&PhaseNoise) -> f64| made.iter().map(of).fold(0.0, f64::max);
        Self {
            folder: folder.to_owned(),
            images: made.len(),
            other_images,
            clipped_mean: mean(&clipped).unwrap_or(0.0),
            clipped_max: most(|noise| noise.clipped),
            spectrum_correlation_mean: mean(&correlations),
            spectrum_correlation_min: correlations.iter().copied().min_by(f64::total_cmp),
            mean_change_max: most(|noise| noise.mean_change.abs()),
            deviation_change_max: most(|noise| noise.deviation_change.abs()),
            uniform_images: made.len() - correlations.len(),
        }
    }
}

impl Findings for NoiseSet {
    fn title(&self) -> String {
        "Noise with the spectra of textures".to_owned()
    }

    fn tables(&self) -> Vec<Table> {
        let title = format!("{} images in {}", self.images, self.folder.display());
        let mut table = Table::new(&title, &["noise against its texture", "mean", "worst"]);
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let digits =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
        let byte = |value: f64| format!("{value:.2}");
        let row = |name: &str, mean: String, worst: String| [name.to_owned(), mean, worst];
        table.row(row(
            "values clipped to bytes",
            percent(self.clipped_mean),
            percent(self.clipped_max),
        ));
        table.row(row(
            "correlation of log spectra",
            digits(self.spectrum_correlation_mean),
            digits(self.spectrum_correlation_min),
        ));
        table.row(row("change of the mean, bytes", String::new(), byte(self.mean_change_max)));
        table.row(row(
            "change of the standard deviation, bytes",
            String::new(),
            byte(self.deviation_change_max),
        ));
        vec![table]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.other_images > 0 {
            notes.push(format!(
                "Left out: {} images that are not named tex-SIZE-FAMILY-smpN.",
                self.other_images
            ));
        }
        if self.uniform_images > 0 {
            notes.push(format!(
                "{} textures have one colour everywhere; their noise is the same.",
                self.uniform_images
            ));
        }
        notes
    }

    fn page(&self) -> String {
        String::new()
    }
}

/// Grey noise is written as a grey image.
fn write(noise: &PhaseNoise, path: &Path) -> Result<(), WriteError> {
    let image = DynamicImage::ImageRgb8(noise.image.clone());
    let is_grey = noise.image.pixels().all(|Rgb([r, g, b])| r == g && g == b);
    let image = if is_grey { DynamicImage::ImageLuma8(image.to_luma8()) } else { image };
    let mut png = Cursor::new(Vec::new());
    image
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|cause| WriteError::new(path, std::io::Error::other(cause)))?;
    atomic_file::write(path, &[png.get_ref()])
}
