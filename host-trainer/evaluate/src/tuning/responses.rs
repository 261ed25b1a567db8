//! What a unit responds to a set of gratings.

use std::f64::consts::TAU;

/// Share of the mean below which an amplitude is rounding.
const ROUNDING: f64 = 1e-12;

/// Which part of the response to a drifting grating counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The mean over a period less the response to a blank, as of complex cells.
    Mean,
    /// The amplitude at the grating's frequency, F1, as of simple cells.
    Modulation,
}

/// What one unit responds to one set of gratings, over a period of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Responses {
    frequencies: usize,
    orientations: usize,
    blank: f64,
    /// Mean over the phases, `[sizes, frequencies, orientations]`.
    mean: Vec<f64>,
    /// Amplitude of the first harmonic, of the same shape.
    first_harmonic: Vec<f64>,
}

/// A grating of a set, but for its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Index of the size.
    pub size: usize,
    /// Index of the frequency.
    pub frequency: usize,
    /// Index of the orientation.
    pub orientation: usize,
}

impl Responses {
    /// Creates them from the response to a blank and those to gratings,
    /// `[sizes, frequencies, orientations, phases]`, whose phases are evenly
    /// spaced over a period; or nothing where these are no whole number of
    /// sizes or there are fewer than three phases.
    #[must_use]
    pub fn new(
        blank: f64,
        gratings: &[f64],
        [frequencies, orientations, phases]: [usize; 3],
    ) -> Option<Self> {
        let of_size = frequencies * orientations * phases;
        if of_size == 0 || phases < 3 || gratings.is_empty() || gratings.len() % of_size != 0 {
            return None;
        }
        let periods = gratings.chunks_exact(phases);
        let (mean, first_harmonic) = periods.map(fourier).unzip();
        Some(Self { frequencies, orientations, blank, mean, first_harmonic })
    }

    /// Returns the grating and the component of the largest response, and that
    /// response; nothing where no response is above 0.
    #[must_use]
    pub fn preferred(&self) -> Option<(Condition, Component, f64)> {
        let of = |component| (0..self.mean.len()).map(move |at| (at, component));
        let all = of(Component::Mean).chain(of(Component::Modulation));
        let (at, component) = all
            .map(|(at, component)| ((at, component), self.response(at, component)))
            .fold(None, |best: Option<((usize, Component), f64)>, next| match best {
                Some(best) if best.1 >= next.1 => Some(best),
                _ => Some(next),
            })?
            .0;
        let (rest, orientation) = (at / self.orientations, at % self.orientations);
        let (size, frequency) = (rest / self.frequencies, rest % self.frequencies);
        let response = self.response(at, component);
        (response > 0.0).then_some((
            Condition { size, frequency, orientation },
            component,
            response,
        ))
    }

    /// Returns the ratio of F1 to the mean over a period, blank included, in
    /// `[0, 2]` for responses that are not negative: above 1 for simple cells,
    /// below for complex ones (Skottun et al. 1991).
    ///
    /// A response to the blank biases it towards 0.
    #[must_use]
    pub fn modulation_ratio(&self, condition: Condition) -> Option<f64> {
        let at = self.at(condition);
        (self.mean[at] > 0.0).then(|| self.first_harmonic[at] / self.mean[at])
    }

    /// Returns the responses to all orientations at the size and frequency of a
    /// grating.
    #[must_use]
    pub fn over_orientations(&self, condition: Condition, component: Component) -> Vec<f64> {
        let each = (0..self.orientations).map(|orientation| Condition { orientation, ..condition });
        each.map(|condition| self.response(self.at(condition), component)).collect()
    }

    /// Returns the responses to all frequencies at the size and orientation of a
    /// grating.
    #[must_use]
    pub fn over_frequencies(&self, condition: Condition, component: Component) -> Vec<f64> {
        let each = (0..self.frequencies).map(|frequency| Condition { frequency, ..condition });
        each.map(|condition| self.response(self.at(condition), component)).collect()
    }

