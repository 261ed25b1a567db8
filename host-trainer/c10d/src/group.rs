//! The workers of a run, and what they do together.

use std::{net::IpAddr, time::Duration};

use tch::Tensor;

#[cfg(not(has_c10d))]
use crate::{Error, Store};

/// What carries tensors from rank to rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Between CPUs.
    Gloo,
    /// Between NVIDIA's GPUs.
    Nccl,
}

impl Backend {
    /// Returns whether this build has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Gloo => crate::AVAILABLE,
            #[cfg(has_c10d)]
            // SAFETY: it returns a constant.
            Self::Nccl => unsafe { crate::ffi::c10d_has_nccl() },
            #[cfg(not(has_c10d))]
            Self::Nccl => false,
        }
    }
}

/// Which group to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOptions {
    /// What carries the tensors.
    pub backend: Backend,
    /// This worker's number, from 0.
    pub rank: usize,
    /// How many workers there are.
    pub size: usize,
    /// The address of this machine that Gloo listens on; `GLOO_SOCKET_IFNAME`
    /// in the environment names an interface instead.
    pub address: IpAddr,
    /// How long an operation may take before it fails.
    pub timeout: Duration,
}

/// The workers of a run.
///
/// Every rank calls the same operations in the same order.
#[derive(Debug)]
pub struct ProcessGroup {
    options: GroupOptions,
    #[cfg(has_c10d)]
    raw: std::ptr::NonNull<crate::ffi::RawGroup>,
    #[cfg(not(has_c10d))]
    missing: std::convert::Infallible,
}

/// An operation under way.
#[derive(Debug)]
#[must_use = "the tensor may be read only after the wait"]
pub struct Work {
    #[cfg(has_c10d)]
    raw: std::ptr::NonNull<crate::ffi::RawWork>,
    #[cfg(not(has_c10d))]
    missing: std::convert::Infallible,
}

/// What a group did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Operations.
    pub operations: u64,
    /// Bytes that they were given.
    pub bytes: u64,
    /// How long they kept the caller.
    pub waited: Duration,
}

/// What batch norm over all ranks gives.
#[derive(Debug)]
pub struct Normalised {
    /// The normalised values, of the shape of the input.
    pub y: Tensor,
    /// Mean of each channel over all ranks, `[C]`, 32 bits.
    pub mean: Tensor,
    /// Biased variance of each channel over all ranks, `[C]`, 32 bits.
    pub variance: Tensor,
    /// Values of a channel over all ranks.
    pub count: f64,
}

// SAFETY: c10d's groups belong to no thread: Python calls them from any.
#[cfg(has_c10d)]
unsafe impl Send for ProcessGroup {}

impl ProcessGroup {
    /// Returns this worker's number, from 0.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.options.rank
    }

    /// Returns how many workers there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.options.size
    }
}

#[cfg(has_c10d)]
mod with {
    use std::{
        ffi::c_int,
        ptr::{self, NonNull},
        time::Duration,
    };

    use tch::Tensor;
    use torch_sys::C_tensor;

    use super::{Backend, GroupOptions, Normalised, ProcessGroup, Traffic, Work};
    use crate::{
        Error, Store,
        ffi::{self, RawGroup, check},
        store::{milliseconds, text},
    };

    impl ProcessGroup {
        /// Joins the group called `name`; returns when all ranks have joined.
        ///
        /// # Errors
        ///
        /// When a rank does not come within the timeout, or the backend is not
        /// there.
        pub fn join(store: &Store, name: &str, options: GroupOptions) -> Result<Self, Error> {
            let name = text(name)?;
            let address = text(&options.address.to_string())?;
            let mut raw = ptr::null_mut();
            // SAFETY: the store is sound; the shim writes the handle where
            // there is no error.
            unsafe {
                check(ffi::c10d_group_new(
                    store.raw(),
                    name.as_ptr(),
                    options.backend == Backend::Nccl,
                    number(options.rank),
                    number(options.size),
                    address.as_ptr(),
                    milliseconds(options.timeout),
                    &raw mut raw,
                ))?;
            }
            let raw = NonNull::new(raw).ok_or_else(|| Error::Exception("no group".to_owned()))?;
            Ok(Self { options, raw })
        }

        /// Begins to sum a contiguous tensor over all ranks, in place.
        ///
        /// # Errors
        ///
        /// When the tensor cannot be sent.
        pub fn all_reduce(&self, tensor: &mut Tensor) -> Result<Work, Error> {
            let mut raw = ptr::null_mut();
            // SAFETY: both handles are sound; the work keeps the tensor's
            // memory for as long as it needs it.
            unsafe {
                check(ffi::c10d_all_reduce(self.raw(), tensor.as_mut_ptr(), &raw mut raw))?;
            }
            Work::of(raw)
        }

        /// Begins to copy a contiguous tensor from the rank `root` to all.
        ///
        /// # Errors
        ///
        /// When the tensor cannot be sent.
        pub fn broadcast(&self, tensor: &mut Tensor, root: usize) -> Result<Work, Error> {
            let mut raw = ptr::null_mut();
            // SAFETY: as of `all_reduce`.
            unsafe {
                check(ffi::c10d_broadcast(
                    self.raw(),
                    tensor.as_mut_ptr(),
                    number(root),
                    &raw mut raw,
                ))?;
            }
            Work::of(raw)
        }

