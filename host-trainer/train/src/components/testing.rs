//! What the tests of components have in common: drawn values, closeness, and
//! gradients against finite differences.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tch::{Kind, TchError, Tensor};

use lcl_artefacts::random::{Purpose, stream};

/// Half the distance of a finite difference.
const STEP: f64 = 1e-6;

/// What differences of that distance are off by, and rounding over it.
const GRADIENT_TOLERANCE: f64 = 1e-7;

/// Draws the values of a test.
pub struct Drawn(ChaCha8Rng);

impl Drawn {
    pub fn new(seed: u64) -> Self {
        Self(stream(seed, Purpose::Weights, [0, 0]))
    }

    /// Uniform values that 32 bits hold.
    pub fn uniform(&mut self, count: usize, least: f32, most: f32) -> Vec<f64> {
        (0..count).map(|_| f64::from(self.0.random_range(least..most))).collect()
    }

    /// Values around 0 that 32 bits hold, of variance 1.
    pub fn normal(&mut self, count: usize) -> Vec<f64> {
        let mut one = || (0..12).map(|_| self.0.random_range(-0.5_f32..0.5)).sum::<f32>();
        (0..count).map(|_| f64::from(one())).collect()
    }

    /// A tensor of 64-bit uniform values.
    pub fn double(&mut self, shape: &[usize], least: f32, most: f32) -> Tensor {
        let values = self.uniform(shape.iter().product(), least, most);
        Tensor::from_slice(&values).reshape(lengths(shape))
    }
}

/// Makes a tensor of 32-bit values.
pub fn single(values: &[f64], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values).to_kind(Kind::Float).reshape(lengths(shape))
}

/// Returns the values of a tensor.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.detach().to_kind(Kind::Double).contiguous().reshape([-1]);
    Vec::try_from(&flat).expect("values")
}

/// Checks that values are as near as `tolerance`, of the larger of 1 and the
/// value.
#[track_caller]
pub fn close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "values");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got - expected).abs() / expected.abs().max(1.0);
        assert!(error <= tolerance, "value {at}: {got}, expected {expected}");
    }
}

/// Checks the gradient of a weighted sum of what `compute` makes of 64-bit
/// tensors against finite differences, value by value.
#[track_caller]
pub fn gradients_agree(inputs: &[Tensor], compute: impl Fn(&[Tensor]) -> Result<Tensor, TchError>) {
    let sum = |inputs: &[Tensor]| {
        let y = compute(inputs).expect("a result");
        assert_eq!(y.kind(), Kind::Double);
        let count = y.size().iter().product::<i64>();
        let weights = (Tensor::arange(count, (Kind::Double, y.device())) * 0.7).sin();
        (y.reshape([-1]) * weights).sum(Kind::Double)
    };
    let leaves: Vec<Tensor> =
        inputs.iter().map(|input| input.copy().set_requires_grad(true)).collect();
    sum(&leaves).backward();
    for (argument, leaf) in leaves.iter().enumerate() {
        let gradient = values(&leaf.grad());
        for (at, gradient) in gradient.into_iter().enumerate() {
            let moved = |by: f64| {
                let moved: Vec<Tensor> = inputs.iter().map(Tensor::copy).collect();
                let mut one = moved[argument].view([-1]).get(i64::try_from(at).expect("an index"));
                let _ = one.g_add_scalar_(by);
                sum(&moved).double_value(&[])
            };
            let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let error = (gradient - expected).abs() / expected.abs().max(1.0);
            assert!(
                error < GRADIENT_TOLERANCE,
                "gradient of argument {argument} at {at}: {gradient}, expected {expected}"
            );
        }
    }
}

fn lengths(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&length| i64::try_from(length).expect("a length")).collect()
}
