//! Orders of texture families, and how well a model follows them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::stimuli::family_name;
use lcl_numerics::statistics::{fisher_test, spearman};

/// The families of \[Freeman\] in the order in which V2 of macaques is
/// modulated by them, as toolboxes list it; it is taken as the most modulated
/// first, which would turn the sign of a correlation if it were the other way.
const FREEMAN: [&str; 15] =
    ["60", "56", "13", "48", "71", "18", "327", "336", "402", "38", "23", "52", "99", "393", "30"];

/// Fewest families of an order that a model must have to be compared with it
/// unasked.
const FEWEST: usize = 4;

/// An order of texture families, the most modulated first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Whose order it is.
    pub name: String,
    /// The families.
    pub families: Vec<String>,
}

/// A ranking cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RankingError {
    /// The file cannot be read.
    #[error(
        "cannot read {}: {cause}; a ranking is a text with a family on each line, the most \
         modulated first", path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A family has two places.
    #[error("{} names the family {family} twice; keep one of them", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The family.
        family: String,
    },
    /// The ranking and the images have no two families in common.
    #[error(
        "the ranking {name} and the images have {common} families in common and 2 are needed; it \
         names {}", families.join(", ")
    )]
    Unknown {
        /// The ranking.
        name: String,
        /// Families in common.
        common: usize,
        /// Its families.
        families: Vec<String>,
    },
}

/// How well the order of modulation follows a ranking.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankCorrelation {
    /// Whose order it is.
    pub ranking: String,
    /// Spearman's correlation, 1 for the same order; nothing where all families
    /// are modulated equally.
    pub rho: Option<f64>,
    /// Families in common, which are all it is over.
    pub families: usize,
}

/// The difference of two rank correlations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FisherTest {
    /// What has the first correlation.
    pub first: String,
    /// What has the second one.
    pub second: String,
    /// Both correlations.
    pub rho: [Option<f64>; 2],
    /// Families of both.
    pub families: usize,
    /// Two-sided p-value of
    /// [`fisher_test`]; nothing for fewer than 4 families or a correlation of ±1.
    ///
    /// The test takes the two correlations as independent, but they share the
    /// ranking and the images, so that it is conservative where the two agree.
    pub p: Option<f64>,
}

impl Ranking {
    /// Returns the order of \[Freeman\].
    #[must_use]
    pub fn freeman() -> Self {
        let families = FREEMAN.iter().map(|family| (*family).to_owned()).collect();
        Self { name: "Freeman 2013".to_owned(), families }
    }

