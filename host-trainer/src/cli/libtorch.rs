//! The one door of the command line to libtorch, also where there is none.

use std::process::ExitCode;

use anyhow::{Error, Result};
use host_trainer::{checkpoint::Checkpoint, device::DeviceChoice, feature_model::FeatureModel};

/// Exit status of a build without libtorch where a command needs it, and of
/// nothing else: whoever built it can set libtorch up, build again and give the
/// same arguments.
pub const WITHOUT_LIBTORCH: u8 = 3;

/// This build has no libtorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this lcl was built without libtorch, which training and float features need; run `cargo xtask \
     setup libtorch`, then build host-trainer with its default features"
)]
pub struct WithoutLibtorch;

/// Returns the exit status of a command that ended with that error.
pub fn exit_code(error: &Error) -> ExitCode {
    if error.is::<WithoutLibtorch>() { ExitCode::from(WITHOUT_LIBTORCH) } else { ExitCode::FAILURE }
}

/// Returns the float network of a checkpoint.
#[cfg(feature = "torch")]
pub fn float_network(
    checkpoint: &Checkpoint,
    device: DeviceChoice,
) -> Result<Box<dyn FeatureModel>> {
    Ok(Box::new(host_trainer::model::FloatNetwork::new(checkpoint, device)?))
}

/// Returns the error of this build.
#[cfg(not(feature = "torch"))]
pub fn float_network(_: &Checkpoint, _: DeviceChoice) -> Result<Box<dyn FeatureModel>> {
    Err(WithoutLibtorch.into())
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn only_a_missing_libtorch_is_status_3() {
        let missing = Err::<(), _>(WithoutLibtorch).context("computing features");
        let code = |error: &Error| format!("{:?}", exit_code(error));
        assert_eq!(code(&missing.expect_err("missing")), format!("{:?}", ExitCode::from(3)));
        assert_eq!(code(&anyhow!("anything else")), format!("{:?}", ExitCode::FAILURE));
    }

    #[cfg(not(feature = "torch"))]
    #[test]
    fn what_needs_libtorch_says_so_and_help_does_not() {
        use clap::Parser;

        use crate::cli::Cli;

        for line in ["lcl train --steps 1", "lcl step", "lcl evaluate tuning --model untrained"] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("arguments");
            let error = cli.run().expect_err("no libtorch");
            assert!(error.is::<WithoutLibtorch>(), "{line}: {error:#}");
        }
        let help = Cli::try_parse_from(["lcl", "train", "--help"]).expect_err("help");
        assert!(!help.use_stderr());
    }
}
