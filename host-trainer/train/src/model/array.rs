//! Plain arrays to tensors and back.

use tch::{Device, Kind, TchError, Tensor};

/// Copies values into a tensor of 32-bit floats.
pub(crate) fn tensor(values: &[f32], shape: &[usize], device: Device) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = shape.iter().copied().map(length).collect();
    Tensor::f_from_slice(values)?.f_reshape(shape)?.f_to_device(device)
}

/// Returns a length as libtorch counts.
pub(crate) fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Returns the shape of a tensor.
pub(crate) fn shape(tensor: &Tensor) -> Vec<usize> {
    let length = |length| usize::try_from(length).unwrap_or_default();
    tensor.size().into_iter().map(length).collect()
}

/// Copies a tensor's values out, in the order of its dimensions.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
    let tensor = tensor.f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values)
}
