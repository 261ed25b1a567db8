//! From values to places on a drawing.

use super::markup::number;

/// Ratio of the largest to the least value from which an axis is logarithmic.
const LOGARITHMIC_FROM: f64 = 3.0;

/// Digits that ticks of a logarithmic axis may start with: the first that have
/// room are taken.
const FACTORS: [&[f64]; 5] = [
    &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
    &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
    &[1.0, 2.0, 5.0],
    &[1.0, 3.0],
    &[1.0],
];

/// Most ticks on a logarithmic axis, and how far they are apart at least, of its
/// length.
const LOGARITHMIC_TICKS: usize = 8;
const APART: f64 = 0.07;

/// Most decades that have lines between the ticks.
const MINOR_DECADES: f64 = 4.5;

/// Ticks on an axis, about.
const TICKS: f64 = 5.0;

/// What an axis covers, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    least: f64,
    most: f64,
    logarithmic: bool,
}

impl Scale {
    /// Creates a linear scale.
    #[must_use]
    pub fn linear(least: f64, most: f64) -> Self {
        // Something has to be between the ends.
        let most = if most > least { most } else { least + least.abs().max(1.0) };
        Self { least, most, logarithmic: false }
    }

    /// Creates a logarithmic scale between two positive values.
    #[must_use]
    pub fn logarithmic(least: f64, most: f64) -> Self {
        let least = least.max(f64::MIN_POSITIVE);
        let most = if most > least { most } else { least * 10.0 };
        Self { least, most, logarithmic: true }
    }

    /// Creates a scale that holds all finite values with some space around
    /// them, logarithmic where they are positive and far apart.
    pub fn around(values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        let (least, most) = finite.fold(none, |(l, m), value| (l.min(value), m.max(value)));
        if least > most {
            return Self::linear(0.0, 1.0);
        }
        if least > 0.0 && most / least >= LOGARITHMIC_FROM {
            return Self { least: least / 1.15, most: most * 1.15, logarithmic: true };
        }
        Self::linear_around([least, most].into_iter())
    }

    /// Creates a linear scale that holds all finite values with some space
    /// around them.
    pub fn linear_around(values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        let (least, most) = finite.fold(none, |(l, m), value| (l.min(value), m.max(value)));
        if least > most {
            return Self::linear(0.0, 1.0);
        }
        let space = if most > least { 0.08 * (most - least) } else { 0.1 * most.abs().max(0.1) };
        Self::linear(least - space, most + space)
    }

    /// Returns whether equal distances are equal ratios.
    #[must_use]
    pub fn is_logarithmic(self) -> bool {
        self.logarithmic
    }

    /// Returns the least and the largest value of the scale.
    #[must_use]
    pub fn ends(self) -> (f64, f64) {
        (self.least, self.most)
    }

    /// Returns where a value lies, 0 at the least and 1 at the most.
    #[must_use]
    pub fn place(self, value: f64) -> f64 {
        if self.logarithmic {
            let value = value.max(self.least);
            (value / self.least).ln() / (self.most / self.least).ln()
        } else {
            (value - self.least) / (self.most - self.least)
        }
    }

    /// Returns round values in the scale, with their text.
    #[must_use]
    pub fn ticks(self) -> Vec<(f64, String)> {
        if self.logarithmic {
            let ticks = self.logarithmic_ticks();
            if ticks.len() >= 2 {
                return ticks;
            }
        }
        let step = round_step((self.most - self.least) / TICKS);
        let first = (self.least / step).ceil();
        let values = (0..100).map(|tick| (first + f64::from(tick)) * step);
        let values = values.take_while(|&value| value <= self.most + 1e-9 * step);
        values.map(|value| (value, label(value, step))).collect()
    }

    /// Returns where lines without text help to read a value between ticks: the
    /// whole multiples of each power of ten of a logarithmic scale.
    pub fn minor_ticks(self) -> Vec<f64> {
        let decades = (self.most / self.least).log10();
        if !self.logarithmic || decades > MINOR_DECADES {
            return Vec::new();
        }
        let multiples: Vec<f64> = (1..10).map(f64::from).collect();
        self.powers(1).flat_map(|decade| self.multiples(decade, &multiples)).collect()
    }

    /// Returns as many round values as there is room for.
    fn logarithmic_ticks(self) -> Vec<(f64, String)> {
        let values = FACTORS.iter().find_map(|factors| {
            let values = self.powers(1).flat_map(|decade| self.multiples(decade, factors));
            let values: Vec<f64> = values.collect();
            let pairs = values.windows(2).map(|pair| self.place(pair[1]) - self.place(pair[0]));
            let fit = values.len() <= LOGARITHMIC_TICKS && pairs.fold(1.0, f64::min) >= APART;
            fit.then_some(values)
        });
        let values = values.unwrap_or_else(|| {
            let decades = (self.most / self.least).log10();
            #[expect(clippy::cast_possible_truncation, reason = "a float has few decades")]
            let every = (decades / LOGARITHMIC_TICKS as f64).ceil() as i32;
            self.powers(every.max(2)).flat_map(|decade| self.multiples(decade, &[1.0])).collect()
        });
        values.into_iter().map(|value| (value, rounded(value))).collect()
    }

