//! Built-in images with natural statistics: dead leaves with 1/f texture.
//!
//! Leaves that occlude one another, with radii distributed as `r⁻³`, have the
//! scale invariance and the edges of natural images (Lee, Mumford and Huang,
//! 2001, "Occlusion models for natural images", doi:10.1023/A:1011109015675);
//! a texture of equal variance in every octave, that is a power spectrum of
//! `1/f²`, fills them. Only operations that round alike everywhere are used, so
//! an image is the same bytes on every machine.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "coordinates lie in the image, and bytes are clamped"
)]

use std::{fmt, sync::OnceLock};

use image::{Rgb, RgbImage};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use lcl_artefacts::random::{Purpose, stream};

/// Side of a built-in image.
pub const SYNTHETIC_SIDE: u32 = 224;

/// Smallest and largest radius of a leaf, in pixels.
const RADIUS: (f32, f32) = (3.0, 110.0);

/// How many leaves lie over a pixel, on average; one in `e⁶` pixels shows the
/// ground.
const COVERAGE: f32 = 6.0;

/// Side of the texture, which continues at its opposite border.
const TEXTURE_SIDE: usize = 256;

/// The built-in image `index` of the family `seed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// Seed of the family.
    pub seed: u64,
    /// Which image of the family.
    pub index: u64,
}

impl fmt::Display for Synthetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "synthetic:{}/{:08}", self.seed, self.index)
    }
}

