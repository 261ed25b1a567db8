//! How well a fitted population predicts responses that it has not seen, and
//! where it places its neurons.

mod page;
mod scored;

use lcl_artefacts::random::{Purpose, stream};
use lcl_evaluate::{Findings, Table};
use lcl_numerics::statistics::{mean, median, pearson, quantile};
use rand::Rng;
use serde::Serialize;

use crate::measures::{Measures, Repeats, fraction_oracle, measures};

pub use scored::{Epoch, Scored, ScoredError, ScoredSession};

/// Neurons below this share of explainable variance are left out of FEVE, whose
/// denominator is next to nothing there.
const LEAST_EXPLAINABLE: f64 = 0.15;

/// How often neurons are drawn again for an interval.
const DRAWS: usize = 1000;

/// What the evaluation found.
#[derive(Clone, Debug, Serialize)]
pub struct PopulationFindings {
    /// The run.
    pub name: String,
    /// The configuration, TOML.
    pub config: String,
    /// Each session.
    pub sessions: Vec<SessionFindings>,
    /// Each epoch of the fit.
    pub epochs: Vec<Epoch>,
}

/// A value over neurons and its 95 % interval: neurons drawn again 1,000 times.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Interval {
    /// The value.
    pub value: f64,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What one session came to.
#[derive(Clone, Debug, Serialize)]
pub struct SessionFindings {
    /// The session.
    pub session: String,
    /// Neurons that were fitted.
    pub neurons: usize,
    /// Neurons that were left out: responses not finite, and silent ones.
    pub excluded: [usize; 2],
    /// Test images, and repeats of each.
    pub test: [usize; 2],
    /// Test images left out, as they were shown once; trials beyond the fewest.
    pub left_out: [usize; 2],
    /// Numbers fitted for each neuron.
    pub parameters_per_neuron: f64,
    /// Mean correlation with single trials.
    pub correlation: Interval,
    /// Mean correlation with means over repeats.
    pub correlation_to_mean: Interval,
    /// Median jackknife oracle.
    pub oracle_jackknife: Interval,
    /// Median conservative oracle.
    pub oracle_conservative: Interval,
    /// Slope of correlations on jackknife oracles.
    pub fraction_oracle: Interval,
    /// Median FEVE of the neurons that have enough explainable variance.
    pub feve: Interval,
    /// Neurons that FEVE leaves out.
    pub without_feve: usize,
    /// Mean correlation with the simulation's responses without noise.
    pub correlation_to_truth: Option<Interval>,
    /// Median distance of learned and true positions, in pixels of the image.
    pub position_error: Option<Interval>,
    /// Correlation of learned with true positions along x and y.
    pub position_correlation: Option<[f64; 2]>,
    /// Each neuron.
    pub by_neuron: Vec<NeuronFindings>,
}

/// What one neuron came to; `None` where it is not defined.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NeuronFindings {
    /// Number of the neuron.
    pub id: i64,
    /// Correlation with single trials.
    pub correlation: Option<f64>,
    /// Jackknife oracle.
    pub oracle_jackknife: Option<f64>,
    /// Conservative oracle.
    pub oracle_conservative: Option<f64>,
    /// Fraction of explainable variance.
    pub fev: Option<f64>,
    /// Fraction of it explained.
    pub feve: Option<f64>,
    /// Learned position, in pixels of the image.
    pub learned: Option<[f64; 2]>,
    /// True position.
    pub truth: Option<[f64; 2]>,
}

impl PopulationFindings {
    /// Measures what a fit predicted.
    #[must_use]
    pub fn new(scored: &Scored) -> Self {
        let sessions = scored.sessions.iter().map(SessionFindings::new).collect();
        let (name, config) = (scored.name.clone(), scored.config.clone());
        Self { name, config, sessions, epochs: scored.epochs.clone() }
    }
}

