//! Which values a configuration may have.

use super::{
    Config, ConfigError, InputConfig, Length, OptimiserConfig, Place, RecognitionConfig,
    StageViewConfig, ViewsConfig,
};
use lcl_artefacts::{checkpoint::Misfit, recogniser::DesignName};
use lcl_images::{MIN_SIDE, SHORTER_SIDE};

impl Config {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// Names the first field that is not, with its value and its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let training = &self.training;
        let (steps, length) = match training.length {
            Length::Steps(steps) => (steps, "training.length.steps"),
            Length::Epochs(epochs) => (epochs, "training.length.epochs"),
        };
        check(i64::try_from(steps).is_ok(), length, &steps, "below 2^63, the largest in TOML")?;
        let batch = training.batch;
        check((2..=MOST_BATCH).contains(&batch), "training.batch", &batch, "2 to 65536")?;
        let threads = training.threads;
        check(threads <= MOST_THREADS, "training.threads", &threads, "0 to 1024")?;
        let limit = self.data.memory_limit_mib;
        let expected = "at most 1073741824, a pebibyte";
        check(limit <= MOST_MEMORY, "data.memory_limit_mib", &limit, expected)?;
        let seed_fits = i64::try_from(training.seed).is_ok();
        check(seed_fits, "training.seed", &training.seed, "below 2^63, the largest in TOML")?;
        let every = training.validate_every;
        check(every >= 1, "training.validate_every", &every, "at least 1")?;
        let keep = i64::try_from(training.keep_every).is_ok();
        let expected = "below 2^63, the largest in TOML";
        check(keep, "training.keep_every", &training.keep_every, expected)?;
        let patience = i64::try_from(training.patience).is_ok();
        check(patience, "training.patience", &training.patience, expected)?;
        let least = training.min_improvement;
        check(decay(least), "training.min_improvement", &least, "at least 0 and below 1")?;
        let held_out = self.data.validation_images;
        check(held_out >= 2, "data.validation_images", &held_out, "at least 2")?;
        let sources = self.data.sources.len();
        check(sources >= 1, "data.sources", &"empty", "at least one source")?;
        self.optimiser.validate()?;
        let lambda = self.loss.lambda;
        check(lambda.is_finite() && lambda >= 0.0, "loss.lambda", &lambda, "at least 0")?;
        let temperature = self.loss.temperature;
        check(positive(temperature), "loss.temperature", &temperature, "above 0")?;
        let dim = self.model.embedding_dim;
        check((2..=65536).contains(&dim), "model.embedding_dim", &dim, "2 to 65536")?;
        self.validate_input_side()?;
        let InputConfig { mean, std } = self.input;
        check(mean.iter().all(|m| m.is_finite()), "input.mean", &Show(&mean), "finite")?;
        let deviations = std.iter().all(|s| s.is_finite() && *s > 0.0);
        check(deviations, "input.std", &Show(&std), "above 0")?;
        let timeout = self.workers.timeout_seconds;
        let range = "1 to 86400 seconds";
        check((1..=86400).contains(&timeout), "workers.timeout_seconds", &timeout, range)?;
        self.validate_components()?;
        self.recognition.validate()?;
        self.views.validate()
    }

    /// Checks that a model of one size of images is trained with images of it.
    fn validate_input_side(&self) -> Result<(), ConfigError> {
        let side = self.model.input_side;
        let range = MIN_SIDE as usize..=SHORTER_SIDE as usize;
        let expected = "16 to 224, or 0 for images of any size";
        check(side == 0 || range.contains(&side), "model.input_side", &side, expected)?;
        let other = self.views.stages.iter().find(|stage| stage.size as usize != side);
        match other {
            Some(stage) if side > 0 => {
                let expected = "that of model.input_side, for both stages";
                check(false, "views.stages.size", &stage.size, expected)
            }
            _ => Ok(()),
        }
    }

    fn validate_components(&self) -> Result<(), ConfigError> {
        let Some(components) = self.components else {
            return Ok(());
        };
        if let Err(Misfit { field, value, expected }) = components.check(self.model) {
            return check(false, field, &value, expected);
        }
        let InputConfig { mean, std } = self.input;
        let is_light = mean == [0.0; 3] && std == [1.0; 3];
        if components.retina.is_some() && !is_light {
            let expected = "[0.0, 0.0, 0.0], and input.std [1.0, 1.0, 1.0], with a retina, which \
                            takes light as it is";
            return check(false, "input.mean", &Show(&mean), expected);
        }
        Ok(())
    }
}

impl RecognitionConfig {
    /// A front-end that is missing is named when a run starts: a configuration
    /// that others share names none.
    fn validate(&self) -> Result<(), ConfigError> {
        let Self { network, front_end } = self;
        let takes_one = matches!(network, Some(DesignName::LclV2net | DesignName::LclV2netSmall));
        let expected = "left out, as this network has no front-end";
        check(takes_one || front_end.is_none(), "recognition.front_end", &"there", expected)
    }
}

