//! What quantising the best checkpoint costs.

use lcl_artefacts::compare::StageAgreement;

/// How far a blob's features are from the float ones, on held-out images.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisationError {
    /// Stage 1 and stage 2.
    pub stages: [StageAgreement; 2],
    /// Bytes of the blob.
    pub blob_len: usize,
    /// Images that were compared, most.
    pub images: usize,
    /// Which they were, such as "64 held-out photographs".
    pub on: String,
    /// Their side, in pixels.
    pub size: u32,
}
