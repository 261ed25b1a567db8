//! The integers of a retina, and centre–surround filters as ON and OFF channels.

use lcl_infer::{
    ConvGeometry, Name,
    shape::{Opponent, Retina, RetinaOutput},
};

use super::{
    conv::QuantiseError,
    fold::{FoldedConv, InputChannel},
};

/// What a 255th of full light is, in the engine's 65280ths: what a colour-opponent
/// retina adds to its divisor.
pub(super) const DARK: u16 = 256;

/// A retina on images of which white is 1.
///
/// With `m` the recursive mean of docs/blob.md, without any rounding, it gives
/// `x / (m + dark)`, or `(x − m) / (m + dark)` where that is positive and its
/// negative where that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatRetina {
    /// What is handed out.
    pub output: RetinaOutput,
    /// A step of the mean is `2^-shift` of the way.
    pub shift: u8,
    /// What is added to the mean: light that is too little to adapt to.
    pub dark: f64,
    /// What byte 255 of the output should stand for.
    pub largest: f64,
}

/// Quantises a retina.
///
/// # Errors
///
/// When a number does not fit those of the engine.
pub fn quantise_retina(layer: Name, float: &FloatRetina) -> Result<Retina, QuantiseError> {
    let dark = word(float.dark * 255.0 * 256.0);
    let gain = word(255.0 / float.largest);
    let retina = gain.zip(dark);
    let retina = retina.and_then(|(gain, dark)| Retina::new(float.output, float.shift, gain, dark));
    retina.ok_or(QuantiseError::Retina { layer })
}

/// Returns what the bytes of a retina stand for, `[channels]`.
#[must_use]
pub fn retina_channels(retina: &Retina, channels: usize) -> Vec<InputChannel> {
    let scale = 1.0 / f64::from(retina.gain());
    vec![InputChannel { scale, offset: 0.0 }; channels]
}

/// Quantises the colour-opponent retina, `y = d / (m / 4 + s + 1/255)`: byte 255
/// stands for `largest`, at least; no contrast reaches 4.
///
/// # Errors
///
/// When no gain of the engine gives such bytes.
pub fn quantise_opponent(layer: Name, largest: f64) -> Result<Opponent, QuantiseError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let gain = (255.0 / largest).floor() as u16;
    Opponent::new(gain, DARK).ok_or(QuantiseError::Retina { layer })
}

/// Returns what the bytes of a colour-opponent retina stand for.
#[must_use]
pub fn opponent_channels(retina: &Opponent) -> [InputChannel; 6] {
    [InputChannel { scale: 1.0 / f64::from(retina.gain()), offset: 0.0 }; 6]
}

/// Returns the nearest integer of 16 bits, or `None` if there is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn word(number: f64) -> Option<u16> {
    (0.5..65_535.5).contains(&number).then(|| (number + 0.5).floor() as u16)
}

/// Returns a convolution whose results have a sign as one with twice the
/// channels, all rectified: first those of `weights`, ON, then those of their
/// negatives, OFF. Differences of Gaussians are such; the engine runs it as any
/// other convolution.
///
/// `weights` is `[out_c, kernel, kernel, in_c]` (OHWI), and `input` says what the
/// bytes stand for, `[in_c]`. Exact where borders are reflected, or where the
/// offsets are 0.
///
/// Returns `None` where the geometry has too many channels or another number of
/// weights or inputs.
#[must_use]
pub fn on_off(conv: ConvGeometry, weights: &[f64], input: &[InputChannel]) -> Option<FoldedConv> {
    if weights.len() != conv.weights_len() || input.len() != conv.in_c() {
        return None;
    }
    let (kernel, stride, padding) = (conv.kernel(), conv.stride(), conv.padding());
    let doubled = ConvGeometry::new(conv.in_c(), 2 * conv.out_c(), kernel, stride, padding)?;
    let mut folded = FoldedConv {
        conv: doubled.with_border(conv.border()),
        weights: Vec::with_capacity(2 * weights.len()),
        bias: Vec::with_capacity(2 * conv.out_c()),
    };
    for sign in [1.0, -1.0] {
        for filter in weights.chunks_exact(conv.taps()) {
            let inputs = input.iter().cycle();
            let mut bias = 0.0;
            for (weight, input) in filter.iter().zip(inputs) {
                folded.weights.push(sign * weight * input.scale);
                bias += sign * weight * input.offset;
            }
            folded.bias.push(bias);
        }
    }
    Some(folded)
}
