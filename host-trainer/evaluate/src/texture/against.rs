//! What a model is compared with: another model, an earlier result or recorded
//! neurons.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize};

use super::{TextureModulation, stimuli::family_name};
use crate::table_lines;
use lcl_numerics::statistics::{mean, quantile, spearman};

/// Quantiles of a quantile–quantile plot, the extremes included.
const QUANTILES: usize = 101;

/// Modulation of another model or of data.
#[derive(Clone, Debug, PartialEq)]
pub struct Against {
    /// What it is called.
    pub name: String,
    /// V1 and V2, where they are there.
    pub areas: [Option<Distribution>; 2],
    /// Units that miss families which others of their area have.
    pub incomplete_units: usize,
}

/// Modulation of one area.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Distribution {
    /// Mean over units, by family.
    #[serde(rename = "r_mod_by_family")]
    pub by_family: BTreeMap<String, f64>,
    /// Mean over families, by unit that responds.
    #[serde(rename = "r_mod_by_unit", deserialize_with = "without_silent")]
    pub by_unit: Vec<f64>,
}

/// What a model is compared with cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgainstError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is no result of this evaluation.
    #[error(
        "{}: {cause}; a .json to compare with is one that `lcl evaluate texture` wrote",
        path.display()
    )]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// The file is no table of modulations.
    #[error(
        "{}: {cause}; a .csv to compare with has the columns area, unit, family and r_mod",
        path.display()
    )]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A row holds a value that cannot be.
    #[error("{} line {line}: {what}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong with it.
        what: RowFault,
    },
    /// There is nothing in it.
    #[error("{} has no modulation of V1 or V2", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// The area is neither V1 nor V2.
    #[error("the area is V1 or V2")]
    Area,
    /// The index is not in `[-1, 1]`.
    #[error("r_mod is a number from -1 to 1; leave the row out where it is not known")]
    Index,
    /// The unit has a value for the family already.
    #[error("this unit has a value for this family already")]
    Twice,
}

/// A model beside another one, in one area.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What the other is called.
    pub name: String,
    /// Its mean over units and families.
    pub r_mod_mean: f64,
    /// Its number of units.
    pub units: usize,
    /// Spearman's correlation of the families' modulation; nothing where one
    /// does not vary.
    pub rho: Option<f64>,
    /// Families in common, which it is over.
    pub families: usize,
    /// The same quantiles of both distributions over units, this model's first:
    /// at 0, 1, … 100 %, linear between neighbours.
    pub quantiles: Vec<[f64; 2]>,
}

impl Against {
    /// Takes what was found for another model.
    #[must_use]
    pub fn of(other: &TextureModulation) -> Self {
        let areas = [&other.v1, &other.v2].map(|area| {
            let by_unit = area.responding();
            Some(Distribution { by_family: area.r_mod_by_family.clone(), by_unit })
        });
        Self { name: other.model.clone(), areas, incomplete_units: 0 }
    }

    /// Reads the JSON object of an earlier evaluation.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is something else.
    pub fn read_json(path: &Path) -> Result<Self, AgainstError> {
        #[derive(Deserialize)]
        struct Earlier {
            model: String,
            v1: Distribution,
            v2: Distribution,
        }
        let bytes = read(path)?;
        let earlier: Earlier = serde_json::from_slice(&bytes)
            .map_err(|cause| AgainstError::Json { path: path.to_owned(), cause })?;
        let areas = [Some(earlier.v1), Some(earlier.v2)];
        Ok(Self { name: earlier.model, areas, incomplete_units: 0 })
    }

    /// Reads a table of units, recorded neurons for instance: `area,unit,family,r_mod`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a row makes no sense.
    pub fn read_csv(path: &Path) -> Result<Self, AgainstError> {
        #[derive(Deserialize)]
        struct Row {
            area: String,
            unit: String,
            family: String,
            r_mod: f64,
        }
        let bytes = read(path)?;
        let damaged = |cause: csv::Error| {
            let cause = table_lines::fault(&bytes, &cause);
            AgainstError::Csv { path: path.to_owned(), cause }
        };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
        let headers = reader.headers().map_err(damaged)?.clone();
        let mut tables: [BTreeMap<String, BTreeMap<String, f64>>; 2] = Default::default();
        for record in reader.records() {
            let record = record.map_err(damaged)?;
            let line = table_lines::line_of(&bytes, record.position());
            let fault = |what| AgainstError::Row { path: path.to_owned(), line, what };
            let row: Row = record.deserialize(Some(&headers)).map_err(damaged)?;
            let area = match &*row.area.to_ascii_uppercase() {
                "V1" => 0,
                "V2" => 1,
                _ => return Err(fault(RowFault::Area)),
            };
            if !(-1.0..=1.0).contains(&row.r_mod) {
                return Err(fault(RowFault::Index));
            }
            let unit = tables[area].entry(row.unit).or_default();
            if unit.insert(family_name(&row.family).to_owned(), row.r_mod).is_some() {
                return Err(fault(RowFault::Twice));
            }
        }
        if tables.iter().all(BTreeMap::is_empty) {
            return Err(AgainstError::Empty { path: path.to_owned() });
        }
        let mut incomplete_units = 0;
        let areas = tables.map(|units| {
            let mut families: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for (family, value) in units.values().flatten() {
                families.entry(family.clone()).or_default().push(*value);
            }
            incomplete_units += units.values().filter(|unit| unit.len() < families.len()).count();
            let unit_mean =
                |unit: &BTreeMap<String, f64>| mean(&unit.values().copied().collect::<Vec<_>>());
            let by_unit: Vec<f64> = units.values().filter_map(unit_mean).collect();
            let family_mean =
                |(family, values): (String, Vec<f64>)| mean(&values).map(|mean| (family, mean));
            let by_family = families.into_iter().filter_map(family_mean).collect();
            (!by_unit.is_empty()).then_some(Distribution { by_family, by_unit })
        });
        Ok(Self { name: path.display().to_string(), areas, incomplete_units })
    }
}

