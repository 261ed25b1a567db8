//! Images as a model sees them in the place of an animal.

use std::{collections::HashMap, f64::consts::PI};

use image::{Rgb, RgbImage};

use super::{
    error::NeuralError,
    responses::{Stimuli, Texture},
};
use lcl_images::{ImageSet, fit, shorter_side_to};

/// Grey of the canvas, and of what the aperture hides.
const GREY: u8 = 128;

/// How stimuli are prepared (\[LCL\] A.3.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// Side of the images that the model gets, in pixels.
    pub size: u32,
    /// What a stimulus covers and what the model sees; without it the images
    /// are only fitted to the size.
    pub field: Option<Field>,
}

/// What a stimulus covers of what the model sees, in degrees of visual angle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Side of a stimulus; 4 in \[LCL\].
    pub stimulus: f64,
    /// Side of what the model sees; 8 in \[LCL\].
    pub model: f64,
    /// Radius `a` of the aperture `0.5 (1 + cos(π r / a))`, 2 in \[LCL\], or
    /// nothing where there is none.
    pub aperture: Option<f64>,
}

impl Preparation {
    /// Prepares an image: the centre that is as wide as high, behind the
    /// aperture, in the middle of a grey canvas of the model's field of view,
    /// resized.
    #[must_use]
    pub fn prepare(&self, image: RgbImage) -> RgbImage {
        let Some(field) = self.field else { return fit(image, self.size) };
        let side = image.width().min(image.height());
        let mut image = fit(image, side);
        if let Some(radius) = field.aperture {
            apply_aperture(&mut image, radius / field.stimulus * f64::from(side));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels")]
        let canvas = (f64::from(side) * field.model / field.stimulus).round().max(1.0) as u32;
        let seen = if canvas <= side {
            lcl_images::centre_crop(&image, canvas)
        } else {
            let mut seen = RgbImage::from_pixel(canvas, canvas, Rgb([GREY; 3]));
            let corner = i64::from((canvas - side) / 2);
            image::imageops::replace(&mut seen, &image, corner, corner);
            seen
        };
        shorter_side_to(seen, self.size)
    }
}

fn apply_aperture(image: &mut RgbImage, radius: f64) {
    let centre = f64::from(image.width() - 1) / 2.0;
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let distance = (f64::from(x) - centre).hypot(f64::from(y) - centre);
        let share =
            if distance < radius { 0.5 * (1.0 + (PI * distance / radius).cos()) } else { 0.0 };
        let grey = f64::from(GREY);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byte")]
        let through = |value: u8| (grey + share * (f64::from(value) - grey)).round() as u8;
        pixel.0 = pixel.0.map(through);
    }
}

/// The images of stimuli.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The index in the set for each stimulus.
    pub images: Vec<usize>,
    /// The kind of each stimulus, `tex` or `noise`, where all have one.
    pub kinds: Option<Vec<String>>,
    /// Images that belong to no stimulus.
    pub unused: usize,
}

/// Finds the image of each stimulus.
///
/// # Errors
///
/// When one has none, or two images have its name.
pub fn match_images(stimuli: &Stimuli, set: &ImageSet) -> Result<Matched, NeuralError> {
    let stems: Vec<String> =
        (0..set.len()).map(|image| stem(&set.name(image)).to_owned()).collect();
    let images: Vec<usize> = match stimuli {
        Stimuli::InOrder(count) if *count == set.len() => (0..*count).collect(),
        Stimuli::InOrder(count) => {
            return Err(NeuralError::ImageCount { stimuli: *count, images: set.len() });
        }
        Stimuli::Names(names) => {
            let wanted: Vec<(&str, &str)> =
                names.iter().map(|name| (stem(name), name.as_str())).collect();
            find(&stems.iter().map(|stem| Some(stem.as_str())).collect::<Vec<_>>(), &wanted)?
        }
        Stimuli::Textures(textures) => {
            let there: Vec<Option<Texture>> =
                stems.iter().map(|stem| Texture::from_name(stem)).collect();
            let name = |t: &Texture| format!("{}-*-im{}-smp{}", t.kind, t.family, t.sample);
            let names: Vec<String> = textures.iter().map(name).collect();
            let wanted: Vec<_> = textures.iter().zip(names.iter().map(String::as_str)).collect();
            find(&there.iter().map(Option::as_ref).collect::<Vec<_>>(), &wanted)?
        }
    };
    let kind = |&image: &usize| Texture::from_name(&stems[image]).map(|texture| texture.kind);
    let kinds = images.iter().map(kind).collect();
    let unused = set.len() - images.len();
    Ok(Matched { images, kinds, unused })
}