    /// Returns every so many powers of ten, from below the scale to above it.
    fn powers(self, every: i32) -> impl Iterator<Item = i32> {
        #[expect(clippy::cast_possible_truncation, reason = "a float has few decades")]
        let [first, last] = [self.least, self.most].map(|end| end.log10().floor() as i32);
        (first..=last).filter(move |power| power.rem_euclid(every) == 0)
    }

    /// Returns the multiples of a power of ten that are in the scale.
    fn multiples(self, power: i32, factors: &[f64]) -> Vec<f64> {
        let values = factors.iter().map(|factor| scaled(*factor, power));
        values.filter(|value| (self.least..=self.most).contains(value)).collect()
    }
}

/// Returns `factor · 10^power`, as exact as the number that is written so.
fn scaled(factor: f64, power: i32) -> f64 {
    if power < 0 { factor / 10_f64.powi(-power) } else { factor * 10_f64.powi(power) }
}

/// Returns a value of two digits, with all of them.
fn rounded(value: f64) -> String {
    const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    if (0.000_1..1e6).contains(&value) {
        return if value < 1.0 { trimmed(&format!("{value:.6}")) } else { trimmed(&number(value)) };
    }
    let text = format!("{value:.1e}");
    let (factor, power) = text.split_once('e').unwrap_or((&text, "0"));
    let digit = |c: char| c.to_digit(10).map_or('⁻', |digit| SUPERSCRIPTS[digit as usize]);
    let power: String = power.chars().map(digit).collect();
    match trimmed(factor).as_str() {
        "1" => format!("10{power}"),
        factor => format!("{factor}·10{power}"),
    }
}

/// Returns the least of 1, 2 and 5 times a power of ten that is not less.
fn round_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * decade >= step * 0.999);
    factor.unwrap_or(10.0) * decade
}

fn label(value: f64, step: f64) -> String {
    if value.abs() < step / 2.0 {
        return "0".to_owned();
    }
    if step >= 1.0 {
        return number_of_whole(value);
    }
    trimmed(&number(value))
}

fn number_of_whole(value: f64) -> String {
    let rounded = value.round();
    let text = number(rounded);
    if rounded.abs() < 100.0 { trimmed(&text) } else { text }
}

/// Takes zeros at the end of a fraction away.
fn trimmed(text: &str) -> String {
    if !text.contains('.') || text.contains('e') {
        return text.to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scale: Scale, expected: &[&str]) {
        let labels: Vec<String> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn ticks_are_round() {
        check(Scale::linear(0.0, 160.0), &["0", "50", "100", "150"]);
        check(Scale::linear(0.0, 40_000.0), &["0", "10,000", "20,000", "30,000", "40,000"]);
        check(Scale::linear(-1.0, 1.0), &["−1", "−0.5", "0", "0.5", "1"]);
        let far = Scale::around([700.0, 5000.0].into_iter());
        assert!(far.is_logarithmic());
        check(far, &["700", "1,000", "1,500", "2,000", "3,000", "5,000"]);
        check(Scale::linear(3.0, 3.0), &["3", "4", "5", "6"]);
    }

    #[test]
    fn logarithmic_axes_have_values_that_can_be_read() {
        let scale = |least, most| Scale::logarithmic(least, most);
        check(scale(1400.0, 5000.0), &["1,500", "2,000", "2,500", "3,000", "4,000", "5,000"]);
        check(scale(0.000_3, 0.04), &["0.0005", "0.001", "0.002", "0.005", "0.01", "0.02"]);
        check(
            scale(0.002, 0.007),
            &["0.002", "0.0025", "0.003", "0.004", "0.005", "0.006", "0.007"],
        );
        check(scale(1.0, 1e7), &["1", "10", "100", "1,000", "10,000", "100,000", "10⁶", "10⁷"]);
        let wide = scale(1e-9, 1e9).ticks();
        assert!((4..=8).contains(&wide.len()) && wide[0].1 == "10⁻⁹", "{wide:?}");
        for decades in 1..30 {
            for least in [0.001, 0.017, 2.3, 900.0] {
                let ticks =
                    scale(least, least * 3.0 * 10_f64.powf(f64::from(decades) / 3.0)).ticks();
                assert!((3..=8).contains(&ticks.len()), "{least} {decades}: {ticks:?}");
            }
        }
        assert_eq!(scale(1.0, 100.0).minor_ticks().len(), 19);
        assert!(Scale::linear(1.0, 100.0).minor_ticks().is_empty());
    }

    #[test]
    fn places_are_between_the_ends() {
        let log = Scale::around([1.0, 100.0].into_iter());
        assert!((log.place(10.0) - 0.5).abs() < 1e-12);
        let near = Scale::around([2.0, 3.0, f64::NAN].into_iter());
        assert!(!near.is_logarithmic() && (near.place(2.5) - 0.5).abs() < 1e-12);
        for nothing in [Scale::around([].into_iter()), Scale::around([f64::NAN].into_iter())] {
            assert!(nothing.place(0.5).is_finite());
        }
        let negative = Scale::around([-0.9, -0.1].into_iter());
        assert!(!negative.is_logarithmic());
    }
}
