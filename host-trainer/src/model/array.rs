//! Plain arrays to tensors and back.

use tch::{Device, Kind, TchError, Tensor};

/// Copies values into a tensor of 32-bit floats.
pub(crate) fn tensor(
    values: &[f32],
    shape: &[usize],
    device: Device,
) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = shape.iter().map(|&length| length as i64).collect();
    Tensor::f_from_slice(values)?.f_reshape(shape)?.f_to_device(device)
}

/// Copies a tensor's values out, in the order of its dimensions.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
    let tensor = tensor.f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values)
}
