//! Weights, biases, scalings and values that lie where kernels go wrong.

use lcl_infer::parameters::{Channel, MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT, Requant};

use crate::random::Random;

/// What the numbers of a case are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Style {
    /// The weights.
    pub weights: Weights,
    /// The bytes that go in.
    pub values: Values,
    /// Bias, multiplier and shift.
    pub scaling: Scaling,
}

/// What weights are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Weights {
    /// Anything in `[-127, 127]`.
    Any,
    /// -1, 0 or 1, for sums that are not clamped at small shifts.
    Tiny,
    /// -64, 0 or 64, for sums that are multiples of a power of two.
    Coarse,
    /// All 127: the largest sum.
    Largest,
    /// All -127: the smallest sum.
    Smallest,
    /// -127 and 127 in turn: large products that cancel.
    Alternating,
    /// Mostly 0.
    Sparse,
}

/// What the bytes that go in are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Values {
    /// Anything.
    Any,
    /// 0 or 1.
    Tiny,
    /// 0, 64, 128 or 192, for sums that are multiples of a power of two.
    Coarse,
    /// All 255.
    Largest,
    /// 0 or 255.
    Extreme,
}

/// What bias, multiplier and shift are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Scaling {
    /// Sums fill a byte and are clamped now and then.
    Fitted,
    /// Sums that are multiples of a power of two lie half-way between bytes.
    Ties,
    /// The accumulator reaches the last value of 32 bits, up or down.
    AtBound,
    /// This shift, in `[31, 62]`, whatever becomes of the sums.
    Shift(u8),
}

impl Style {
    /// Styles that each shape of the edges is run with.
    pub const EDGES: [Self; 10] = [
        Self::of(Weights::Any, Values::Any, Scaling::Fitted),
        Self::of(Weights::Coarse, Values::Coarse, Scaling::Ties),
        Self::of(Weights::Largest, Values::Largest, Scaling::AtBound),
        Self::of(Weights::Smallest, Values::Largest, Scaling::AtBound),
        Self::of(Weights::Alternating, Values::Extreme, Scaling::Fitted),
        Self::of(Weights::Largest, Values::Extreme, Scaling::Fitted),
        Self::of(Weights::Tiny, Values::Tiny, Scaling::Shift(31)),
        Self::of(Weights::Tiny, Values::Any, Scaling::Shift(32)),
        Self::of(Weights::Sparse, Values::Any, Scaling::Shift(33)),
        Self::of(Weights::Any, Values::Any, Scaling::Shift(62)),
    ];

    const fn of(weights: Weights, values: Values, scaling: Scaling) -> Self {
        Self { weights, values, scaling }
    }

    /// Draws a style.
    pub fn draw(random: &mut Random) -> Self {
        let weights = [
            Weights::Any,
            Weights::Any,
            Weights::Tiny,
            Weights::Coarse,
            Weights::Largest,
            Weights::Smallest,
            Weights::Alternating,
            Weights::Sparse,
        ];
        let values = [Values::Any, Values::Any, Values::Tiny, Values::Largest, Values::Extreme];
        let shift = MIN_SHIFT.saturating_add(random.byte() % (MAX_SHIFT - MIN_SHIFT + 1));
        let scaling = [
            Scaling::Fitted,
            Scaling::Fitted,
            Scaling::Fitted,
            Scaling::Ties,
            Scaling::AtBound,
            Scaling::Shift(31),
            Scaling::Shift(32),
            Scaling::Shift(33),
            Scaling::Shift(shift),
        ];
        match random.pick(&scaling).unwrap_or(Scaling::Fitted) {
            Scaling::Ties => Self::of(Weights::Coarse, Values::Coarse, Scaling::Ties),
            scaling => Self::of(
                random.pick(&weights).unwrap_or(Weights::Any),
                random.pick(&values).unwrap_or(Values::Any),
                scaling,
            ),
        }
    }
}

