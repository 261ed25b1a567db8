use std::f64::consts::{FRAC_PI_2, PI};

use lcl_infer::{PoolOrder, V1, V2};

use super::*;
use crate::{
    EvaluatedModel, EvaluatedModelError, Findings, ModelChoice, gabor_blob::gabor_blob,
    published::PublishedV1, receptive_fields::Gabor,
};

/// Builds a recording of units whose response to a grating is known.
fn simulate(respond: &[&dyn Fn(f64, f64, f64, f64) -> f64], blank: f64) -> Recording {
    let viewing = Viewing { pixels_per_degree: 56.0, contrast: 1.0 };
    let sets = GratingSets::new(viewing);
    let of = |set: &GratingSet, respond: &dyn Fn(f64, f64, f64, f64) -> f64| {
        let gratings: Vec<f64> = set
            .gratings(viewing)
            .map(|grating| {
                let frequency = grating.cycles_per_pixel * 56.0;
                let radius = grating.radius / 56.0;
                respond(radius, frequency, grating.orientation_deg, grating.phase_deg.to_radians())
            })
            .collect();
        let shape = [set.frequencies.len(), set.orientations.len(), set.phases.len()];
        Responses::new(blank, &gratings, shape).expect("whole")
    };
    let unit = |respond: &&dyn Fn(f64, f64, f64, f64) -> f64| UnitResponses {
        orientation: of(&sets.orientation, *respond),
        frequency: of(&sets.frequency, *respond),
        size: of(&sets.size, *respond),
    };
    let units = respond.iter().map(unit).collect();
    Recording { sets, field: 27, units }
}

/// Cosine tuning around 45 degrees, which is 1 there and 1 - depth across.
fn cosine(orientation: f64, depth: f64) -> f64 {
    1.0 + depth / 2.0 * ((2.0 * (orientation - 45.0)).to_radians().cos() - 1.0)
}

fn octaves_from(frequency: f64, preferred: f64, width: f64) -> f64 {
    (-(frequency / preferred).log2().powi(2) / (2.0 * width * width)).exp()
}

/// Difference of Gaussians that integrate over the window: 0.8 of the centre is
/// taken away by the surround.
fn surround(radius: f64) -> f64 {
    let filled = |width: f64| 1.0 - (-(radius / width).powi(2)).exp();
    filled(0.3) - 0.5 * filled(1.2)
}

#[test]
fn model_units_have_the_tuning_that_was_put_in() {
    // Twelve or six places of a cosine sum without an error.
    const EXACT: f64 = 1e-9;
    // A place of a hundred of the curve over 5.25 octaves.
    const PLACE: f64 = 5.25 / 99.0;
    let complex = |radius: f64, frequency: f64, orientation: f64, _: f64| {
        2.0 + 3.0
            * cosine(orientation, 0.6)
            * octaves_from(frequency, 3.084, 0.8)
            * surround(radius)
    };
    let simple = |_: f64, frequency: f64, orientation: f64, phase: f64| {
        5.0 * cosine(orientation, 1.0) * octaves_from(frequency, 1.542, 0.6) * phase.cos().max(0.0)
    };
    let flat = |_: f64, frequency: f64, _: f64, phase: f64| {
        4.0 * octaves_from(frequency, 6.169, 1.0) * (1.0 + 0.5 * phase.sin())
    };
    let silent = |_: f64, _: f64, _: f64, _: f64| 2.0;
    let weak = |_: f64, _: f64, orientation: f64, _: f64| 2.0 + 0.01 * cosine(orientation, 1.0);
    let units = tune(&simulate(&[&complex, &silent, &weak], 2.0));
    let near = |got: Option<f64>, expected: f64, tolerance: f64| {
        assert!(got.is_some_and(|got| (got - expected).abs() < tolerance), "{got:?} {expected}");
    };

    let excluded: Vec<Option<Exclusion>> = units.iter().map(|unit| unit.excluded).collect();
    assert_eq!(excluded, [None, Some(Exclusion::Silent), Some(Exclusion::Weak)]);
    // (1 - d/2) + d/2 cos: the resultant is d/4 of the mean 1 - d/2.
    near(units[0].circular_variance, 1.0 - 0.15 / 0.7, EXACT);
    near(units[0].orthogonal_preferred_ratio, 0.4, EXACT);
    assert_eq!(units[0].preferred_orientation_deg, Some(45.0));
    // Smoothed, 0.7 + 0.282 cos 2δ falls to half of its peak at 68.9 degrees.
    assert_eq!(units[0].full_width_deg, Some(138.0));
    near(units[0].modulation_ratio, 0.0, EXACT);
    near(units[0].peak_spatial_frequency_cpd.map(f64::log2), 3.084_f64.log2(), PLACE);
    let ratio = 100.0 * (-2.0 * 0.8 * (2.0 * 2.0_f64.sqrt().ln()).sqrt()).exp2();
    // Smoothing widens, and the ends are places too.
    near(units[0].spatial_frequency_bandwidth_ratio, ratio, 3.0);
    // At the largest radius half of the centre is left.
    let radii: Vec<f64> = (0..12).map(|at| 0.125 * ((f64::from(at) - 0.5) / 2.0).exp2()).collect();
    let peak = radii.iter().map(|&radius| surround(radius)).fold(0.0, f64::max);
    near(units[0].surround_suppression_index, 1.0 - 0.5 / peak, 1e-6);
    assert_eq!(units[0].strongly_suppressed(), Some(true));

    let units = tune(&simulate(&[&simple, &flat], 0.0));
    near(units[0].circular_variance, 0.5, EXACT);
    // Eight samples of a rectified cosine: their F1 over F0, near π/2.
    let eight: f64 = (0..8).map(|at| (f64::from(at) * PI / 4.0).cos().max(0.0)).sum();
    let first: f64 =
        (0..8).map(|at| f64::from(at) * PI / 4.0).map(|a| a.cos().max(0.0) * a.cos()).sum();
    near(units[0].modulation_ratio, 2.0 * first / eight, EXACT);
    near(units[0].modulation_ratio, FRAC_PI_2, 0.1);
    near(units[0].surround_suppression_index, 0.0, EXACT);
    assert_eq!(units[0].surround_diameter_deg, None);
    near(units[1].circular_variance, 1.0, EXACT);
    near(units[1].modulation_ratio, 0.5, EXACT);
    assert_eq!((units[1].half_width_deg, units[1].excluded), (None, None));
}

