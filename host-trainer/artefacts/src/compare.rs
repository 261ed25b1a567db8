//! How far quantised features are from float ones.

use serde::Serialize;

/// Agreement of the quantised features of one stage with the float ones, over
/// all images, locations and channels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Signal to quantisation noise, `10 · log10(Σ f² / Σ (f − q)²)`, in dB;
    /// infinite where both are the same.
    pub sqnr_db: f64,
    /// `Σ f·q / √(Σ f² · Σ q²)`, or 1 where both are zero throughout.
    pub cosine: f64,
    /// `max |f − q|`, in units of the float features.
    pub max_abs_error: f64,
}

/// Agreement of one stage, and of each of its channels.
#[derive(Clone, Debug, PartialEq)]
pub struct StageAgreement {
    /// Over all channels.
    pub all: Agreement,
    /// Channel by channel.
    pub channels: Vec<Agreement>,
}

/// Sums that make a [`StageAgreement`], added up image by image.
#[derive(Clone, Debug, PartialEq)]
pub struct StageComparison {
    channels: Vec<Comparison>,
}

impl StageComparison {
    /// Creates the empty sums of a stage with that many channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self { channels: vec![Comparison::default(); channels] }
    }

    /// Adds float features and the dequantised ones of the same images, `[…, C]`
    /// each.
    ///
    /// # Panics
    ///
    /// When there are not as many of one as of the other.
    pub fn add(&mut self, float: &[f32], quantised: &[f32]) {
        assert_eq!(float.len(), quantised.len());
        let channels = self.channels.len().max(1);
        for (float, quantised) in float.chunks(channels).zip(quantised.chunks(channels)) {
            for ((sums, f), q) in self.channels.iter_mut().zip(float).zip(quantised) {
                sums.add_pair(*f, *q);
            }
        }
    }

    /// Returns the agreement of everything added.
    #[must_use]
    pub fn agreement(&self) -> StageAgreement {
        let all = self.channels.iter().fold(Comparison::default(), Comparison::joined);
        let channels = self.channels.iter().map(Comparison::agreement).collect();
        StageAgreement { all: all.agreement(), channels }
    }
}

/// Sums that make an [`Agreement`], added up image by image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    signal: f64,
    noise: f64,
    quantised: f64,
    product: f64,
    max_abs_error: f64,
}

impl Comparison {
    /// Adds float features and the dequantised ones of the same images.
    ///
    /// # Panics
    ///
    /// When there are not as many of one as of the other.
    pub fn add(&mut self, float: &[f32], quantised: &[f32]) {
        assert_eq!(float.len(), quantised.len());
        for (&f, &q) in float.iter().zip(quantised) {
            self.add_pair(f, q);
        }
    }

    fn add_pair(&mut self, float: f32, quantised: f32) {
        let (f, q) = (f64::from(float), f64::from(quantised));
        self.signal += f * f;
        self.noise += (f - q) * (f - q);
        self.quantised += q * q;
        self.product += f * q;
        self.max_abs_error = self.max_abs_error.max((f - q).abs());
    }

    fn joined(self, other: &Self) -> Self {
        Self {
            signal: self.signal + other.signal,
            noise: self.noise + other.noise,
            quantised: self.quantised + other.quantised,
            product: self.product + other.product,
            max_abs_error: self.max_abs_error.max(other.max_abs_error),
        }
    }

    /// Returns the agreement of everything added.
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        let energy = (self.signal * self.quantised).sqrt();
        let silent = self.signal == 0.0 && self.quantised == 0.0;
        Agreement {
            sqnr_db: if silent { f64::INFINITY } else { 10.0 * (self.signal / self.noise).log10() },
            cosine: if silent { 1.0 } else { self.product / energy },
            max_abs_error: self.max_abs_error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(float: &[f32], quantised: &[f32], sqnr_db: f64, cosine: f64, max_abs_error: f64) {
        let mut comparison = Comparison::default();
        for (f, q) in float.iter().zip(quantised) {
            comparison.add(&[*f], &[*q]);
        }
        let got = comparison.agreement();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(got.sqnr_db, sqnr_db) || got.sqnr_db.total_cmp(&sqnr_db).is_eq(), "{got:?}");
        assert!(near(got.cosine, cosine) && near(got.max_abs_error, max_abs_error), "{got:?}");
    }

    #[test]
    fn agreement_by_hand() {
        check(
            &[3.0, 4.0],
            &[3.0, 3.5],
            10.0 * 100_f64.log10(),
            23.0 / (25.0 * 21.25_f64).sqrt(),
            0.5,
        );
        check(&[1.0, 2.0], &[1.0, 2.0], f64::INFINITY, 1.0, 0.0);
        check(&[0.0, 0.0], &[0.0, 0.0], f64::INFINITY, 1.0, 0.0);
        check(&[1.0, 0.0], &[0.0, 1.0], 10.0 * 0.5_f64.log10(), 0.0, 1.0);
    }

    #[test]
    fn channels_are_told_apart_and_add_up() {
        let (float, quantised) = ([1.0, 10.0, 2.0, 20.0], [1.0, 9.0, 2.0, 21.0]);
        let mut stage = StageComparison::new(2);
        stage.add(&float[..2], &quantised[..2]);
        stage.add(&float[2..], &quantised[2..]);
        let StageAgreement { all, channels } = stage.agreement();
        let mut whole = Comparison::default();
        whole.add(&float, &quantised);
        assert_eq!(all, whole.agreement());
        assert_eq!(channels[0].sqnr_db.total_cmp(&f64::INFINITY), std::cmp::Ordering::Equal);
        assert!((channels[1].sqnr_db - 10.0 * 250_f64.log10()).abs() < 1e-9);
        assert_eq!(channels.len(), 2);
    }
}
