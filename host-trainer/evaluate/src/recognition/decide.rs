//! The decisions of a model, as the toolbox writes them.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{CategoryError, Decider, RecognitionError, for_each_score};
use lcl_artefacts::{
    atomic_file::{self, WriteError},
    score_model::ScoreModel,
};
use lcl_images::{Classes, ImageSet, Source};

/// Decisions cannot be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecideError {
    /// The images cannot be recognised.
    #[error(transparent)]
    Recognition(#[from] RecognitionError),
    /// The answers cannot be made decisions.
    #[error(transparent)]
    Category(#[from] CategoryError),
    /// The folder has no name that a data set could have.
    #[error("{} has no name for a data set; give a folder such as stimuli/edge", path.display())]
    NoName {
        /// The folder.
        path: PathBuf,
    },
    /// The table cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A table of decisions that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The file.
    pub path: PathBuf,
    /// Images that were decided on.
    pub images: usize,
    /// Of them, those whose answer is their category.
    pub correct: usize,
    /// Images that could not be used.
    pub skipped: usize,
}

/// Writes what a model decides on the images in `folder`, which has a folder for
/// each category, into `out` as `DATASET_SUBJECT_session-1.csv`: the table of the
/// toolbox, with the columns subj, session, trial, rt, `object_response`, category,
/// condition and imagename.
///
/// The data set is called as the folder. A condition is the fourth part of an
/// image's name where that is `NUMBER_EXPERIMENT_OBSERVER_CONDITION_CATEGORY_…`,
/// and `NaN` otherwise, as the toolbox has it.
///
/// # Errors
///
/// When the images cannot be read, the model cannot be run or cannot answer a
/// category, or the table cannot be written.
pub fn decide(
    model: &dyn ScoreModel,
    subject: &str,
    folder: &Path,
    out: &Path,
) -> Result<Decided, DecideError> {
    let decider = Decider::new(model.classes())?;
    let data_set = folder.file_name().and_then(|name| name.to_str());
    let data_set = data_set.ok_or_else(|| DecideError::NoName { path: folder.to_owned() })?;
    let sources = [Source::Path(folder.to_owned())];
    let set = ImageSet::open(&sources).map_err(RecognitionError::from)?;
    let set = Arc::new(set);
    let categories = Classes::named(&set, &sources).map_err(RecognitionError::from)?;
    let distinct: BTreeSet<&String> = categories.iter().collect();
    if let Some(unknown) = distinct.iter().find(|name| !decider.answers().contains(name)) {
        let category = (**unknown).clone();
        return Err(CategoryError::Unknown { category }.into());
    }
    let of_name: HashMap<String, &String> =
        (0..set.len()).map(|image| (set.name(image).into_owned(), &categories[image])).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut record = |fields: [&str; 8]| {
        // Into memory.
        let _ = writer.write_record(fields);
    };
    record([
        "subj",
        "session",
        "trial",
        "rt",
        "object_response",
        "category",
        "condition",
        "imagename",
    ]);
    let (mut images, mut correct) = (0, 0);
    let skipped = for_each_score(model, &set, |name, scores| {
        let Some(&category) = of_name.get(name) else { return };
        let answer = decider.decide(scores);
        let file = name.rsplit('/').next().unwrap_or(name);
        images += 1;
        correct += usize::from(answer == category);
        let (trial, condition) = (images.to_string(), condition(file, category));
        record([subject, "1", &trial, "NaN", answer, category, condition, file]);
    })?;
    let bytes = writer.into_inner().unwrap_or_default();
    let path = out.join(format!("{data_set}_{subject}_session-1.csv"));
    atomic_file::write(&path, &[&bytes])?;
    Ok(Decided { path, images, correct, skipped })
}

/// Returns the condition that the name of an image states.
fn condition<'n>(file: &'n str, category: &str) -> &'n str {
    let parts: Vec<&str> = file.split('_').collect();
    match parts[..] {
        [number, _, _, condition, of, _, ..]
            if of == category && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            condition
        }
        _ => "NaN",
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use lcl_artefacts::feature_model::FeatureError;

    use super::*;
    use crate::behaviour::Decisions;

    /// ImageNet's classes with made-up weights: the score of class `c` is
    /// `w_c · red`, which is largest for the oven, or the bears where red is low.
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
                let red = f32::from(image.get_pixel(0, 0)[0]) / 255.0;
                (0..1000)
                    .map(|class| match class {
                        766 => 8.0 * red,
                        294..=297 => 2.0,
                        _ => -4.0,
                    })
                    .collect()
            };
            Ok(images.iter().map(of).collect())
        }
    }

    #[test]
    fn decisions_are_a_table_that_behaviour_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let images = folder.path().join("edge");
        for (category, name, red) in [
            ("bear", "0001_edg_dnn_c10_bear_00_bear1.png", 0),
            ("oven", "oven1.png", 255),
            ("oven", "oven2.png", 0),
        ] {
            let class = images.join(category);
            std::fs::create_dir_all(&class).expect("a folder");
            let image = RgbImage::from_pixel(16, 16, image::Rgb([red, 0, 0]));
            image.save(class.join(name)).expect("saved");
        }
        let classes = (0..1000).map(|class| format!("n{class:08}")).collect();
        let model = Made(classes);
        let decided = decide(&model, "made-up", &images, folder.path()).expect("decided");
        assert_eq!((decided.images, decided.correct, decided.skipped), (3, 2, 0));
        assert!(decided.path.ends_with("edge_made-up_session-1.csv"));
        let text = std::fs::read_to_string(&decided.path).expect("a table");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "subj,session,trial,rt,object_response,category,condition,imagename");
        assert_eq!(lines[1], "made-up,1,1,NaN,bear,bear,c10,0001_edg_dnn_c10_bear_00_bear1.png");
        assert_eq!(
            lines[2..],
            ["made-up,1,2,NaN,oven,oven,NaN,oven1.png", "made-up,1,3,NaN,bear,oven,NaN,oven2.png"]
        );
        let read = Decisions::read(&[decided.path]).expect("read");
        assert!(read.data_sets["edge"].subjects.contains_key("made-up"));

        std::fs::create_dir(images.join("spoon")).expect("a folder");
        RgbImage::new(16, 16).save(images.join("spoon/1.png")).expect("saved");
        let error = decide(&model, "m", &images, folder.path()).expect_err("unknown").to_string();
        assert!(error.contains("\"spoon\""), "{error}");
    }
}
