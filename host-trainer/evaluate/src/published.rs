//! Published distributions of properties of neurons in macaque V1.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::distribution::{Histogram, NoHistogram};

/// The built-in distributions: the counts that the papers named in the file
/// show, in the bins of \[Marques\].
const BUILT_IN: &str = include_str!("published_v1.json");

/// Published distributions of properties of neurons in macaque V1.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedV1 {
    /// Preferred orientation, degrees, from -22.5 to 157.5 (De Valois, Yund and
    /// Hepler 1982).
    pub preferred_orientation: Histogram,
    /// Preferred spatial frequency of foveal neurons, simple and complex, cycles
    /// per degree (De Valois, Albrecht and Thorell 1982).
    pub peak_spatial_frequency: Histogram,
    /// Whether the response falls to 0.707 of its peak on both sides (Schiller,
    /// Finlay and Volman 1976).
    pub spatial_frequency_selective: Histogram,
    /// `100 · f_low / f_high` of simple and complex neurons (the same).
    pub spatial_frequency_bandwidth_ratio: Histogram,
    /// Surround suppression index (\[Cavanaugh\]).
    pub surround_suppression_index: Histogram,
    /// Whether that index is above 0.1 (\[Cavanaugh\]).
    pub strongly_suppressed: Histogram,
    /// Grating summation field, degrees (\[Cavanaugh\]).
    pub grating_summation_field: Histogram,
    /// Surround diameter, degrees (\[Cavanaugh\]).
    pub surround_diameter: Histogram,
    /// Surround diameter over grating summation field (\[Cavanaugh\]).
    pub surround_ratio: Histogram,
    /// Width and length of simple receptive fields (\[Ringach\]).
    pub field_shape: FieldShapes,
}

/// The joint histogram of `nx` and `ny`, the standard deviations of a Gabor's
/// envelope across and along its bars times its frequency (\[Ringach\]).
#[derive(Clone, Debug, PartialEq)]
pub struct FieldShapes {
    /// Edges of the bins of both.
    pub edges: Vec<f64>,
    /// A row for each bin of `nx`, in it a count for each bin of `ny`.
    pub counts: Vec<Vec<u32>>,
    /// The histogram of `nx` alone.
    pub nx: Histogram,
    /// The histogram of `ny` alone.
    pub ny: Histogram,
}

/// Published distributions cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedError {
    /// The file is not there, or cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is no such JSON.
    #[error("{name}: {cause}; docs/evaluations.md shows the layout")]
    Json {
        /// The file.
        name: String,
        /// What the parser said.
        cause: serde_json::Error,
    },
    /// The counts of a property are no histogram.
    #[error("{name}, {property}: {cause}")]
    Histogram {
        /// The file.
        name: String,
        /// The property.
        property: &'static str,
        /// What is wrong with it.
        cause: NoHistogram,
    },
}

impl PublishedV1 {
    /// Returns the built-in distributions.
    ///
    /// # Errors
    ///
    /// Never, as a test shows.
    pub fn built_in() -> Result<Self, PublishedError> {
        Self::parse(BUILT_IN, "the built-in distributions")
    }

    /// Reads distributions from a JSON file of the same layout.
    ///
    /// # Errors
    ///
    /// When it cannot be read or a distribution is missing or wrong.
    pub fn read(path: &Path) -> Result<Self, PublishedError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| PublishedError::Io { path: path.to_owned(), cause })?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, name: &str) -> Result<Self, PublishedError> {
        let json = |cause| PublishedError::Json { name: name.to_owned(), cause };
        let file: File = serde_json::from_str(text).map_err(json)?;
        let histogram = |property, edges: &[f64], counts: Vec<u32>| {
            let wrong =
                |cause| PublishedError::Histogram { name: name.to_owned(), property, cause };
            Histogram::new(edges.to_vec(), counts).map_err(wrong)
        };
        let plain =
            |property, plain: &Plain| histogram(property, &plain.bins, plain.counts.clone());
        let peak = &file.peak_spatial_frequency;
        let ratio = &file.spatial_frequency_bandwidth_ratio;
        let joint = &file.nx_ny_joint;
        let edges: Vec<f64> = joint.bins_log10.iter().map(|&edge| 10_f64.powf(edge)).collect();
        // Rows of unequal length have no columns, which is no histogram.
        let columns = joint.counts.first().map_or(0, Vec::len);
        let equal = joint.counts.iter().all(|row| row.len() == columns);
        let columns = if equal { columns } else { 0 };
        let column = |at: usize| joint.counts.iter().map(|row| row[at]).sum();
        let field_shape = FieldShapes {
            nx: histogram(
                "nx_ny_joint",
                &edges,
                joint.counts.iter().map(|row| row.iter().sum()).collect(),
            )?,
            ny: histogram("nx_ny_joint", &edges, (0..columns).map(column).collect())?,
            counts: joint.counts.clone(),
            edges,
        };
        Ok(Self {
            preferred_orientation: plain("preferred_orientation", &file.preferred_orientation)?,
            peak_spatial_frequency: histogram(
                "peak_spatial_frequency",
                &peak.bins,
                sums(&peak.simple_foveal, &peak.complex_foveal),
            )?,
            spatial_frequency_selective: plain(
                "spatial_frequency_selective",
                &file.spatial_frequency_selective,
            )?,
            spatial_frequency_bandwidth_ratio: histogram(
                "spatial_frequency_bandwidth_ratio",
                &ratio.bins,
                sums(&ratio.simple, &ratio.complex),
            )?,
            surround_suppression_index: plain(
                "surround_suppression_index",
                &file.surround_suppression_index,
            )?,
            strongly_suppressed: plain("strongly_suppressed", &file.strongly_suppressed)?,
            grating_summation_field: plain(
                "grating_summation_field_deg",
                &file.grating_summation_field_deg,
            )?,
            surround_diameter: plain("surround_diameter_deg", &file.surround_diameter_deg)?,
            surround_ratio: plain("surround_gsf_ratio", &file.surround_gsf_ratio)?,
            field_shape,
        })
    }
}

