//! What the evaluation finds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{AreaModulation, Difference, Excluded, FisherTest, Interval, Units, page};
use crate::{Findings, Table};
use lcl_numerics::statistics::quantile;
use lcl_pages::markup::count;

/// Texture modulation of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextureModulation {
    /// What the model is called.
    pub model: String,
    /// Side of the images, pixels.
    pub size: u32,
    /// What counts as a unit.
    pub units: Units,
    /// V1.
    pub v1: AreaModulation,
    /// V2.
    pub v2: AreaModulation,
    /// How much more V2 is modulated.
    pub v2_minus_v1: Difference,
    /// By how much that is more than in what the model is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<Difference>,
    /// Tests of the difference between two rank correlations.
    pub fisher_tests: Vec<FisherTest>,
    /// Images that take part, textures and noise.
    pub images: usize,
    /// Those of them that had another size, so that their spectrum is another.
    pub resized_images: usize,
    /// Samples of each family, of textures as of noise.
    pub samples: BTreeMap<String, usize>,
    /// What takes no part.
    pub excluded: Excluded,
    /// Units of what the model is compared with that miss families.
    pub incomplete_units: usize,
    /// Families that are not in the ranking.
    pub families_without_rank: usize,
}

impl TextureModulation {
    /// Returns the areas with their names and classes of colour.
    pub(super) fn areas(&self) -> [(&'static str, &'static str, &AreaModulation); 2] {
        [("V1", "v1", &self.v1), ("V2", "v2", &self.v2)]
    }
}

impl Findings for TextureModulation {
    fn title(&self) -> String {
        format!("Texture modulation of {}", self.model)
    }

    fn tables(&self) -> Vec<Table> {
        let mut tables = vec![self.summary()];
        if self.v1.against.is_some() || self.v2.against.is_some() {
            tables.push(self.comparison());
        }
        if !self.fisher_tests.is_empty() {
            tables.push(self.tests());
        }
        tables.push(self.by_family());
        tables
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.excluded.sentences();
        if self.resized_images > 0 {
            notes.push(format!(
                "{} of {} images are not {2}x{2} pixels and were resized or cropped, which changes \
                 the spectra of textures and noise alike.",
                self.resized_images, self.images, self.size
            ));
        }
        let both = &self.v2_minus_v1;
        notes.push(format!(
            "V2 is more modulated than V1 in {} of {} families; the interval of their difference is \
             over families, paired.",
            both.larger, both.families
        ));
        if let Some(gain) = &self.gain {
            notes.push(format!(
                "The gain is V2 − V1 of this model less that of the other, in {} families that \
                 both have, paired; it is above 0 in {}.",
                gain.families, gain.larger
            ));
        }
        let samples: Vec<usize> = self.samples.values().copied().collect();
        if let (Some(least), Some(most)) = (samples.iter().min(), samples.iter().max()) {
            if least != most {
                notes.push(format!(
                    "Families have {least} to {most} samples each; they count equally."
                ));
            }
        }
        for (name, _, area) in self.areas() {
            if area.silent_pairs > 0 {
                notes.push(format!(
                    "{name}: {} of {} units respond to no image, and {} of {} pairs of a unit and \
                     a family have no response; they are left out.",
                    area.silent_units,
                    area.r_mod_by_unit.len(),
                    area.silent_pairs,
                    area.r_mod_by_unit.len() * area.r_mod_by_family.len(),
                ));
            }
        }
        if self.families_without_rank > 0 && self.v1.ranking.is_some() {
            notes.push(format!(
                "{} families are not in the ranking and take no part in its correlation.",
                self.families_without_rank
            ));
        }
        if self.incomplete_units > 0 {
            notes.push(format!(
                "{} units of what the model is compared with miss some families; their means are \
                 over those that are there.",
                self.incomplete_units
            ));
        }
        notes.push(
            "Units are the model's own, not model neurons fitted to recorded ones as in [LCL], so \
             that its figures are not comparable with these."
                .to_owned(),
        );
        notes.push(
            "Intervals are percentile bootstraps, 2,000 times. Those over families say what other \
             textures would give and are somewhat too narrow for few families; those over \
             channels take channels as independent, which they are not."
                .to_owned(),
        );
        if !self.fisher_tests.is_empty() {
            notes.push(
                "Fisher's test takes the two correlations as independent, although they share \
                 ranking and images; N - 3 in its standard error."
                    .to_owned(),
            );
        }
        notes
    }

