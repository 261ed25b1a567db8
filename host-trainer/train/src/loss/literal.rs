//! Literal versions of equations, and their exact derivatives.
//!
//! An equation is written as plain loops over [`Dual`] numbers, which carry the
//! derivative with respect to one input along. So neither the value nor the
//! gradient that an objective is tested against comes from libtorch.

use std::{
    iter::Sum,
    ops::{Add, Div, Mul, Sub},
};

use tch::{Kind, TchError, Tensor};

/// Rounding of 64-bit sums of some hundred terms around 1.
const TOLERANCE: f64 = 1e-10;

/// A value and its derivative.
#[derive(Clone, Copy, Debug)]
pub struct Dual {
    value: f64,
    slope: f64,
}

impl Dual {
    pub fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        Self { value, slope: self.slope / (2.0 * value) }
    }

    pub fn exp(self) -> Self {
        let value = self.value.exp();
        Self { value, slope: self.slope * value }
    }

    pub fn ln(self) -> Self {
        Self { value: self.value.ln(), slope: self.slope / self.value }
    }

    pub fn without_slope(self) -> Self {
        Self::from(self.value)
    }
}

impl From<f64> for Dual {
    fn from(value: f64) -> Self {
        Self { value, slope: 0.0 }
    }
}

impl Add for Dual {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Sub for Dual {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, slope: self.slope - other.slope }
    }
}

impl Mul for Dual {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let slope = self.slope * other.value + self.value * other.slope;
        Self { value: self.value * other.value, slope }
    }
}

impl Div for Dual {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Self { value, slope: (self.slope - value * other.slope) / other.value }
    }
}

impl Sum for Dual {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::from(0.0), Add::add)
    }
}

/// Returns the cosine between two vectors.
pub fn cosine(u: &[Dual], v: &[Dual]) -> Dual {
    let dot = |u: &[Dual], v: &[Dual]| u.iter().zip(v).map(|(&u, &v)| u * v).sum::<Dual>();
    dot(u, v) / (dot(u, u).sqrt() * dot(v, v).sqrt())
}

/// The arguments of an equation, each of its own shape.
pub struct Inputs {
    shapes: Vec<Vec<usize>>,
    values: Vec<Vec<f64>>,
}

impl Inputs {
    /// Makes values of those shapes, all different.
    pub fn new(shapes: &[&[usize]]) -> Self {
        let values = |(argument, shape): (usize, &&[usize])| {
            let value = |at: usize| {
                let phase = at as f64 * 0.73 + (argument as f64) * 1.9;
                phase.sin() + 0.3 * (phase * 2.3).cos() + 0.1
            };
            (0..shape.iter().product()).map(value).collect()
        };
        Self {
            shapes: shapes.iter().map(|shape| shape.to_vec()).collect(),
            values: shapes.iter().enumerate().map(values).collect(),
        }
    }
}

/// Checks that `objective` has the value of `literal`, and its derivative with
/// respect to each value of each argument.
#[track_caller]
pub fn check_gradients(
    inputs: &Inputs,
    literal: impl Fn(&[Vec<Dual>]) -> Dual,
    objective: impl Fn(&[Tensor]) -> Result<Tensor, TchError>,
) {
    let mut duals: Vec<Vec<Dual>> =
        inputs.values.iter().map(|v| v.iter().copied().map(Dual::from).collect()).collect();
    let load = |(values, shape): (&Vec<f64>, &Vec<usize>)| {
        let shape: Vec<i64> =
            shape.iter().map(|&length| i64::try_from(length).expect("a length")).collect();
        Tensor::from_slice(values).reshape(shape).set_requires_grad(true)
    };
    let tensors: Vec<Tensor> = inputs.values.iter().zip(&inputs.shapes).map(load).collect();
    let value = objective(&tensors).expect("a value");
    assert_eq!(value.kind(), Kind::Double);
    assert_close(value.double_value(&[]), literal(&duals).value, "value");
    value.backward();
    for (argument, tensor) in tensors.iter().enumerate() {
        let gradient = tensor.grad();
        let gradient = if gradient.defined() { gradient } else { tensor.zeros_like() };
        let gradient = gradient.reshape([-1]);
        for at in 0..inputs.values[argument].len() {
            duals[argument][at].slope = 1.0;
            let expected = literal(&duals).slope;
            duals[argument][at].slope = 0.0;
            let got = gradient.double_value(&[i64::try_from(at).expect("an index")]);
            assert_close(got, expected, &format!("gradient of argument {argument} at {at}"));
        }
    }
}

#[track_caller]
fn assert_close(got: f64, expected: f64, what: &str) {
    let error = (got - expected).abs() / expected.abs().max(1.0);
    assert!(error < TOLERANCE, "{what}: {got}, expected {expected}");
}
