//! How often a network is right.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;

use super::{RecognitionError, for_each_score, largest};
use crate::{Findings, Table, probe::wilson};
use lcl_artefacts::score_model::ScoreModel;
use lcl_images::{Classes, ImageSet, Source};

/// How often a network names images rightly.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccuracyFindings {
    /// The model.
    pub model: String,
    /// Side of the images in pixels.
    pub size: u32,
    /// Images that were used.
    pub images: usize,
    /// Images that could not be used.
    pub skipped: usize,
    /// Share of images whose class is the first answer.
    pub top1: f64,
    /// Wilson's 95 % interval of it.
    pub top1_interval: [f64; 2],
    /// Share of images whose class is among the first five answers.
    pub top5: f64,
    /// Wilson's 95 % interval of it.
    pub top5_interval: [f64; 2],
    /// Images whose first answer another model gives too, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_answers: Option<Agreement>,
    /// Each class that has images.
    pub classes: Vec<ClassAccuracy>,
}

/// How often two models answer alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The other model.
    pub against: String,
    /// Images with the same first answer.
    pub same: usize,
    /// Share of images whose first answer differs.
    pub changed: f64,
    /// Share of images that the other model names rightly.
    pub top1: f64,
}

/// How often the images of one class are named rightly.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassAccuracy {
    /// The class.
    pub class: String,
    /// Its images.
    pub images: usize,
    /// Of them, those whose first answer is the class.
    pub correct: usize,
    /// Share of them.
    pub top1: f64,
    /// Wilson's 95 % interval of it.
    pub interval: [f64; 2],
}

/// Counts how often a model names the images of `source` rightly, which lie in a
/// folder for each class.
///
/// `against` is another model whose first answers are compared, for instance the
/// float network of a blob.
///
/// The intervals are over the images: that others would be drawn; those of
/// another training are wider.
///
/// # Errors
///
/// When the images cannot be read, are in no class that the model knows, or the
/// model cannot be run.
pub fn accuracy(
    model: &dyn ScoreModel,
    name: &str,
    source: &Source,
    against: Option<(&dyn ScoreModel, &str)>,
) -> Result<AccuracyFindings, RecognitionError> {
    let sources = std::slice::from_ref(source);
    let set = Arc::new(ImageSet::open(sources)?);
    let classes = Classes::among(&set, sources, model.classes())?;
    let of_name: HashMap<String, usize> = (0..set.len())
        .map(|image| (set.name(image).into_owned(), classes.of_image[image]))
        .collect();
    let mut counts = vec![[0; 2]; classes.names.len()];
    let mut five = 0;
    let mut answers = HashMap::new();
    let skipped = for_each_score(model, &set, |name, scores| {
        let Some(&class) = of_name.get(name) else { return };
        answers.insert(name.to_owned(), first_answer(scores));
        let own = scores[class];
        // Of equal scores the first class counts.
        let before = scores.iter().enumerate();
        let rank = before.filter(|&(at, &s)| s > own || (s >= own && at < class)).count();
        counts[class][0] += 1;
        counts[class][1] += usize::from(rank == 0);
        five += usize::from(rank < 5);
    })?;
    let same_answers = against.map(|(other, against)| {
        let (mut same, mut right, mut images) = (0_usize, 0_usize, 0_usize);
        for_each_score(other, &set, |name, scores| {
            let (Some(answer), Some(class)) = (answers.get(name), of_name.get(name)) else {
                return;
            };
            images += 1;
            same += usize::from(*answer == first_answer(scores));
            right += usize::from(*class == first_answer(scores));
        })?;
        let share = |count: usize| count as f64 / images.max(1) as f64;
        Ok::<_, RecognitionError>(Agreement {
            against: against.to_owned(),
            same,
            changed: share(images - same),
            top1: share(right),
        })
    });
    let same_answers = same_answers.transpose()?;
    let images: usize = counts.iter().map(|count| count[0]).sum();
    let correct: usize = counts.iter().map(|count| count[1]).sum();
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let of_class = |(class, [images, correct]): (&String, [usize; 2])| ClassAccuracy {
        class: class.clone(),
        images,
        correct,
        top1: share(correct, images),
        interval: wilson(correct, images),
    };
    let named = classes.names.iter().zip(counts).filter(|(_, count)| count[0] > 0);
    Ok(AccuracyFindings {
        model: name.to_owned(),
        size: model.side(),
        images,
        skipped,
        top1: share(correct, images),
        top1_interval: wilson(correct, images),
        top5: share(five, images),
        top5_interval: wilson(five, images),
        same_answers,
        classes: named.map(of_class).collect(),
    })
}

