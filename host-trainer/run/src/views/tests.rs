use std::collections::BTreeMap;

use super::*;
use crate::config::{Config, Crops, StageViewConfig};
use lcl_artefacts::random::{Purpose, stream};
use lcl_images::CENTRE_SIDE;

fn maker(change: impl FnOnce(&mut ViewsConfig)) -> ViewMaker {
    let mut views = ViewsConfig::default();
    change(&mut views);
    ViewMaker::new(views, InputConfig { mean: [0.0; 3], std: [1.0; 3] })
}

fn centre(pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let pixels = (0..CENTRE_SIDE * CENTRE_SIDE).map(|at| pixel(at % CENTRE_SIDE, at / CENTRE_SIDE));
    pixels.flatten().collect()
}

fn make(maker: &ViewMaker, centre: &[u8], stage: usize, view: View, key: u64) -> Vec<f32> {
    let mut out = vec![0.0; maker.view_len(stage)];
    let rng = stream(7, Purpose::TrainingView, [key, 0]);
    maker.make(&Centre::new(centre, CENTRE_SIDE), stage, view, &rng, &mut out);
    out
}

fn still(views: &mut ViewsConfig) {
    views.jitter_probability = 0.0;
    views.grey_probability = 0.0;
    views.noise_probability = [0.0; 2];
}

#[test]
fn sizes_are_those_of_the_paper() {
    let maker = maker(|_| {});
    assert_eq!([maker.view_len(0), maker.view_len(1)], [48 * 48 * 3, 96 * 96 * 3]);
}

/// CRC-32 of the bits of all views of an image, as training has them with the
/// defaults. Whoever changes it changes what every seed trains.
const DEFAULT_VIEWS: u32 = 1_916_897_456;

#[test]
fn the_default_views_of_a_seed_stay_as_they_are() {
    let image = textured();
    let maker = ViewMaker::new(ViewsConfig::default(), InputConfig::default());
    let mut hasher = crc32fast::Hasher::new();
    for key in 0..8 {
        for stage in 0..2 {
            for view in View::BOTH {
                for value in make(&maker, &image, stage, view, key) {
                    hasher.update(&value.to_le_bytes());
                }
            }
        }
    }
    assert_eq!(hasher.finalize(), DEFAULT_VIEWS);
}

#[test]
fn crops_stay_in_the_range_of_area_and_aspect() {
    for (stage, config) in ViewsConfig::default().stages.iter().enumerate() {
        let whole = f64::from(config.centre * config.centre);
        let mut areas = Vec::new();
        for key in 0..2000 {
            let mut rng = stream(1, Purpose::TrainingView, [key, stage as u64]);
            let crop = random_crop(config, &mut rng);
            assert!(crop.x + crop.width <= config.centre && crop.y + crop.height <= config.centre);
            areas.push(f64::from(crop.width * crop.height) / whole);
            let aspect = f64::from(crop.width) / f64::from(crop.height);
            // Sides are whole pixels, of which a crop has at least 40.
            assert!((0.87..1.13).contains(&aspect), "{crop:?}");
        }
        let [least, most] = config.area.map(f64::from);
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        assert!((mean - f64::midpoint(least, most)).abs() < 0.02, "{mean}");
        assert!(areas.iter().all(|area| (least - 0.03..most + 0.03).contains(area)));
    }
}

#[test]
fn stage_1_sees_only_its_own_centre() {
    let inner = 28..84;
    let centre =
        centre(|x, y| if inner.contains(&x) && inner.contains(&y) { [51; 3] } else { [255; 3] });
    let maker = maker(still);
    for key in 0..50 {
        let view = make(&maker, &centre, 0, View::A, key);
        assert!(view.iter().all(|&v| (v - 0.2).abs() < 1e-6));
    }
    assert!(make(&maker, &centre, 1, View::A, 0).iter().any(|&v| v > 0.9));
}

