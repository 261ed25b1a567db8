//! The picture's contents and where they lie.

use std::f32::consts::PI;

use image::RgbImage;

use super::{Canvas, TILE, Tuning, canvas::CHARACTER, components, hsv};
use lcl_artefacts::feature_file::{FeatureFile, StageOutput};

/// Space around everything, in pixels.
const SPACE: usize = 16;

const BACKGROUND: [u8; 3] = [24, 24, 28];
const INK: [f32; 3] = [0.92, 0.92, 0.92];
const FAINT: [f32; 3] = [0.6, 0.6, 0.62];

/// Orientations in the legend.
const LEGEND: u8 = 8;

/// One image and its feature maps.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its position in the file of features.
    pub index: usize,
    /// The image, where it can be had.
    pub image: Option<RgbImage>,
}

/// What is shown of a file of features.
#[derive(Debug)]
pub struct Page<'a> {
    /// The features.
    pub features: &'a FeatureFile,
    /// Images of the file, in the order in which they are shown.
    pub images: Vec<Shown>,
    /// The tuning of each channel of V1, where the model is known.
    pub tuning: Option<&'a [Tuning]>,
}

impl Page<'_> {
    /// Draws the page: a legend, then a row for each image with the image, V1
    /// and V2.
    ///
    /// - V1: a channel's energy is the square of what it responds above its mean
    ///   over the images shown, in standard deviations, times the square of its
    ///   selectivity; it is a vector of twice its orientation. The sum's
    ///   direction is the hue, its length over the total energy the saturation,
    ///   and the root of the total the brightness, full at the 99th percentile.
    ///   Without a model every channel counts alike, and the hue is the one that
    ///   responds most.
    /// - V2: the first three principal components over the images shown, of
    ///   channels in standard deviations, are red, green and blue, with mid-grey
    ///   for the mean and two standard deviations to either end.
    #[must_use]
    pub fn draw(&self) -> Canvas {
        let [v1, v2] = self.features.stages.each_ref().map(|stage| Maps::of(stage, &self.images));
        let colours = [v1.v1_colours(self.tuning), v2.component_colours()];
        let columns = SPACE + 3 * (TILE + SPACE);
        let line = CHARACTER as usize + 8;
        let header = SPACE + 3 * line + 8;
        let pitch = line + TILE + SPACE;
        let mut canvas =
            Canvas::new(pixels(columns), pixels(header + pitch * self.images.len()), BACKGROUND);
        self.legend(&mut canvas, line);
        for (row, shown) in self.images.iter().enumerate() {
            let top = header + row * pitch;
            let most = (columns - 2 * SPACE) / CHARACTER as usize;
            let name = self.features.images.get(shown.index).map_or("", String::as_str);
            canvas.text((pixels(SPACE), pixels(top)), &shortened(name, most), INK);
            let place =
                |column: usize| (pixels(SPACE + column * (TILE + SPACE)), pixels(top + line));
            match &shown.image {
                Some(image) => {
                    let side = pixels(TILE);
                    let filter = image::imageops::FilterType::Triangle;
                    canvas.image(place(0), &image::imageops::resize(image, side, side, filter));
                }
                None => canvas.text(place(0), "not at hand", FAINT),
            }
            for ((maps, colours), column) in [&v1, &v2].into_iter().zip(&colours).zip(1..) {
                maps.draw(&mut canvas, row, colours, place(column));
            }
        }
        canvas
    }

    fn legend(&self, canvas: &mut Canvas, line: usize) {
        let place = |column: usize, row: usize| {
            (pixels(SPACE + column * (TILE + SPACE)), pixels(SPACE + row * line))
        };
        let sizes = self.features.stages.each_ref().map(|stage| stage.shape);
        let title = |name: &str, [h, w, c]: [usize; 3]| format!("{name} {h}x{w}x{c}");
        canvas.text(place(0, 0), "image", INK);
        canvas.text(place(1, 0), &title("V1", sizes[0]), INK);
        canvas.text(place(2, 0), &title("V2", sizes[1]), INK);
        canvas.text(place(2, 1), "three main", FAINT);
        canvas.text(place(2, 2), "components", FAINT);
        if self.tuning.is_none() {
            canvas.text(place(1, 1), "hue: channel", FAINT);
            canvas.text(place(1, 2), "(no --model)", FAINT);
            return;
        }
        canvas.text(place(1, 1), "orientation", FAINT);
        let side = pixels(TILE) / u32::from(LEGEND);
        for step in 0..LEGEND {
            let orientation = PI * f32::from(step) / f32::from(LEGEND);
            let (x, y) = place(1, 2);
            let corner = (x + u32::from(step) * side, y - 4);
            canvas.bar(corner, side.min(24), orientation, hsv(orientation / PI, 1.0, 1.0));
        }
    }
}

