//! Architectures: the input and a chain of layers, with their names and taps.
//!
//! Checkpoints, float networks, quantisers, headers and the length of memory
//! all read the same list.

use crate::input::InputFormat;
use crate::kernels::toom_scratch_len;
use crate::layers::LayerKind;
use crate::memory::{ALIGNMENT, aligned};
use crate::name::{Name, V1, V2};
use crate::shape::{ConvGeometry, MAX_IMAGE_SIDE, PoolOrder};
use crate::toom::{TRANSFORMS, ToomGeometry};

/// Most layers of a chain.
pub const MAX_LAYERS: usize = 12;

/// One layer of an [`Architecture`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Layer {
    /// What the layer is called.
    pub name: Name,
    /// The name under which its rows are handed out, if they are.
    pub tap: Option<Name>,
    /// What it does.
    pub kind: LayerKind,
}

/// The format of images and a chain of layers that fit each other.
///
/// # Examples
///
/// ```
/// use lcl_infer::{LCL_V2, V1};
/// let names: Vec<_> = LCL_V2.layers().iter().map(|layer| layer.name.to_string()).collect();
/// assert_eq!(names, ["conv1", "pool1", "conv2", "pool2"]);
/// assert_eq!(LCL_V2.up_to(V1).map(|v1| v1.layers().len()), Some(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    input: InputFormat,
    layers: [Layer; MAX_LAYERS],
    len: usize,
}

/// Stands behind the last layer.
const NO_LAYER: Layer =
    Layer { name: Name::constant("-"), tap: None, kind: LayerKind::Pool(PoolOrder::Max) };

impl Architecture {
    /// Creates an architecture, or returns `None` unless there are 1 to
    /// [`MAX_LAYERS`] layers, each takes as many channels as it gets, and the
    /// last has a tap.
    #[must_use]
    pub const fn new(input: InputFormat, layers: &[Layer]) -> Option<Self> {
        if layers.is_empty() || layers.len() > MAX_LAYERS {
            return None;
        }
        let mut all = [NO_LAYER; MAX_LAYERS];
        let mut channels = input.channels();
        let mut index = 0;
        while index < layers.len() && index < MAX_LAYERS {
            let layer = layers[index];
            if let Some(in_c) = layer.kind.in_c() {
                if in_c != channels {
                    return None;
                }
            }
            channels = layer.kind.out_c(channels);
            all[index] = layer;
            index += 1;
        }
        if all[layers.len() - 1].tap.is_none() {
            return None;
        }
        Some(Self { input, layers: all, len: layers.len() })
    }

    /// Returns the published model, LCL-V2, with that order of pooling; for
    /// grey images with its first convolution folded to one channel.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the layers are constants that fit each other")]
    pub const fn lcl_v2(input: InputFormat, pool: PoolOrder) -> Self {
        let (Some(conv1), Some(conv2)) = (
            ConvGeometry::new(input.channels(), 64, 11, 4, 5),
            ConvGeometry::new(64, 192, 5, 1, 2),
        ) else {
            panic!("the engine runs the published model");
        };
        let layers = [
            Layer { name: CONV1, tap: None, kind: LayerKind::Conv(conv1) },
            Layer { name: POOL1, tap: Some(V1), kind: LayerKind::Pool(pool) },
            Layer { name: CONV2, tap: None, kind: LayerKind::Conv(conv2) },
            Layer { name: POOL2, tap: Some(V2), kind: LayerKind::Pool(pool) },
        ];
        match Self::new(input, &layers) {
            Some(architecture) => architecture,
            None => panic!("its layers fit each other"),
        }
    }

    /// Returns the format of the images.
    #[must_use]
    pub const fn input(&self) -> InputFormat {
        self.input
    }

