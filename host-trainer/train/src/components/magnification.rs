//! Cortical magnification: a map resampled along rings around its middle, the
//! finer the nearer.

use std::f64::consts::TAU;

use tch::{Device, TchError, Tensor};

/// Side of the map that \[BIO\] gives the rings for, and the least that has
/// pixels in all of them.
pub const LEAST_MAP: usize = 32;

/// Radii between rings, in pixels of a map of [`LEAST_MAP`].
const EDGES: [usize; 19] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 23];

/// Rings.
const RINGS: usize = EDGES.len() - 1;

/// Largest inner edge of a ring whose gaps along the angle are filled.
const FILLED: usize = 16;

/// Bins of angle.
const ANGLES: usize = 30;

/// Columns with one of reflection on either side.
const COLUMNS: usize = ANGLES + 2;

/// A fixed resampling, `[side, side]` to `[side / 2, side / 2]`, in place of a
/// pool. Rows of the result are radii, columns angles.
#[derive(Debug)]
pub struct Magnification {
    side: i64,
    /// `[side · side, (side / 2)²]`
    table: Tensor,
}

impl Magnification {
    /// Makes the table for maps of `side` pixels, or returns `None` for one that
    /// is odd or below [`LEAST_MAP`], in which some rings have no pixel.
    ///
    /// Radii are those of 32 pixels, scaled.
    ///
    /// # Errors
    ///
    /// When the device has too little memory.
    pub fn new(side: usize, device: Device) -> Result<Option<Self>, TchError> {
        if side % 2 != 0 || side < LEAST_MAP {
            return Ok(None);
        }
        let table = table(side);
        let rows = i64::try_from(side * side).unwrap_or(i64::MAX);
        let table = Tensor::f_from_slice(&table)?.f_reshape([-1, rows])?.f_tr()?;
        let side = i64::try_from(side).unwrap_or(i64::MAX);
        Ok(Some(Self { side, table: table.f_contiguous()?.f_to_device(device)? }))
    }

    /// `[N, C, side, side]` to `[N, C, side / 2, side / 2]`.
    ///
    /// # Errors
    ///
    /// When the map has another side.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (images, channels, ..) = x.size4()?;
        let flat = x.f_reshape([images * channels, self.side * self.side])?;
        let pooled = flat.f_matmul(&self.table.f_to_kind(x.kind())?)?;
        pooled.f_reshape([images, channels, self.side / 2, self.side / 2])
    }
}

/// Returns the whole resampling as one matrix, `[(side / 2)², side · side]`.
fn table(side: usize) -> Vec<f64> {
    let half = side / 2;
    let polar = polar(side);
    let (rows, columns) = (resized(RINGS, half), resized(COLUMNS, half));
    let mut table = Vec::with_capacity(half * half * side * side);
    for (row, column) in (0..half * half).map(|at| (at / half, at % half)) {
        let mut weights = vec![0.0; side * side];
        for (ring, by_row) in rows[row] {
            for (padded, by_column) in columns[column] {
                // Reflection leaves the edge out.
                let angle = match padded {
                    0 => 1,
                    _ if padded == COLUMNS - 1 => ANGLES - 2,
                    _ => padded - 1,
                };
                for (weight, mean) in weights.iter_mut().zip(&polar[ring][angle]) {
                    *weight += by_row * by_column * mean;
                }
            }
        }
        table.extend(weights);
    }
    table
}

/// Returns the weights of the pixels in every bin, by ring and angle, which have
/// the sum 1, or are all 0 in a bin without a pixel.
#[expect(clippy::needless_range_loop, reason = "a pixel has a place in every mask")]
fn polar(side: usize) -> Vec<Vec<Vec<f64>>> {
    let mut masks = vec![vec![vec![0.0; side * side]; ANGLES]; RINGS];
    let middle = (side / 2) as f64;
    for at in 0..side * side {
        let (x, y) = ((at % side) as f64 - middle, middle - (at / side) as f64);
        // Squares of whole numbers: exact on the edges, and so are the bins of
        // angle, of which half a circle is the only edge that pixels lie on.
        let squared = (x * x + y * y) * (LEAST_MAP * LEAST_MAP) as f64;
        let radius = |ring: usize| ((EDGES[ring] * side) as f64).powi(2);
        let Some(ring) =
            (0..RINGS).find(|&ring| (radius(ring)..radius(ring + 1)).contains(&squared))
        else {
            continue;
        };
        let turn = if y == 0.0 && x < 0.0 { 0.5 } else { y.atan2(x).rem_euclid(TAU) / TAU };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 30")]
        let angle = ((turn * ANGLES as f64) as usize).min(ANGLES - 1);
        masks[ring][angle][at] = 1.0;
    }
    for (ring, masks) in masks.iter_mut().enumerate() {
        if EDGES[ring] <= FILLED {
            *masks = filled(masks);
        }
        for mask in masks {
            let sum: f64 = mask.iter().sum();
            if sum > 0.0 {
                for weight in mask {
                    *weight /= sum;
                }
            }
        }
    }
    masks
}

/// Interpolates the masks that have a pixel along the angle, to as many as there
/// are angles.
fn filled(masks: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let is_there = |mask: &&Vec<f64>| mask.iter().any(|&weight| weight > 0.0);
    let there: Vec<&Vec<f64>> = masks.iter().filter(is_there).collect();
    if there.is_empty() {
        return masks.to_vec();
    }
    let between = |[(first, by_first), (second, by_second)]: [(usize, f64); 2]| {
        let pairs = there[first].iter().zip(there[second]);
        pairs.map(|(a, b)| by_first * a + by_second * b).collect()
    };
    resized(there.len(), masks.len()).into_iter().map(between).collect()
}

