//! The optimiser.

use tch::{TchError, Tensor, no_grad};

use super::rate::rate;
use crate::model::Parameter;
use lcl_run::config::OptimiserConfig;

/// Adam (Kingma and Ba, 2015, "Adam: a method for stochastic optimization",
/// algorithm 1, arXiv 1412.6980), with a state that can be saved.
///
/// `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²`,
/// `θ ← θ - α · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)`
///
/// In the first `warmup_steps` updates, `α · t / warmup_steps` takes the place of
/// `α` (Goyal et al., 2017, "Accurate, large minibatch SGD: training ImageNet in
/// 1 hour", section 2.2, arXiv 1706.02677). With the schedule `cosine` it then is
/// `α_t = α · ½ (1 + cos(π (t - 1 - w) / (T - w)))` for `w` warm-up steps of `T`
/// updates in all (Loshchilov and Hutter, 2017, "SGDR: stochastic gradient
/// descent with warm restarts", equation 5, without restarts, arXiv 1608.03983).
///
/// Weight decay is decoupled: `θ ← θ - α_t λ θ` comes first (Loshchilov and
/// Hutter, 2019, "Decoupled weight decay regularization", algorithm 2 as PyTorch's
/// `AdamW` has it, arXiv 1711.05101), for the weights of convolutions and linear
/// layers alone. An L2 term of the loss would be another thing.
#[derive(Debug)]
pub struct Adam {
    config: OptimiserConfig,
    /// Updates so far, `t`.
    step: u64,
    /// Updates of the whole run, `T`.
    length: u64,
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
        Ok(Self { config, step: 0, length: 0, parameters, moments })
    }

    /// Continues an optimiser at `step` with the moments that were set.
    pub(crate) fn resume_at(&mut self, step: u64) {
        self.step = step;
    }

    /// Sets the number of updates that a schedule ends with.
    pub fn set_length(&mut self, updates: u64) {
        self.length = updates;
    }

    /// Returns the number of updates so far.
    pub(crate) const fn updates(&self) -> u64 {
        self.step
    }

    /// Sets the length of steps from here on, α.
    pub(crate) const fn set_learning_rate(&mut self, rate: f64) {
        self.config.learning_rate = rate;
    }

    /// Returns the length of the step that comes next.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.rate(self.step + 1)
    }

    /// Returns the length of the step of update `t`, from 1.
    fn rate(&self, t: u64) -> f64 {
        rate(self.config, self.length, t)
    }

    /// Returns the norm of the gradient of all parameters, as the last update had
    /// it.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn gradient_norm(&self) -> Result<f64, TchError> {
        let mut squares = 0.0;
        for parameter in &self.parameters {
            let gradient = parameter.tensor.f_grad()?;
            if gradient.defined() {
                squares += gradient.f_norm()?.f_double_value(&[])?.powi(2);
            }
        }
        Ok(squares.sqrt())
    }

    /// Returns the parameters, in the order of their moments.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Returns the moments by name, shared with this: `PARAMETER.mean` and
    /// `PARAMETER.square`.
    pub(crate) fn named_moments(&self) -> Vec<(String, Tensor)> {
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
        let OptimiserConfig { beta1, beta2, epsilon, weight_decay, .. } = self.config;
        let rate = self.rate(self.step);
        let correction = |beta: f64| 1.0 - beta.powf(self.step as f64);
        let step_length = rate / correction(beta1);
        let square_scale = 1.0 / correction(beta2).sqrt();
        no_grad(|| {
            for (parameter, moments) in self.parameters.iter_mut().zip(&mut self.moments) {
                let gradient = parameter.tensor.f_grad()?;
                if !gradient.defined() {
                    continue;
                }
                if weight_decay > 0.0 && parameter.tensor.dim() > 1 {
                    let _ = parameter.tensor.f_mul_scalar_(1.0 - rate * weight_decay)?;
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

    use std::f64::consts::PI;

    use super::*;
    use crate::model::{tensor, values};
    use lcl_run::config::Schedule;

    /// Rounding of 32-bit values around 1 over a few steps.
    const TOLERANCE: f64 = 1e-6;

    /// `lengths` are those of the first steps, as shares of α; `theta` is a
    /// weight where it has two dimensions.
    fn check(
        config: OptimiserConfig,
        dimensions: &[usize],
        lengths: [f64; 5],
    ) -> Result<(), TchError> {
        let config = OptimiserConfig { learning_rate: 0.1, ..config };
        let start = [0.5, -1.0];
        let theta = tensor(&start, dimensions, Device::Cpu)?.set_requires_grad(true);
        let parameter = Parameter { name: "theta".to_owned(), tensor: theta.shallow_clone() };
        let mut adam = Adam::new(vec![parameter], config)?;
        adam.set_length(5);
        let decay = if dimensions.len() > 1 { config.weight_decay } else { 0.0 };
        let mut expected = start.map(f64::from);
        let (mut m, mut v) = ([0.0; 2], [0.0; 2]);
        for (t, length) in (1..).zip(lengths) {
            assert!((adam.learning_rate() - 0.1 * length).abs() < 1e-12, "{t}");
            adam.zero_grad();
            (&theta * &theta * &theta).sum(Kind::Float).backward();
            adam.step()?;
            let norm = (9.0 * (expected[0].powi(4) + expected[1].powi(4))).sqrt();
            assert!((adam.gradient_norm()? - norm).abs() < 1e-5, "{t}");
            for at in 0..2 {
                let gradient = 3.0 * expected[at].powi(2);
                m[at] = 0.9 * m[at] + 0.1 * gradient;
                v[at] = 0.999 * v[at] + 0.001 * gradient * gradient;
                let (m_hat, v_hat) =
                    (m[at] / (1.0 - 0.9_f64.powi(t)), v[at] / (1.0 - 0.999_f64.powi(t)));
                expected[at] -= 0.1 * length * decay * expected[at];
                expected[at] -= 0.1 * length * m_hat / (v_hat.sqrt() + 1e-8);
            }
            for (got, expected) in values(&theta)?.into_iter().zip(expected) {
                assert!((f64::from(got) - expected).abs() < TOLERANCE, "{t}: {got} {expected}");
            }
        }
        Ok(())
    }

    fn warm_up(warmup_steps: u64) -> OptimiserConfig {
        OptimiserConfig { warmup_steps, ..OptimiserConfig::default() }
    }

    #[test]
    fn follows_algorithm_1() -> Result<(), TchError> {
        check(warm_up(0), &[2], [1.0; 5])
    }

    #[test]
    fn warm_up_grows_linearly_and_ends() -> Result<(), TchError> {
        check(warm_up(4), &[2], [0.25, 0.5, 0.75, 1.0, 1.0])?;
        check(warm_up(1), &[2], [1.0; 5])
    }

    #[test]
    fn a_cosine_falls_from_the_end_of_warm_up_to_the_end_of_the_run() -> Result<(), TchError> {
        let cosine =
            |warmup_steps| OptimiserConfig { schedule: Schedule::Cosine, ..warm_up(warmup_steps) };
        let half = |share: f64| 0.5 * (1.0 + (PI * share).cos());
        check(cosine(0), &[2], [0.0, 0.2, 0.4, 0.6, 0.8].map(half))?;
        check(cosine(2), &[2], [0.5, 1.0, half(0.0), half(1.0 / 3.0), half(2.0 / 3.0)])
    }

    #[test]
    fn weight_decay_is_decoupled_and_spares_what_is_no_weight() -> Result<(), TchError> {
        let decay = OptimiserConfig { weight_decay: 0.3, ..warm_up(2) };
        check(decay, &[1, 2], [0.5, 1.0, 1.0, 1.0, 1.0])?;
        check(decay, &[2], [0.5, 1.0, 1.0, 1.0, 1.0])
    }
}