    /// Returns the layers, from the image on.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        self.layers.get(..self.len).unwrap_or_default()
    }

    /// Returns the architecture that ends with the layer of that tap, or `None`
    /// if no layer has it.
    #[must_use]
    pub const fn up_to(&self, tap: Name) -> Option<Self> {
        let mut index = 0;
        while index < self.len && index < MAX_LAYERS {
            let layer = &self.layers[index];
            index += 1;
            if let Some(name) = layer.tap {
                if name.is(tap) {
                    let mut upto = Self { len: index, ..*self };
                    while index < MAX_LAYERS {
                        upto.layers[index] = NO_LAYER;
                        index += 1;
                    }
                    return Some(upto);
                }
            }
        }
        None
    }

    /// Iterates over the convolutions, from the image on.
    pub fn convolutions(&self) -> impl Iterator<Item = ConvGeometry> + '_ {
        self.layers().iter().filter_map(|layer| match layer.kind {
            LayerKind::Conv(conv) => Some(conv),
            _ => None,
        })
    }

    /// Returns the smallest width and height of an image of which the last
    /// layer has a pixel.
    #[must_use]
    pub const fn min_image_side(&self) -> usize {
        let mut side = 1;
        let mut index = self.len;
        while index > 0 && index <= MAX_LAYERS {
            index -= 1;
            side = self.layers[index].kind.in_side(side);
        }
        side
    }

    /// Returns the side of a tap's map and its channels for an image of `side`
    /// pixels, or `None` if no layer has that tap.
    #[must_use]
    pub const fn map_of(&self, tap: Name, side: usize) -> Option<(usize, usize)> {
        let Some(chain) = self.up_to(tap) else {
            return None;
        };
        let plan = chain.plan(side);
        Some((plan.width, plan.channels))
    }

    const fn plan(&self, width: usize) -> Plan {
        let mut plan = Plan::new(self.input, width);
        let mut index = 0;
        while index < self.len && index < MAX_LAYERS {
            plan = plan.then(&self.layers[index].kind);
            index += 1;
        }
        plan
    }
}

/// LCL-V2 for colour images, in its default order of pooling.
pub const LCL_V2: Architecture = Architecture::lcl_v2(InputFormat::Rgb888, PoolOrder::MaxBlur);

/// LCL-V2 for grey images.
pub const LCL_V2_GRAY: Architecture = Architecture::lcl_v2(InputFormat::Gray8, PoolOrder::MaxBlur);

const CONV1: Name = Name::constant("conv1");
const POOL1: Name = Name::constant("pool1");
const CONV2: Name = Name::constant("conv2");
const POOL2: Name = Name::constant("pool2");

/// Returns the bytes that a [`Frontend`](crate::Frontend) needs to run an
/// architecture on images of `width` pixels, or `usize::MAX` for a width above
/// [`MAX_IMAGE_SIDE`], which no front-end takes.
///
/// Everything is counted: rings, partial results, the output row and the
/// scratch of the kernels. The height of the image, the order of pooling and
/// the format of the camera's pixels do not matter.
///
/// # Examples
///
/// ```
/// use lcl_infer::{LCL_V2, V1, memory_len};
/// const V1_ALONE: usize = memory_len(&LCL_V2.up_to(V1).unwrap(), 96);
/// static MEMORY: [u8; memory_len(&LCL_V2, 96)] = [0; memory_len(&LCL_V2, 96)];
/// assert!(V1_ALONE < MEMORY.len() && MEMORY.len() <= 32 * 1024);
/// ```
#[must_use]
pub const fn memory_len(architecture: &Architecture, width: usize) -> usize {
    architecture.plan(width).len()
}

/// Returns the bytes that a [`Frontend`](crate::Frontend) needs to run an
/// architecture on images of `width` pixels whose weights may be transformed
/// in any way, see [`toom`](crate::toom).
///
/// With one tile they are all that is needed. A transform takes as many tiles
/// of a row together as the memory has room for, up to
/// [`MAX_TILES`](crate::kernels::MAX_TILES): more are faster, the bytes
/// are the same.
///
/// # Examples
///
/// ```
/// use lcl_infer::{LCL_V2, fast_memory_len, memory_len};
/// let [least, faster] = [1, 3].map(|tiles| fast_memory_len(&LCL_V2, 96, tiles));
/// assert!(memory_len(&LCL_V2, 96) <= least && least < faster);
/// ```
#[must_use]
pub const fn fast_memory_len(architecture: &Architecture, width: usize, tiles: usize) -> usize {
    let mut plan = Plan::new(architecture.input, width);
    let mut index = 0;
    while index < architecture.len && index < MAX_LAYERS {
        let kind = &architecture.layers[index].kind;
        plan = plan.then(kind);
        if let LayerKind::Conv(conv) = kind {
            let mut at = 0;
            while at < TRANSFORMS.len() {
                plan = plan.with(ToomGeometry::new(*conv, TRANSFORMS[at]), tiles);
                at += 1;
            }
        }
        index += 1;
    }
    plan.len()
}

