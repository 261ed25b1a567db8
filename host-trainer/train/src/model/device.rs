//! Finding the device that was chosen.

use std::sync::OnceLock;

use tch::{Cuda, Device};

use super::{ModelError, array::length};
use lcl_run::device::DeviceChoice;

/// Returns the device that `choice` means on this machine.
///
/// # Errors
///
/// When a GPU is asked for that is not there.
pub fn resolve(choice: DeviceChoice) -> Result<Device, ModelError> {
    let index = match choice {
        DeviceChoice::Cpu => return Ok(Device::Cpu),
        DeviceChoice::Auto => 0,
        DeviceChoice::Cuda(index) => index,
    };
    let missing = match cuda_library() {
        Err(reason) => reason.clone(),
        Ok(()) if !Cuda::is_available() => "libtorch finds no GPU or no driver".to_owned(),
        Ok(()) if length(index) >= Cuda::device_count() => {
            format!("there are {} GPUs", Cuda::device_count())
        }
        Ok(()) => return Ok(Device::Cuda(index)),
    };
    match choice {
        DeviceChoice::Auto => Ok(Device::Cpu),
        _ => Err(ModelError::NoGpu { device: choice.to_string(), reason: missing }),
    }
}

/// Returns the name of a device, as the command line would have it.
#[must_use]
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}

/// Opens libtorch's CUDA half, which nothing links to.
///
/// It registers itself with libtorch when it is opened, which has to come
/// before libtorch is first asked about GPUs.
fn cuda_library() -> &'static Result<(), String> {
    static OPENED: OnceLock<Result<(), String>> = OnceLock::new();
    OPENED.get_or_init(open_cuda_library)
}

#[cfg(unix)]
fn open_cuda_library() -> Result<(), String> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

    // SAFETY: the library is libtorch's own, found beside the libtorch that is
    // linked; opening it runs its initialisers and nothing else.
    #[allow(unsafe_code)]
    let library = unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) };
    match library {
        Ok(library) => {
            // It stays open until the process ends: libtorch holds on to it.
            let _ = library.into_raw();
            Ok(())
        }
        Err(_) => Err("this libtorch is built for the CPU, or CUDA is not installed".to_owned()),
    }
}

#[cfg(not(unix))]
fn open_cuda_library() -> Result<(), String> {
    Ok(())
}
