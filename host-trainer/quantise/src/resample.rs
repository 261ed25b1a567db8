//! Resampling tables: a fovea, and any other runs, in bytes.

use lcl_infer::{
    Name,
    parameters::RUN_WEIGHT,
    shape::{MAX_OVERLAP, Resample},
};

use super::conv::QuantiseError;

/// A run of input rows or columns whose weighted mean is one of the output's.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatRun {
    /// The first of them.
    pub start: usize,
    /// A weight for each, none below 0; only their ratios count.
    pub weights: Vec<f64>,
}

/// A resampling in the contract's integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedRuns {
    /// Its sides and overlap.
    pub resample: Resample,
    /// Start and length of each run, `[out]`.
    pub runs: Vec<[u16; 2]>,
    /// The weights of all runs; those of each sum to 255.
    pub weights: Vec<u8>,
}

/// Returns the runs of a fovea: from the middle on, output pixel `p` shows the
/// input around `c · (e^(p / c) − 1)` (the inverse of Schwartz's 1977
/// `c · ln(1 + x / c)`), so that the middle keeps its scale and the edge is
/// coarse. `c` is chosen such that the whole input is seen, and each run is the
/// mean over the area of its output pixel.
///
/// Returns `None` unless `0 < out_side <= in_side`.
#[must_use]
pub fn fovea(in_side: usize, out_side: usize) -> Option<Vec<FloatRun>> {
    if out_side == 0 || out_side > in_side {
        return None;
    }
    let (seen, half) = (in_side as f64 / 2.0, out_side as f64 / 2.0);
    let place = |c: f64, p: f64| c * (p / c).exp_m1();
    // The edge comes nearer as c grows; where nothing is magnified c is endless.
    let (mut low, mut high) = (half / 600.0, 1e9 * half);
    for _ in 0..200 {
        let c = (low * high).sqrt();
        if place(c, half) > seen { low = c } else { high = c }
    }
    let edge = |at: usize| {
        let p = at as f64 - half;
        let distance = if in_side == out_side { p.abs() } else { place(high, p.abs()) };
        (seen + distance.min(seen).copysign(p)).clamp(0.0, in_side as f64)
    };
    Some((0..out_side).map(|at| area(edge(at), edge(at + 1), in_side)).collect())
}

/// Returns the run of the pixels between two places, the first and the last
/// counted as far as they lie between.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the map")]
fn area(from: f64, to: f64, side: usize) -> FloatRun {
    const LEAST: f64 = 1e-6;
    let start = ((from + LEAST).floor() as usize).min(side - 1);
    let end = ((to - LEAST).ceil() as usize).clamp(start + 1, side);
    let covered = |pixel: usize| {
        let pixel = pixel as f64;
        (to.min(pixel + 1.0) - from.max(pixel)).max(0.0)
    };
    FloatRun { start, weights: (start..end).map(covered).collect() }
}

/// Quantises runs: the weights of each become bytes that sum to 255, those with
/// the largest remainders rounded up.
///
/// # Errors
///
/// When a run is empty, leaves the map, goes back, has no weight above 0, or
/// overlaps with more others than the engine runs.
pub fn quantise_runs(
    layer: Name,
    in_side: usize,
    runs: &[FloatRun],
) -> Result<QuantisedRuns, QuantiseError> {
    let fault = |run: usize| QuantiseError::Run { layer, run };
    let mut quantised = QuantisedRuns {
        resample: Resample::new(1, 1, 1).ok_or(fault(0))?,
        runs: Vec::new(),
        weights: Vec::new(),
    };
    let mut overlap = 1;
    let (mut start, mut end) = (0, 0);
    for (index, run) in runs.iter().enumerate() {
        let sum: f64 = run.weights.iter().sum();
        let sound = run.weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
        let run_end = run.start + run.weights.len();
        let in_order = run.start >= start && run_end >= end && run_end <= in_side;
        if !sound || !in_order || sum <= 0.0 {
            return Err(fault(index));
        }
        (start, end) = (run.start, run_end);
        let open = runs[..index].iter().filter(|open| open.start + open.weights.len() > start);
        overlap = overlap.max(1 + open.count());
        let [at, len] = [run.start, run.weights.len()]
            .map(|number| u16::try_from(number).map_err(|_| fault(index)));
        quantised.runs.push([at?, len?]);
        let exact: Vec<f64> =
            run.weights.iter().map(|weight| weight / sum * f64::from(RUN_WEIGHT)).collect();
        quantised.weights.extend(rounded(&exact));
    }
    if overlap > MAX_OVERLAP {
        return Err(QuantiseError::Overlap { layer, overlap });
    }
    quantised.resample =
        Resample::new(in_side, runs.len(), overlap).ok_or_else(|| fault(runs.len()))?;
    Ok(quantised)
}

/// Rounds numbers whose sum is [`RUN_WEIGHT`], so that it stays.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn rounded(exact: &[f64]) -> Vec<u8> {
    let mut weights: Vec<u8> = exact.iter().map(|number| number.floor() as u8).collect();
    let left = RUN_WEIGHT - weights.iter().map(|&weight| u32::from(weight)).sum::<u32>();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    for &at in order.iter().cycle().take(left as usize) {
        weights[at] = weights[at].saturating_add(1);
    }
    weights
}
