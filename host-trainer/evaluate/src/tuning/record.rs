//! Showing gratings to a model.

use image::RgbImage;
use lcl_artefacts::{feature_model::Fields, integer_features::AREAS};
use lcl_infer::{LCL_V2, LayerKind, Name};
use rayon::prelude::*;

use super::{
    grating::{Grating, blank},
    responses::Responses,
    sets::{GratingSet, GratingSets, Viewing},
};
use crate::{EvaluatedModel, EvaluatedModelError, Progress};

/// Gratings in one batch.
const BATCH: usize = 128;

/// A model cannot be shown gratings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuningError {
    /// The model cannot be run.
    #[error(transparent)]
    Model(#[from] EvaluatedModelError),
    /// Pixels are too coarse for the frequencies.
    #[error(
        "{pixels_per_degree} pixels per degree show only {shown} of the 22 spatial frequencies, \
         which is too few for a curve; give at least {least}"
    )]
    TooCoarse {
        /// What was asked for.
        pixels_per_degree: f64,
        /// Frequencies that can be shown.
        shown: usize,
        /// What would do.
        least: f64,
    },
    /// The contrast or the scale is no such number.
    #[error("{name} is {value}; it must be {expected}")]
    Viewing {
        /// What is wrong.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// The model's maps are not those of the published geometry.
    #[error(
        "the model makes {got} rows of {area} from {side} pixels where the published geometry \
         makes {expected}: where a unit looks is not known"
    )]
    Geometry {
        /// The area.
        area: Name,
        /// Side of the image.
        side: usize,
        /// Rows of the geometry.
        expected: usize,
        /// Rows of the model.
        got: usize,
    },
    /// A response is no number.
    #[error("unit {unit} of {area} responds with {value}; look for weights that are not finite")]
    NotFinite {
        /// The area.
        area: Name,
        /// The unit.
        unit: usize,
        /// The response.
        value: f32,
    },
}

/// Where the units of the centre look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Side of the images in pixels.
    pub side: usize,
    /// Row and column of the units' map.
    pub location: usize,
    /// Row and column of the pixel in the centre of their receptive field.
    pub centre: usize,
    /// Side of the receptive field in pixels.
    pub field: usize,
}

impl View {
    /// Returns the smallest images in which the units in the centre of an area
    /// see neither a border nor its reflection: what lies beyond cannot change
    /// their response. A model of one size of images has those, of which its
    /// units may see the borders.
    #[must_use]
    pub fn of(area: Name, fields: Fields) -> Self {
        // From the middle of a field to its edge, and from one unit to the next.
        let (mut reach, mut step) = (fields.in_front, 1);
        let chain = LCL_V2.up_to(area).unwrap_or(LCL_V2);
        for (at, layer) in chain.layers().iter().enumerate() {
            let (own, stride) = match layer.kind {
                LayerKind::Conv(conv) => (conv.kernel() / 2, conv.stride()),
                // A pool looks at two pixels on either side.
                _ => (2, 2),
            };
            (reach, step) = (reach + own * step, step * stride);
            if at == 0 {
                reach += fields.behind * step;
            }
        }
        let field = 2 * reach + 1;
        if fields.input_side > 0 {
            let location = fields.input_side / 2 / step;
            let (side, centre) = (fields.input_side, location * step);
            // The rings nearest to the middle are the first row.
            return if fields.is_polar {
                Self { side, location: 0, centre: side / 2, field }
            } else {
                Self { side, location, centre, field }
            };
        }
        let location = reach.div_ceil(step);
        let centre = location * step;
        Self { side: 2 * centre + 1, location, centre, field }
    }
}

/// Responses of the units of an area.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// What was shown.
    pub sets: GratingSets,
    /// Side of the units' receptive fields, in pixels.
    pub field: usize,
    /// The units, a channel each.
    pub units: Vec<UnitResponses>,
}

/// Responses of one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitResponses {
    /// To the set for orientation.
    pub orientation: Responses,
    /// To the set for spatial frequency.
    pub frequency: Responses,
    /// To the set for size.
    pub size: Responses,
}

/// Shows every grating to a model and returns what the channels in the centre
/// of an area respond.
///
/// # Errors
///
/// When the model cannot be run, or `viewing` shows too few frequencies.
pub fn record(
    model: &EvaluatedModel,
    area: Name,
    viewing: Viewing,
    progress: &mut dyn Progress,
) -> Result<Recording, TuningError> {
    let sets = checked_sets(viewing)?;
    let screen = Screen { model, area, view: View::of(area, model.fields()) };
    progress.begin("gratings", sets.len());
    let blank = screen.responses(&[blank(screen.side())])?;
    let units = blank.len();
    let mut record = |set: &GratingSet| -> Result<Vec<Vec<f64>>, TuningError> {
        let mut responses = vec![Vec::with_capacity(set.len()); units];
        let gratings: Vec<Grating> = set.gratings(viewing).collect();
        for batch in gratings.chunks(BATCH) {
            let shown = screen.responses(&screen.draw(batch))?;
            for (at, value) in shown.into_iter().enumerate() {
                responses[at % units].push(value);
            }
            progress.advance(batch.len());
        }
        Ok(responses)
    };
    let all = [&sets.orientation, &sets.frequency, &sets.size];
    let [orientation, frequency, size] = [record(all[0])?, record(all[1])?, record(all[2])?];
    let of = |set: &GratingSet, responses: &[Vec<f64>], unit: usize| {
        let shape = [set.frequencies.len(), set.orientations.len(), set.phases.len()];
        Responses::new(blank[unit], &responses[unit], shape)
    };
    let unit = |unit: usize| {
        Some(UnitResponses {
            orientation: of(all[0], &orientation, unit)?,
            frequency: of(all[1], &frequency, unit)?,
            size: of(all[2], &size, unit)?,
        })
    };
    // Every set has its gratings for every unit.
    let units = (0..units).filter_map(unit).collect();
    Ok(Recording { sets, field: screen.view.field, units })
}

