//! The readout of a session by positions: Gaussian while fitting, or a point.

use lcl_artefacts::random::{Purpose, stream};
use lcl_population::{FitConfig, ReadoutKind};
use rand::Rng;
use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::readout::{positions, responses};
use crate::model::{Parameter, tensor, values};

#[derive(Debug)]
pub(super) struct GaussianReadout {
    mean: Mean,
    sigma: Option<Tensor>,
    features: Features,
    pub(super) bias: Tensor,
}

/// Where positions come from.
#[derive(Debug)]
enum Mean {
    /// They are fitted, `[neurons, 2]`.
    Free(Tensor),
    /// `W p_n + b`, a linear map of cortical positions `[neurons, 2]`.
    Retinotopy { plane: Tensor, weight: Tensor, bias: Tensor },
}

/// Whose weights they are.
#[derive(Debug)]
enum Features {
    /// `[neurons, C]`.
    Own(Tensor),
    /// `α_n · W[match]`: factors `[neurons, 1]`, the owner's weights, and which row
    /// of them each neuron has.
    Shared { factor: Tensor, owner: Tensor, rows: Tensor },
}

/// What a session has beside its neurons.
#[derive(Debug, Default)]
pub(super) struct Given<'a> {
    /// Cortical positions, for retinotopy.
    pub(super) plane: Option<Vec<[f32; 2]>>,
    /// The readout that owns the features, and the neuron's row in it.
    pub(super) shared: Option<(&'a GaussianReadout, Vec<i64>)>,
}

