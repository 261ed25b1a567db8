//! Stochastic gradient descent with momentum.

use tch::{TchError, Tensor, no_grad};

use super::rate::rate;
use crate::model::Parameter;
use lcl_run::config::OptimiserConfig;

/// Stochastic gradient descent as `PyTorch` has it, with a state that can be
/// saved: `g ← g + λ θ`, `v ← μ v + g`, `θ ← θ - α v`, from `v = 0` on.
#[derive(Debug)]
pub(super) struct Sgd {
    config: OptimiserConfig,
    step: u64,
    length: u64,
    parameters: Vec<Parameter>,
    /// `v` of each parameter.
    momenta: Vec<Tensor>,
}

impl Sgd {
    pub(super) fn new(
        parameters: Vec<Parameter>,
        config: OptimiserConfig,
    ) -> Result<Self, TchError> {
        let zeros = |parameter: &Parameter| parameter.tensor.f_detach()?.f_zeros_like();
        let momenta = parameters.iter().map(zeros).collect::<Result<_, _>>()?;
        Ok(Self { config, step: 0, length: 0, parameters, momenta })
    }

    pub(super) fn resume_at(&mut self, step: u64) {
        self.step = step;
    }

    pub(super) fn set_length(&mut self, updates: u64) {
        self.length = updates;
    }

    pub(super) fn learning_rate(&self) -> f64 {
        rate(self.config, self.length, self.step + 1)
    }

    pub(super) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Returns the momenta by name, shared with this: `PARAMETER.momentum`.
    pub(super) fn named_moments(&self) -> Vec<(String, Tensor)> {
        let named = |(parameter, momentum): (&Parameter, &Tensor)| {
            (format!("{}.momentum", parameter.name), momentum.shallow_clone())
        };
        self.parameters.iter().zip(&self.momenta).map(named).collect()
    }

    pub(super) fn zero_grad(&mut self) {
        for parameter in &mut self.parameters {
            parameter.tensor.zero_grad();
        }
    }

    pub(super) fn step(&mut self) -> Result<(), TchError> {
        self.step += 1;
        let rate = rate(self.config, self.length, self.step);
        let OptimiserConfig { momentum, weight_decay, .. } = self.config;
        no_grad(|| {
            for (parameter, velocity) in self.parameters.iter_mut().zip(&mut self.momenta) {
                let gradient = parameter.tensor.f_grad()?;
                if !gradient.defined() {
                    continue;
                }
                let gradient = gradient.f_add(&parameter.tensor.f_mul_scalar(weight_decay)?)?;
                let _ = velocity.f_mul_scalar_(momentum)?.f_add_(&gradient)?;
                let _ = parameter.tensor.f_sub_(&velocity.f_mul_scalar(rate)?)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::model::{tensor, values};
    use lcl_run::config::Schedule;

    #[test]
    fn is_pytorchs_rule() -> Result<(), TchError> {
        let config = OptimiserConfig {
            learning_rate: 0.1,
            momentum: 0.9,
            weight_decay: 0.2,
            schedule: Schedule::Thirds,
            ..OptimiserConfig::default()
        };
        let theta = tensor(&[0.5, -1.0], &[2], Device::Cpu)?.set_requires_grad(true);
        let parameter = Parameter { name: "theta".to_owned(), tensor: theta.shallow_clone() };
        let mut sgd = Sgd::new(vec![parameter], config)?;
        sgd.set_length(6);
        let (mut expected, mut velocity) = ([0.5_f64, -1.0], [0.0; 2]);
        for rate in [0.1, 0.1, 0.01, 0.01, 0.001, 0.001] {
            assert!((sgd.learning_rate() - rate).abs() < 1e-12);
            sgd.zero_grad();
            (&theta * &theta * &theta).sum(Kind::Float).backward();
            sgd.step()?;
            for at in 0..2 {
                let gradient = 3.0 * expected[at].powi(2) + 0.2 * expected[at];
                velocity[at] = 0.9 * velocity[at] + gradient;
                expected[at] -= rate * velocity[at];
            }
            for (got, expected) in values(&theta)?.into_iter().zip(expected) {
                assert!((f64::from(got) - expected).abs() < 1e-6, "{got} {expected}");
            }
        }
        Ok(())
    }
}
