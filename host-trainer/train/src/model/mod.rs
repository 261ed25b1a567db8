//! The float network of design section 3 on libtorch.
//!
//! [`FloatNetwork`] is the way in and out for plain arrays; everything else
//! here deals in tensors, NCHW in the channels-last memory order.

mod affine;
mod array;
mod batch_norm;
mod components;
mod device;
mod dropout;
mod error;
mod float_network;
mod float_recogniser;
mod network;
mod parameter;
mod pool;
mod projector;
mod recogniser;
mod stage;
mod window_pool;

pub use batch_norm::Mode;
pub use device::{device_name, resolve};
pub use error::ModelError;
pub use float_network::FloatNetwork;
pub use float_recogniser::FloatRecogniser;
pub use network::Network;
pub use parameter::Parameter;
pub use recogniser::RecogniserNetwork;

pub(crate) use array::{length, shape, tensor, values};
pub(crate) use dropout::Occasion;
pub(crate) use stage::Stages;