fn checked_sets(viewing: Viewing) -> Result<GratingSets, TuningError> {
    let Viewing { pixels_per_degree, contrast } = viewing;
    if !(contrast > 0.0 && contrast <= 1.0) {
        let expected = "above 0 and at most 1";
        return Err(TuningError::Viewing { name: "contrast", value: contrast, expected });
    }
    if !(pixels_per_degree > 0.0 && pixels_per_degree <= 1e4) {
        let (name, expected) = ("pixels per degree", "above 0 and at most 10,000");
        return Err(TuningError::Viewing { name, value: pixels_per_degree, expected });
    }
    let sets = GratingSets::new(viewing);
    // All four octaves of the sets for orientation and size.
    if sets.orientation.frequencies.len() < 4 {
        let shown = sets.frequency.frequencies.len();
        return Err(TuningError::TooCoarse { pixels_per_degree, shown, least: 12.5 });
    }
    Ok(sets)
}

/// A model in front of which images are held.
struct Screen<'a> {
    model: &'a EvaluatedModel,
    area: Name,
    view: View,
}

impl Screen<'_> {
    fn side(&self) -> u32 {
        // Some dozens.
        u32::try_from(self.view.side).unwrap_or(u32::MAX)
    }

    fn draw(&self, gratings: &[Grating]) -> Vec<RgbImage> {
        // libtorch's tensors stay with this thread.
        let (side, centre) = (self.side(), self.view.centre as f64);
        gratings.par_iter().map(|grating| grating.draw(side, (centre, centre))).collect()
    }

    /// Returns the responses of the units in the centre, `[images, units]`.
    fn responses(&self, images: &[RgbImage]) -> Result<Vec<f64>, TuningError> {
        let maps = self.model.features(images)?;
        let area = self.area;
        let map = &maps[AREAS.iter().position(|tap| *tap == area).unwrap_or_default()];
        let side = self.view.side;
        let expected = LCL_V2.map_of(area, side).map_or(0, |(rows, _)| rows);
        if map.h != expected || map.w != expected {
            return Err(TuningError::Geometry { area, side, expected, got: map.h });
        }
        let first = (self.view.location * map.w + self.view.location) * map.c;
        let responses: Vec<f32> =
            map.images().flat_map(|image| &image[first..first + map.c]).copied().collect();
        if let Some(at) = responses.iter().position(|response| !response.is_finite()) {
            return Err(TuningError::NotFinite { area, unit: at % map.c, value: responses[at] });
        }
        Ok(responses.into_iter().map(f64::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_as_large_as_the_field() {
        let v1 = View { side: 33, location: 2, centre: 16, field: 27 };
        let v2 = View { side: 97, location: 3, centre: 48, field: 91 };
        assert_eq!(AREAS.map(|area| View::of(area, Fields::default())), [v1, v2]);
    }

    #[test]
    fn components_widen_fields_and_may_fix_the_image() {
        let of = |fields| View::of(lcl_infer::V1, fields);
        // Two pixels of the first map are eight of the image.
        let surround = Fields { behind: 2, ..Fields::default() };
        assert_eq!(of(surround), View { side: 49, location: 3, centre: 24, field: 43 });
        let retina = Fields { in_front: 3, ..Fields::default() };
        assert_eq!(of(retina), View { side: 33, location: 2, centre: 16, field: 33 });
        let fixed = Fields { input_side: 128, ..Fields::default() };
        assert_eq!(of(fixed), View { side: 128, location: 8, centre: 64, field: 27 });
        let polar = Fields { is_polar: true, ..fixed };
        assert_eq!(of(polar), View { side: 128, location: 0, centre: 64, field: 27 });
    }

    #[test]
    fn what_cannot_be_shown_is_an_error() {
        let message = |pixels_per_degree, contrast| {
            let viewing = Viewing { pixels_per_degree, contrast };
            checked_sets(viewing).expect_err("an error").to_string()
        };
        assert!(message(8.0, 1.0).contains("at least 12.5"));
        assert!(message(28.0, 0.0).contains("contrast is 0"));
        assert!(message(28.0, f64::NAN).contains("contrast is NaN"));
        assert!(message(-1.0, 1.0).contains("pixels per degree is -1"));
        assert!(checked_sets(Viewing { pixels_per_degree: 12.5, contrast: 0.1 }).is_ok());
    }
}
