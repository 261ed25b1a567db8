//! `lcl features`

use std::{collections::BTreeSet, path::PathBuf, str::FromStr, sync::Arc};

use anyhow::{Context, Result, bail};
use host_trainer::{
    blob_file::is_blob,
    checkpoint::Checkpoint,
    data::{ImageSet, Source, images_at_size},
    device::DeviceChoice,
    evaluate::Progress,
    feature_file::{ArrayPlan, FeatureWriter, Format},
    feature_map::FeatureMap,
    integer_features::{self, AREAS},
    say,
    sized_image::for_each_batch,
    tensor_file::Values,
};
use image::RgbImage;
use lcl_infer::LCL_V2;

use super::{
    default_model,
    evaluate::console::Console,
    names, numbers,
    output::{Output, paths},
};

use super::images::ImageLimits;
use super::libtorch::float_network;

/// Writes the features of images: float ones from a checkpoint, integer ones
/// from a blob
///
/// The features go to the file as they are computed, so that there may be more
/// than the memory holds. The ending of the file chooses what it is: .safetensors
/// and .npz hold both taps, of a blob also their bytes, and the names of the
/// images; .npy holds one array.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl features --model runs/latest/best.safetensors --images photos --size 224 --out f.safetensors
  lcl features --model runs/latest/model.lcl --images cat.png --size 96 --out cat.safetensors
  lcl features --images photos --size 96 --pooled --out f.npz
  lcl features --model model.lcl --images photos --size 96 --taps V2 --out v2.npy")]
pub struct Args {
    /// Model: a checkpoint, .safetensors, or a blob, .lcl [default: the newest
    /// run's blob, or LCL-V2 as it comes with the program]
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Images: a folder, a .tar, an image or synthetic[:N[:SEED]]
    #[arg(long, value_name = "SRC", value_parser = names::source())]
    images: Source,
    /// Side of the images in pixels; others are resized and their centre cropped
    #[arg(long, value_name = "PIXELS", value_parser = numbers::side())]
    size: u32,
    /// File to write: .safetensors, .npz or .npy, or - for safetensors on the
    /// standard output
    #[arg(long, value_name = "FILE", value_parser = names::output())]
    out: Output,
    /// Layers whose features are written
    #[arg(long, value_name = "TAPS", value_delimiter = ',', default_value = "V1,V2")]
    taps: Vec<Tap>,
    /// Writes means over space, [N, C], in place of maps, [N, H, W, C]
    #[arg(long)]
    pooled: bool,
    /// Where to compute float features: auto, cpu or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,
    #[command(flatten)]
    limits: ImageLimits,
}

/// A layer of which features are handed out, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tap(usize);

/// Names of the taps, those of the arrays in small letters.
const TAPS: [&str; 2] = ["V1", "V2"];

impl FromStr for Tap {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = TAPS.iter().position(|tap| name.trim().eq_ignore_ascii_case(tap));
        found.map(Self).ok_or_else(|| format!("the taps are {}", TAPS.join(", ")))
    }
}

/// Pixels of a batch, at most: larger images pass in smaller batches.
const BATCH_PIXELS: usize = 16 * 512 * 512;

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    if let Some(path) = args.model.as_deref().filter(|path| !is_blob(path)) {
        let checkpoint = Checkpoint::read(path)?;
        numbers::check_side(args.size, LCL_V2.min_image_side())?;
        numbers::check_one_side(args.size, checkpoint.input_side)?;
        let network = float_network(&checkpoint, args.device)?;
        Job::new(args)?.run(|images| {
            let features = network.features(images).context("computing features")?;
            Ok(features.into_areas().map(|map| Features { map, bytes: None }))
        })
    } else {
        let model = default_model::blob(args.model.as_deref())?;
        let blob = model.open()?;
        numbers::check_side(args.size, blob.min_image_side())?;
        Job::new(args)?.run(|images| {
            let maps = integer_features::integer_features(&blob, images)?;
            let real = [0, 1].map(|at| maps[at].dequantise(&blob, AREAS[at]));
            let mut bytes = maps.into_iter().map(|map| map.data);
            Ok(real.map(|map| Features { map, bytes: bytes.next() }))
        })
    }
}

/// The features of one tap for a batch, as they are written.
struct Features {
    map: FeatureMap,
    bytes: Option<Vec<u8>>,
}

impl Features {
    /// Averages over space; means of bytes are none.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of 32-bit floats")]
    fn pooled(self) -> Self {
        let FeatureMap { n, h, w, c, .. } = self.map;
        let mean = |image: &[f32], channel: usize| {
            let values = image.iter().skip(channel).step_by(c);
            (values.map(|value| f64::from(*value)).sum::<f64>() / (h * w) as f64) as f32
        };
        let images = self.map.images();
        let data = images.flat_map(|image| (0..c).map(move |channel| mean(image, channel)));
        Self { map: FeatureMap { n, h: 1, w: 1, c, data: data.collect() }, bytes: None }
    }
}

