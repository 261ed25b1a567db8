//! The choice of a device and a precision by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where libtorch computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The first GPU where libtorch has one, the CPU otherwise.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of that index.
    Cuda(usize),
}

/// The name of a device is not one of the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown device {name:?}; the known ones are auto, cpu, cuda and cuda:N")]
pub struct UnknownDevice {
    name: String,
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, UnknownDevice> {
        let unknown = || UnknownDevice { name: name.to_owned() };
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let index = name.strip_prefix("cuda:").ok_or_else(unknown)?;
                index.parse().map(Self::Cuda).map_err(|_| unknown())
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = UnknownDevice;

    fn try_from(name: String) -> Result<Self, UnknownDevice> {
        name.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(device: DeviceChoice) -> Self {
        device.to_string()
    }
}

/// How the layers compute. Weights, batch statistics, losses and the optimiser
/// are in 32 bits, and in 64 with [`Float64`](Self::Float64).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// [`Bfloat16`](Self::Bfloat16) where this machine's processor computes with
    /// it and the device can be it, else [`Float32`](Self::Float32).
    Auto,
    /// 32-bit floats.
    #[default]
    Float32,
    /// 64-bit floats throughout, about twice as slow: to tell rounding from
    /// mistakes. A checkpoint has 32 of them all the same. Rounding in 32 bits grows from step
    /// to step, as an update of Adam is as long for a tiny gradient as for a
    /// large one.
    Float64,
    /// 16 bits with the range of 32-bit floats: half the memory, and faster
    /// where the processor knows it.
    Bfloat16,
}

impl Precision {
    /// Returns what this is on this machine: never [`Auto`](Self::Auto).
    #[must_use]
    pub fn resolved(self, device: DeviceChoice) -> Self {
        if self != Self::Auto {
            return self;
        }
        #[cfg(target_arch = "x86_64")]
        let has_bfloat16 = std::arch::is_x86_feature_detected!("avx512bf16");
        #[cfg(not(target_arch = "x86_64"))]
        let has_bfloat16 = false;
        if has_bfloat16 && !matches!(device, DeviceChoice::Cuda(_)) {
            Self::Bfloat16
        } else {
            Self::Float32
        }
    }
}

/// The name of a precision is not one of the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown precision {name:?}; the known ones are auto, float32, float64 and bfloat16")]
pub struct UnknownPrecision {
    name: String,
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(name: &str) -> Result<Self, UnknownPrecision> {
        match name {
            "auto" => Ok(Self::Auto),
            "float32" => Ok(Self::Float32),
            "float64" => Ok(Self::Float64),
            "bfloat16" => Ok(Self::Bfloat16),
            _ => Err(UnknownPrecision { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_some_precision_and_others_stay() {
        assert_ne!(Precision::Auto.resolved(DeviceChoice::Cpu), Precision::Auto);
        assert_eq!(Precision::Auto.resolved(DeviceChoice::Cuda(0)), Precision::Float32);
        assert_eq!(Precision::Float64.resolved(DeviceChoice::Cpu), Precision::Float64);
    }

    #[test]
    fn names_round_trip_and_unknown_ones_are_refused() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3"] {
            let device: Result<DeviceChoice, _> = name.parse();
            assert_eq!(device.map(|d| d.to_string()), Ok(name.to_owned()));
        }
        for name in ["", "gpu", "cuda:", "cuda:x", "cuda:-1"] {
            assert!(name.parse::<DeviceChoice>().is_err(), "{name}");
        }
    }
}
