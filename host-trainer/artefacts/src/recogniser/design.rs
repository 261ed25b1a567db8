//! The networks that name what is on an image, as lists of layers.

use std::{fmt, str::FromStr};

use lcl_infer::{PoolOrder, shape::Border};
use serde::{Deserialize, Serialize};

/// A network by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DesignName {
    /// LCL-V2 as a fixed front-end and the stages of \[LCL\] table A.3.
    LclV2net,
    /// The same, narrower: 128 channels and one hidden layer of 256 units, for
    /// chips.
    LclV2netSmall,
    /// `AlexNet` as torchvision has it, without batch norm.
    Alexnet,
    /// `AlexNet` with a batch norm behind each layer but the last.
    AlexnetBn,
}

impl DesignName {
    /// Every network.
    pub const ALL: [Self; 4] =
        [Self::LclV2net, Self::LclV2netSmall, Self::Alexnet, Self::AlexnetBn];

    /// Returns the name, as a configuration and a checkpoint have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LclV2net => "lcl-v2net",
            Self::LclV2netSmall => "lcl-v2net-small",
            Self::Alexnet => "alexnet",
            Self::AlexnetBn => "alexnet-bn",
        }
    }

    /// Returns the network with so many answers.
    #[must_use]
    pub fn design(self, pool: PoolOrder, classes: usize) -> Design {
        let mut list = List::default();
        match self {
            Self::LclV2net => {
                list.front_end(pool);
                list.downstream([384, 256, 256]);
                list.dropout().linear(4096, true).dropout().linear(4096, true);
            }
            Self::LclV2netSmall => {
                list.front_end(pool);
                list.downstream([128, 128, 128]);
                list.dropout().linear(256, true);
            }
            Self::Alexnet => list.alexnet(false),
            Self::AlexnetBn => list.alexnet(true),
        }
        list.last(classes);
        Design { name: self, pool, frozen: list.frozen, layers: list.layers }
    }
}

impl fmt::Display for DesignName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no network {0:?}; known are lcl-v2net, lcl-v2net-small, alexnet, alexnet-bn")]
pub struct UnknownDesign(String);

impl FromStr for DesignName {
    type Err = UnknownDesign;

    fn from_str(text: &str) -> Result<Self, UnknownDesign> {
        let known = Self::ALL.into_iter().find(|design| design.name() == text);
        known.ok_or_else(|| UnknownDesign(text.to_owned()))
    }
}

/// A network that names what is on an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// Its name.
    pub name: DesignName,
    /// The order of pooling in LCL-V2's stages, if it has them.
    pub pool: PoolOrder,
    /// Layers from the image on that no training changes: the front-end.
    pub frozen: usize,
    /// The layers, from the image on.
    pub layers: Vec<DesignLayer>,
}

/// One layer of a [`Design`].
#[derive(Clone, Debug, PartialEq)]
pub struct DesignLayer {
    /// What its tensors are named by, such as `layer3.conv`; empty without any.
    pub name: String,
    /// What it does.
    pub kind: DesignKind,
}

/// What a layer of a [`Design`] does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DesignKind {
    /// A convolution, its batch norm if it has one, and a ReLU.
    Conv(DesignConv),
    /// LCL-V2's pool: window 3, stride 2, padding 1.
    Pool(PoolOrder),
    /// The maximum over a window, without padding.
    MaxPool {
        /// Side of the window.
        side: usize,
        /// Its stride.
        stride: usize,
    },
    /// The mean over `side × side` parts of the map, whatever its size; 1 is the
    /// mean over the map.
    Average {
        /// Side of the output.
        side: usize,
    },
    /// Each value is 0 with probability ½ while training.
    Dropout,
    /// A linear layer over all values of a map, in the order `[C, H, W]`.
    Linear(DesignLinear),
}

/// The geometry of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesignConv {
    /// Channels of its input.
    pub in_c: usize,
    /// Channels of its output.
    pub out_c: usize,
    /// Side of its kernel.
    pub kernel: usize,
    /// Its stride.
    pub stride: usize,
    /// Pixels around its input.
    pub padding: usize,
    /// What these pixels are.
    pub border: Border,
    /// Whether a batch norm follows.
    pub norm: bool,
}

/// The geometry of a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesignLinear {
    /// Values of its input.
    pub inputs: usize,
    /// Values of its output.
    pub outputs: usize,
    /// Whether a batch norm follows.
    pub norm: bool,
    /// Whether a ReLU follows: behind every one but the last.
    pub relu: bool,
}