/// Returns from which two samples of `from`, and by how much of each, the `to`
/// samples of a linear interpolation are made. Corners are not aligned.
fn resized(from: usize, to: usize) -> Vec<[(usize, f64); 2]> {
    let sample = |at: usize| {
        let place = (at as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        let place = place.clamp(0.0, (from - 1) as f64);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let first = place as usize;
        let second = (first + 1).min(from - 1);
        let share = place - first as f64;
        [(first, 1.0 - share), (second, share)]
    };
    (0..to).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::components::testing::{Drawn, close, gradients_agree, single, values};

    /// The definition with libtorch's own interpolations, mask by mask.
    fn by_masks(x: &Tensor, side: usize) -> Tensor {
        let edges: Vec<f64> = (0..=14).chain([16, 18, 20, 23]).map(f64::from).collect();
        let scale = side as f64 / 32.0;
        let mut rings = Vec::new();
        for ring in edges.windows(2) {
            let mut masks = Vec::new();
            for angle in 0..30 {
                let mut mask = vec![0.0_f64; side * side];
                for row in 0..side {
                    for column in 0..side {
                        let middle = (side / 2) as f64;
                        let (x, y) = (column as f64 - middle, middle - row as f64);
                        let degrees = (y.atan2(x).to_degrees() + 360.0) % 360.0;
                        let radius = (x * x + y * y).sqrt() / scale;
                        if ring[0] <= radius
                            && radius < ring[1]
                            && (f64::from(angle)..f64::from(angle + 1)).contains(&(degrees / 12.0))
                        {
                            mask[row * side + column] = 1.0;
                        }
                    }
                }
                masks.push(Tensor::from_slice(&mask));
            }
            if ring[0] <= 16.0 {
                masks.retain(|mask| mask.sum(Kind::Double).double_value(&[]) > 0.0);
            }
            // [1, pixels, masks]
            let mut masks = Tensor::stack(&masks, 1).unsqueeze(0);
            if ring[0] <= 16.0 {
                masks = masks.upsample_linear1d([30], false, None::<f64>);
            }
            let masks = masks.squeeze_dim(0).transpose(0, 1);
            let sums = masks.sum_dim_intlist(1_i64, false, Kind::Double);
            let means = x.flatten(2, 3).matmul(&masks.transpose(0, 1)) / &sums;
            rings.push(means.nan_to_num(0.0, None::<f64>, None::<f64>));
        }
        let map = Tensor::stack(&rings, 2).reflection_pad2d([1, 1, 0, 0]);
        let half = i64::try_from(side / 2).expect("a side");
        map.upsample_bilinear2d([half, half], false, None::<f64>, None::<f64>)
    }

    #[test]
    fn rings_and_angles_are_the_literal_ones() {
        let mut drawn = Drawn::new(9);
        for side in [32, 34, 64] {
            let shape = [2, 3, side, side];
            let x = drawn.normal(shape.iter().product());
            let magnification = Magnification::new(side, Device::Cpu).expect("a table");
            let y = magnification.expect("a side that works").forward(&single(&x, &shape));
            let expected = by_masks(&single(&x, &shape).to_kind(Kind::Double), side);
            close(&values(&y.expect("a map")), &values(&expected), 1e-5);
        }
    }

    #[test]
    fn rings_are_rows_and_quarters_are_columns() {
        let table = Magnification::new(32, Device::Cpu).expect("a table").expect("32");
        let point = |x: usize, y: usize| {
            let mut map = vec![0.0; 32 * 32];
            map[(16 - y) * 32 + 16 + x] = 1.0;
            values(&table.forward(&single(&map, &[1, 1, 32, 32])).expect("a map"))
        };
        // The middle is in the first ring alone, at every angle there.
        let middle = point(0, 0);
        assert!(
            middle[..16].iter().all(|&v| v > 0.5) && middle[2 * 16..].iter().all(|&v| v == 0.0)
        );
        // Straight up is bin 7 of 30, column 4 of 16.
        let up = point(0, 10);
        let largest = (0..256).max_by(|&a, &b| up[a].total_cmp(&up[b]));
        assert_eq!(largest, Some(9 * 16 + 4));
        // A constant stays where every bin has a pixel, which the outermost
        // rings, beyond the sides, have not.
        let ones = values(&table.forward(&single(&[1.0; 1024], &[1, 1, 32, 32])).expect("a map"));
        assert!(ones[..13 * 16].iter().all(|v| (v - 1.0).abs() < 1e-6), "{ones:?}");
        assert!(ones[15 * 16..].iter().any(|&v| v < 0.5));
    }

    #[test]
    fn maps_without_pixels_in_every_ring_are_refused() {
        for side in [0, 16, 30, 33] {
            assert!(Magnification::new(side, Device::Cpu).expect("no error").is_none(), "{side}");
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let table = Magnification::new(32, Device::Cpu).expect("a table").expect("32");
        let x = Drawn::new(10).double(&[1, 1, 32, 32], -1.0, 1.0);
        gradients_agree(&[x], |inputs| table.forward(&inputs[0]));
    }
}
