use lcl_infer::PoolOrder;
use rand::Rng;
use rand_distr::StandardNormal;

use super::*;
use crate::{Findings, gabor_blob::gabor_blob};
use lcl_artefacts::random::{Purpose, stream};

const KERNEL: usize = 11;

fn gabor(at: u32) -> Gabor {
    Gabor {
        x: 5.0,
        y: 4.5,
        orientation_deg: 22.5 * f64::from(at % 8),
        cycles_per_pixel: [0.12, 0.18, 0.24][at as usize % 3],
        sigma_x: 2.0,
        sigma_y: 2.5,
        phase_deg: f64::from(at * 40 % 360) - 180.0,
        amplitude: 1.0,
    }
}

fn find(filters: Filters) -> ReceptiveFields {
    let published = PublishedV1::built_in().expect("sound");
    receptive_fields("test", filters, Rule::default(), &published, 0, &mut ())
}

/// Three colours of a pixel from its grey and what it adds to each.
fn coloured(grey: f64, colour: f64) -> [f64; 3] {
    [grey + colour, grey - colour, grey]
}

#[test]
fn gabors_count_and_the_others_are_counted() {
    let mut rng = stream(0, Purpose::Synthetic, [1, 1]);
    let mut noise = || -> Vec<f64> {
        (0..KERNEL * KERNEL).map(|_| rng.sample::<f64, _>(StandardNormal)).collect()
    };
    let mut weights = Vec::new();
    for at in 0..6 {
        let (values, noise) = (gabor(at).values(KERNEL), noise());
        weights.extend(values.iter().zip(noise).flat_map(|(g, n)| coloured(g + 0.05 * n, 0.1 * n)));
    }
    for _ in 0..3 {
        weights.extend(noise().into_iter().flat_map(|n| coloured(n, 0.0)));
    }
    // In red against green alone, but for a little grey.
    weights.extend(gabor(1).values(KERNEL).iter().flat_map(|&g| coloured(0.1 * g, g)));
    weights.extend([0.0; KERNEL * KERNEL * 3]);
    let outside = Gabor { x: 12.0, sigma_x: 3.0, ..gabor(0) };
    weights.extend(outside.values(KERNEL).iter().flat_map(|&g| coloured(g, 0.0)));
    let found = find(Filters::from_weights(KERNEL, 3, weights).expect("whole"));

    // By explained variance alone, which colour and bounds do not change.
    let rejected: Vec<Option<Rejection>> =
        found.filters.iter().map(|filter| filter.rejected).collect();
    let poor = Some(Rejection::PoorFit);
    assert_eq!(rejected[6..11], [poor, poor, poor, None, Some(Rejection::Flat)]);
    let rejected: Vec<Option<Rejection>> =
        found.filters.iter().map(|filter| filter.strictly_rejected).collect();
    let poor = Some(Rejection::PoorFit);
    assert_eq!(rejected[..6], [None; 6], "{found:?}");
    assert_eq!(rejected[6..11], [poor, poor, poor, Some(Rejection::Colour), Some(Rejection::Flat)]);
    assert_eq!((found.summary.filters, found.summary.accepted), (12, found.accepted().count()));
    let counted: usize = found.summary.rejected.iter().map(|rejected| rejected.filters).sum();
    assert_eq!(counted + found.summary.accepted, 12);
    let counted: usize = found.summary.strictly_rejected.iter().map(|r| r.filters).sum();
    assert_eq!(counted + found.summary.strictly_accepted, 12);
    assert!(found.summary.strictly_accepted < found.summary.accepted, "{found:?}");
    assert_eq!(found.filters[9].grey_share.map(|share| share < 0.02), Some(true));
    assert_eq!(found.summary.colour_filters, 1);
    let notes = found.notes().concat();
    assert!(notes.contains("3 poor fit") && notes.contains("1 colour alone"), "{notes}");
}

#[test]
fn a_blob_gives_back_the_gabors_that_are_in_it() {
    /// Weights are rounded to 1/254 of the largest.
    const CYCLES: f64 = 0.01;
    let gabors: Vec<Gabor> = (0..24).map(gabor).collect();
    let blob = gabor_blob(&gabors, PoolOrder::MaxBlur);
    let found = find(Filters::of_blob(&blob.open().expect("a blob")));
    assert_eq!(found.summary.accepted, 64);
    for (filter, gabor) in found.filters.iter().zip(gabors.iter().cycle()) {
        let got = filter.gabor.expect("a fit");
        assert!((got.nx() - gabor.nx()).abs() < CYCLES, "{got:?} {gabor:?}");
        assert!((got.ny() - gabor.ny()).abs() < CYCLES, "{got:?} {gabor:?}");
        assert!(filter.r2.is_some_and(|r2| r2 > 0.99));
    }
}

#[test]
fn json_has_every_filter_and_the_summary() {
    let gabors: Vec<Gabor> = (0..24).map(gabor).collect();
    let blob = gabor_blob(&gabors, PoolOrder::MaxBlur);
    let found = find(Filters::of_blob(&blob.open().expect("a blob")));
    let json = serde_json::to_value(&found).expect("plain values");
    assert_eq!(json["filters"].as_array().map(Vec::len), Some(64));
    for key in [
        "filter",
        "grey_share",
        "rejected",
        "strictly_rejected",
        "r2",
        "x",
        "y",
        "orientation_deg",
        "cycles_per_pixel",
        "sigma_x",
        "sigma_y",
        "phase_deg",
        "amplitude",
        "cycles_per_filter",
        "folded_phase_deg",
        "nx",
        "ny",
    ] {
        assert!(json["filters"][0].get(key).is_some(), "{key} is missing in {json}");
    }
    for key in [
        "accepted",
        "rejected",
        "strictly_accepted",
        "strictly_rejected",
        "r2_median",
        "nx",
        "ny",
        "joint_overlap",
    ] {
        assert!(json["summary"].get(key).is_some(), "{key} is missing in {json}");
    }
    let similarity = &json["summary"]["nx"]["comparison"]["similarity"];
    assert!(similarity.as_f64().is_some_and(|value| (0.0..=1.0).contains(&value)));
    let page = found.page();
    assert!(page.contains("data:image/png") && page.contains("<svg"), "{page}");
}

#[test]
fn overlap_is_of_shares() {
    let published = PublishedV1::built_in().expect("sound").field_shape;
    // The fullest cell holds 19 of 79 neurons.
    let overlap = joint_overlap(&[0.4, 0.4], &[0.4, 0.4], &published).expect("units");
    assert!((overlap - 19.0 / 79.0).abs() < 1e-12, "{overlap}");
    assert_eq!(joint_overlap(&[], &[], &published), None);
}