impl Design {
    /// Returns the classes that it tells apart.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self.layers.last().map(|layer| layer.kind) {
            Some(DesignKind::Linear(linear)) => linear.outputs,
            _ => 0,
        }
    }

    /// Returns the side of the map behind each layer for images of `side` pixels,
    /// 1 behind a linear one, or `None` if they are too small.
    #[must_use]
    pub fn map_sides(&self, side: usize) -> Option<Vec<usize>> {
        let mut map = side;
        let sides = self.layers.iter().map(|layer| {
            map = match layer.kind {
                DesignKind::Conv(DesignConv { kernel, stride, padding, border, .. }) => {
                    if border == Border::Reflect && map <= padding {
                        return None;
                    }
                    (map + 2 * padding).checked_sub(kernel)? / stride + 1
                }
                DesignKind::Pool(_) => map.div_ceil(2),
                DesignKind::MaxPool { side, stride } => map.checked_sub(side)? / stride + 1,
                DesignKind::Average { side } => side,
                DesignKind::Dropout => map,
                DesignKind::Linear(_) => 1,
            };
            Some(map)
        });
        sides.collect()
    }

    /// Returns the side of the smallest images that it takes.
    #[must_use]
    pub fn least_side(&self) -> usize {
        (1..=MOST_SIDE).find(|&side| self.map_sides(side).is_some()).unwrap_or(MOST_SIDE)
    }

    /// Returns the name and shape of each tensor, in the order of the layers.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.layers.iter().flat_map(DesignLayer::tensors).collect()
    }
}

impl DesignLayer {
    /// Returns the names of its weight and bias, as a prefix, and of its batch
    /// norm.
    #[must_use]
    pub fn prefixes(&self) -> [String; 2] {
        let stem = self.name.split('.').next().unwrap_or_default();
        [self.name.clone(), format!("{stem}.bn")]
    }

    /// Returns the name and shape of each of its tensors.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (weight, outputs, norm) = match self.kind {
            DesignKind::Conv(conv) => {
                (vec![conv.out_c, conv.in_c, conv.kernel, conv.kernel], conv.out_c, conv.norm)
            }
            DesignKind::Linear(linear) => {
                (vec![linear.outputs, linear.inputs], linear.outputs, linear.norm)
            }
            _ => return Vec::new(),
        };
        let [affine, batch_norm] = self.prefixes();
        let mut tensors =
            vec![(format!("{affine}.weight"), weight), (format!("{affine}.bias"), vec![outputs])];
        if norm {
            let parts = ["weight", "bias", "running_mean", "running_var"];
            tensors.extend(parts.map(|part| (format!("{batch_norm}.{part}"), vec![outputs])));
        }
        tensors
    }
}

/// A side that every design takes.
const MOST_SIDE: usize = 224;

/// A design in the making.
#[derive(Default)]
struct List {
    layers: Vec<DesignLayer>,
    frozen: usize,
    /// Layers with weights so far.
    numbered: usize,
    /// Values that a linear layer would take.
    values: usize,
}

impl List {
    fn push(&mut self, name: String, kind: DesignKind) -> &mut Self {
        self.layers.push(DesignLayer { name, kind });
        self
    }

    fn conv(&mut self, conv: DesignConv) -> &mut Self {
        self.numbered += 1;
        self.values = conv.out_c;
        self.push(format!("layer{}.conv", self.numbered), DesignKind::Conv(conv))
    }

    /// A 3×3 convolution with zero padding.
    fn conv3(&mut self, in_c: usize, out_c: usize, norm: bool) -> &mut Self {
        let border = Border::Zero;
        self.conv(DesignConv { in_c, out_c, kernel: 3, stride: 1, padding: 1, border, norm })
    }

    fn max_pool(&mut self) -> &mut Self {
        self.push(String::new(), DesignKind::MaxPool { side: 3, stride: 2 })
    }

    fn average(&mut self, side: usize) -> &mut Self {
        self.values *= side * side;
        self.push(String::new(), DesignKind::Average { side })
    }

    fn dropout(&mut self) -> &mut Self {
        self.push(String::new(), DesignKind::Dropout)
    }

    fn linear(&mut self, outputs: usize, norm: bool) -> &mut Self {
        self.dense(outputs, norm, true)
    }

