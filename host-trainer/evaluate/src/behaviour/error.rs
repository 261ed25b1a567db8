//! What can go wrong.

use std::{io, path::PathBuf};

/// Decisions cannot be read or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BehaviourError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {cause}; give tables of decisions, .csv or .csv.gz", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A folder holds no table.
    #[error("{} holds no .csv or .csv.gz", path.display())]
    NoTable {
        /// The folder.
        path: PathBuf,
    },
    /// A file is no table.
    #[error("{} is not a whole table: {cause}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A column is missing.
    #[error(
        "{} has no column {column}; decisions have the columns subj, object_response, category, \
         condition and imagename (or image_id)", path.display()
    )]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A row makes no sense.
    #[error("{} line {line}: {what}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong with it.
        what: RowFault,
    },
    /// A decision is there twice.
    #[error(
        "{data_set}: {subject} decides twice on {image} in condition {condition:?}; give every \
         table once"
    )]
    Twice {
        /// The data set.
        data_set: String,
        /// Who decides.
        subject: String,
        /// The condition.
        condition: String,
        /// The image.
        image: String,
    },
    /// An image has two categories.
    #[error(
        "{data_set}: {image} is a {first} for one decision maker and a {second} for another; the \
         tables are of different data sets"
    )]
    Category {
        /// The data set.
        data_set: String,
        /// The image.
        image: String,
        /// The one category.
        first: String,
        /// The other.
        second: String,
    },
    /// A data set has conditions, but a decision maker has none.
    #[error(
        "{data_set}: {subject} has decisions without a condition, and the data set has several"
    )]
    NoCondition {
        /// The data set.
        data_set: String,
        /// Who decides.
        subject: String,
    },
    /// There is nothing to evaluate.
    #[error("the tables hold no decision in a condition that counts")]
    Empty,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// Nobody decides.
    #[error("subj is empty")]
    Subject,
    /// There is no answer.
    #[error("object_response is empty; write na where there was no answer")]
    Response,
    /// The category is not known.
    #[error("category is empty")]
    Category,
    /// The image is not known.
    #[error("the image has no name")]
    Image,
    /// The data set is not known.
    #[error("dataset is empty")]
    DataSet,
}
