//! The ranges of numbers on the command line, which are checked before anything
//! is read.

use std::ops::RangeInclusive;

use anyhow::{Result, ensure};
use clap::builder::RangedU64ValueParser;

/// Largest side that images are fitted to, in pixels. A batch of features takes
/// gigabytes there.
const MOST_SIDE: u64 = 4096;

/// Takes the side of images, in pixels.
pub fn side() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=MOST_SIDE)
}

/// Checks that a model whose layers need images of `least` pixels a side can
/// stream images of `side`.
pub fn check_side(side: u32, least: usize) -> Result<()> {
    ensure!(side as usize >= least, "--size is {side}; the least side of this model is {least}");
    Ok(())
}

/// Checks that a model that takes images of `one` size alone, if that is not 0,
/// gets images of it.
pub fn check_one_side(side: u32, one: usize) -> Result<()> {
    ensure!(
        one == 0 || side as usize == one,
        "--size is {side}; this model takes images of {one} pixels alone, as its components have \
         one size"
    );
    Ok(())
}

/// Takes a number of what is counted.
pub fn count(range: RangeInclusive<u64>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(range)
}

/// Takes a whole number of a run, which its configuration keeps as TOML.
pub fn whole() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(..=i64::MAX.unsigned_abs())
}

/// Takes a number of threads: 0 for one on each core, and no more than there are
/// cores, as they would wait for one another.
pub fn threads() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(0..=cores() as u64)
}

/// Returns the cores that this program may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Takes a share, 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1.0)
}

/// Takes degrees of visual angle.
pub fn degrees(text: &str) -> Result<f64, String> {
    number(text, f64::MIN_POSITIVE..=360.0)
}

/// Takes a number in a range; nothing else that floats can be.
pub fn number(text: &str, range: RangeInclusive<f64>) -> Result<f64, String> {
    let (least, most) = (range.start(), range.end());
    let above = if *least > 0.0 && *least <= f64::MIN_POSITIVE {
        "above 0".to_owned()
    } else {
        least.to_string()
    };
    let expected = || format!("give a number, {above} to {most}");
    let value: f64 = text.parse().map_err(|_| expected())?;
    if range.contains(&value) { Ok(value) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_that_are_no_numbers_are_out_of_every_range() {
        for wrong in ["nan", "inf", "-0.1", "1.1", "", "1e999"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
        assert_eq!(share("0.5"), Ok(0.5));
        assert!(degrees("0").is_err_and(|error| error.contains("above 0 to 360")));
    }
}