impl SessionFindings {
    fn new(scored: &ScoredSession) -> Self {
        let neurons = scored.ids.len();
        let repeated: Vec<f64> = scored
            .predictions
            .chunks_exact(neurons.max(1))
            .flat_map(|row| row.repeat(scored.repeats))
            .collect();
        let shaped = |values| Repeats::new(values, scored.repeats, neurons).ok();
        let found = shaped(&scored.responses)
            .zip(shaped(&repeated))
            .map_or_else(Vec::new, |(responses, predictions)| measures(&responses, &predictions));
        let all: Vec<usize> = (0..found.len()).collect();
        let of = |value: fn(&Measures) -> f64| -> Vec<f64> { found.iter().map(value).collect() };
        let defined = |values: &[f64], drawn: &[usize]| -> Vec<f64> {
            drawn.iter().map(|&at| values[at]).filter(|value| value.is_finite()).collect()
        };
        let of_mean = |values: Vec<f64>| {
            interval(&all, |drawn| mean(&defined(&values, drawn)).unwrap_or(f64::NAN))
        };
        let of_median = |values: Vec<f64>, drawn: &[usize]| {
            interval(drawn, |drawn| median(&defined(&values, drawn)).unwrap_or(f64::NAN))
        };
        let (correlations, oracles) = (of(|one| one.correlation), of(|one| one.oracle_jackknife));
        let explainable: Vec<usize> =
            all.iter().copied().filter(|&at| found[at].fev >= LEAST_EXPLAINABLE).collect();
        let at = |values: &[f64], drawn: &[usize]| -> Vec<f64> {
            drawn.iter().map(|&at| values[at]).collect()
        };
        let to_truth = scored.noiseless.as_ref().map(|truth| {
            let column = |values: &[f64], neuron: usize| -> Vec<f64> {
                values.iter().skip(neuron).step_by(neurons.max(1)).copied().collect()
            };
            let one = |neuron| {
                pearson(&column(truth, neuron), &column(&scored.predictions, neuron))
                    .unwrap_or_default()
            };
            of_mean(all.iter().map(|&neuron| one(neuron)).collect())
        });
        let places = scored.learned.as_ref().zip(scored.centres.as_ref());
        let position_error = places.map(|(learned, truth)| {
            let distances: Vec<f64> =
                learned.iter().zip(truth).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).collect();
            let neurons: Vec<usize> = (0..distances.len()).collect();
            of_median(distances, &neurons)
        });
        let position_correlation = places.map(|(learned, truth)| {
            [0, 1].map(|axis| {
                let along = |places: &[[f64; 2]]| -> Vec<f64> {
                    places.iter().map(|place| place[axis]).collect()
                };
                pearson(&along(learned), &along(truth)).unwrap_or_default()
            })
        });
        let finite = |value: f64| value.is_finite().then_some(value);
        let by_neuron = found.iter().enumerate().map(|(at, one)| NeuronFindings {
            id: scored.ids[at],
            correlation: finite(one.correlation),
            oracle_jackknife: finite(one.oracle_jackknife),
            oracle_conservative: finite(one.oracle_conservative),
            fev: finite(one.fev),
            feve: finite(one.feve),
            learned: scored.learned.as_ref().map(|all| all[at]),
            truth: scored.centres.as_ref().map(|all| all[at]),
        });
        Self {
            session: scored.session.clone(),
            neurons,
            excluded: scored.excluded,
            test: [scored.predictions.len() / neurons.max(1), scored.repeats],
            left_out: scored.left_out,
            parameters_per_neuron: scored.parameters_per_neuron,
            correlation: of_mean(correlations.clone()),
            correlation_to_mean: of_mean(of(|one| one.correlation_to_mean)),
            oracle_jackknife: of_median(oracles.clone(), &all),
            oracle_conservative: of_median(of(|one| one.oracle_conservative), &all),
            fraction_oracle: interval(&all, |drawn| {
                fraction_oracle(&at(&oracles, drawn), &at(&correlations, drawn))
            }),
            feve: of_median(of(|one| one.feve), &explainable),
            without_feve: all.len() - explainable.len(),
            correlation_to_truth: to_truth,
            position_error,
            position_correlation,
            by_neuron: by_neuron.collect(),
        }
    }
}

/// Returns a statistic of items and its 95 % interval by the bootstrap.
fn interval(items: &[usize], statistic: impl Fn(&[usize]) -> f64) -> Interval {
    let mut rng = stream(0, Purpose::Bootstrap, [items.len() as u64, 0]);
    let value = statistic(items);
    if items.is_empty() {
        return Interval { value: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    let mut drawn = vec![0; items.len()];
    let draws: Vec<f64> = (0..DRAWS)
        .map(|_| {
            for place in &mut drawn {
                *place = items[rng.random_range(0..items.len())];
            }
            statistic(&drawn)
        })
        .filter(|value| value.is_finite())
        .collect();
    let at = |share| quantile(&draws, share).unwrap_or(f64::NAN);
    Interval { value, low: at(0.025), high: at(0.975) }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} [{:.3}, {:.3}]", self.value, self.low, self.high)
    }
}

impl Findings for PopulationFindings {
    fn title(&self) -> String {
        format!("Population: {}", self.name)
    }