/// The maps of one area, of the images that are shown, each channel as
/// deviations from its mean, in standard deviations.
struct Maps {
    shape: [usize; 3],
    /// `[images, H, W, C]`
    values: Vec<f32>,
}

impl Maps {
    fn of(stage: &StageOutput, images: &[Shown]) -> Self {
        let [h, w, c] = stage.shape;
        let len = h * w * c;
        let map = |shown: &Shown| stage.values.get(shown.index * len..(shown.index + 1) * len);
        let mut values: Vec<f32> = images.iter().filter_map(map).flatten().copied().collect();
        let locations = values.len() / c.max(1);
        for channel in 0..c {
            standardise(values.iter_mut().skip(channel).step_by(c), locations);
        }
        Self { shape: stage.shape, values }
    }

    /// Returns a colour for each location of V1.
    fn v1_colours(&self, tuning: Option<&[Tuning]>) -> Vec<[f32; 3]> {
        let locations = || self.values.chunks_exact(self.shape[2].max(1));
        let polar = |location: &[f32]| match tuning {
            Some(tuning) => orientation(location, tuning),
            None => Polar { hue: strongest(location), saturation: 1.0, energy: energy(location) },
        };
        let polar: Vec<Polar> = locations().map(polar).collect();
        let mut energies: Vec<f32> = polar.iter().map(|polar| polar.energy).collect();
        energies.sort_by(f32::total_cmp);
        let bright = energies.get(energies.len() * 99 / 100).copied().unwrap_or_default();
        let colour = |Polar { hue, saturation, energy }: Polar| {
            let value = if bright > 0.0 { (energy / bright).sqrt().min(1.0) } else { 0.0 };
            hsv(hue, saturation, value)
        };
        polar.into_iter().map(colour).collect()
    }

    /// Returns a colour for each location: three principal components.
    fn component_colours(&self) -> Vec<[f32; 3]> {
        let scores = components::scores::<3>(&self.values, self.shape[2]);
        scores.into_iter().map(|scores| scores.map(|score| 0.5 + score / 4.0)).collect()
    }

    /// Draws the map of one image in a tile.
    fn draw(&self, canvas: &mut Canvas, image: usize, colours: &[[f32; 3]], corner: (u32, u32)) {
        let [h, w, _] = self.shape;
        let side = pixels(TILE);
        // Edges of the locations, so that maps of any size fill the tile.
        let edge = |at: usize| pixels(at * TILE / h.max(w).max(1)).min(side);
        let map = colours.iter().skip(image * h * w).take(h * w);
        for (at, &colour) in map.enumerate() {
            let (x, y) = (at % w, at / w);
            let size = (edge(x + 1) - edge(x), edge(y + 1) - edge(y));
            canvas.fill((corner.0 + edge(x), corner.1 + edge(y)), size, colour);
        }
    }
}

/// What is drawn of a location of V1.
#[derive(Clone, Copy, Debug)]
struct Polar {
    hue: f32,
    saturation: f32,
    energy: f32,
}

