//! The factorised readout of Klindt and others (2017): a mask over positions times
//! weights over channels, `r_n = Σ_yx m_nyx Σ_c w_nc · core_cyx + b_n`.
//!
//! Each mask has length 1 (L2).

use lcl_population::FitConfig;
use tch::{Device, Kind, TchError, Tensor};

use super::separable::normal;
use crate::model::{Parameter, tensor, values};

#[derive(Debug)]
pub(super) struct FactorisedReadout {
    /// `[neurons, H · W]`.
    mask: Tensor,
    /// `[neurons, C]`.
    weight: Tensor,
    pub(super) bias: Tensor,
}

impl FactorisedReadout {
    pub(super) fn new(
        config: &FitConfig,
        index: u64,
        [neurons, channels]: [usize; 2],
        cells: usize,
    ) -> Result<Self, TchError> {
        let load = |value: f32, shape: &[usize]| {
            tensor(&vec![value; shape.iter().product()], shape, Device::Cpu)
        };
        Ok(Self {
            mask: normal(config.seed, 500 + index, &[neurons, cells], 1e-3)?,
            weight: load(1.0 / channels as f32, &[neurons, channels])?,
            bias: load(0.0, &[neurons])?,
        })
    }

    /// Returns the masks, each of length 1.
    fn masks(&self) -> Result<Tensor, TchError> {
        let squares = self.mask.f_square()?.f_sum_dim_intlist(1, true, Kind::Float)?;
        self.mask.f_div(&squares.f_sqrt()?.f_add_scalar(1e-6)?)
    }

    /// Returns the responses before ELU, `[N, neurons]`, of `[N, C, H, W]`.
    pub(super) fn forward(&self, features: &Tensor) -> Result<Tensor, TchError> {
        let flat = features.f_flatten(2, 3)?;
        // [N, C, neurons]: what each mask sees of each channel.
        let seen = flat.f_matmul(&self.masks()?.f_transpose(0, 1)?)?;
        let weighted = seen.f_mul(&self.weight.f_transpose(0, 1)?.f_unsqueeze(0)?)?;
        weighted.f_sum_dim_intlist(1, false, Kind::Float)?.f_add(&self.bias)
    }

    /// Returns `Σ_n (Σ |m_n|) (Σ |w_n|)`, the magnitudes of all products.
    pub(super) fn magnitude(&self) -> Result<Tensor, TchError> {
        let sum = |x: &Tensor| x.f_abs()?.f_sum_dim_intlist(1, false, Kind::Float);
        sum(&self.masks()?)?.f_mul(&sum(&self.weight)?)?.f_sum(Kind::Float)
    }

    pub(super) fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        [("mask", &self.mask), ("weight", &self.weight), ("bias", &self.bias)]
            .map(|(name, tensor)| Parameter {
                name: format!("{prefix}.{name}"),
                tensor: tensor.shallow_clone(),
            })
            .into()
    }

    /// Returns the weights over channels.
    pub(super) fn weights(&self) -> Result<Vec<f32>, TchError> {
        values(&self.weight)
    }

    /// Returns the centre of gravity of each squared mask, (x, y) in `[-1, 1]`, for
    /// a map of (height, width).
    pub(super) fn centres(
        &self,
        (height, width): (usize, usize),
    ) -> Result<Vec<[f32; 2]>, TchError> {
        let masks = values(&self.masks()?)?;
        let of = |mask: &[f32]| {
            let mut sums = [0.0_f32; 3];
            for (cell, value) in mask.iter().enumerate() {
                let (share, at) = (value * value, [cell % width, cell / width]);
                sums[0] += share * at[0] as f32;
                sums[1] += share * at[1] as f32;
                sums[2] += share;
            }
            let scaled =
                |sum: f32, side: usize| 2.0 * sum / sums[2] / (side as f32 - 1.0).max(1.0) - 1.0;
            [scaled(sums[0], width), scaled(sums[1], height)]
        };
        Ok(masks.chunks_exact((height * width).max(1)).map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_equals_its_loops() -> Result<(), TchError> {
        let (neurons, channels, cells) = (3, 2, 6);
        let mut readout =
            FactorisedReadout::new(&FitConfig::default(), 0, [neurons, channels], cells)?;
        readout.weight = normal(0, 1, &[neurons, channels], 1.0)?;
        readout.bias = normal(0, 2, &[neurons], 1.0)?;
        let map = normal(0, 3, &[2, channels, 2, 3], 1.0)?;
        let got = values(&readout.forward(&map)?)?;
        let [mask, weight, bias] = [&readout.mask, &readout.weight, &readout.bias].map(values);
        let (mask, weight, bias, map) = (mask?, weight?, bias?, values(&map)?);
        let mut magnitude = 0.0;
        for n in 0..neurons {
            let mask: Vec<f64> = mask[n * cells..][..cells].iter().map(|&m| m.into()).collect();
            let length = mask.iter().map(|m| m * m).sum::<f64>().sqrt() + 1e-6;
            let weight: Vec<f64> =
                weight[n * channels..][..channels].iter().map(|&w| w.into()).collect();
            for image in 0..2 {
                let mut sum = f64::from(bias[n]);
                for c in 0..channels {
                    for cell in 0..cells {
                        let value = f64::from(map[(image * channels + c) * cells + cell]);
                        sum += mask[cell] / length * weight[c] * value;
                    }
                }
                let got = f64::from(got[image * neurons + n]);
                assert!((got - sum).abs() < 1e-5, "{got} {sum}");
            }
            let sum = |values: &[f64]| values.iter().map(|value| value.abs()).sum::<f64>();
            magnitude += sum(&mask) / length * sum(&weight);
        }
        let got = readout.magnitude()?.f_double_value(&[])?;
        assert!((got - magnitude).abs() < 1e-4, "{got} {magnitude}");
        Ok(())
    }
}