    fn tables(&self) -> Vec<Table> {
        let mut scores = Table::new(
            "Scores, with 95 % intervals over neurons",
            &[
                "session",
                "neurons",
                "r single trial",
                "r of means",
                "oracle",
                "oracle, conserv.",
                "fraction oracle",
                "FEVE",
            ],
        );
        let mut places = Table::new(
            "Positions and parameters",
            &[
                "session",
                "error in pixels",
                "r along x",
                "r along y",
                "r to truth",
                "parameters per neuron",
            ],
        );
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        for one in &self.sessions {
            scores.row([
                one.session.clone(),
                one.neurons.to_string(),
                one.correlation.to_string(),
                one.correlation_to_mean.to_string(),
                one.oracle_jackknife.to_string(),
                one.oracle_conservative.to_string(),
                one.fraction_oracle.to_string(),
                one.feve.to_string(),
            ]);
            let along = |axis: usize| {
                or_none(one.position_correlation.map(|both| format!("{:.3}", both[axis])))
            };
            places.row([
                one.session.clone(),
                or_none(one.position_error.map(|error| error.to_string())),
                along(0),
                along(1),
                or_none(one.correlation_to_truth.map(|found| found.to_string())),
                format!("{:.1}", one.parameters_per_neuron),
            ]);
        }
        vec![scores, places]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "The jackknife oracle is too low and the conservative one too high an estimate of the \
             best possible correlation."
                .to_owned(),
            "A simulated animal says whether the method works, not how animals see.".to_owned(),
        ];
        for one in &self.sessions {
            let SessionFindings { session, without_feve, test: [images, repeats], .. } = one;
            notes.push(format!(
                "{session}: {images} test images of {repeats} repeats; {without_feve} neurons have less \
                 than {LEAST_EXPLAINABLE} of explainable variance and are left out of FEVE."
            ));
            let [not_finite, silent] = one.excluded;
            if not_finite + silent > 0 {
                notes.push(format!(
                    "{session}: excluded are {not_finite} neurons with responses that are not \
                     finite and {silent} that never fire."
                ));
            }
            let [once, surplus] = one.left_out;
            if once + surplus > 0 {
                notes.push(format!(
                    "{session}: left out are {once} test images that were shown once and {surplus} \
                     trials beyond the fewest repeats."
                ));
            }
            if *images == 0 {
                notes.push(format!(
                    "{session}: no test image was shown twice, so there is no oracle and no score."
                ));
            }
        }
        notes
    }

    fn page(&self) -> String {
        page::sections(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored() -> Scored {
        // Two images, two repeats, two neurons.
        Scored {
            name: "run".to_owned(),
            config: String::new(),
            epochs: vec![Epoch {
                epoch: 1,
                loss: 2.0,
                correlation: 0.5,
                rate: 0.005,
                seconds: 1.0,
            }],
            sessions: vec![ScoredSession {
                session: "a".to_owned(),
                ids: vec![1, 2],
                repeats: 2,
                responses: vec![1.0, 0.0, 3.0, 0.0, 5.0, 0.0, 9.0, 0.0],
                predictions: vec![2.0, 1.0, 7.0, 1.0],
                noiseless: Some(vec![2.0, 0.0, 7.0, 1.0]),
                learned: Some(vec![[1.0, 2.0], [4.0, 6.0]]),
                centres: Some(vec![[1.0, 2.0], [7.0, 2.0]]),
                cortex: None,
                excluded: [1, 2],
                left_out: [0, 3],
                parameters_per_neuron: 70.0,
            }],
        }
    }

    #[test]
    fn a_session_is_measured() {
        let found = PopulationFindings::new(&scored());
        let one = &found.sessions[0];
        let expected = 25.0 / (35.0_f64 * 25.0).sqrt() / 2.0;
        assert!((one.correlation.value - expected).abs() < 1e-6, "{:?}", one.correlation);
        assert_eq!((one.test, one.without_feve), ([2, 2], 1));
        // FEVE of the first neuron alone: 1 + 2.5 / (20 / 3).
        assert!((one.feve.value - 1.375).abs() < 1e-9, "{:?}", one.feve);
        assert!((one.position_error.expect("known").value - 2.5).abs() < 1e-9);
        let notes = found.notes().join("\n");
        assert!(notes.contains("1 neurons with") && notes.contains("3 trials beyond"), "{notes}");
        assert!(found.page().contains("<svg"));
    }

    #[test]
    fn predictions_are_read_as_they_were_written() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("predictions.json");
        scored().write(&path)?;
        assert_eq!(Scored::read(&path)?, scored());
        std::fs::write(&path, "{")?;
        assert!(Scored::read(&path).expect_err("broken").to_string().contains("fit again"));
        Ok(())
    }
}