impl OptimiserConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        let Self {
            name: _,
            learning_rate,
            beta1,
            beta2,
            epsilon,
            momentum,
            warmup_steps,
            schedule: _,
            weight_decay,
        } = *self;
        check(positive(learning_rate), "optimiser.learning_rate", &learning_rate, "above 0")?;
        check(decay(beta1), "optimiser.beta1", &beta1, "in 0 to 1")?;
        check(decay(beta2), "optimiser.beta2", &beta2, "in 0 to 1")?;
        check(positive(epsilon), "optimiser.epsilon", &epsilon, "above 0")?;
        check(decay(momentum), "optimiser.momentum", &momentum, "at least 0 and below 1")?;
        let warmup_fits = i64::try_from(warmup_steps).is_ok();
        let expected = "below 2^63, the largest in TOML";
        check(warmup_fits, "optimiser.warmup_steps", &warmup_steps, expected)?;
        let fits = weight_decay.is_finite() && weight_decay >= 0.0;
        check(fits, "optimiser.weight_decay", &weight_decay, "at least 0")
    }
}

impl ViewsConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        for (field, value) in [
            ("views.flip_probability", self.flip_probability),
            ("views.jitter_probability", self.jitter_probability),
            ("views.grey_probability", self.grey_probability),
            ("views.blur_probability", self.blur_probability[0]),
            ("views.blur_probability", self.blur_probability[1]),
            ("views.solarise_probability", self.solarise_probability[0]),
            ("views.solarise_probability", self.solarise_probability[1]),
            ("views.noise_probability", self.noise_probability[0]),
            ("views.noise_probability", self.noise_probability[1]),
            ("views.brightness", self.brightness),
            ("views.contrast", self.contrast),
            ("views.saturation", self.saturation),
        ] {
            check(is_unit(value), field, &value, "in 0 to 1")?;
        }
        let stops = self.exposure_stops;
        let fits = (0.0..=MOST_STOPS).contains(&stops);
        check(fits, "views.exposure_stops", &stops, "in 0 to 8")?;
        let half = (0.0..=0.5).contains(&self.hue);
        check(half, "views.hue", &self.hue, "in 0 to 0.5, half the colour circle")?;
        let sigma = self.blur_sigma;
        let fits = ordered(sigma) && sigma[0] > 0.0 && sigma[1] <= MOST_BLUR;
        let expected = "two values above 0, at most 10, in order";
        check(fits, "views.blur_sigma", &Show(&sigma), expected)?;
        let noise = self.noise_std;
        let fits = ordered(noise) && noise.into_iter().all(is_unit);
        check(fits, "views.noise_std", &Show(&noise), "two values in 0 to 1, in order")?;
        let kept = self.kept_side;
        let fits = (MIN_SIDE..=SHORTER_SIDE).contains(&kept) && kept % 2 == 0;
        check(fits, "views.kept_side", &kept, "even, 16 to 224")?;
        self.stages.iter().try_for_each(StageViewConfig::validate)?;
        let expected = "at least as large as views.stages.centre, and twice as large where crops \
                        are disjoint";
        check(self.least_window() <= kept, "views.kept_side", &kept, expected)
    }
}

impl StageViewConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        let Self { centre, size, area, aspect, crops: _ } = *self;
        let fits = (MIN_SIDE..=SHORTER_SIDE).contains(&centre) && centre % 2 == 0;
        check(fits, "views.stages.centre", &centre, "even, 16 to 224")?;
        let fits = (MIN_SIDE..=SHORTER_SIDE).contains(&size);
        check(fits, "views.stages.size", &size, "16 to 224")?;
        let fits = ordered(area) && area[0] >= LEAST_AREA && area[1] <= 1.0;
        check(fits, "views.stages.area", &Show(&area), "in 0.01 to 1, in order")?;
        let fits = ordered(aspect) && aspect[0] >= 0.1 && aspect[1] <= 10.0;
        check(fits, "views.stages.aspect", &Show(&aspect), "in 0.1 to 10, in order")
    }
}

/// Most images in a batch.
const MOST_BATCH: usize = 65536;

/// Most threads that a configuration asks for, on whatever machine.
const MOST_THREADS: usize = 1024;

/// Most mebibytes that images are kept in.
const MOST_MEMORY: usize = 1 << 30;

/// Most stops of exposure, all that a byte holds.
const MOST_STOPS: f32 = 8.0;

/// Largest standard deviation of a blur, in pixels.
const MOST_BLUR: f32 = 10.0;

/// Least area of a crop, as a fraction of the patch's.
const LEAST_AREA: f32 = 0.01;

fn is_unit(value: f32) -> bool {
    (0.0..=1.0).contains(&value)
}

fn ordered(range: [f32; 2]) -> bool {
    range[0].is_finite() && range[0] <= range[1]
}

fn decay(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

struct Show<'a>(&'a [f32]);

impl std::fmt::Display for Show<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

fn check(
    fits: bool,
    field: &'static str,
    value: &dyn std::fmt::Display,
    expected: &'static str,
) -> Result<(), ConfigError> {
    if fits {
        Ok(())
    } else {
        Err(ConfigError::Value {
            place: Place::default(),
            field,
            value: value.to_string(),
            expected,
        })
    }
}
