//! The blob that comes with the project is what its checkpoint gives.

use std::sync::Arc;

use lcl_artefacts::shipped;
use lcl_images::{ImageSet, Source, images_at_size};
use lcl_quantise::{FoldedNetwork, passes::calibrate, quantise};

/// Width and height of the calibration images: what `lcl quantise` takes by itself.
const SIDE: u32 = 96;

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation")]
fn the_shipped_blob_is_made_of_the_shipped_checkpoint() {
    let checkpoint = shipped::checkpoint().expect("a checkpoint");
    let network = FoldedNetwork::new(&checkpoint);
    let photographs: Source = "photographs".parse().expect("built in");
    let images = Arc::new(ImageSet::open(&[photographs]).expect("built in"));
    let again = || images_at_size(Arc::clone(&images), SIDE);
    let calibration = calibrate(&network, checkpoint.architecture(), again).expect("calibrated");
    let made = quantise(&checkpoint, &calibration).expect("integers").to_blob().expect("a blob");
    assert!(
        made.bytes() == shipped::blob().expect("a blob").bytes(),
        "run `cargo xtask quantise --checkpoint models/lcl-v2/checkpoint.safetensors \
         --calibration photographs --out models/lcl-v2/lcl-v2.lcl`"
    );
}
