//! `probe`: how well a linear classifier tells classes of images apart by the
//! features of a model.
//!
//! Features are averaged over the whole map (`global`) or over its quarters
//! (`quarters`), standardised over the training images, and classified by
//! multinomial logistic regression with a fixed penalty. Nothing is chosen by
//! the test images.
//!
//! Where to start: [`probe`] for the evaluation, [`Classifier`] for the
//! classifier, [`Accuracy`] for what is reported.

mod classifier;
mod findings;
mod labelled;
mod pooling;
mod regression;

use std::path::Path;

use ndarray::Array2;
use serde::Serialize;

pub use classifier::{ALPHA, Classifier, ClassifierError, TOLERANCE};
pub use findings::{AreaProbe, ModelProbe, Probe};
pub use labelled::{LabelError, Labelled};
pub use pooling::{Pooling, pooled};

use super::{EvaluatedModel, EvaluatedModelError, Progress};
use lcl_artefacts::sized_image::for_each_batch;
use lcl_images::{DataError, images_at_size};

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The probe cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The images cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images have no classes.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// A model cannot be run.
    #[error(transparent)]
    Model(#[from] EvaluatedModelError),
    /// The classifier cannot be fitted.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
}

/// The share of test images whose class is found.
///
/// The interval is Wilson's (1927, doi:10.1080/01621459.1927.10502953), 95 %, over
/// test images drawn anew; it does not hold what other training images, or
/// another training of the model, would change. On a finite training set a
/// linear probe favours features that are few and uncorrelated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// `correct / images`.
    pub accuracy: f64,
    /// Lower and upper end of the 95 % interval.
    pub interval: [f64; 2],
    /// Test images whose class is found.
    pub correct: usize,
    /// Test images.
    pub images: usize,
    /// Features of an image.
    pub features: usize,
    /// Share of the test images to which the first model gives the same class,
    /// right or wrong.
    pub same_as_first: f64,
    /// Largest part of the gradient, for an image, at which the classifier's fit
    /// ended; its accuracy is that of an optimum only if it is small.
    pub gradient: f64,
}

/// Probes models with the classes of images in the folders `train` and `test`
/// of a folder, at `side`×`side` pixels.
///
/// # Errors
///
/// When a folder is missing, a class to be tested has no training image, or a
/// model cannot be run.
pub fn probe(
    models: &[EvaluatedModel],
    folder: &Path,
    side: u32,
    progress: &mut dyn Progress,
) -> Result<Probe, ProbeError> {
    let labelled = Labelled::open(folder)?;
    let mut found = Probe::new(&labelled, side);
    let mut first: Vec<Vec<usize>> = Vec::new();
    for model in models {
        let train = Pooled::of(model, &labelled, Part::Train, side, progress)?;
        let test = Pooled::of(model, &labelled, Part::Test, side, progress)?;
        found.used(&train.classes, &test.classes, [train.skipped, test.skipped]);
        progress.begin(&format!("classifiers on {}", model.name()), train.features.len());
        let mut accuracies = Vec::new();
        for (at, (train_features, test_features)) in
            train.matrices().zip(test.matrices()).enumerate()
        {
            let classifier =
                Classifier::fit(&train_features, &train.classes, labelled.classes().len())?;
            let answers = classifier.classes(&test_features);
            if first.len() == at {
                first.push(answers.clone());
            }
            accuracies.push(Accuracy {
                features: train_features.ncols(),
                gradient: classifier.gradient(),
                ..accuracy(&answers, &test.classes, &first[at])
            });
            progress.advance(1);
        }
        if let [v1_global, v1_quarters, v2_global, v2_quarters] = accuracies[..] {
            found.models.push(ModelProbe {
                model: model.name().to_owned(),
                v1: AreaProbe { global: v1_global, quarters: v1_quarters },
                v2: AreaProbe { global: v2_global, quarters: v2_quarters },
            });
        }
    }
    Ok(found)
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Train,
    Test,
}

/// The pooled features of the images that can be used.
struct Pooled {
    /// V1 global, V1 quarters, V2 global, V2 quarters; `[N, P]` each.
    features: [Vec<f64>; 4],
    classes: Vec<usize>,
    skipped: usize,
}

impl Pooled {
    fn of(
        model: &EvaluatedModel,
        labelled: &Labelled,
        part: Part,
        side: u32,
        progress: &mut dyn Progress,
    ) -> Result<Self, ProbeError> {
        let (name, set) = match part {
            Part::Train => ("training", labelled.train()),
            Part::Test => ("test", labelled.test()),
        };
        progress.begin(&format!("{name} images, {}", model.name()), set.len());
        let mut pooled_features: [Vec<f64>; 4] = Default::default();
        let mut classes = Vec::new();
        let mut images = images_at_size(set, side);
        for_each_batch::<ProbeError, _>(images.by_ref(), |names, pixels| {
            for (area, map) in model.features(pixels)?.iter().enumerate() {
                for (at, pooling) in [Pooling::Global, Pooling::Quarters].into_iter().enumerate() {
                    pooled_features[2 * area + at].extend(pooled(map, pooling));
                }
            }
            for name in &names {
                classes.push(labelled.class(name)?);
            }
            progress.advance(names.len());
            Ok(())
        })?;
        Ok(Self { features: pooled_features, classes, skipped: images.skipped() })
    }