    /// Reads an order: a family on each line, the most modulated first; `#`
    /// begins a remark.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or names a family twice.
    pub fn read(path: &Path) -> Result<Self, RankingError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| RankingError::Io { path: path.to_owned(), cause })?;
        let (mut families, mut seen) = (Vec::new(), BTreeSet::new());
        for line in text.lines() {
            let family = family_name(line.split('#').next().unwrap_or_default().trim());
            if family.is_empty() {
                continue;
            }
            if !seen.insert(family) {
                return Err(RankingError::Twice {
                    path: path.to_owned(),
                    family: family.to_owned(),
                });
            }
            families.push(family.to_owned());
        }
        Ok(Self { name: path.display().to_string(), families })
    }

    /// Returns the number of its families that are in `by_family`.
    fn common(&self, by_family: &BTreeMap<String, f64>) -> usize {
        self.families.iter().filter(|family| by_family.contains_key(*family)).count()
    }

    /// Returns the order of \[Freeman\] where the families are mostly those.
    #[must_use]
    pub(super) fn built_in(by_family: &BTreeMap<String, f64>) -> Option<Self> {
        let ranking = Self::freeman();
        (ranking.common(by_family) >= FEWEST).then_some(ranking)
    }

    /// Returns how well modulation follows the ranking, over the families that
    /// are in both.
    ///
    /// # Errors
    ///
    /// When they are fewer than two.
    pub fn correlation(
        &self,
        by_family: &BTreeMap<String, f64>,
    ) -> Result<RankCorrelation, RankingError> {
        let values: Vec<f64> =
            self.families.iter().filter_map(|family| by_family.get(family)).copied().collect();
        let common = values.len();
        if common < 2 {
            let (name, families) = (self.name.clone(), self.families.clone());
            return Err(RankingError::Unknown { name, common, families });
        }
        let order: Vec<f64> = (0..common).rev().map(|place| place as f64).collect();
        let rho = spearman(&values, &order);
        Ok(RankCorrelation { ranking: self.name.clone(), rho, families: common })
    }

    /// Tests whether two models or areas follow the ranking equally well, over
    /// the families that they and the ranking have in common.
    ///
    /// # Errors
    ///
    /// When these are fewer than two.
    pub fn test(
        &self,
        first: (&str, &BTreeMap<String, f64>),
        second: (&str, &BTreeMap<String, f64>),
    ) -> Result<FisherTest, RankingError> {
        let shared = |of: &BTreeMap<String, f64>, with: &BTreeMap<String, f64>| {
            let of = of.iter().filter(|(family, _)| with.contains_key(*family));
            of.map(|(family, value)| (family.clone(), *value)).collect::<BTreeMap<_, _>>()
        };
        let one = self.correlation(&shared(first.1, second.1))?;
        let two = self.correlation(&shared(second.1, first.1))?;
        let p = match (one.rho, two.rho) {
            (Some(one_rho), Some(two_rho)) => fisher_test(one_rho, two_rho, one.families),
            _ => None,
        };
        Ok(FisherTest {
            first: first.0.to_owned(),
            second: second.0.to_owned(),
            rho: [one.rho, two.rho],
            families: one.families,
            p,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    fn modulation(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
        values.iter().map(|(family, value)| ((*family).to_owned(), *value)).collect()
    }

    #[test]
    fn the_order_of_freeman_is_followed_or_reversed() {
        let falling = FREEMAN.iter().enumerate().map(|(place, family)| (*family, -(place as f64)));
        let falling = modulation(&falling.collect::<Vec<_>>());
        let ranking = Ranking::built_in(&falling).expect("its families");
        let found = ranking.correlation(&falling).expect("families");
        assert_eq!((found.rho, found.families), (Some(1.0), 15));
        let rising: BTreeMap<_, _> = falling.into_iter().map(|(name, v)| (name, -v)).collect();
        assert_eq!(ranking.correlation(&rising).expect("families").rho, Some(-1.0));
        assert_eq!(Ranking::built_in(&modulation(&[("60", 0.1), ("56", 0.2)])), None);
    }

    #[test]
    fn tests_are_over_common_families() {
        let ranking = Ranking {
            name: "mine".to_owned(),
            families: ["a", "b", "c", "d", "e", "z"].map(str::to_owned).to_vec(),
        };
        let one = modulation(&[("a", 5.0), ("b", 4.0), ("c", 2.0), ("d", 3.0), ("e", 1.0)]);
        let two =
            modulation(&[("a", 5.0), ("b", 1.0), ("c", 3.0), ("d", 4.0), ("e", 2.0), ("f", 0.)]);
        let test = ranking.test(("one", &one), ("two", &two)).expect("families");
        // Ranks differ by 1, 1 of the one and by 3, 1, 1, 1 of the two:
        // 1 - 6 Σd² / (n (n² - 1)).
        let [first, second] = test.rho.map(|rho| rho.expect("a correlation"));
        assert!((first - (1.0 - 12.0 / 120.0)).abs() < ROUNDING, "{first}");
        assert!((second - (1.0 - 6.0 * 14.0 / 120.0)).abs() < ROUNDING, "{second}");
        assert_eq!(test.families, 5);
        let z = (first.atanh() - second.atanh()).abs();
        let p = libm::erfc(z / std::f64::consts::SQRT_2);
        assert!((test.p.expect("p") - p).abs() < ROUNDING);
        assert!(ranking.correlation(&modulation(&[("a", 1.0)])).is_err());
    }

    #[test]
    fn rankings_are_read_from_text() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("order.txt");
        fs::write(&path, "# mine\nim60\n brick # first\n\n")?;
        assert_eq!(Ranking::read(&path).expect("a ranking").families, ["60", "brick"]);
        fs::write(&path, "60\nim60\n")?;
        assert!(Ranking::read(&path).is_err_and(|error| error.to_string().contains("60 twice")));
        let missing = Ranking::read(&folder.path().join("none")).expect_err("no file").to_string();
        assert!(missing.contains("a family on each line"), "{missing}");
        Ok(())
    }
}