fn gabors() -> Vec<Gabor> {
    (0..64_u32)
        .map(|at| Gabor {
            x: 5.0,
            y: 5.0,
            orientation_deg: 22.5 * f64::from(at % 8),
            cycles_per_pixel: [0.12, 0.2][at as usize / 8 % 2],
            sigma_x: 2.2,
            sigma_y: 3.0,
            phase_deg: 90.0 * f64::from(at / 16),
            amplitude: 1.0,
        })
        .collect()
}

fn open(pool: PoolOrder) -> EvaluatedModel {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gabors.lcl");
    gabor_blob(&gabors(), pool).write(&path).expect("a file");
    let none =
        |_: &_| -> Result<_, EvaluatedModelError> { unreachable!("a blob is no checkpoint") };
    EvaluatedModel::open(&ModelChoice::File(path), none).expect("a blob")
}

#[test]
fn a_blob_of_gabors_prefers_their_orientation_and_frequency() {
    let viewing = Viewing::default();
    let model = open(PoolOrder::MaxBlur);
    let recording = record(&model, V1, viewing, &mut ()).expect("responses");
    let published = PublishedV1::built_in().expect("sound");
    let tuning = Tuning::new("gabors", V1, viewing, &recording, &published, 0);
    assert_eq!((tuning.summary.units, tuning.summary.responsive), (64, 64));
    for (unit, gabor) in tuning.units.iter().zip(gabors()) {
        let preferred = unit.preferred_orientation_deg.expect("a peak");
        let off = (preferred - gabor.orientation_deg).rem_euclid(180.0);
        // The pool takes the largest of nine places, which favours gratings that
        // are turned a little, and so bring each place another phase: up to a step.
        assert!(off.min(180.0 - off) <= 15.0, "{unit:?} {gabor:?}");
        let cycles = unit.peak_spatial_frequency_cpd.expect("a peak") / 28.0;
        // An envelope of so few pixels shifts low frequencies downwards.
        assert!((cycles / gabor.cycles_per_pixel).log2().abs() < 0.5, "{unit:?} {gabor:?}");
        assert!(unit.circular_variance.is_some_and(|variance| variance < 0.7), "{unit:?}");
    }

    let json = serde_json::to_value(&tuning).expect("plain values");
    assert_eq!(json["units"].as_array().map(Vec::len), Some(64));
    for key in ["circular_variance", "half_width_deg", "modulation_ratio", "excluded"] {
        assert!(json["units"][0].get(key).is_some(), "{key} is missing");
    }
    let properties = &json["summary"]["properties"];
    for key in ["circular_variance", "peak_spatial_frequency_cpd", "surround_suppression_index"] {
        assert_eq!(properties[key]["units"], 64, "{properties}");
    }
    let similarity = &properties["peak_spatial_frequency_cpd"]["comparison"]["similarity"];
    assert!(similarity.as_f64().is_some_and(|value| (0.0..=1.0).contains(&value)));
    assert!(tuning.page().contains("<svg") && tuning.notes().concat().contains("surround"));
    assert_eq!(tuning.tables()[1].rows.len(), 14);
}

#[test]
fn nothing_beyond_the_view_changes_a_response() {
    for pool in PoolOrder::ALL {
        let model = open(pool);
        for (at, area) in [V1, V2].into_iter().enumerate() {
            let view = View::of(area, model.fields());
            let grating = Grating {
                orientation_deg: 30.0,
                cycles_per_pixel: 0.11,
                phase_deg: 45.0,
                radius: 1000.0,
                contrast: 1.0,
            };
            let unit = |side: u32, location: usize, centre: f64| -> Vec<f32> {
                let image = grating.draw(side, (centre, centre));
                let maps = model.features(&[image]).expect("features");
                let map = &maps[at];
                let first = (location * map.w + location) * map.c;
                map.data[first..first + map.c].to_vec()
            };
            let step = view.centre / view.location;
            let alone =
                unit(u32::try_from(view.side).expect("small"), view.location, view.centre as f64);
            let large = unit(224, 6, (6 * step) as f64);
            assert_eq!(alone, large, "{pool:?} {area}");
            assert!(alone.iter().any(|&response| response > 0.0));
        }
    }
}
