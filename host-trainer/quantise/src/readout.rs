//! A fitted population as a layer of a blob.

use lcl_infer::{
    blob::write::NeuronSpec,
    parameters::POSITION_ONE,
    shape::{MAX_NEURONS, ReadoutGeometry},
};

use super::requant_for_ratio;

/// Steps of a drive by 1 in the contract.
const DRIVE_STEPS: f64 = 1024.0;

/// Steps of a rate by 1 in front of its requantisation.
const RATE_STEPS: f64 = 32_768.0;

/// Rates reach so much further than on the calibration.
const HEADROOM: f64 = 1.1;

/// A readout in floats, on real features.
#[derive(Clone, Copy, Debug)]
pub struct FloatReadout<'a> {
    /// Number of each neuron.
    pub ids: &'a [i64],
    /// Positions, (x, y) in `[-1, 1]`, corners aligned.
    pub mu: &'a [[f32; 2]],
    /// Weights, `[neurons, channels]`.
    pub weight: &'a [f32],
    /// Bias, `[neurons]`.
    pub bias: &'a [f32],
    /// Largest rate that each neuron has on the calibration, `ELU(r) + 1`.
    pub largest: &'a [f64],
}

/// A readout in the contract's integers, its neurons in the order of y.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedReadout {
    /// Channels and neurons.
    pub geometry: ReadoutGeometry,
    /// `[neurons, channels]`.
    pub weights: Vec<i8>,
    /// Positions, biases and requantisation.
    pub neurons: Vec<NeuronSpec>,
    /// What one step of each rate is worth.
    pub output_scale: Vec<f32>,
    /// Place of each neuron in the float readout.
    pub order: Vec<usize>,
}

/// A readout cannot be expressed in the contract's integers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadoutError {
    /// Too many neurons or channels, or none.
    #[error(
        "a readout of {neurons} neurons over {channels} channels does not fit a blob; it takes 1 to \
         {MAX_NEURONS} neurons with a position each"
    )]
    Geometry {
        /// Neurons.
        neurons: usize,
        /// Channels.
        channels: usize,
    },
    /// A number has no value, or the weights are too large for the features' bytes.
    #[error(
        "neuron {id}: {what} is {got}, which the integers cannot express; fit again with a larger \
         gamma_readout, or leave the neuron out"
    )]
    Range {
        /// The neuron's number.
        id: i64,
        /// Which number.
        what: &'static str,
        /// Its value.
        got: f64,
    },
}