        /// Returns the sum of a tensor over all ranks.
        ///
        /// The gradient of the sum goes back as it is: every rank is to compute
        /// the same whole loss from it. So the gradient of what went into the
        /// sum is that of the whole, and a parameter used after it has the whole
        /// gradient on every rank, one used before it a part.
        ///
        /// # Errors
        ///
        /// When the tensor cannot be sent.
        pub fn sum(&self, tensor: &Tensor) -> Result<Tensor, Error> {
            let mut sum = ptr::null_mut();
            // SAFETY: both handles are sound, and the shim's tensor is ours.
            unsafe {
                let mut tensor = tensor.shallow_clone();
                check(ffi::c10d_sum(self.raw(), tensor.as_mut_ptr(), &raw mut sum))?;
                Ok(Tensor::from_ptr(sum))
            }
        }

        /// Normalises `[N, C, …]` with the mean and the biased variance of each
        /// channel over all ranks, `(x - mean) / √(variance + eps) · weight +
        /// bias`; gradients pass all of it.
        ///
        /// Where the gradient of `y` is that of the whole loss, so is that of
        /// `x`; those of `weight` and `bias` are this rank's part of a sum.
        ///
        /// # Errors
        ///
        /// When the statistics cannot be sent.
        pub fn batch_norm(
            &self,
            x: &Tensor,
            weight: &Tensor,
            bias: &Tensor,
            eps: f64,
        ) -> Result<Normalised, Error> {
            let [mut y, mut mean, mut variance]: [*mut C_tensor; 3] = [ptr::null_mut(); 3];
            let mut count = 0.0;
            let [mut x, mut weight, mut bias] = [x, weight, bias].map(Tensor::shallow_clone);
            // SAFETY: all handles are sound, and the shim's tensors are ours.
            unsafe {
                check(ffi::c10d_batch_norm(
                    self.raw(),
                    x.as_mut_ptr(),
                    weight.as_mut_ptr(),
                    bias.as_mut_ptr(),
                    eps,
                    &raw mut y,
                    &raw mut mean,
                    &raw mut variance,
                    &raw mut count,
                ))?;
                let [y, mean, variance] = [y, mean, variance].map(|raw| Tensor::from_ptr(raw));
                Ok(Normalised { y, mean, variance, count })
            }
        }

        /// Returns whether an operation failed since the group was joined, be it
        /// within a backward pass.
        #[must_use]
        pub fn failed(&self) -> bool {
            // SAFETY: the handle is sound.
            unsafe { ffi::c10d_group_failed(self.raw()) }
        }

        /// Returns what the group did since this was last asked.
        #[must_use]
        pub fn take_traffic(&self) -> Traffic {
            let (mut operations, mut bytes, mut waited_ns) = (0, 0, 0);
            // SAFETY: the handle is sound, and the shim writes all three.
            unsafe {
                ffi::c10d_group_take_traffic(
                    self.raw(),
                    &raw mut operations,
                    &raw mut bytes,
                    &raw mut waited_ns,
                );
            }
            Traffic { operations, bytes, waited: Duration::from_nanos(waited_ns) }
        }

        fn raw(&self) -> *mut RawGroup {
            self.raw.as_ptr()
        }
    }

    impl Drop for ProcessGroup {
        fn drop(&mut self) {
            // SAFETY: the handle is sound and not used again.
            unsafe { ffi::c10d_group_free(self.raw()) };
        }
    }

    impl Work {
        fn of(raw: *mut ffi::RawWork) -> Result<Self, Error> {
            let raw = NonNull::new(raw).ok_or_else(|| Error::Exception("no work".to_owned()))?;
            Ok(Self { raw })
        }

        /// Waits until the operation is done.
        ///
        /// # Errors
        ///
        /// When a rank is gone, or did not take part within the timeout.
        pub fn wait(self) -> Result<(), Error> {
            // SAFETY: the handle is sound.
            unsafe { check(ffi::c10d_work_wait(self.raw.as_ptr())) }
        }
    }

    impl Drop for Work {
        fn drop(&mut self) {
            // SAFETY: the handle is sound and not used again.
            unsafe { ffi::c10d_work_free(self.raw.as_ptr()) };
        }
    }

    fn number(of: usize) -> c_int {
        c_int::try_from(of).unwrap_or(c_int::MAX)
    }
}

#[cfg(not(has_c10d))]
impl ProcessGroup {
    /// Cannot be called, as there is no store.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn join(_: &Store, _: &str, _: GroupOptions) -> Result<Self, Error> {
        Err(Error::Missing)
    }

    /// Cannot be called, as there is no group.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn all_reduce(&self, _: &mut Tensor) -> Result<Work, Error> {
        match self.missing {}
    }

    /// Cannot be called, as there is no group.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn broadcast(&self, _: &mut Tensor, _: usize) -> Result<Work, Error> {
        match self.missing {}
    }

    /// Cannot be called, as there is no group.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn sum(&self, _: &Tensor) -> Result<Tensor, Error> {
        match self.missing {}
    }

    /// Cannot be called, as there is no group.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn batch_norm(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: f64,
    ) -> Result<Normalised, Error> {
        match self.missing {}
    }

    /// Cannot be called, as there is no group.
    #[must_use]
    pub fn failed(&self) -> bool {
        match self.missing {}
    }

    /// Cannot be called, as there is no group.
    #[must_use]
    pub fn take_traffic(&self) -> Traffic {
        match self.missing {}
    }
}

#[cfg(not(has_c10d))]
impl Work {
    /// Cannot be called, as there is no operation.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn wait(self) -> Result<(), Error> {
        match self.missing {}
    }
}
