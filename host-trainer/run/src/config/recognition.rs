//! How a network that names images is trained.

use std::path::PathBuf;

use documented::DocumentedFields;
use lcl_artefacts::recogniser::DesignName;
use serde::{Deserialize, Serialize};

/// A network that names what is on an image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct RecognitionConfig {
    /// The network: `lcl-v2net`, `lcl-v2net-small`, `alexnet` or `alexnet-bn`;
    /// without one the run trains the layers of LCL-V2. Its images lie in one
    /// folder for each class, its loss is the cross-entropy, and its views are
    /// those of the first of `views.stages`, view B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<DesignName>,
    /// The checkpoint of LCL-V2 whose layers are the front-end of `lcl-v2net`
    /// and `lcl-v2net-small`. They stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub front_end: Option<PathBuf>,
}
