//! The evaluation.

use std::collections::BTreeMap;

use image::RgbImage;

use super::{
    Against, AreaModulation, Comparison, Difference, FisherTest, Ranking, Responses, Stimuli,
    TextureError, TextureModulation, Units, responses::responses,
};
use crate::{EvaluatedModel, EvaluatedModelError, Progress};
use lcl_artefacts::feature_map::FeatureMap;

/// How the evaluation is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Side of the images that the model sees, pixels; others are resized and
    /// their centre cropped.
    pub side: u32,
    /// What counts as a unit.
    pub units: Units,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// An order of families to compare with; where there is none and the
    /// families are those of \[Freeman\], theirs.
    pub ranking: Option<Ranking>,
    /// Another model, or data.
    pub against: Option<Against>,
}

/// Evaluates a model's texture modulation.
///
/// # Errors
///
/// When an image cannot be read or the model cannot be run.
pub fn modulation_of_model(
    model: &EvaluatedModel,
    stimuli: &Stimuli,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<TextureModulation, TextureError> {
    modulation_of(model.name(), stimuli, options, |images| model.features(images), progress)
}

/// Evaluates the texture modulation of anything that turns images into
/// features of V1 and V2, `[N, H, W, C]` each.
///
/// # Errors
///
/// When an image cannot be read or the features cannot be computed.
pub fn modulation_of(
    model: &str,
    stimuli: &Stimuli,
    options: &Options,
    features: impl FnMut(&[RgbImage]) -> Result<[FeatureMap; 2], EvaluatedModelError>,
    progress: &mut dyn Progress,
) -> Result<TextureModulation, TextureError> {
    let families: Vec<String> = stimuli.families.iter().map(|family| family.name.clone()).collect();
    if let Some(ranking) = &options.ranking {
        // Whether there are enough families is known before any feature is.
        ranking.correlation(&families.iter().map(|family| (family.clone(), 0.0)).collect())?;
    }
    let (both, resized) = responses(stimuli, options.side, options.units, features, progress)?;
    let area = |number: u64, responses: &Responses| {
        AreaModulation::new(&families, responses, options.seed, number)
    };
    let mut areas = [area(1, &both[0]), area(2, &both[1])];
    let ranking = options.ranking.clone().or_else(|| Ranking::built_in(&areas[0].r_mod_by_family));
    if let Some(ranking) = &ranking {
        for area in &mut areas {
            area.ranking = Some(ranking.correlation(&area.r_mod_by_family)?);
        }
    }
    if let Some(against) = &options.against {
        for (area, other) in areas.iter_mut().zip(&against.areas) {
            area.against = other.as_ref().map(|other| {
                Comparison::new(&against.name, &area.r_mod_by_family, &area.responding(), other)
            });
        }
    }
    let fisher_tests = match &ranking {
        Some(ranking) => fisher_tests(ranking, model, &areas, options.against.as_ref())?,
        None => Vec::new(),
    };
    let [v1, v2] = areas;
    let own = [&v1.r_mod_by_family, &v2.r_mod_by_family];
    let v2_minus_v1 = Difference::between(own, options.seed);
    let gain = options.against.as_ref().and_then(|other| {
        let [v1, v2] = other.areas.each_ref().map(Option::as_ref);
        let theirs = [&v1?.by_family, &v2?.by_family];
        Some(Difference::gain(own, theirs, options.seed))
    });
    Ok(TextureModulation {
        model: model.to_owned(),
        size: options.side,
        units: options.units,
        images: stimuli.len(),
        resized_images: resized,
        samples: stimuli
            .families
            .iter()
            .map(|family| (family.name.clone(), family.samples.len()))
            .collect(),
        excluded: stimuli.excluded.clone(),
        incomplete_units: options.against.as_ref().map_or(0, |other| other.incomplete_units),
        families_without_rank: ranking.as_ref().map_or(0, |ranking| {
            families.iter().filter(|family| !ranking.families.contains(family)).count()
        }),
        v1,
        v2,
        v2_minus_v1,
        gain,
        fisher_tests,
    })
}

/// V2 against V1, and the model against the other in each area.
fn fisher_tests(
    ranking: &Ranking,
    model: &str,
    areas: &[AreaModulation; 2],
    against: Option<&Against>,
) -> Result<Vec<FisherTest>, TextureError> {
    let by_family = |area: usize| -> &BTreeMap<String, f64> { &areas[area].r_mod_by_family };
    let mut tests = vec![ranking.test(("V2", by_family(1)), ("V1", by_family(0)))?];
    for (area, name) in ["V1", "V2"].into_iter().enumerate() {
        let other = against.and_then(|other| Some((&other.name, other.areas[area].as_ref()?)));
        if let Some((other_name, other)) = other {
            let names = [model, other_name].map(|of| format!("{name} of {of}"));
            tests.push(ranking.test((&names[0], by_family(area)), (&names[1], &other.by_family))?);
        }
    }
    Ok(tests)
}