fn first_answer(scores: &[f32]) -> usize {
    largest(scores.iter().copied().map(f64::from))
}

impl Findings for AccuracyFindings {
    fn title(&self) -> String {
        "Accuracy".to_owned()
    }

    fn tables(&self) -> Vec<Table> {
        let interval = |[low, high]: [f64; 2]| format!("{low:.3}–{high:.3}");
        let mut whole =
            Table::new("Accuracy", &["model", "images", "top-1", "95 %", "top-5", "95 %"]);
        whole.row([
            self.model.clone(),
            self.images.to_string(),
            format!("{:.3}", self.top1),
            interval(self.top1_interval),
            format!("{:.3}", self.top5),
            interval(self.top5_interval),
        ]);
        let mut classes = Table::new("By class", &["class", "images", "correct", "top-1", "95 %"]);
        for class in &self.classes {
            classes.row([
                class.class.clone(),
                class.images.to_string(),
                class.correct.to_string(),
                format!("{:.3}", class.top1),
                interval(class.interval),
            ]);
        }
        vec![whole, classes]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!(
            "Images of {0}x{0} pixels: the shorter side resized, the centre cropped. Intervals are \
             Wilson's, over images; they leave out how much another training would differ.",
            self.size
        )];
        if let Some(other) = &self.same_answers {
            notes.push(format!(
                "{} names {:.3} rightly; {} of {} images have the same first answer, {:.2} % another.",
                other.against,
                other.top1,
                other.same,
                self.images,
                100.0 * other.changed,
            ));
        }
        if self.skipped > 0 {
            notes.push(format!("{} images could not be used.", self.skipped));
        }
        notes
    }

    fn page(&self) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use lcl_artefacts::feature_model::FeatureError;

    use super::*;

    /// A score for each of six classes, by the red of the first pixel.
    #[derive(Debug)]
    struct Made(Vec<String>);

    impl ScoreModel for Made {
        fn classes(&self) -> &[String] {
            &self.0
        }

        fn side(&self) -> u32 {
            16
        }

        fn scores(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>, FeatureError> {
            let of = |image: &RgbImage| {
                let red = f32::from(image.get_pixel(0, 0)[0]) / 40.0;
                (0..6).map(|class| -(class as f32 - red).abs()).collect()
            };
            Ok(images.iter().map(of).collect())
        }
    }

    #[test]
    fn right_answers_are_counted_by_class_and_among_five() {
        let folder = tempfile::tempdir().expect("a folder");
        let save = |class: &str, name: &str, red: u8| {
            let class = folder.path().join(class);
            std::fs::create_dir_all(&class).expect("a folder");
            let image = RgbImage::from_pixel(16, 16, image::Rgb([red, 0, 0]));
            image.save(class.join(name)).expect("saved");
        };
        // Class a has the largest score at 0, b at 40, f at 200.
        save("a", "1.png", 0);
        save("a", "2.png", 42);
        save("f", "1.png", 0);
        let model = Made(["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec());
        let source = Source::Path(folder.path().to_owned());
        let found = accuracy(&model, "made", &source, Some((&model, "itself"))).expect("counted");
        assert_eq!((found.images, found.classes.len()), (3, 2));
        assert_eq!(found.same_answers.as_ref().map(|a| (a.same, a.changed)), Some((3, 0.0)));
        let counts: Vec<_> = found.classes.iter().map(|c| (c.images, c.correct)).collect();
        assert_eq!(counts, [(2, 1), (1, 0)]);
        assert!((found.top1 - 1.0 / 3.0).abs() < 1e-12 && (found.top5 - 2.0 / 3.0).abs() < 1e-12);
        save("g", "1.png", 0);
        let error = accuracy(&model, "made", &source, None).expect_err("no such class").to_string();
        assert!(error.contains("\"g\""), "{error}");
    }
}