#[test]
fn noise_is_gaussian_of_the_right_deviation_and_only_in_view_a() {
    let flat = centre(|_, _| [102; 3]);
    let maker = maker(|views| {
        still(views);
        views.noise_probability = [1.0, 0.0];
    });
    for key in 0..50 {
        let noisy = make(&maker, &flat, 1, View::A, key);
        let count = noisy.len() as f32;
        let mean = noisy.iter().sum::<f32>() / count;
        let deviation = (noisy.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / count).sqrt();
        assert!((mean - 0.4).abs() < 0.003 && (0.039..0.102).contains(&deviation), "{deviation}");
        assert!(make(&maker, &flat, 1, View::B, key).iter().all(|&v| (v - 0.4).abs() < 1e-6));
    }
}

#[test]
fn colour_is_dropped_and_jittered_as_often_as_configured() {
    let coloured = centre(|_, _| [200, 100, 50]);
    let maker = maker(|views| views.noise_probability = [0.0; 2]);
    let views: Vec<Vec<f32>> =
        (0..2000).map(|key| make(&maker, &coloured, 0, View::B, key)).collect();
    let share = |test: &dyn Fn(&[f32]) -> bool| {
        views.iter().filter(|view| test(&view[..3])).count() as f32 / 2000.0
    };
    let grey = share(&|pixel| (pixel[0] - pixel[2]).abs() < 1e-5);
    assert!((grey - 0.2).abs() < 0.04, "{grey}");
    let untouched = share(&|pixel| (pixel[0] - 200.0 / 255.0).abs() < 1e-6);
    assert!((untouched - 0.2 * 0.8).abs() < 0.04, "{untouched}");
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f32]) {
    for (a, e) in actual.iter().zip(expected) {
        assert!((a - e).abs() < 1e-5, "{actual:?} {expected:?}");
    }
}

#[test]
fn normalisation_comes_last() {
    let flat = centre(|_, _| [255, 0, 51]);
    let mut views = ViewsConfig::default();
    still(&mut views);
    let maker =
        ViewMaker::new(views, InputConfig { mean: [0.5, 0.25, 0.2], std: [0.5, 0.25, 0.1] });
    let view = make(&maker, &flat, 0, View::B, 0);
    assert_close(&view[..3], &[1.0, -1.0, 0.0]);
}

/// Pixels that are all different, near and far.
fn textured() -> Vec<u8> {
    centre(|x, y| [x * 7 + y, x * y, (x ^ y) * 2].map(|v| u8::try_from(v % 256).unwrap_or(0)))
}

#[test]
fn a_crop_of_the_whole_patch_is_the_patch() {
    let range = [1.0, 1.0];
    let stage = StageViewConfig { area: range, aspect: range, ..ViewsConfig::default().stages[0] };
    let mut rng = stream(1, Purpose::TrainingView, [0, 0]);
    let whole = CropBox { x: 0, y: 0, width: 56, height: 56 };
    assert_eq!(random_crop(&stage, &mut rng), whole);
}

/// Stages whose views are their patches, as they are.
fn uncropped(views: &mut ViewsConfig) {
    still(views);
    for stage in &mut views.stages {
        (stage.size, stage.area, stage.aspect) = (stage.centre, [1.0; 2], [1.0; 2]);
    }
}