/// What there is to do, as far as it does not depend on the model.
struct Job<'a> {
    args: &'a Args,
    set: Arc<ImageSet>,
    taps: BTreeSet<Tap>,
    path: PathBuf,
    format: Format,
}

impl<'a> Job<'a> {
    fn new(args: &'a Args) -> Result<Self> {
        let mut inputs = paths([&args.images]);
        inputs.extend(args.model.as_deref());
        let format = Format::of(args.out.path())?;
        let path = args.out.claim(&inputs)?.to_owned();
        let taps: BTreeSet<Tap> = args.taps.iter().copied().collect();
        format.check_arrays(args.out.path(), taps.len())?;
        let set = Arc::new(ImageSet::open(std::slice::from_ref(&args.images))?);
        Ok(Self { args, set, taps, path, format })
    }

    /// Writes what `compute` makes of each batch of images.
    fn run(&self, compute: impl Fn(&[RgbImage]) -> Result<[Features; 2]>) -> Result<()> {
        let side = self.args.size as usize;
        let at_once = (BATCH_PIXELS / (side * side)).max(1);
        let mut console = Console::default();
        console.begin("images", self.set.len());
        let (mut writer, mut count) = (None, 0);
        let images = images_at_size(Arc::clone(&self.set), self.args.size);
        for_each_batch(images, |names, pixels| {
            for (names, pixels) in names.chunks(at_once).zip(pixels.chunks(at_once)) {
                let features = compute(pixels)?;
                let features = self.arrays(features);
                let writer = match &mut writer {
                    Some(writer) => writer,
                    None => writer.insert(self.create(&features)?),
                };
                let values: Vec<Values<'_>> = features.iter().map(Array::values).collect();
                writer.push(names.to_vec(), &values)?;
                console.advance(names.len());
                count += names.len();
            }
            anyhow::Ok(())
        })?;
        drop(console);
        let Some(writer) = writer else {
            bail!("no image of {} can be used", self.args.images);
        };
        writer.commit()?;
        let (side, out) = (self.args.size, self.args.out.display());
        say!("{count} images of {side}x{side} pixels, {out}");
        Ok(())
    }

    /// Returns the arrays that are written, floats first, so that all of them are
    /// aligned in the file.
    fn arrays(&self, features: [Features; 2]) -> Vec<Array> {
        let (mut floats, mut bytes) = (Vec::new(), Vec::new());
        for (index, features) in features.into_iter().enumerate() {
            if !self.taps.contains(&Tap(index)) {
                continue;
            }
            let features = if self.args.pooled { features.pooled() } else { features };
            let FeatureMap { h, w, c, data, .. } = features.map;
            let shape = if self.args.pooled { vec![c] } else { vec![h, w, c] };
            let name = TAPS[index].to_lowercase();
            let of = |name: String, is_bytes| ArrayPlan { name, shape: shape.clone(), is_bytes };
            if let Some(of_blob) = features.bytes.filter(|_| self.format != Format::Npy) {
                bytes.push(Array::Bytes(of(format!("{name}_q"), true), of_blob));
            }
            floats.push(Array::Floats(of(name, false), data));
        }
        floats.into_iter().chain(bytes).collect()
    }

    fn create(&self, arrays: &[Array]) -> Result<FeatureWriter> {
        let names: Vec<String> =
            (0..self.set.len()).map(|index| self.set.name(index).into_owned()).collect();
        let plans = arrays.iter().map(|array| array.plan().clone()).collect();
        Ok(FeatureWriter::create(&self.path, self.format, plans, &names)?)
    }
}

/// An array of a batch.
enum Array {
    Floats(ArrayPlan, Vec<f32>),
    Bytes(ArrayPlan, Vec<u8>),
}

impl Array {
    fn plan(&self) -> &ArrayPlan {
        match self {
            Self::Floats(plan, _) | Self::Bytes(plan, _) => plan,
        }
    }

    fn values(&self) -> Values<'_> {
        match self {
            Self::Floats(_, values) => Values::F32(values),
            Self::Bytes(_, values) => Values::U8(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_space_alone() {
        let map = FeatureMap { n: 2, h: 1, w: 2, c: 2, data: vec![1., 2., 3., 6., 0., 1., 0., 2.] };
        let pooled = Features { map, bytes: Some(vec![0; 8]) }.pooled();
        assert_eq!((pooled.map.shape(), pooled.bytes), ([2, 1, 1, 2], None));
        assert_eq!(pooled.map.data, [2., 4., 0., 1.5]);
    }

    #[test]
    fn taps_have_names() {
        assert_eq!((" v2".parse(), "V1".parse()), (Ok(Tap(1)), Ok(Tap(0))));
        assert!("V3".parse::<Tap>().is_err_and(|error| error.contains("V1, V2")));
    }
}