impl Comparison {
    /// Compares a model's area with another.
    pub(super) fn new(
        name: &str,
        by_family: &BTreeMap<String, f64>,
        by_unit: &[f64],
        other: &Distribution,
    ) -> Self {
        let pairs = by_family
            .iter()
            .filter_map(|(family, value)| Some((*value, *other.by_family.get(family)?)));
        let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let quantiles = (0..QUANTILES).filter_map(|step| {
            let at = step as f64 / (QUANTILES - 1) as f64;
            Some([quantile(by_unit, at)?, quantile(&other.by_unit, at)?])
        });
        Self {
            name: name.to_owned(),
            r_mod_mean: mean(&other.by_family.values().copied().collect::<Vec<_>>()).unwrap_or(0.0),
            units: other.by_unit.len(),
            rho: spearman(&ours, &theirs),
            families: ours.len(),
            quantiles: quantiles.collect(),
        }
    }
}

/// Reads indices of units, those of silent ones left out.
fn without_silent<'de, D: Deserializer<'de>>(units: D) -> Result<Vec<f64>, D::Error> {
    let units: Vec<Option<f64>> = Vec::deserialize(units)?;
    Ok(units.into_iter().flatten().collect())
}

fn read(path: &Path) -> Result<Vec<u8>, AgainstError> {
    fs::read(path).map_err(|cause| AgainstError::Io { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations on numbers around 1.
    const ROUNDING: f64 = 1e-12;

    fn read_csv(text: &str) -> Result<Against, AgainstError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("neurons.csv");
        fs::write(&path, text).expect("a file");
        Against::read_csv(&path)
    }

    #[test]
    fn neurons_are_read_from_a_table() {
        let found =
            read_csv("area,unit,family,r_mod\nV2,n1,im60,0.5\nv2,n1,18,0.1\nV2,n2,60,-0.1\n")
                .expect("neurons");
        assert_eq!(found.areas[0], None);
        let v2 = found.areas[1].as_ref().expect("V2");
        assert_eq!((v2.by_unit.len(), found.incomplete_units), (2, 1));
        assert!((v2.by_family["60"] - 0.2).abs() < ROUNDING);
        assert!((v2.by_unit[0] - 0.3).abs() < ROUNDING);
    }

    #[test]
    fn rows_that_make_no_sense_are_named() {
        let head = "area,unit,family,r_mod\n";
        for (rows, part) in [
            ("V4,n,60,0.5\n", "line 2: the area is V1 or V2"),
            ("V1,n,60,NaN\n", "line 2: r_mod is a number"),
            ("V1,n,60,0.1\nV1,n,im60,0.1\n", "line 3: this unit has a value"),
            ("V1,n,60,much\n", "area, unit, family and r_mod"),
            ("\r\n\r\nV1,n,60,0.5\r\n\r\nV4,n,60,0.5\r\n", "line 6: the area is V1 or V2"),
            ("V1,n,60\n", "line 2 has 3 fields"),
            ("", "no modulation"),
        ] {
            let error = read_csv(&(head.to_owned() + rows)).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn distributions_are_compared_at_their_quantiles() {
        let family = |values: &[(&str, f64)]| {
            values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let other = Distribution {
            by_family: family(&[("a", 0.1), ("b", 0.3), ("c", 0.2)]),
            by_unit: vec![0.0, 1.0],
        };
        let ours = family(&[("a", 0.0), ("b", 0.5), ("d", 0.2)]);
        let found = Comparison::new("other", &ours, &[0.0, 0.2, 0.4], &other);
        assert_eq!((found.rho, found.families, found.units), (Some(1.0), 2, 2));
        assert_eq!(found.quantiles.len(), QUANTILES);
        let [at, of] = found.quantiles[25];
        assert!((at - 0.1).abs() < ROUNDING && (of - 0.25).abs() < ROUNDING);
        assert!((found.r_mod_mean - 0.2).abs() < ROUNDING);
    }
}
