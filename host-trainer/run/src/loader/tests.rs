use std::{collections::HashSet, fs};

use super::*;
use crate::{
    config::{Config, InputConfig, ViewsConfig},
    views::ViewMaker,
};
use lcl_images::{ImageSet, Source};

fn source(sources: &[Source]) -> Arc<ViewSource> {
    source_of(sources, ViewsConfig::default())
}

fn source_of(sources: &[Source], views: ViewsConfig) -> Arc<ViewSource> {
    let set = ImageSet::open(sources).expect("images");
    let centres = Centres::new(set, views.kept_side, usize::MAX).expect("centres");
    let maker = ViewMaker::new(views, InputConfig::default());
    Arc::new(ViewSource::new(Arc::new(centres), maker))
}

fn synthetic() -> Arc<ViewSource> {
    source(&[Source::Synthetic { images: 6, seed: 3 }])
}

fn batch_at(step: u64, threads: usize) -> Batch {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| {
        let mut order = Order::new(&[0, 1, 2, 3, 5], 9);
        let samples: Vec<Sample> = (step * 4..step * 4 + 4).map(|p| order.at(p)).collect();
        synthetic().training_batch(&samples, &order).expect("a batch")
    })
}

#[test]
fn a_batch_follows_from_seed_and_step_alone() {
    let loader = Loader::start(synthetic(), Order::new(&[0, 1, 2, 3, 5], 9), 4, 0..4, 0);
    for step in 0..3 {
        let batch = loader.next_batch().expect("a batch");
        assert_eq!(batch.images, 4);
        assert!(batch == batch_at(step, 1) && batch == batch_at(step, 3), "step {step}");
    }
    let resumed = Loader::start(synthetic(), Order::new(&[0, 1, 2, 3, 5], 9), 4, 0..4, 2);
    assert!(resumed.next_batch().expect("a batch") == batch_at(2, 1));
}

#[test]
fn shares_of_a_batch_are_parts_of_the_whole() {
    let order = || Order::new(&[0, 1, 2, 3, 5], 9);
    let whole = Loader::start(synthetic(), order(), 4, 0..4, 0);
    let shares = [0..1, 1..4].map(|share| Loader::start(synthetic(), order(), 4, share, 0));
    for step in 0..3 {
        let whole = whole.next_batch().expect("a batch");
        let [first, second] = shares.each_ref().map(|share| share.next_batch().expect("a share"));
        assert_eq!((first.images, second.images), (1, 3));
        for stage in 0..2 {
            for view in 0..2 {
                let [first, second] = [&first, &second].map(|share| &share.views[stage][view]);
                assert!(
                    whole.views[stage][view][..] == [&first[..], &second[..]].concat(),
                    "{step}"
                );
            }
        }
    }
}

#[test]
fn every_kind_of_view_follows_from_seed_and_step_alone() {
    for name in ["barlow-layerwise", "lcl-v2-non-overlapping"] {
        let config = Config::find(name.as_ref()).expect("a configuration");
        let batch = |threads: usize| {
            let threads = rayon::ThreadPoolBuilder::new().num_threads(threads);
            threads.build().expect("threads").install(|| {
                let source =
                    source_of(&[Source::Synthetic { images: 6, seed: 3 }], config.views.clone());
                let mut order = Order::new(&[0, 1, 2, 3, 5], 9);
                let samples: Vec<Sample> = (0..4).map(|position| order.at(position)).collect();
                source.training_batch(&samples, &order).expect("a batch")
            })
        };
        assert!(batch(1) == batch(3), "{name}");
    }
}

#[test]
fn every_view_differs() {
    let batch = batch_at(0, 1);
    for [a, b] in &batch.views {
        assert_ne!(a, b);
    }
}

#[test]
fn an_epoch_shows_every_image_once() {
    let images = [4, 7, 8, 9];
    let mut order = Order::new(&images, 1);
    let mut epochs = Vec::new();
    for epoch in 0..8 {
        let shown: Vec<usize> = (0..4).map(|place| order.at(epoch * 4 + place).image).collect();
        assert_eq!(shown.iter().copied().collect::<HashSet<_>>(), HashSet::from(images));
        epochs.push(shown);
    }
    assert!(epochs.iter().any(|shown| shown != &epochs[0]));
}

#[test]
fn the_split_is_seeded_and_disjoint() {
    let split = Split::new(100, 10, 16, 5).expect("a split");
    assert_eq!((split.training.len(), split.validation.len()), (90, 10));
    let all: HashSet<usize> = split.training.iter().chain(&split.validation).copied().collect();
    assert_eq!(all.len(), 100);
    assert_eq!(Split::new(100, 10, 16, 5).ok(), Some(split.clone()));
    assert_ne!(Split::new(100, 10, 16, 6).ok(), Some(split));
    assert_eq!(Split::new(20, 10, 8, 5).map(|s| s.validation.len()).ok(), Some(5));
    let error = Split::new(5, 10, 16, 0).expect_err("too few");
    assert!(error.to_string().contains("--batch"), "{error}");
}

#[test]
fn damaged_images_are_replaced_until_they_are_most() {
    let folder = tempfile::tempdir().expect("a folder");
    for index in 0..4 {
        let image = image::RgbImage::from_pixel(32, 32, image::Rgb([index * 60; 3]));
        image.save(folder.path().join(format!("{index}.png"))).expect("saved");
    }
    let batch = |images: &[usize]| {
        let mut order = Order::new(images, 0);
        let samples: Vec<Sample> = (0..images.len() as u64).map(|p| order.at(p)).collect();
        source(&[Source::Path(folder.path().to_owned())]).training_batch(&samples, &order)
    };
    fs::write(folder.path().join("1.png"), b"damaged").expect("a file");
    assert_eq!(batch(&[0, 1, 2, 3]).map(|b| b.images).ok(), Some(4));
    for damaged in ["2.png", "3.png"] {
        fs::write(folder.path().join(damaged), b"damaged").expect("a file");
    }
    let error = batch(&[0, 1, 2, 3]).expect_err("most are damaged");
    assert!(error.to_string().contains("3 of 4"), "{error}");
}

#[test]
fn a_pack_gives_the_views_of_its_sources() {
    let folder = tempfile::tempdir().expect("a folder");
    let (images, pack) = (folder.path().join("images"), folder.path().join("pack"));
    fs::create_dir(&images).expect("a folder");
    for index in 0..5_u8 {
        let image = image::RgbImage::from_fn(90, 70, |x, y| {
            image::Rgb(
                [x * 2, y * 3, x + y]
                    .map(|value| u8::try_from(value % 256).unwrap_or_default() ^ index),
            )
        });
        let name = if index % 2 == 0 { format!("{index}.jpg") } else { format!("{index}.png") };
        image.save(images.join(name)).expect("saved");
    }
    fs::write(images.join("2b.jpg"), b"damaged").expect("a file");
    let sources = [Source::Path(images), Source::Synthetic { images: 2, seed: 1 }];
    lcl_images::prepare(&sources, &pack, &|_| {}).expect("a pack");
    let batch = |sources: &[Source]| {
        let images: Vec<usize> = (0..8).collect();
        let mut order = Order::new(&images, 4);
        let samples: Vec<Sample> = (0..16).map(|position| order.at(position)).collect();
        source(sources).training_batch(&samples, &order).expect("a batch")
    };
    assert!(batch(&sources) == batch(&[Source::Path(pack)]));
}