/// Returns the orientation at a location.
fn orientation(location: &[f32], tuning: &[Tuning]) -> Polar {
    let (mut x, mut y, mut energy) = (0.0, 0.0, 0.0);
    for (value, tuning) in location.iter().zip(tuning) {
        let (sin, cos) = (2.0 * tuning.orientation).sin_cos();
        let above = value.max(0.0) * tuning.selectivity;
        let part = above * above;
        (x, y, energy) = (x + part * cos, y + part * sin, energy + part);
    }
    let clarity = if energy > 0.0 { x.hypot(y) / energy } else { 0.0 };
    Polar { hue: y.atan2(x) / (2.0 * PI), saturation: clarity, energy }
}

/// Returns the sum of the squares of what lies above the means.
fn energy(location: &[f32]) -> f32 {
    location.iter().map(|value| value.max(0.0) * value.max(0.0)).sum()
}

/// Replaces values by their deviations from their mean, in standard deviations;
/// by zeros where they are all alike.
#[expect(clippy::cast_possible_truncation, reason = "of the size of the features")]
fn standardise<'v>(values: impl Iterator<Item = &'v mut f32>, count: usize) {
    let values: Vec<&mut f32> = values.collect();
    let mean = values.iter().map(|value| f64::from(**value)).sum::<f64>() / count.max(1) as f64;
    let squares = values.iter().map(|value| (f64::from(**value) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / count.max(1) as f64).sqrt();
    for value in values {
        let from_mean = f64::from(*value) - mean;
        *value = if deviation > 0.0 { (from_mean / deviation) as f32 } else { 0.0 };
    }
}

/// Returns the position of the largest value, as a hue.
fn strongest(location: &[f32]) -> f32 {
    let largest = (0..location.len()).max_by(|&a, &b| location[a].total_cmp(&location[b]));
    largest.unwrap_or_default() as f32 / location.len().max(1) as f32
}

/// Returns the end of a name that is too long.
fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        return name.to_owned();
    }
    let end: String = name.chars().skip(count + 3 - most).collect();
    format!("...{end}")
}

fn pixels(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERTICAL: Tuning = Tuning { orientation: PI / 2.0, selectivity: 1.0 };
    const HORIZONTAL: Tuning = Tuning { orientation: 0.0, selectivity: 1.0 };

    fn page(tuning: Option<&[Tuning]>) -> Canvas {
        let stage =
            |values: &[f32]| StageOutput { shape: [1, 2, 2], values: values.to_vec(), bytes: None };
        let features = FeatureFile {
            images: vec!["first.png".into(), "second.png".into()],
            stages: [
                stage(&[1.0, 0.0, 0.0, 5.0, 1.0, 0.0, 0.0, 5.0]),
                stage(&[1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0, 0.0]),
            ],
        };
        let images = (0..2).map(|index| Shown { index, image: None }).collect();
        Page { features: &features, images, tuning }.draw()
    }

    /// The colours of the two locations of an area, of the second image.
    fn colours(canvas: &Canvas, area: u32) -> [[u8; 3]; 2] {
        let tile = pixels(TILE);
        let (x, bottom) = (pixels(SPACE) + area * (tile + pixels(SPACE)), pixels(SPACE) + tile);
        let y = canvas.picture().height() - bottom + tile / 4;
        [tile / 4, 3 * tile / 4].map(|dx| canvas.picture().get_pixel(x + dx, y).0)
    }

    #[test]
    fn orientation_is_the_hue_of_v1() {
        let canvas = page(Some(&[HORIZONTAL, VERTICAL]));
        assert_eq!(colours(&canvas, 1), [[255, 0, 0], [0, 255, 255]]);
        let canvas = page(None);
        assert_eq!(colours(&canvas, 1), [[255, 0, 0], [0, 255, 255]]);
        let none = Tuning { selectivity: 0.0, ..VERTICAL };
        assert_eq!(colours(&page(Some(&[none, none])), 1), [[0; 3]; 2]);
    }

    #[test]
    fn components_are_the_colours_of_v2() {
        let [left, right] = colours(&page(None), 2);
        // One component varies, by one standard deviation to either side.
        assert_eq!([left, right], [[191, 128, 128], [64, 128, 128]]);
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(shortened("folder/name.png", 11), "...name.png");
        assert_eq!(shortened("name.png", 11), "name.png");
    }
}
