//! The float network of design section 3 on libtorch.
//!
//! [`FloatNetwork`] is the way in and out for plain arrays; everything else
//! here deals in tensors, NCHW in the channels-last memory order.

mod affine;
mod array;
mod batch_norm;
mod device;
mod error;
mod float_network;
mod network;
mod parameter;
mod pool;
mod projector;
mod stage;
mod window_pool;

pub use batch_norm::Mode;
pub use device::{device_name, resolve};
pub use error::ModelError;
pub use float_network::FloatNetwork;
pub use network::Network;
pub use parameter::Parameter;

pub(crate) use array::{length, shape, tensor, values};
pub(crate) use stage::Stages;