fn sums(a: &[u32], b: &[u32]) -> Vec<u32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The layout of the file.
#[derive(Deserialize)]
struct File {
    preferred_orientation: Plain,
    peak_spatial_frequency: PeakFrequency,
    spatial_frequency_selective: Plain,
    spatial_frequency_bandwidth_ratio: BandwidthRatio,
    surround_suppression_index: Plain,
    strongly_suppressed: Plain,
    grating_summation_field_deg: Plain,
    surround_diameter_deg: Plain,
    surround_gsf_ratio: Plain,
    nx_ny_joint: Joint,
}

#[derive(Deserialize)]
struct Plain {
    #[serde(alias = "bins_deg")]
    bins: Vec<f64>,
    counts: Vec<u32>,
}

#[derive(Deserialize)]
struct PeakFrequency {
    #[serde(rename = "bins_cpd")]
    bins: Vec<f64>,
    simple_foveal: Vec<u32>,
    complex_foveal: Vec<u32>,
}

#[derive(Deserialize)]
struct BandwidthRatio {
    bins: Vec<f64>,
    simple: Vec<u32>,
    complex: Vec<u32>,
}

#[derive(Deserialize)]
struct Joint {
    bins_log10: Vec<f64>,
    counts: Vec<Vec<u32>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_counts_are_those_of_the_papers() {
        let published = PublishedV1::built_in().expect("it is sound");
        for (histogram, neurons) in [
            (&published.preferred_orientation, 385),
            (&published.peak_spatial_frequency, 232),
            (&published.spatial_frequency_selective, 87),
            (&published.spatial_frequency_bandwidth_ratio, 73),
            (&published.surround_suppression_index, 190),
            (&published.strongly_suppressed, 190),
            (&published.grating_summation_field, 148),
            (&published.surround_diameter, 148),
            (&published.surround_ratio, 148),
            (&published.field_shape.nx, 79),
            (&published.field_shape.ny, 79),
        ] {
            assert_eq!(histogram.total(), neurons, "{histogram:?}");
        }
        assert_eq!(published.field_shape.nx.counts(), [3, 22, 42, 12, 0]);
        assert_eq!(published.field_shape.ny.counts(), [11, 11, 25, 25, 7]);
    }

    #[test]
    fn a_file_of_the_same_layout_is_read_and_others_are_errors() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("published.json");
        let message = |text: &str| {
            fs::write(&path, text).expect("a file");
            PublishedV1::read(&path).expect_err("an error").to_string()
        };
        assert!(message("{}").contains("preferred_orientation"));
        let broken = BUILT_IN.replace("[66, 44,", "[");
        assert!(message(&broken).contains("surround_suppression_index"));
        assert!(message(&BUILT_IN.replace("[2, 0, 1, 0, 0]", "[2]")).contains("nx_ny_joint"));
        fs::write(&path, BUILT_IN).expect("a file");
        let read = PublishedV1::read(&path).expect("sound");
        assert_eq!(read, PublishedV1::built_in().expect("sound"));
        let missing = PublishedV1::read(&folder.path().join("no.json")).expect_err("an error");
        assert!(missing.to_string().contains("no.json"));
    }
}
