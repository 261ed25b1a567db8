//! The optimiser.

use tch::{TchError, Tensor, no_grad};

use crate::{config::OptimiserConfig, model::Parameter};

/// Adam (Kingma and Ba, 2015, "Adam: a method for stochastic optimization",
/// algorithm 1, arXiv 1412.6980), with a state that can be saved.
///
/// `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²`,
/// `θ ← θ - α · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)`
///
/// In the first `warmup_steps` updates, `α · t / warmup_steps` takes the place of
/// `α` (Goyal et al., 2017, "Accurate, large minibatch SGD: training ImageNet in
/// 1 hour", section 2.2, arXiv 1706.02677).
#[derive(Debug)]
pub struct Adam {
    config: OptimiserConfig,
    /// Updates so far, `t`.
    step: u64,
    parameters: Vec<Parameter>,
    /// `m` and `v` of each parameter.
    moments: Vec<Moments>,
}

/// The running moments of one parameter's gradient.
#[derive(Debug)]
struct Moments {
    /// `m`, of the parameter's shape.
    mean: Tensor,
    /// `v`, of the parameter's shape.
    square: Tensor,
}

impl Adam {
    /// Creates the optimiser of `parameters`, before its first step.
    ///
    /// # Errors
    ///
    /// When memory runs out.
    pub fn new(parameters: Vec<Parameter>, config: OptimiserConfig) -> Result<Self, TchError> {
        let zeros = |parameter: &Parameter| parameter.tensor.f_detach()?.f_zeros_like();
        let moments =
            |parameter| Ok(Moments { mean: zeros(parameter)?, square: zeros(parameter)? });
        let moments = parameters.iter().map(moments).collect::<Result<_, TchError>>()?;
        Ok(Self { config, step: 0, parameters, moments })
    }

    /// Continues an optimiser at `step` with the moments that were set.
    pub(super) fn resume_at(&mut self, step: u64) {
        self.step = step;
    }

    /// Returns the parameters, in the order of their moments.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Returns the moments by name, shared with this: `PARAMETER.mean` and
    /// `PARAMETER.square`.
    pub(super) fn named_moments(&self) -> Vec<(String, Tensor)> {
        let named = |(parameter, moments): (&Parameter, &Moments)| {
            [("mean", &moments.mean), ("square", &moments.square)].map(|(kind, tensor)| {
                (format!("{}.{kind}", parameter.name), tensor.shallow_clone())
            })
        };
        self.parameters.iter().zip(&self.moments).flat_map(named).collect()
    }

    /// Forgets the gradients of all parameters.
    pub fn zero_grad(&mut self) {
        for parameter in &mut self.parameters {
            parameter.tensor.zero_grad();
        }
    }

    /// Updates all parameters by their gradients.
    ///
    /// A parameter without a gradient, on which the loss does not depend, stays
    /// as it is, which is what a gradient of 0 from the first step on would do.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn step(&mut self) -> Result<(), TchError> {
        self.step += 1;
        let OptimiserConfig { learning_rate, beta1, beta2, epsilon, warmup_steps } = self.config;
        let warmed_up =
            if self.step < warmup_steps { self.step as f64 / warmup_steps as f64 } else { 1.0 };
        let correction = |beta: f64| 1.0 - beta.powf(self.step as f64);
        let step_length = warmed_up * learning_rate / correction(beta1);
        let square_scale = 1.0 / correction(beta2).sqrt();
        no_grad(|| {
            for (parameter, moments) in self.parameters.iter_mut().zip(&mut self.moments) {
                let gradient = parameter.tensor.f_grad()?;
                if !gradient.defined() {
                    continue;
                }
                let _ = moments.mean.f_lerp_(&gradient, 1.0 - beta1)?;
                let _ = moments.square.f_lerp_(&gradient.f_square()?, 1.0 - beta2)?;
                let deviation = moments.square.f_sqrt()?.f_mul_scalar(square_scale)?;
                let update = moments.mean.f_div(&deviation.f_add_scalar(epsilon)?)?;
                let _ = parameter.tensor.f_sub_(&update.f_mul_scalar(step_length)?)?;
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

    /// Rounding of 32-bit values around 1 over a few steps.
    const TOLERANCE: f64 = 1e-6;

    /// `lengths` are those of the first steps, as shares of α.
    fn check(warmup_steps: u64, lengths: [f64; 5]) -> Result<(), TchError> {
        let config =
            OptimiserConfig { learning_rate: 0.1, warmup_steps, ..OptimiserConfig::default() };
        let start = [0.5, -1.0];
        let theta = tensor(&start, &[2], Device::Cpu)?.set_requires_grad(true);
        let parameter = Parameter { name: "theta".to_owned(), tensor: theta.shallow_clone() };
        let mut adam = Adam::new(vec![parameter], config)?;
        let mut expected = start.map(f64::from);
        let (mut m, mut v) = ([0.0; 2], [0.0; 2]);
        for (t, length) in (1..).zip(lengths) {
            adam.zero_grad();
            (&theta * &theta * &theta).sum(Kind::Float).backward();
            adam.step()?;
            for at in 0..2 {
                let gradient = 3.0 * expected[at].powi(2);
                m[at] = 0.9 * m[at] + 0.1 * gradient;
                v[at] = 0.999 * v[at] + 0.001 * gradient * gradient;
                let (m_hat, v_hat) =
                    (m[at] / (1.0 - 0.9_f64.powi(t)), v[at] / (1.0 - 0.999_f64.powi(t)));
                expected[at] -= 0.1 * length * m_hat / (v_hat.sqrt() + 1e-8);
            }
            for (got, expected) in values(&theta)?.into_iter().zip(expected) {
                assert!((f64::from(got) - expected).abs() < TOLERANCE, "{t}: {got} {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn follows_algorithm_1() -> Result<(), TchError> {
        check(0, [1.0; 5])
    }

    #[test]
    fn warm_up_grows_linearly_and_ends() -> Result<(), TchError> {
        check(4, [0.25, 0.5, 0.75, 1.0, 1.0])?;
        check(1, [1.0; 5])
    }
}