/// Tiles of a transform together for which there is always room.
pub(crate) const LEAST_TILES: usize = 1;

/// The lengths of a chain's memory, added up layer by layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Pixels of a row behind the layers so far; no image has more than
    /// [`MAX_IMAGE_SIDE`].
    pub(crate) width: usize,
    /// Channels behind the layers so far.
    pub(crate) channels: usize,
    fits: bool,
    layers: usize,
    scratch: usize,
}

impl Plan {
    pub(crate) const fn new(input: InputFormat, width: usize) -> Self {
        let fits = width <= MAX_IMAGE_SIDE;
        let width = if fits { width } else { 0 };
        Self { width, channels: input.channels(), fits, layers: 0, scratch: 0 }
    }

    #[must_use]
    pub(crate) const fn then(self, kind: &LayerKind) -> Self {
        let scratch = kind.scratch_len();
        Self {
            width: kind.out_side(self.width),
            channels: kind.out_c(self.channels),
            fits: self.fits,
            layers: self.layers.saturating_add(kind.memory_len(self.width, self.channels)),
            scratch: if scratch > self.scratch { scratch } else { self.scratch },
        }
    }

    /// Returns the bytes of the output row, which lies behind the layers.
    pub(crate) const fn row_len(&self) -> usize {
        self.width * self.channels
    }

    /// Makes room for a transform's scratch with so many tiles together: it lies
    /// behind the output row, and the layers use it in turn.
    #[must_use]
    pub(crate) const fn with(self, toom: Option<ToomGeometry>, tiles: usize) -> Self {
        let scratch = match toom {
            Some(geometry) => toom_scratch_len(&geometry, tiles),
            None => 0,
        };
        Self { scratch: if scratch > self.scratch { scratch } else { self.scratch }, ..self }
    }

    /// Returns all bytes, wherever they start.
    pub(crate) const fn len(&self) -> usize {
        if !self.fits {
            return usize::MAX;
        }
        (ALIGNMENT - 1)
            .saturating_add(self.layers)
            .saturating_add(aligned(self.row_len()))
            .saturating_add(aligned(self.scratch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_the_published_model() {
        for (side, v1, v2) in [(48, 6, 3), (96, 12, 6), (224, 28, 14), (17, 3, 2)] {
            assert_eq!(LCL_V2.map_of(V1, side), Some((v1, 64)), "{side}");
            assert_eq!(LCL_V2.map_of(V2, side), Some((v2, 192)), "{side}");
        }
        assert_eq!(LCL_V2.map_of(Name::constant("V4"), 96), None);
        assert_eq!((LCL_V2.min_image_side(), LCL_V2_GRAY.min_image_side()), (17, 17));
    }

    #[test]
    fn layers_that_do_not_fit_each_other_are_refused() {
        let [conv1, pool1, conv2, pool2] = *LCL_V2.layers() else { panic!("four layers") };
        let new = |layers: &[Layer]| Architecture::new(InputFormat::Rgb888, layers);
        assert_eq!(new(&[conv1, pool1, conv2, pool2]), Some(LCL_V2));
        assert_eq!(new(&[conv1, pool1]), LCL_V2.up_to(V1));
        // No layer, other channels, no tap at the end, too many.
        for layers in [&[][..], &[conv2, pool2], &[conv1], &[pool1; MAX_LAYERS + 1]] {
            assert_eq!(new(layers), None);
        }
        assert_eq!(Architecture::new(InputFormat::Gray8, &[conv1, pool1]), None);
    }

    #[test]
    fn memory_is_that_of_two_fused_stages() {
        for (width, colour, grey) in [
            (17, 11_951, 11_439),
            (48, 17_823, 16_783),
            (96, 29_583, 27_487),
            (97, 31_551, 29_279),
            (224, 60_943, 56_031),
        ] {
            // Kernels for other machines ask for other scratch.
            if cfg!(lcl_kernels = "x86-64") {
                assert_eq!(memory_len(&LCL_V2, width), colour, "{width}");
                assert_eq!(memory_len(&LCL_V2_GRAY, width), grey, "{width}");
            }
        }
        assert_eq!(memory_len(&LCL_V2, MAX_IMAGE_SIDE + 1), usize::MAX);
    }
}