    fn dense(&mut self, outputs: usize, norm: bool, relu: bool) -> &mut Self {
        self.numbered += 1;
        let inputs = std::mem::replace(&mut self.values, outputs);
        let linear = DesignLinear { inputs, outputs, norm, relu };
        self.push(format!("layer{}.linear", self.numbered), DesignKind::Linear(linear))
    }

    fn last(&mut self, classes: usize) {
        self.dense(classes, false, false);
    }

    /// LCL-V2 itself.
    fn front_end(&mut self, pool: PoolOrder) {
        let border = Border::Reflect;
        for (in_c, out_c, kernel, stride, padding) in [(3, 64, 11, 4, 5), (64, 192, 5, 1, 2)] {
            self.conv(DesignConv { in_c, out_c, kernel, stride, padding, border, norm: true });
            self.push(String::new(), DesignKind::Pool(pool));
        }
        self.frozen = self.layers.len();
    }

    /// The three convolutions of table A.3, with their pools.
    fn downstream(&mut self, [c3, c4, c5]: [usize; 3]) {
        self.conv3(192, c3, true).conv3(c3, c4, true).conv3(c4, c5, true).max_pool().average(1);
    }

    fn alexnet(&mut self, norm: bool) {
        let border = Border::Zero;
        self.conv(DesignConv {
            in_c: 3,
            out_c: 64,
            kernel: 11,
            stride: 4,
            padding: 2,
            border,
            norm,
        });
        self.max_pool();
        self.conv(DesignConv {
            in_c: 64,
            out_c: 192,
            kernel: 5,
            stride: 1,
            padding: 2,
            border,
            norm,
        });
        self.max_pool();
        self.conv3(192, 384, norm).conv3(384, 256, norm).conv3(256, 256, norm);
        self.max_pool().average(6);
        self.dropout().linear(4096, norm).dropout().linear(4096, norm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(name: DesignName, classes: usize) -> usize {
        let design = name.design(PoolOrder::default(), classes);
        let trained = |(name, _): &(String, Vec<usize>)| !name.contains("running");
        let tensors = design.tensors();
        tensors
            .iter()
            .filter(|tensor| trained(tensor))
            .map(|(_, s)| s.iter().product::<usize>())
            .sum()
    }

    #[test]
    fn parameters_are_as_many_as_the_papers_tables_give() {
        // torchvision's AlexNet of 1,000 classes.
        assert_eq!(parameters(DesignName::Alexnet, 1000), 61_100_840);
        // By hand, from table A.3: weights and biases, and two for each channel
        // of a batch norm.
        let conv = |i: usize, o: usize, k: usize| i * o * k * k + 3 * o;
        let linear = |i: usize, o: usize| i * o + 3 * o;
        let front_end = conv(3, 64, 11) + conv(64, 192, 5);
        let expected = front_end
            + conv(192, 384, 3)
            + conv(384, 256, 3)
            + conv(256, 256, 3)
            + linear(256, 4096)
            + linear(4096, 4096)
            + 4096 * 1000
            + 1000;
        assert_eq!(parameters(DesignName::LclV2net, 1000), expected);
        assert!(parameters(DesignName::LclV2netSmall, 10) < 900_000);
    }

    #[test]
    fn maps_are_as_large_as_torchvision_makes_them() {
        let sides = |name: DesignName, side| name.design(PoolOrder::default(), 10).map_sides(side);
        let alexnet = sides(DesignName::Alexnet, 224).expect("fits");
        assert_eq!(alexnet[..8], [55, 27, 27, 13, 13, 13, 13, 6]);
        let small = sides(DesignName::LclV2netSmall, 96).expect("fits");
        assert_eq!(small[..9], [24, 12, 12, 6, 6, 6, 6, 2, 1]);
        assert_eq!(sides(DesignName::LclV2net, 224).expect("fits")[3..8], [14, 14, 14, 14, 6]);
        assert_eq!(sides(DesignName::Alexnet, 62), None);
        let least = DesignName::Alexnet.design(PoolOrder::default(), 10).least_side();
        assert_eq!(least, 63);
    }

    #[test]
    fn the_front_end_has_the_names_of_a_checkpoint_of_lcl_v2() {
        let design = DesignName::LclV2netSmall.design(PoolOrder::default(), 10);
        let names: Vec<String> = design.tensors().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[..3], ["layer1.conv.weight", "layer1.conv.bias", "layer1.bn.weight"]);
        assert_eq!((design.frozen, design.classes()), (4, 10));
        for name in DesignName::ALL {
            assert_eq!(name.name().parse(), Ok(name));
        }
    }
}