impl Weights {
    /// Fills `weights` with values in `[-127, 127]`.
    pub fn fill(self, random: &mut Random, weights: &mut [i8]) {
        for (index, weight) in weights.iter_mut().enumerate() {
            *weight = match self {
                Self::Any => any_weight(random),
                Self::Tiny => random.pick(&[-1, 0, 1]).unwrap_or_default(),
                Self::Coarse => random.pick(&[-64, 0, 64]).unwrap_or_default(),
                Self::Largest => 127,
                Self::Smallest => -127,
                Self::Alternating => [-127, 127][index % 2],
                Self::Sparse if random.below(8) == 0 => any_weight(random),
                Self::Sparse => 0,
            };
        }
    }
}

fn any_weight(random: &mut Random) -> i8 {
    i8::try_from(random.between(-127, 127)).unwrap_or_default()
}

impl Values {
    /// Fills `values`.
    pub fn fill(self, random: &mut Random, values: &mut [u8]) {
        for value in values {
            *value = match self {
                Self::Any => random.byte(),
                Self::Tiny => random.byte() & 1,
                Self::Coarse => random.byte() & 0b1100_0000,
                Self::Largest => u8::MAX,
                Self::Extreme => random.pick(&[0, u8::MAX]).unwrap_or_default(),
            };
        }
    }
}

impl Scaling {
    /// Draws bias and requantisation of one output channel whose weights,
    /// `[kernel, kernel, in_c]`, are `filter`.
    ///
    /// The accumulator fits 32 bits at any point of the sum.
    pub fn channel(self, random: &mut Random, filter: &[i8]) -> Channel {
        let magnitude: i32 = filter.iter().map(|weight| i32::from(weight.unsigned_abs())).sum();
        let swing = i32::from(u8::MAX) * magnitude;
        let room = i32::MAX - swing;
        let multiplier = random.between(MIN_MULTIPLIER, i32::MAX);
        let near =
            |random: &mut Random| random.between(-(swing / 4).min(room), swing / 4).min(room);
        let (bias, multiplier, shift) = match self {
            Self::Fitted => {
                let bits = i32::try_from(swing.max(1).ilog2()).unwrap_or_default();
                let shift = i32::from(MIN_SHIFT) + bits - random.between(6, 12);
                (near(random), multiplier, shift)
            }
            Self::Ties => {
                // `acc · multiplier / 2^shift` is `acc / 2^halvings`, or three
                // times that.
                let halvings = random.between(1, 13);
                let odd = 2 * random.between(-20, 20) + 1;
                let bias = odd * (1 << (halvings - 1));
                match random.below(2) {
                    0 => (bias, MIN_MULTIPLIER, 30 + halvings),
                    _ => (bias, 3 << 29, 29 + halvings.max(2)),
                }
            }
            Self::AtBound => {
                let shift = [31, 32, 33, 54, 55, 56, 57, 58, 59, 60, 61, 62];
                let bias = random.pick(&[room, -room]).unwrap_or(room);
                let multiplier = random.pick(&[MIN_MULTIPLIER, i32::MAX, multiplier]);
                (bias, multiplier.unwrap_or(i32::MAX), random.pick(&shift).unwrap_or(62))
            }
            Self::Shift(shift) => (near(random), multiplier, shift.into()),
        };
        let shift = shift.clamp(MIN_SHIFT.into(), MAX_SHIFT.into());
        let requant = u8::try_from(shift).ok().and_then(|shift| Requant::new(multiplier, shift));
        Channel { bias: bias.clamp(-room, room), requant: requant.unwrap_or(SMALLEST) }
    }
}

/// What a channel's place holds before it is drawn.
pub(crate) const NO_CHANNEL: Channel = Channel { bias: 0, requant: SMALLEST };

/// The requantisation that leaves least.
const SMALLEST: Requant = match Requant::new(MIN_MULTIPLIER, MAX_SHIFT) {
    Some(requant) => requant,
    None => panic!("within the contract's ranges"),
};

/// Fills weights, `[out_c, kernel, kernel, in_c]` (OHWI), and what each output
/// channel adds, `[out_c]`.
pub fn fill_parameters(
    random: &mut Random,
    style: Style,
    weights: &mut [i8],
    channels: &mut [Channel],
) {
    style.weights.fill(random, weights);
    let taps = weights.len() / channels.len().max(1);
    for (channel, filter) in channels.iter_mut().zip(weights.chunks_exact(taps.max(1))) {
        *channel = style.scaling.channel(random, filter);
    }
}