/// Returns where each of `wanted`, given with its name, is in `there`.
fn find<K: Eq + std::hash::Hash>(
    there: &[Option<K>],
    wanted: &[(K, &str)],
) -> Result<Vec<usize>, NeuralError> {
    let mut places: HashMap<&K, Vec<usize>> = HashMap::new();
    for (image, key) in there.iter().enumerate() {
        if let Some(key) = key {
            places.entry(key).or_default().push(image);
        }
    }
    let missing: Vec<&str> =
        wanted.iter().filter(|(key, _)| !places.contains_key(key)).map(|(_, name)| *name).collect();
    if let Some(first) = missing.first() {
        let (count, stimuli) = (missing.len(), wanted.len());
        return Err(NeuralError::NoImage { count, stimuli, first: (*first).to_owned() });
    }
    let mut images = Vec::new();
    for (key, name) in wanted {
        match &mut places.remove(key).unwrap_or_default()[..] {
            [image] => images.push(*image),
            _ => return Err(NeuralError::Ambiguous { name: (*name).to_owned() }),
        }
    }
    Ok(images)
}

/// Returns a name without its folders and the ending of its format. Another dot
/// is part of the name: `flash-0.5` has no ending.
fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match file.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && is_image_ending(ending) => stem,
        _ => file,
    }
}

/// Returns whether files with that ending are images, also of formats that are
/// read under another name here.
fn is_image_ending(ending: &str) -> bool {
    const ENDINGS: [&str; 18] = [
        "avif", "bmp", "gif", "heic", "jfif", "jp2", "jpe", "jpeg", "jpg", "mat", "pbm", "pgm",
        "png", "pnm", "ppm", "tif", "tiff", "webp",
    ];
    ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_images::Source;

    #[test]
    fn a_stimulus_covers_its_part_of_the_field() {
        let field = Field { stimulus: 4.0, model: 8.0, aperture: None };
        let preparation = Preparation { size: 224, field: Some(field) };
        let seen = preparation.prepare(RgbImage::from_pixel(320, 320, Rgb([200; 3])));
        assert_eq!(seen.dimensions(), (224, 224));
        let row: Vec<u8> = (0..224).map(|x| seen.get_pixel(x, 112)[0]).collect();
        assert_eq!((row[50], row[60], row[163], row[173]), (GREY, 200, 200, GREY));
        assert_eq!(row.iter().filter(|&&value| value > 164).count(), 112);
    }

    #[test]
    fn an_aperture_is_a_raised_cosine() {
        let field = Field { stimulus: 4.0, model: 4.0, aperture: Some(2.0) };
        let preparation = Preparation { size: 321, field: Some(field) };
        let seen = preparation.prepare(RgbImage::from_pixel(321, 321, Rgb([228, 28, 128])));
        assert_eq!(seen.get_pixel(160, 160).0, [228, 28, 128]);
        // Halfway to the radius, 160.5 pixels, half of the contrast is left.
        assert_eq!(seen.get_pixel(160, 80).0, [178, 78, 128]);
        assert_eq!(seen.get_pixel(0, 0).0, [GREY; 3]);
        let zoomed = Field { stimulus: 4.0, model: 2.0, aperture: None };
        let preparation = Preparation { size: 32, field: Some(zoomed) };
        let halves = RgbImage::from_fn(64, 64, |x, _| Rgb([if x < 16 { 0 } else { 9 }; 3]));
        assert_eq!(preparation.prepare(halves), RgbImage::from_pixel(32, 32, Rgb([9; 3])));
    }

    #[test]
    fn only_endings_of_images_are_no_part_of_a_name() {
        for (name, expected) in [
            ("a/b.png", "b"),
            ("b.PNG", "b"),
            ("b", "b"),
            ("flash-0.5", "flash-0.5"),
            ("flash-0.5.tiff", "flash-0.5"),
            ("C:\\stimuli\\im.1.jpg", "im.1"),
            (".png", ".png"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }

    #[test]
    fn images_are_found_by_name_order_and_texture() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for name in ["noise-64-13-smp2.png", "tex-64x64-im13-smp2.png", "z.png"] {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let set = ImageSet::open(&[Source::Path(folder.path().to_owned())])?;
        let texture =
            |kind: &str, sample| Texture { kind: kind.into(), family: "13".into(), sample };
        let matched =
            match_images(&Stimuli::Textures(vec![texture("tex", 2), texture("noise", 2)]), &set)?;
        let kinds = ["tex", "noise"].map(str::to_owned).to_vec();
        assert_eq!(matched, Matched { images: vec![1, 0], kinds: Some(kinds), unused: 1 });
        let names =
            |names: &[&str]| Stimuli::Names(names.iter().map(|n| (*n).to_owned()).collect());
        let matched = match_images(&names(&["some/z.jpg", "noise-64-13-smp2"]), &set)?;
        assert_eq!(matched, Matched { images: vec![2, 0], kinds: None, unused: 1 });
        assert_eq!(match_images(&Stimuli::InOrder(3), &set)?.images, [0, 1, 2]);

        let error =
            |stimuli: &Stimuli| match_images(stimuli, &set).expect_err("no image").to_string();
        assert!(error(&Stimuli::InOrder(4)).contains("4 stimuli and 3 images"));
        assert!(
            error(&names(&["z", "a", "b"])).contains("2 of 3 stimuli have no image, such as a")
        );
        assert!(error(&names(&["z", "z"])).contains("z is named twice"));
        assert!(error(&Stimuli::Textures(vec![texture("tex", 9)])).contains("tex-*-im13-smp9"));
        Ok(())
    }
}