/// An image of 224 pixels a side in which a pixel says where it is.
fn places() -> Vec<u8> {
    let pixel = |at: u32| [at % 224, at / 224, 0].map(|v| u8::try_from(v).unwrap_or(0));
    (0..224 * 224).flat_map(pixel).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes")]
/// Makes a view of [`places`] and returns where its first pixel is.
fn place(maker: &ViewMaker, stage: usize, view: View, key: u64) -> [u32; 2] {
    let mut out = vec![0.0; maker.view_len(stage)];
    let rng = stream(7, Purpose::TrainingView, [key, 0]);
    maker.make(&Centre::new(&places(), 224), stage, view, &rng, &mut out);
    [out[0], out[1]].map(|value| (value * 255.0).round() as u32)
}

#[test]
fn patches_from_anywhere_are_one_place_for_all_views_of_an_image() {
    let at = |patches| {
        maker(|views| {
            uncropped(views);
            (views.kept_side, views.patches) = (224, patches);
        })
    };
    let (middle, anywhere) = (at(Patches::Centre), at(Patches::Anywhere));
    let mut seen = Vec::new();
    for key in 0..200 {
        assert_eq!([0, 1].map(|stage| place(&middle, stage, View::A, key)), [[84; 2], [56; 2]]);
        let [x, y] = place(&anywhere, 1, View::A, key);
        assert_eq!(place(&anywhere, 1, View::B, key), [x, y]);
        for view in View::BOTH {
            assert_eq!(place(&anywhere, 0, view, key), [x + 28, y + 28]);
        }
        assert!(x <= 112 && y <= 112);
        seen.extend([x, y]);
    }
    assert!(seen.iter().any(|&at| at < 5) && seen.iter().any(|&at| at > 107));
}

fn disjoint(views: &mut ViewsConfig) {
    let centre = 56;
    // Patches as they are.
    let stage = &mut views.stages[0];
    (stage.centre, stage.size, stage.area, stage.aspect) = (centre, centre, [1.0; 2], [1.0; 2]);
    stage.crops = Crops::Disjoint;
}

#[test]
fn disjoint_patches_have_no_pixel_in_common() {
    for side in [28, 40, 56] {
        let mut config = ViewsConfig::default().stages[0];
        (config.centre, config.crops) = (side, Crops::Disjoint);
        let (mut beside, mut a_first, mut offsets) = (0, 0, Vec::new());
        for key in 0..2000 {
            let mut rng = stream(1, Purpose::TrainingView, [key, 0]);
            let [a, b] = Patch::of_views(&config, CENTRE_SIDE, &mut rng);
            let (x, y) = (a.x.abs_diff(b.x) >= side, a.y.abs_diff(b.y) >= side);
            assert!(x || y, "{a:?} {b:?} overlap");
            assert!([a.x, a.y, b.x, b.y].iter().all(|place| place + side <= CENTRE_SIDE));
            beside += u32::from(x);
            a_first += u32::from(if x { a.x < b.x } else { a.y < b.y });
            offsets.extend([a.x, a.y, b.x, b.y]);
        }
        assert!((850..1150).contains(&a_first), "{a_first}");
        assert!(beside > 850, "{beside}");
        assert_eq!(offsets.iter().min().zip(offsets.iter().max()), Some((&0, &(112 - side))));
    }
}

#[test]
fn each_view_is_of_its_own_patch() {
    let image = textured();
    let maker = maker(|views| {
        still(views);
        disjoint(views);
    });
    for key in 0..20 {
        let mut shared = stream(7, Purpose::TrainingView, [key, 0]);
        shared.set_stream(4);
        let patches = Patch::of_views(&maker.views.stages[0], CENTRE_SIDE, &mut shared);
        for (view, patch) in View::BOTH.into_iter().zip(patches) {
            let pixels = make(&maker, &image, 0, view, key);
            for (at, value) in pixels.iter().enumerate() {
                let (x, y) = (at / 3 % 56 + patch.x as usize, at / 3 / 56 + patch.y as usize);
                let expected = f32::from(image[(y * 112 + x) * 3 + at % 3]) / 255.0;
                assert!((value - expected).abs() < 1e-6, "{view:?} {x} {y}");
            }
        }
    }
}

#[test]
fn left_and_right_change_places() {
    let image = textured();
    let view = |probability| {
        let maker = maker(|views| {
            still(views);
            views.flip_probability = probability;
        });
        make(&maker, &image, 0, View::A, 3)
    };
    let (as_it_is, flipped) = (view(0.0), view(1.0));
    assert_ne!(as_it_is, flipped);
    for (row, flipped) in as_it_is.chunks(3 * 48).zip(flipped.chunks(3 * 48)) {
        assert!(row.chunks(3).rev().eq(flipped.chunks(3)));
    }
    let [flipping, not] = [0.5, 0.0].map(|probability| {
        maker(|views| {
            still(views);
            views.flip_probability = probability;
        })
    });
    let view = |maker, key| make(maker, &image, 0, View::A, key);
    let is_flipped = |&key: &u64| view(&flipping, key) != view(&not, key);
    let often = (0..400).filter(is_flipped).count();
    // Six standard deviations.
    assert!((140..=260).contains(&often), "{often}");
}

fn strong() -> ViewsConfig {
    Config::find("barlow-layerwise".as_ref()).expect("a configuration").views
}

#[test]
fn strong_augmentations_come_as_often_as_configured_and_in_any_order() {
    const DRAWS: usize = 5000;
    let maker = ViewMaker::new(strong(), InputConfig::default());
    let mut orders: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let [mut blurred, mut solarised, mut grey, mut noisy] = [[0_usize; 2]; 4];
    for key in 0..DRAWS {
        for view in View::BOTH {
            let mut rng = stream(2, Purpose::TrainingView, [key as u64, view.index() as u64]);
            let Recolouring { jitter, adjustments, grey: is_grey, blur, solarise, noise, .. } =
                maker.recolouring(view, &mut rng);
            assert!(jitter.is_none());
            let names = adjustments.iter().map(|adjustment| match *adjustment {
                Adjustment::Brightness(factor) => ("brightness", factor, 0.6..=1.4),
                Adjustment::Contrast(factor) => ("contrast", factor, 0.6..=1.4),
                Adjustment::Saturation(factor) => ("saturation", factor, 0.8..=1.2),
                Adjustment::Hue(turn) => ("hue", turn, -0.1..=0.1),
            });
            let order = names.map(|(name, value, range)| {
                assert!(range.contains(&value), "{name} {value}");
                name
            });
            *orders.entry(order.collect()).or_default() += 1;
            for (count, happened) in [
                (&mut blurred, blur.is_some()),
                (&mut solarised, solarise == Some(128)),
                (&mut grey, is_grey),
                (&mut noisy, noise.is_some()),
            ] {
                count[view.index()] += usize::from(happened);
            }
        }
    }
    let expected = |count: usize, of: usize, probability: f64| {
        let mean = of as f64 * probability;
        // Six standard deviations.
        let error = 6.0 * (mean * (1.0 - probability)).sqrt();
        assert!((count as f64 - mean).abs() <= error, "{count} of {of}, {probability}");
    };
    for (counts, [a, b]) in
        [(blurred, [1.0, 0.1]), (solarised, [0.0, 0.2]), (grey, [0.2, 0.2]), (noisy, [0.0, 0.0])]
    {
        expected(counts[0], DRAWS, a);
        expected(counts[1], DRAWS, b);
    }
    expected(orders.remove(&Vec::new()).unwrap_or(0), 2 * DRAWS, 0.2);
    assert_eq!(orders.len(), 24, "{orders:?}");
    for (order, count) in orders {
        assert_eq!(order.len(), 4);
        expected(count, 2 * DRAWS, 0.8 / 24.0);
    }
}

#[test]
fn strong_views_are_finite_and_not_all_alike() {
    let maker = ViewMaker::new(strong(), InputConfig { mean: [0.0; 3], std: [1.0; 3] });
    let image = places();
    let view = |key| {
        let mut out = vec![0.0; maker.view_len(0)];
        let rng = stream(7, Purpose::TrainingView, [key, 0]);
        maker.make(&Centre::new(&image, 224), 0, View::B, &rng, &mut out);
        out
    };
    let views = (0..40).map(view).collect::<Vec<_>>();
    assert!(views.iter().flatten().all(|value| (-1e-6..=1.0 + 1e-6).contains(value)));
    assert!(views.windows(2).all(|pair| pair[0] != pair[1]));
}
