//! What `lcl fit` is told, in TOML.

use serde::{Deserialize, Serialize};

/// The core that all neurons share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoreChoice {
    /// That of \[Lurz\]: a large convolution, then depth-separable ones.
    #[default]
    Lurz,
    /// LCL-V2's first stage, of the checkpoint that is given or untrained.
    LclV1,
    /// Both stages of LCL-V2.
    LclV2,
    /// The first seven layers of a network of VGG16's shape, untrained.
    Vgg16,
}

/// How a neuron reads the core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadoutKind {
    /// A position with a Gaussian of any covariance around it while fitting.
    #[default]
    Full,
    /// With a standard deviation for each axis.
    Uncorrelated,
    /// With one standard deviation.
    Isotropic,
    /// A position alone, the spatial-transformer readout.
    Point,
    /// A mask over all positions, the factorised readout.
    Factorised,
}

/// What a fit does. The defaults are those of \[Lurz\].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "fields of a file")]
pub struct FitConfig {
    /// The core.
    pub core: CoreChoice,
    /// The core is not trained; its batch norms follow the images all the same.
    pub frozen: bool,
    /// Channels of the core of \[Lurz\].
    pub channels: usize,
    /// Side of its first kernel, in pixels.
    pub first_kernel: usize,
    /// Side of its further kernels, odd.
    pub kernel: usize,
    /// Its layers.
    pub layers: usize,
    /// Images of LCL-V2 are enlarged by this factor, so that its receptive
    /// fields are those of the recorded neurons.
    pub enlarge: usize,
    /// How neurons read.
    pub readout: ReadoutKind,
    /// Positions are a linear map of cortical ones.
    pub retinotopy: bool,
    /// A control: cortical positions are dealt to the neurons by chance.
    pub shuffle_positions: bool,
    /// Neurons of one number have one row of weights, up to a factor.
    pub share_features: bool,
    /// Free positions start within this distance of the middle.
    pub mu_range: f64,
    /// Standard deviations start here; those of `full` within.
    pub sigma: f64,
    /// Weight of the sum of magnitudes of a readout's weights.
    pub gamma_readout: f64,
    /// Weight of the roughness of the core's first kernels.
    pub gamma_core: f64,
    /// Rate of Adam.
    pub learning_rate: f64,
    /// Least rate.
    pub least_rate: f64,
    /// Images of a batch.
    pub batch_size: usize,
    /// Epochs in a row that are no better: of the rate, and of a round.
    pub patience: u32,
    /// Rounds, after each of which the best weights are restored.
    pub rounds: u32,
    /// Epochs at most.
    pub epochs: u32,
    /// By how much an epoch has to be better.
    pub threshold: f64,
    /// Share of the training trials that is used, the first ones.
    pub data_share: f64,
    /// Seed of initial weights, order and sampled positions.
    pub seed: u64,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            core: CoreChoice::Lurz,
            frozen: false,
            channels: 64,
            first_kernel: 15,
            kernel: 13,
            layers: 4,
            enlarge: 2,
            readout: ReadoutKind::Full,
            retinotopy: false,
            shuffle_positions: false,
            share_features: false,
            mu_range: 0.55,
            sigma: 0.4,
            gamma_readout: 2.439,
            gamma_core: 1.0,
            learning_rate: 0.005,
            least_rate: 1e-4,
            batch_size: 64,
            patience: 5,
            rounds: 3,
            epochs: 200,
            threshold: 1e-6,
            data_share: 1.0,
            seed: 0,
        }
    }
}

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is no configuration.
    #[error("{0}; `lcl fit --print-config` prints every field with its default")]
    Parse(#[from] toml::de::Error),
    /// A value is out of range.
    #[error("{field} is {got}; expected {expected}")]
    Range {
        /// The field.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
}

impl FitConfig {
    /// Reads a configuration; fields that are missing have their defaults.
    ///
    /// # Errors
    ///
    /// When the text is none, has an unknown field or a value out of range.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// Writes it as TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        // Plain values: nothing in them can fail to serialise.
        toml::to_string(self).unwrap_or_default()
    }

    /// Checks every range.
    ///
    /// # Errors
    ///
    /// Returns the first value out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let whole =
            |field, value: usize, expected, fits: bool| (field, value.to_string(), expected, fits);
        let real =
            |field, value: f64, expected, fits: bool| (field, value.to_string(), expected, fits);
        let odd = |side: usize| side % 2 == 1 && (1..=31).contains(&side);
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let weight = |value: f64| value >= 0.0 && value.is_finite();
        let checks = [
            whole("channels", self.channels, "1 to 1024", (1..=1024).contains(&self.channels)),
            whole(
                "first_kernel",
                self.first_kernel,
                "an odd side, 1 to 31",
                odd(self.first_kernel),
            ),
            whole("kernel", self.kernel, "an odd side, 1 to 31", odd(self.kernel)),
            whole("layers", self.layers, "1 to 16", (1..=16).contains(&self.layers)),
            whole("enlarge", self.enlarge, "1 to 16", (1..=16).contains(&self.enlarge)),
            whole(
                "batch_size",
                self.batch_size,
                "2 to 4096",
                (2..=4096).contains(&self.batch_size),
            ),
            real("mu_range", self.mu_range, "0 to 1", (0.0..=1.0).contains(&self.mu_range)),
            real("sigma", self.sigma, "0 to 2", (0.0..=2.0).contains(&self.sigma)),
            real("gamma_readout", self.gamma_readout, "0 or more", weight(self.gamma_readout)),
            real("gamma_core", self.gamma_core, "0 or more", weight(self.gamma_core)),
            real("learning_rate", self.learning_rate, "above 0", positive(self.learning_rate)),
            real("least_rate", self.least_rate, "above 0", positive(self.least_rate)),
            real("threshold", self.threshold, "0 or more", weight(self.threshold)),
            real(
                "data_share",
                self.data_share,
                "above 0, to 1",
                self.data_share > 0.0 && self.data_share <= 1.0,
            ),
            whole("patience", self.patience as usize, "1 or more", self.patience > 0),
            whole("rounds", self.rounds as usize, "1 or more", self.rounds > 0),
            whole("epochs", self.epochs as usize, "1 or more", self.epochs > 0),
        ];
        for (field, got, expected, fits) in checks {
            if !fits {
                return Err(ConfigError::Range { field, expected, got });
            }
        }
        let by_position = self.readout != ReadoutKind::Factorised;
        if self.retinotopy && !by_position {
            let (expected, got) = ("a readout with positions", "factorised".to_owned());
            return Err(ConfigError::Range { field: "readout", expected, got });
        }
        if self.shuffle_positions && !self.retinotopy {
            let (expected, got) = ("false without retinotopy", "true".to_owned());
            return Err(ConfigError::Range { field: "shuffle_positions", expected, got });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let config =
            FitConfig { core: CoreChoice::LclV2, retinotopy: true, ..FitConfig::default() };
        assert_eq!(FitConfig::parse(&config.to_toml()).expect("a configuration"), config);
        assert_eq!(FitConfig::parse("").expect("defaults"), FitConfig::default());
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let wrong = [
            ("kernel = 4", "kernel is 4"),
            ("data_share = 0.0", "data_share is 0"),
            ("epochs = 0", "epochs"),
            ("gama = 1", "gama"),
            ("readout = \"factorised\"\nretinotopy = true", "a readout with positions"),
            ("shuffle_positions = true", "without retinotopy"),
            ("sigma = nan", "sigma is NaN"),
        ];
        for (text, expected) in wrong {
            let error = FitConfig::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