impl GaussianReadout {
    /// Creates the readout of session `index` before its first step, without a bias.
    pub(super) fn new(
        config: &FitConfig,
        index: u64,
        [neurons, channels]: [usize; 2],
        given: Given<'_>,
    ) -> Result<Self, TchError> {
        let mut rng = stream(config.seed, Purpose::Readout, [u64::MAX, index]);
        #[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit")]
        let mut uniform = |len: usize, range: f64| -> Vec<f32> {
            (0..len).map(|_| (range * (2.0 * rng.random::<f64>() - 1.0)) as f32).collect()
        };
        let load = |values: &[f32], shape: &[usize]| tensor(values, shape, Device::Cpu);
        let mean = match given.plane {
            None => Mean::Free(load(&uniform(2 * neurons, config.mu_range), &[neurons, 2])?),
            Some(plane) => {
                // As PyTorch starts a linear layer of two inputs.
                let range = 0.5_f64.sqrt();
                Mean::Retinotopy {
                    plane: load(plane.as_flattened(), &[neurons, 2])?,
                    weight: load(&uniform(4, range), &[2, 2])?,
                    bias: load(&uniform(2, range), &[2])?,
                }
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit")]
        let sigma = config.sigma as f32;
        let sigma = match config.readout {
            ReadoutKind::Full => Some(load(&uniform(4 * neurons, config.sigma), &[neurons, 2, 2])?),
            ReadoutKind::Uncorrelated => Some(load(&vec![sigma; 2 * neurons], &[neurons, 2])?),
            ReadoutKind::Isotropic => Some(load(&vec![sigma; neurons], &[neurons, 1])?),
            ReadoutKind::Point | ReadoutKind::Factorised => None,
        };
        let features = if let Some((owner, rows)) = given.shared {
            Features::Shared {
                factor: load(&vec![1.0; neurons], &[neurons, 1])?,
                owner: owner.weight()?,
                rows: Tensor::f_from_slice(&rows)?,
            }
        } else {
            let start = 1.0 / channels as f32;
            Features::Own(load(&vec![start; neurons * channels], &[neurons, channels])?)
        };
        let bias = load(&vec![0.0; neurons], &[neurons])?;
        Ok(Self { mean, sigma, features, bias })
    }

    /// Returns the responses before ELU, `[N, neurons]`; with noise, `[N, neurons,
    /// 2]`, at sampled positions.
    pub(super) fn forward(
        &self,
        features: &Tensor,
        noise: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        if let Mean::Free(mu) = &self.mean {
            let _ = no_grad(|| mu.shallow_clone().f_clamp_(-1.0, 1.0))?;
        }
        let at = positions(&self.mu()?, self.sigma.as_ref(), noise)?;
        responses(features, &at, &self.weight()?, &self.bias)
    }

    /// Returns whether positions are sampled while fitting.
    pub(super) const fn samples(&self) -> bool {
        self.sigma.is_some()
    }

    /// Returns `μ`, `[neurons, 2]`, not clamped.
    fn mu(&self) -> Result<Tensor, TchError> {
        match &self.mean {
            Mean::Free(mu) => Ok(mu.shallow_clone()),
            Mean::Retinotopy { plane, weight, bias } => {
                plane.f_matmul(&weight.f_transpose(0, 1)?)?.f_add(bias)
            }
        }
    }

    /// Returns the weights, `[neurons, C]`.
    fn weight(&self) -> Result<Tensor, TchError> {
        match &self.features {
            Features::Own(weight) => Ok(weight.shallow_clone()),
            Features::Shared { factor, owner, rows } => {
                owner.f_index_select(0, rows)?.f_mul(factor)
            }
        }
    }

    /// Returns `Σ |w|` of the weights that this owns.
    pub(super) fn magnitude(&self) -> Result<Option<Tensor>, TchError> {
        match &self.features {
            Features::Own(weight) => weight.f_abs()?.f_sum(Kind::Float).map(Some),
            Features::Shared { .. } => Ok(None),
        }
    }

    pub(super) fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        let mut named: Vec<(&str, &Tensor)> = match &self.mean {
            Mean::Free(mu) => vec![("mu", mu)],
            Mean::Retinotopy { weight, bias, .. } => {
                vec![("map.weight", weight), ("map.bias", bias)]
            }
        };
        named.extend(self.sigma.as_ref().map(|sigma| ("sigma", sigma)));
        named.push(match &self.features {
            Features::Own(weight) => ("weight", weight),
            Features::Shared { factor, .. } => ("factor", factor),
        });
        named.push(("bias", &self.bias));
        let parameter = |(name, tensor): (&str, &Tensor)| Parameter {
            name: format!("{prefix}.{name}"),
            tensor: tensor.shallow_clone(),
        };
        named.into_iter().map(parameter).collect()
    }

    /// Returns positions as evaluation has them, and weights.
    pub(super) fn arrays(&self) -> Result<(Vec<[f32; 2]>, Vec<f32>), TchError> {
        let mu = values(&self.mu()?.f_clamp(-1.0, 1.0)?)?;
        Ok((mu.chunks_exact(2).map(|at| [at[0], at[1]]).collect(), values(&self.weight()?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> FitConfig {
        FitConfig { mu_range: 0.55, ..FitConfig::default() }
    }

    #[test]
    fn a_free_mean_is_clamped_in_place_and_a_predicted_one_is_not() -> Result<(), TchError> {
        let map = Tensor::f_ones([1, 2, 3, 3], (Kind::Float, Device::Cpu))?;
        let free = GaussianReadout::new(&config(), 0, [1, 2], Given::default())?;
        let Mean::Free(mu) = &free.mean else { panic!("free") };
        let _ = mu.shallow_clone().f_fill_(1.5)?;
        let _ = free.forward(&map, None)?;
        assert_eq!(values(mu)?, [1.0, 1.0]);
        let given = Given { plane: Some(vec![[1.0, -0.5]]), shared: None };
        let by_map = GaussianReadout::new(&config(), 0, [1, 2], given)?;
        let Mean::Retinotopy { weight, bias, .. } = &by_map.mean else { panic!("predicted") };
        let _ =
            weight.shallow_clone().f_copy_(&tensor(&[2.0, 0.0, 1.0, 4.0], &[2, 2], Device::Cpu)?);
        let _ = bias.shallow_clone().f_copy_(&tensor(&[0.5, 1.25], &[2], Device::Cpu)?);
        // (2 · 1 + ½, 1 · 1 + 4 · -½ + 1¼), whose first lies outside.
        let at = by_map.mu()?;
        assert_eq!(values(&at)?, [2.5, 0.25]);
        // Ones everywhere: the clamped position sees them, the weights are ½.
        let out = by_map.forward(&map, None)?;
        assert_eq!(values(&out)?, [1.0]);
        assert_eq!(values(&by_map.mu()?)?, [2.5, 0.25]);
        Ok(())
    }

    #[test]
    fn shared_features_are_the_owners_rows_by_factors() -> Result<(), TchError> {
        let owner = GaussianReadout::new(&config(), 0, [2, 2], Given::default())?;
        let Features::Own(weight) = &owner.features else { panic!("own") };
        let _ =
            weight.shallow_clone().f_copy_(&tensor(&[1.0, 2.0, 3.0, -4.0], &[2, 2], Device::Cpu)?);
        let given = Given { plane: None, shared: Some((&owner, vec![1, 0, 1])) };
        let sharing = GaussianReadout::new(&config(), 1, [3, 2], given)?;
        let Features::Shared { factor, .. } = &sharing.features else { panic!("shared") };
        let _ = factor.shallow_clone().f_copy_(&tensor(&[1.0, 10.0, 0.5], &[3, 1], Device::Cpu)?);
        assert_eq!(values(&sharing.weight()?)?, [3.0, -4.0, 10.0, 20.0, 1.5, -2.0]);
        assert!(sharing.magnitude()?.is_none());
        let magnitude = owner.magnitude()?.expect("its own").f_double_value(&[])?;
        assert!((magnitude - 10.0).abs() < 1e-6);
        Ok(())
    }

    #[test]
    fn starts_are_those_of_the_paper() -> Result<(), TchError> {
        for (kind, sigma) in [
            (ReadoutKind::Full, Some(4)),
            (ReadoutKind::Uncorrelated, Some(2)),
            (ReadoutKind::Isotropic, Some(1)),
            (ReadoutKind::Point, None),
        ] {
            let config = FitConfig { readout: kind, ..config() };
            let readout = GaussianReadout::new(&config, 0, [50, 4], Given::default())?;
            let (mu, weight) = readout.arrays()?;
            let largest = mu.iter().flatten().fold(0.0_f32, |most, at| most.max(at.abs()));
            assert!((0.4..=0.55).contains(&largest), "{largest}");
            assert!(weight.iter().all(|weight| (weight - 0.25).abs() < 1e-7));
            assert_eq!(readout.sigma.as_ref().map(|sigma| sigma.numel() / 50), sigma);
            if let Some(sigma) = &readout.sigma {
                let all = values(sigma)?;
                assert!(all.iter().all(|value| value.abs() <= 0.4));
                let constant = all.iter().all(|value| (value - 0.4).abs() < 1e-7);
                assert_eq!(constant, kind != ReadoutKind::Full);
            }
            assert_eq!(readout.samples(), kind != ReadoutKind::Point);
        }
        Ok(())
    }
}