impl Synthetic {
    /// Renders the image, [`SYNTHETIC_SIDE`] pixels square.
    #[must_use]
    pub fn render(self) -> RgbImage {
        let mut rng = stream(self.seed, Purpose::Synthetic, [0, self.index]);
        let side = SYNTHETIC_SIDE as f32;
        let mut canvas = vec![[0.4_f32; 3]; (SYNTHETIC_SIDE * SYNTHETIC_SIDE) as usize];
        let field = side + 2.0 * RADIUS.1;
        let leaves = COVERAGE * field * field / Leaf::mean_area();
        for _ in 0..leaves as usize {
            Leaf::random(&mut rng, side).paint(&mut canvas);
        }
        RgbImage::from_fn(SYNTHETIC_SIDE, SYNTHETIC_SIDE, |x, y| {
            let colour = canvas[(y * SYNTHETIC_SIDE + x) as usize];
            Rgb(colour.map(|value| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8))
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Ellipse,
    Rectangle,
}

#[derive(Debug)]
struct Leaf {
    shape: Shape,
    centre: [f32; 2],
    /// Half axes, in pixels.
    half: [f32; 2],
    /// Unit vector along the first axis.
    axis: [f32; 2],
    /// Width of the edge, in pixels.
    softness: f32,
    colour: [f32; 3],
    /// Change of brightness from the centre to the ends of the axes.
    shade: [f32; 2],
    texture_contrast: f32,
    texture_origin: [f32; 2],
    /// Axis of the texture, whose length is its zoom.
    texture_axis: [f32; 2],
}

impl Leaf {
    /// Returns the mean area of a leaf in square pixels, the aspect left out.
    fn mean_area() -> f32 {
        // ∫ π r² p(r) dr for p(r) ∝ r⁻³, with ln(110 / 3) = 3.60.
        let (least, most) = RADIUS;
        std::f32::consts::PI * 2.0 * 3.60 / (1.0 / (least * least) - 1.0 / (most * most)) * 0.7
    }

    fn random(rng: &mut ChaCha8Rng, side: f32) -> Self {
        let (least, most) = RADIUS;
        let low = 1.0 / (most * most);
        let high = 1.0 / (least * least);
        let radius = 1.0 / (low + (high - low) * rng.random::<f32>()).sqrt();
        let mut position = || rng.random_range(-most..side + most);
        let centre = [position(), position()];
        let aspect = rng.random_range(0.4..1.0);
        let luminance: f32 = rng.random_range(0.15..1.0);
        let luminance = 0.03 + 0.85 * luminance * luminance;
        let yellow = 0.5 * triangular(rng);
        let red = 0.2 * triangular(rng);
        let zoom = rng.random_range(0.6..1.2);
        Self {
            shape: if rng.random() { Shape::Ellipse } else { Shape::Rectangle },
            centre,
            half: [radius, radius * aspect],
            axis: direction(rng),
            softness: if rng.random::<f32>() < 0.25 { rng.random_range(1.0..6.0) } else { 1.0 },
            colour: [
                luminance * (1.0 + 0.4 * yellow + red),
                luminance * (1.0 + 0.1 * yellow - 0.5 * red),
                luminance * (1.0 - yellow),
            ],
            shade: [0.3 * triangular(rng), 0.3 * triangular(rng)],
            texture_contrast: rng.random_range(0.05..0.45),
            texture_origin: [rng.random_range(0.0..256.0), rng.random_range(0.0..256.0)],
            texture_axis: direction(rng).map(|part| part * zoom),
        }
    }

    fn paint(&self, canvas: &mut [[f32; 3]]) {
        let texture = texture();
        let reach = self.half[0] + self.half[1] + self.softness;
        let [columns, rows] = self.centre.map(|centre| {
            let bound = |value: f32| value.clamp(0.0, SYNTHETIC_SIDE as f32) as usize;
            bound(centre - reach)..bound(centre + reach + 1.0)
        });
        for y in rows {
            for x in columns.clone() {
                let offset = [x as f32 - self.centre[0], y as f32 - self.centre[1]];
                let along = rotate(offset, self.axis);
                let coverage = (0.5 - self.distance(along) / self.softness).clamp(0.0, 1.0);
                if coverage == 0.0 {
                    continue;
                }
                let [u, v] = rotate(offset, self.texture_axis);
                let grain = sample(texture, self.texture_origin[0] + u, self.texture_origin[1] + v);
                let shade = self.shade[0] * along[0] / self.half[0]
                    + self.shade[1] * along[1] / self.half[1];
                let light = (1.0 + self.texture_contrast * grain) * (1.0 + shade);
                let pixel = &mut canvas[y * SYNTHETIC_SIDE as usize + x];
                for (value, colour) in pixel.iter_mut().zip(self.colour) {
                    *value += coverage * (colour * light - *value);
                }
            }
        }
    }

    /// Returns how far a point lies outside of the leaf, in pixels, about.
    fn distance(&self, [along, across]: [f32; 2]) -> f32 {
        let [a, b] = self.half;
        match self.shape {
            Shape::Rectangle => (along.abs() - a).max(across.abs() - b),
            Shape::Ellipse => {
                let (u, v) = (along / a, across / b);
                ((u * u + v * v).sqrt() - 1.0) * b
            }
        }
    }
}

/// Draws from the triangle between -1 and 1.
fn triangular(rng: &mut ChaCha8Rng) -> f32 {
    rng.random::<f32>() - rng.random::<f32>()
}

fn direction(rng: &mut ChaCha8Rng) -> [f32; 2] {
    loop {
        let [x, y] = [rng.random_range(-1.0..1.0_f32), rng.random_range(-1.0..1.0_f32)];
        let squared = x * x + y * y;
        if squared > 0.01 && squared <= 1.0 {
            let length = squared.sqrt();
            return [x / length, y / length];
        }
    }
}

fn rotate([x, y]: [f32; 2], [cos, sin]: [f32; 2]) -> [f32; 2] {
    [x * cos + y * sin, y * cos - x * sin]
}

/// Interpolates the texture at a point no further than a few hundred pixels
/// from its origin.
fn sample(texture: &[f32], x: f32, y: f32) -> f32 {
    // Whole periods make the coordinates positive, where truncation is floor.
    let periods = (TEXTURE_SIDE * 8) as f32;
    let (x, y) = (x + periods, y + periods);
    let (left, top) = (x as u32, y as u32);
    let (dx, dy) = (x - left as f32, y - top as f32);
    let wrap = |coordinate: u32| coordinate as usize % TEXTURE_SIDE;
    let (x0, x1) = (wrap(left), wrap(left + 1));
    let (y0, y1) = (wrap(top) * TEXTURE_SIDE, wrap(top + 1) * TEXTURE_SIDE);
    let upper = texture[y0 + x0] + dx * (texture[y0 + x1] - texture[y0 + x0]);
    let lower = texture[y1 + x0] + dx * (texture[y1 + x1] - texture[y1 + x0]);
    upper + dy * (lower - upper)
}

/// Returns a field of zero mean and unit variance whose octaves, from 2 to 128
/// pixels, have equal variance.
fn texture() -> &'static [f32] {
    static TEXTURE: OnceLock<Vec<f32>> = OnceLock::new();
    TEXTURE.get_or_init(|| {
        let mut field = vec![0.0_f32; TEXTURE_SIDE * TEXTURE_SIDE];
        for octave in 1..8_u32 {
            add_octave(&mut field, octave);
        }
        let count = field.len() as f32;
        let mean = field.iter().sum::<f32>() / count;
        let variance = field.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / count;
        let deviation = variance.sqrt();
        for value in &mut field {
            *value = (*value - mean) / deviation;
        }
        field
    })
}

/// Adds smooth noise on a lattice of `2^octave` pixels.
fn add_octave(field: &mut [f32], octave: u32) {
    let spacing = 1_usize << octave;
    let cells = TEXTURE_SIDE / spacing;
    let mut rng = stream(0, Purpose::Synthetic, [1, u64::from(octave)]);
    let mut lattice: Vec<f32> = (0..cells * cells).map(|_| triangular(&mut rng)).collect();
    // Few cells need not have the variance of many.
    let count = lattice.len() as f32;
    let mean = lattice.iter().sum::<f32>() / count;
    let power = lattice.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / count;
    let deviation = power.sqrt();
    for value in &mut lattice {
        *value = (*value - mean) / deviation;
    }
    let smooth = |step: usize| {
        let t = step as f32 / spacing as f32;
        t * t * (3.0 - 2.0 * t)
    };
    for y in 0..TEXTURE_SIDE {
        let (y0, y1) = (y / spacing * cells, (y / spacing + 1) % cells * cells);
        let dy = smooth(y % spacing);
        for x in 0..TEXTURE_SIDE {
            let (x0, x1) = (x / spacing, (x / spacing + 1) % cells);
            let dx = smooth(x % spacing);
            let upper = lattice[y0 + x0] + dx * (lattice[y0 + x1] - lattice[y0 + x0]);
            let lower = lattice[y1 + x0] + dx * (lattice[y1 + x1] - lattice[y1 + x0]);
            field[y * TEXTURE_SIDE + x] += upper + dy * (lower - upper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_reproducible_and_differ() {
        let image = Synthetic { seed: 1, index: 2 }.render();
        assert_eq!(image, Synthetic { seed: 1, index: 2 }.render());
        assert_ne!(image, Synthetic { seed: 1, index: 3 }.render());
        assert_ne!(image, Synthetic { seed: 2, index: 2 }.render());
        assert_eq!(Synthetic { seed: 1, index: 2 }.to_string(), "synthetic:1/00000002");
    }

    /// Natural images have about the same power in every octave.
    #[test]
    fn octaves_have_similar_power() {
        let mut power = [0.0; 4];
        for index in 0..16 {
            let image = Synthetic { seed: 0, index }.render();
            let mut plane: Vec<f64> = image.pixels().map(|p| f64::from(p[1])).collect();
            let mut side = SYNTHETIC_SIDE as usize;
            for octave in &mut power {
                let half = side / 2;
                let mean = |y: usize, x: usize| {
                    let at = 2 * y * side + 2 * x;
                    (plane[at] + plane[at + 1] + plane[at + side] + plane[at + side + 1]) / 4.0
                };
                let coarse: Vec<f64> =
                    (0..half * half).map(|cell| mean(cell / half, cell % half)).collect();
                let detail = (0..half * half * 4).map(|pixel| {
                    let (y, x) = (pixel / (2 * half), pixel % (2 * half));
                    (plane[y * side + x] - coarse[y / 2 * half + x / 2]).powi(2)
                });
                *octave += detail.sum::<f64>() / (half * half * 4) as f64;
                (plane, side) = (coarse, half);
            }
        }
        for pair in power.windows(2) {
            assert!((0.6..3.0).contains(&(pair[1] / pair[0])), "{power:?}");
        }
    }
}
