//! From the answers of a model to the 16 categories of the toolbox.

use lcl_artefacts::score_model::probabilities;

use super::largest;

/// The 16 categories, and the classes of ImageNet-1k that each stands for, counted
/// from 0 in the order of their `WordNet` ids.
///
/// Geirhos et al., 2018, "Generalisation in humans and deep neural networks",
/// arXiv 1808.08750, and 2021, "Partial success in closing the gap between human
/// and machine vision", arXiv 2106.07411; the list is that of the toolbox
/// bethgelab/model-vs-human, `helper/human_categories.py`.
pub const CATEGORIES: [(&str, &[(u16, u16)]); 16] = [
    ("airplane", &[(404, 404)]),
    ("bear", &[(294, 297)]),
    ("bicycle", &[(444, 444), (671, 671)]),
    (
        "bird",
        &[
            (8, 8),
            (10, 16),
            (18, 20),
            (22, 24),
            (80, 83),
            (87, 96),
            (98, 100),
            (127, 133),
            (135, 145),
        ],
    ),
    ("boat", &[(472, 472), (554, 554), (625, 625), (814, 814), (914, 914)]),
    ("bottle", &[(440, 440), (720, 720), (737, 737), (898, 899), (901, 901), (907, 907)]),
    ("car", &[(436, 436), (511, 511), (817, 817)]),
    ("cat", &[(281, 286)]),
    ("chair", &[(423, 423), (559, 559), (765, 765), (857, 857)]),
    ("clock", &[(409, 409), (530, 530), (892, 892)]),
    (
        "dog",
        &[
            (152, 191),
            (193, 203),
            (205, 226),
            (228, 241),
            (243, 250),
            (252, 257),
            (259, 259),
            (261, 263),
            (265, 268),
        ],
    ),
    ("elephant", &[(385, 386)]),
    ("keyboard", &[(508, 508), (878, 878)]),
    ("knife", &[(499, 499)]),
    ("oven", &[(766, 766)]),
    (
        "truck",
        &[
            (555, 555),
            (569, 569),
            (656, 656),
            (675, 675),
            (717, 717),
            (734, 734),
            (864, 864),
            (867, 867),
        ],
    ),
];

/// Classes of ImageNet-1k.
const IMAGENET: usize = 1000;

/// Answers cannot be made decisions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CategoryError {
    /// There are 1,000 classes that are not those of ImageNet.
    #[error(
        "the model has 1000 classes and {class:?}, number {place}, is no WordNet id, `n` and eight \
         digits in ascending order; the 16 categories are those of ImageNet"
    )]
    NotImagenet {
        /// The first class that is not.
        class: String,
        /// Its place.
        place: usize,
    },
    /// The model knows none of the categories of the images.
    #[error(
        "the images are of the category {category:?}, which the model cannot answer; it needs \
         the 1000 classes of ImageNet, or classes that are called as the categories"
    )]
    Unknown {
        /// The category.
        category: String,
    },
}

/// Decides for one answer by the scores of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Decider {
    answers: Vec<String>,
    /// For each answer its classes.
    classes: Vec<Vec<usize>>,
}

impl Decider {
    /// Creates what decides for a model of those classes: among the 16 categories
    /// for those of ImageNet, otherwise among the classes themselves.
    ///
    /// # Errors
    ///
    /// When there are 1,000 that are not ImageNet's.
    pub fn new(classes: &[String]) -> Result<Self, CategoryError> {
        if classes.len() != IMAGENET {
            let own = (0..classes.len()).map(|class| vec![class]).collect();
            return Ok(Self { answers: classes.to_vec(), classes: own });
        }
        let is_id = |class: &str| {
            class.len() == 9
                && class.starts_with('n')
                && class[1..].bytes().all(|byte| byte.is_ascii_digit())
        };
        for (place, class) in classes.iter().enumerate() {
            let follows = place == 0 || classes[place - 1] < *class;
            if !is_id(class) || !follows {
                return Err(CategoryError::NotImagenet { class: class.clone(), place });
            }
        }
        let of = |ranges: &[(u16, u16)]| {
            ranges.iter().flat_map(|&(from, to)| usize::from(from)..=usize::from(to)).collect()
        };
        Ok(Self {
            answers: CATEGORIES.iter().map(|(name, _)| (*name).to_owned()).collect(),
            classes: CATEGORIES.iter().map(|(_, ranges)| of(ranges)).collect(),
        })
    }

    /// Returns what can be answered.
    #[must_use]
    pub fn answers(&self) -> &[String] {
        &self.answers
    }

    /// Returns the answer with the largest mean of the probabilities of its
    /// classes, as the toolbox does it; of equal ones the first.
    #[must_use]
    pub fn decide(&self, scores: &[f32]) -> &str {
        let shares = probabilities(scores);
        let mean = |classes: &Vec<usize>| {
            classes.iter().map(|&class| shares[class]).sum::<f64>() / classes.len().max(1) as f64
        };
        &self.answers[largest(self.classes.iter().map(mean))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imagenet() -> Vec<String> {
        (0..1000).map(|class| format!("n{:08}", 1_000_000 + class)).collect()
    }

    #[test]
    fn categories_have_as_many_classes_as_the_published_list() {
        let decider = Decider::new(&imagenet()).expect("ImageNet");
        let counts: Vec<usize> = decider.classes.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 4, 2, 49, 5, 7, 3, 6, 4, 3, 109, 2, 2, 1, 1, 8]);
        let all: Vec<usize> = decider.classes.concat();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (207, 207));
    }

    #[test]
    fn the_mean_of_probabilities_decides_not_the_sum_nor_the_logits() {
        let decider = Decider::new(&imagenet()).expect("ImageNet");
        let mut scores = vec![-20.0; 1000];
        // All dogs together outweigh the one knife; its mean does not.
        scores[152..=268].fill(0.0);
        scores[499] = 1.0;
        assert_eq!(decider.decide(&scores), "knife");
        // The mean logit of the elephants is below that of the oven.
        let mut scores = vec![-20.0; 1000];
        (scores[385], scores[386], scores[766]) = (6.0, -20.0, 5.0);
        assert_eq!(decider.decide(&scores), "elephant");
    }

    #[test]
    fn other_classes_answer_for_themselves_and_shuffled_ones_are_refused() {
        let own = Decider::new(&["hat".to_owned(), "bag".to_owned()]).expect("two classes");
        assert_eq!(own.decide(&[0.5, 0.7]), "bag");
        let mut classes = imagenet();
        classes.swap(3, 4);
        let error = Decider::new(&classes).expect_err("shuffled").to_string();
        assert!(error.contains("number 4"), "{error}");
    }
}