    fn matrices(&self) -> impl Iterator<Item = Array2<f64>> {
        let count = self.classes.len();
        self.features.iter().map(move |values| {
            let width = values.len() / count.max(1);
            Array2::from_shape_fn((count, width), |(image, feature)| {
                values[image * width + feature]
            })
        })
    }
}

fn accuracy(answers: &[usize], classes: &[usize], first: &[usize]) -> Accuracy {
    let equal = |other: &[usize]| answers.iter().zip(other).filter(|(a, b)| a == b).count();
    let (correct, images) = (equal(classes), classes.len());
    Accuracy {
        accuracy: correct as f64 / images as f64,
        interval: wilson(correct, images),
        correct,
        images,
        features: 0,
        same_as_first: equal(first) as f64 / images as f64,
        gradient: 0.0,
    }
}

/// Returns Wilson's 95 % interval of a share.
pub(crate) fn wilson(correct: usize, images: usize) -> [f64; 2] {
    let (share, n) = (correct as f64 / images as f64, images as f64);
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let spread = (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let half = Z / (1.0 + Z * Z / n) * spread;
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgb, RgbImage};

    use super::*;
    use crate::Findings;

    #[test]
    fn intervals_are_those_of_the_literature() {
        // statsmodels 0.15.0, proportion_confint(method="wilson").
        for (correct, images, expected) in WILSON {
            let got = wilson(correct, images);
            for (got, expected) in got.into_iter().zip(expected) {
                assert!((got - expected).abs() < 1e-9, "{correct} of {images}: {got} {expected}");
            }
        }
    }

    /// Stripes of two orientations, and one damaged file.
    fn stripes(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
        for (part, count) in [("train", 12), ("test", 5)] {
            for (class, horizontal) in [("rows", true), ("columns", false)] {
                let folder = folder.join(part).join(class);
                fs::create_dir_all(&folder)?;
                for image in 0..count {
                    RgbImage::from_fn(128, 128, |x, y| {
                        let at = if horizontal { y } else { x } + image * 3;
                        Rgb([if at / (3 + image % 3) % 2 == 0 { 40 } else { 210 }; 3])
                    })
                    .save(folder.join(format!("{image}.png")))?;
                }
            }
        }
        fs::write(folder.join("test/rows/damaged.png"), b"no image")?;
        fs::create_dir_all(folder.join("train/waves"))?;
        Ok(())
    }

    #[test]
    fn orientations_are_told_apart() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        stripes(folder.path())?;
        let model = EvaluatedModel::steerable_pyramid;
        let found = probe(&[model(), model()], folder.path(), 128, &mut ())?;
        let json = serde_json::to_value(&found)?;
        assert_eq!(json["classes"], serde_json::json!(["columns", "rows"]));
        assert_eq!((json["train"].as_u64(), json["test"].as_u64()), (Some(24), Some(10)));
        assert_eq!(json["skipped"], serde_json::json!([0, 1]));
        for model in json["models"].as_array().expect("models") {
            assert_eq!(model["model"], "v1-steerpyr");
            for (area, pooling, features) in
                [("v1", "global", 60), ("v1", "quarters", 240), ("v2", "global", 60)]
            {
                let accuracy = &model[area][pooling];
                assert_eq!(accuracy["correct"], 10, "{area} {pooling}");
                assert_eq!(accuracy["features"], features);
                assert_eq!(accuracy["same_as_first"], 1.0);
                assert!(accuracy["interval"][0].as_f64().is_some_and(|low| low < 0.75));
            }
        }
        let notes = found.notes().join(" ");
        assert!(notes.contains("1 of the test images") && notes.contains("train/waves"), "{notes}");
        assert_eq!(found.tables()[0].rows.len(), 8);
        Ok(())
    }

    #[test]
    fn folders_without_classes_are_errors() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        stripes(folder.path())?;
        let models = [EvaluatedModel::steerable_pyramid()];
        let error =
            || probe(&models, folder.path(), 128, &mut ()).expect_err("an error").to_string();
        fs::rename(folder.path().join("train/rows"), folder.path().join("train/lines"))?;
        assert!(error().contains("\"rows\""), "{}", error());
        fs::remove_dir_all(folder.path().join("test/rows"))?;
        fs::remove_dir_all(folder.path().join("train/lines"))?;
        assert!(error().contains("two classes"), "{}", error());
        fs::remove_dir_all(folder.path().join("train"))?;
        assert!(error().contains("train"), "{}", error());
        Ok(())
    }

    /// Correct, images, and the ends of the interval.
    const WILSON: [(usize, usize, [f64; 2]); 4] = [
        (0, 10, [0.0, 0.277_532_799_863]),
        (10, 10, [0.722_467_200_137, 1.0]),
        (187, 372, [0.452_112_048_825, 0.553_209_343_887]),
        (1, 3, [0.061_491_944_72, 0.792_340_399_198]),
    ];
}
