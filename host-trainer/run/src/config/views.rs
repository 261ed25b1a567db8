//! How the two views of an image are made.

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

use lcl_images::{CENTRE_SIDE, Interpolation};

/// The two views of an image (\[LCL\] A.2); A is the noisy one.
///
/// They are made in the order of the fields, after the crop. What LCL-V2 itself
/// is not trained with is off by default: flips, saturation, hue, blur and
/// solarisation, which are those of the original Barlow Twins code
/// (Zbontar et al., 2021, appendix A, arXiv 2103.03230).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ViewsConfig {
    /// Probability that left and right change places.
    pub flip_probability: f32,
    /// Exposure changes by at most so many stops either way, before everything
    /// else: light by a factor of 2 to the power of a value in ± this, drawn for
    /// each view, and cut off at white. 0 changes nothing.
    pub exposure_stops: f32,
    /// Probability that brightness, contrast, saturation and hue change.
    pub jitter_probability: f32,
    /// Brightness changes by a factor in 1 ± this.
    pub brightness: f32,
    /// Contrast changes by a factor in 1 ± this.
    pub contrast: f32,
    /// Saturation changes by a factor in 1 ± this.
    pub saturation: f32,
    /// Hue changes by at most this share of the colour circle, at most 0.5.
    pub hue: f32,
    /// The order of these four: `fixed`, as they stand here, or `random`.
    pub jitter_order: JitterOrder,
    /// Probability that colour is dropped.
    pub grey_probability: f32,
    /// Probability of blur in views A and B.
    pub blur_probability: [f32; 2],
    /// Least and largest standard deviation of the blur, in pixels of the view.
    pub blur_sigma: [f32; 2],
    /// Probability of solarisation in views A and B.
    pub solarise_probability: [f32; 2],
    /// Values from here on are inverted by solarisation; white is 255.
    pub solarise_threshold: u8,
    /// Probability of noise in views A and B.
    pub noise_probability: [f32; 2],
    /// Least and largest standard deviation of the noise, on values in
    /// `[0, 1]`.
    pub noise_std: [f32; 2],
    /// Side of the centre of an image, whose shorter side is 224, that views are
    /// cropped from; even, at most 224. LCL-V2 needs 112.
    pub kept_side: u32,
    /// Where in this centre the stages' patches lie: `centre`, or `anywhere`.
    pub patches: Patches,
    /// How crops are resized: `bilinear` or `bicubic`.
    pub interpolation: Interpolation,
    /// The crops of stage 1 and stage 2.
    pub stages: [StageViewConfig; 2],
}

impl Default for ViewsConfig {
    fn default() -> Self {
        let stage = |centre, size, area| StageViewConfig {
            centre,
            size,
            area,
            aspect: [0.9, 1.1],
            crops: Crops::Overlapping,
        };
        Self {
            flip_probability: 0.0,
            exposure_stops: 0.0,
            jitter_probability: 0.8,
            brightness: 0.2,
            contrast: 0.2,
            saturation: 0.0,
            hue: 0.0,
            jitter_order: JitterOrder::Fixed,
            grey_probability: 0.2,
            blur_probability: [0.0, 0.0],
            blur_sigma: [0.1, 2.0],
            solarise_probability: [0.0, 0.0],
            solarise_threshold: 128,
            noise_probability: [1.0, 0.0],
            noise_std: [0.04, 0.1],
            kept_side: CENTRE_SIDE,
            patches: Patches::Centre,
            interpolation: Interpolation::Bilinear,
            stages: [stage(56, 48, [0.6, 0.9]), stage(112, 96, [0.3, 0.9])],
        }
    }
}

/// The order in which brightness, contrast, saturation and hue change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JitterOrder {
    /// In this order.
    #[default]
    Fixed,
    /// Another one for each view, as torchvision has it.
    Random,
}

impl ViewsConfig {
    /// Returns the side of the square in which the patches of all stages and
    /// views lie: the kept centre, or with patches from anywhere the least one.
    #[must_use]
    pub fn window(&self) -> u32 {
        match self.patches {
            Patches::Centre => self.kept_side,
            Patches::Anywhere => self.least_window(),
        }
    }

    /// Returns the side of the least square that has room for all patches.
    pub(super) fn least_window(&self) -> u32 {
        let room = |stage: &StageViewConfig| match stage.crops {
            Crops::Overlapping => stage.centre,
            Crops::Disjoint => 2 * stage.centre,
        };
        self.stages.iter().map(room).max().unwrap_or_default()
    }
}

/// Where in the kept centre of an image the patches of its stages lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Patches {
    /// In its middle, as \[LCL\] A.2 has it.
    #[default]
    Centre,
    /// At a place that is drawn anew whenever the image is shown, and is one for
    /// both stages and both views: not \[LCL\]'s, and more to learn from where
    /// images are few.
    Anywhere,
}

/// The crop of one stage's views.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(deny_unknown_fields)]
pub struct StageViewConfig {
    /// Side of the patch that is cropped from, in pixels of an image whose
    /// shorter side is 224; even, at most `kept_side`.
    pub centre: u32,
    /// Side of the view, in pixels: the patch size of \[LCL\] Figure 7.
    pub size: u32,
    /// Least and largest area of the crop, as a fraction of the patch's. The
    /// least one is the strength of the deformation in \[LCL\] Figure 7: 0.6,
    /// 0.3 and 0.08 are strengths 1, 2 and 3.
    pub area: [f32; 2],
    /// Least and largest aspect of the crop, width over height.
    pub aspect: [f32; 2],
    /// Where the patches of views A and B lie: `overlapping` or `disjoint`.
    #[serde(default)]
    pub crops: Crops,
}

/// Where the patches lie that views A and B are cropped from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crops {
    /// Both are the middle of what is looked at.
    #[default]
    Overlapping,
    /// Each is a patch of its own in what training keeps of an image, side by
    /// side or one above the other, without a pixel in common.
    Disjoint,
}