/// Quantises a readout of features whose bytes are worth `scales`, `[channels]`.
///
/// A neuron's weights are `w_c · scale_c`, of which the largest is 127.
///
/// # Errors
///
/// When a number cannot be expressed in integers.
pub fn quantise_readout(
    float: &FloatReadout<'_>,
    scales: &[f32],
) -> Result<QuantisedReadout, ReadoutError> {
    let (neurons, channels) = (float.ids.len(), scales.len());
    let misfit = ReadoutError::Geometry { neurons, channels };
    let geometry = ReadoutGeometry::new(channels, neurons).ok_or(misfit.clone())?;
    let fits = float.mu.len() == neurons
        && float.weight.len() == neurons * channels
        && float.bias.len() == neurons
        && float.largest.len() == neurons;
    if !fits {
        return Err(misfit);
    }
    let positions: Vec<[u16; 2]> = float.mu.iter().map(|at| at.map(position)).collect();
    let mut order: Vec<usize> = (0..neurons).collect();
    order.sort_by_key(|&neuron| positions[neuron][1]);
    let mut quantised = QuantisedReadout {
        geometry,
        weights: Vec::with_capacity(neurons * channels),
        neurons: Vec::with_capacity(neurons),
        output_scale: Vec::with_capacity(neurons),
        order: order.clone(),
    };
    for neuron in order {
        let id = float.ids[neuron];
        let range = |what, got| ReadoutError::Range { id, what, got };
        let own = float.weight[neuron * channels..][..channels].iter().zip(scales);
        let own: Vec<f64> =
            own.map(|(weight, scale)| f64::from(*weight) * f64::from(*scale)).collect();
        let largest = own.iter().fold(0.0_f64, |most, weight| most.max(weight.abs()));
        if !largest.is_finite() || own.iter().any(|weight| weight.is_nan()) {
            return Err(range("a weight", f64::NAN));
        }
        // A neuron without weights has its bias alone.
        let step = (largest / 127.0).max(1e-7);
        #[expect(clippy::cast_possible_truncation, reason = "the largest is 127")]
        let rounded = own.iter().map(|weight| (weight / step).round() as i8);
        quantised.weights.extend(rounded);
        let drive = requant_for_ratio(step * DRIVE_STEPS)
            .ok_or_else(|| range("the worth of a byte", step))?;
        let bias = (f64::from(float.bias[neuron]) / step).round();
        if bias.is_nan() || bias.abs() > f64::from(1 << 30) {
            return Err(range("the bias", f64::from(float.bias[neuron])));
        }
        let scale = (float.largest[neuron] * HEADROOM / 255.0).max(1e-4);
        let rate = requant_for_ratio(1.0 / (scale * RATE_STEPS))
            .ok_or_else(|| range("the largest rate", float.largest[neuron]))?;
        #[expect(clippy::cast_possible_truncation, reason = "checked above; scales are 32-bit")]
        let (bias, scale) = (bias as i32, scale as f32);
        let number = u32::try_from(id).unwrap_or(u32::MAX);
        let position = positions[neuron];
        quantised.neurons.push(NeuronSpec { position, bias, drive, rate, number });
        quantised.output_scale.push(scale);
    }
    Ok(quantised)
}

/// Returns a position of `[-1, 1]` as the contract has it.
fn position(at: f32) -> u16 {
    let one = f64::from(POSITION_ONE);
    let scaled = f64::from(at.clamp(-1.0, 1.0)).mul_add(one / 2.0, one / 2.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let rounded = scaled.round() as u16;
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_are_sorted_and_scaled() {
        let float = FloatReadout {
            ids: &[7, 8],
            mu: &[[0.0, 1.0], [-1.0, -0.5]],
            weight: &[0.1, -0.2, 0.0, 0.5],
            bias: &[0.25, -1.0],
            largest: &[2.55 / 1.1, 5.1 / 1.1],
        };
        let got = quantise_readout(&float, &[0.01, 0.02]).expect("in range");
        assert_eq!(got.order, [1, 0]);
        assert_eq!(got.neurons[0].position, [0, 8192]);
        assert_eq!(got.neurons[1].position, [16_384, 32_768]);
        // Weights 0 and ½ · 0.02; then 0.1 · 0.01 and -0.2 · 0.02, a quarter.
        assert_eq!(got.weights, [0, 127, 32, -127]);
        assert_eq!((got.neurons[0].number, got.neurons[1].number), (8, 7));
        for (scale, expected) in got.output_scale.iter().zip([0.02, 0.01]) {
            assert!((scale - expected).abs() < 1e-6, "{scale}");
        }
        // -1 in steps of 0.01 / 127.
        assert_eq!(got.neurons[0].bias, -12_700);
        let wrong = FloatReadout { bias: &[f32::NAN, 0.0], ..float };
        assert!(quantise_readout(&wrong, &[0.01, 0.02]).is_err());
        let heavy = FloatReadout { weight: &[1e6, 0.0, 0.0, 0.0], ..float };
        let error = quantise_readout(&heavy, &[0.01, 0.02]).expect_err("heavy").to_string();
        assert!(error.contains("neuron 7: the worth of a byte"), "{error}");
        let short = FloatReadout { bias: &[0.0], ..float };
        assert!(quantise_readout(&short, &[0.01, 0.02]).is_err());
    }
}
