//! What training changes.

use tch::Tensor;

/// A tensor that training changes.
#[derive(Debug)]
pub struct Parameter {
    /// Its name in a checkpoint.
    pub name: String,
    /// The tensor itself, shared with the network.
    pub tensor: Tensor,
}

impl Parameter {
    pub(super) fn new(name: String, tensor: &Tensor) -> Self {
        Self { name, tensor: tensor.shallow_clone() }
    }
}