    /// Returns the responses to all sizes at the frequency and orientation of a
    /// grating.
    #[must_use]
    pub fn over_sizes(&self, condition: Condition, component: Component) -> Vec<f64> {
        let sizes = self.mean.len() / (self.frequencies * self.orientations);
        let each = (0..sizes).map(|size| Condition { size, ..condition });
        each.map(|condition| self.response(self.at(condition), component)).collect()
    }

    fn at(&self, condition: Condition) -> usize {
        let Condition { size, frequency, orientation } = condition;
        (size * self.frequencies + frequency) * self.orientations + orientation
    }

    fn response(&self, at: usize, component: Component) -> f64 {
        match component {
            Component::Mean => self.mean[at] - self.blank,
            Component::Modulation => self.first_harmonic[at],
        }
    }
}

/// Returns the mean over a period and the amplitude of the first harmonic,
/// `2 / N · |Σ R e^{-iφ}|`.
fn fourier(period: &[f64]) -> (f64, f64) {
    let count = period.len() as f64;
    let step = TAU / count;
    let [re, im] = period.iter().enumerate().fold([0.0, 0.0], |[re, im], (at, response)| {
        let (sin, cos) = (at as f64 * step).sin_cos();
        [re + response * cos, im + response * sin]
    });
    let (mean, first) = (period.iter().sum::<f64>() / count, 2.0 * re.hypot(im) / count);
    // What rounding leaves of a constant is no modulation.
    (mean, if first > ROUNDING * mean.abs() { first } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a dozen operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    fn period(mean: f64, amplitude: f64) -> Vec<f64> {
        (0..8).map(|at| mean + amplitude * (f64::from(at) * TAU / 8.0 - 0.7).sin()).collect()
    }

    #[test]
    fn harmonics_by_hand() {
        let (mean, first) = fourier(&period(3.0, 2.0));
        assert!((mean - 3.0).abs() < ROUNDING && (first - 2.0).abs() < ROUNDING);
        // F1/F0 of a half-wave rectified cosine is π/2.
        let rectified: Vec<f64> =
            (0..360).map(|at| f64::from(at).to_radians().cos().max(0.0)).collect();
        let (mean, first) = fourier(&rectified);
        assert!((first / mean - std::f64::consts::FRAC_PI_2).abs() < 1e-4);
    }

    #[test]
    fn the_larger_component_is_followed() {
        // Two sizes, one frequency, two orientations.
        let gratings =
            [period(1.0, 0.0), period(1.5, 0.5), period(1.2, 0.1), period(2.0, 3.0)].concat();
        let responses = Responses::new(1.0, &gratings, [1, 2, 8]).expect("whole");
        let (condition, component, response) = responses.preferred().expect("a response");
        assert_eq!(condition, Condition { size: 1, frequency: 0, orientation: 1 });
        assert_eq!(component, Component::Modulation);
        assert!((response - 3.0).abs() < ROUNDING);
        let near = |got: Vec<f64>, expected: [f64; 2]| {
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < ROUNDING), "{got:?}");
        };
        near(responses.over_orientations(condition, component), [0.1, 3.0]);
        near(responses.over_sizes(condition, component), [0.5, 3.0]);
        near(responses.over_sizes(condition, Component::Mean), [0.5, 1.0]);
        assert_eq!(responses.over_frequencies(condition, component).len(), 1);
        let ratio = responses.modulation_ratio(condition).expect("a mean");
        assert!((ratio - 1.5).abs() < ROUNDING);
    }

    #[test]
    fn units_that_never_respond_prefer_nothing() {
        let silent = Responses::new(0.0, &[0.0; 16], [1, 2, 8]).expect("whole");
        assert_eq!(silent.preferred(), None);
        let condition = Condition { size: 0, frequency: 0, orientation: 0 };
        assert_eq!(silent.modulation_ratio(condition), None);
        assert_eq!(Responses::new(0.0, &[0.0; 15], [1, 2, 8]), None);
        assert_eq!(Responses::new(0.0, &[], [1, 2, 8]), None);
        assert_eq!(Responses::new(0.0, &[0.0; 4], [1, 2, 2]), None);
    }
}