    fn page(&self) -> String {
        page::sections(self)
    }
}

impl TextureModulation {
    fn summary(&self) -> Table {
        let heads =
            ["area", "mean R", "families, 95 %", "channels, 95 %", "units", "middle half", "R > 0"];
        let mut table = Table::new("Texture modulation", &heads);
        for (name, _, area) in self.areas() {
            let units = &area.responding();
            let at = |share: f64| signed(quantile(units, share).unwrap_or(0.0));
            let positive = units.iter().filter(|index| **index > 0.0).count();
            table.row([
                name.to_owned(),
                signed(area.r_mod_mean),
                interval(area.r_mod_mean_interval.over_families),
                interval(area.r_mod_mean_interval.over_channels),
                count(units.len() as u64),
                format!("{} to {}", at(0.25), at(0.75)),
                format!("{:.0} %", 100.0 * positive as f64 / units.len().max(1) as f64),
            ]);
        }
        let both = &self.v2_minus_v1;
        let row = ["V2 − V1".to_owned(), signed(both.mean), interval(both.over_families)];
        table.row(row.into_iter().chain(std::iter::repeat_n("–".to_owned(), 4)));
        if let Some(gain) = &self.gain {
            let row = ["gain".to_owned(), signed(gain.mean), interval(gain.over_families)];
            table.row(row.into_iter().chain(std::iter::repeat_n("–".to_owned(), 4)));
        }
        table
    }

    fn comparison(&self) -> Table {
        let heads = ["area", "against", "mean R", "its mean R", "rank correlation", "families"];
        let mut table = Table::new("Against another", &heads);
        for (name, _, area) in self.areas() {
            if let Some(other) = &area.against {
                table.row([
                    name.to_owned(),
                    other.name.clone(),
                    signed(area.r_mod_mean),
                    signed(other.r_mod_mean),
                    other.rho.map_or_else(|| "–".to_owned(), signed),
                    other.families.to_string(),
                ]);
            }
        }
        table
    }

    fn tests(&self) -> Table {
        let ranking = self.v1.ranking.as_ref().map_or("", |ranking| &ranking.ranking);
        let title = format!("Rank correlation over families with {ranking}, and Fisher's test");
        let mut table = Table::new(&title, &["first", "second", "ρ", "ρ", "families", "p"]);
        for test in &self.fisher_tests {
            let [first, second] = test.rho.map(|rho| rho.map_or_else(|| "–".to_owned(), signed));
            let p = test.p.map_or_else(|| "–".to_owned(), |p| format!("{p:.3}"));
            let names = [test.first.clone(), test.second.clone()];
            table.row(names.into_iter().chain([first, second, test.families.to_string(), p]));
        }
        table
    }

    fn by_family(&self) -> Table {
        let mut table =
            Table::new("By family, most modulated in V2 first", &["family", "V1", "V2", "samples"]);
        for family in page::by_modulation(&self.v2.r_mod_by_family) {
            let of = |values: &BTreeMap<String, f64>| {
                values.get(family).copied().map_or_else(String::new, signed)
            };
            let samples = self.samples.get(family).copied().unwrap_or(0);
            table.row([
                family.to_owned(),
                of(&self.v1.r_mod_by_family),
                of(&self.v2.r_mod_by_family),
                samples.to_string(),
            ]);
        }
        table
    }
}

fn interval(interval: Interval) -> String {
    format!("{} to {}", signed(interval.low), signed(interval.high))
}

/// Returns an index with three digits and a true minus sign.
pub(super) fn signed(value: f64) -> String {
    format!("{value:.3}").replace('-', "−")
}
