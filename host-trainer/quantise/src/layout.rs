//! Which convolutions of a blob are transformed, for fewer products of the same
//! sums.

use lcl_infer::toom::{MAX_POINTS, Pair, TRANSFORMS, ToomGeometry, Transform};
use lcl_infer::{Architecture, ConvGeometry, LayerKind};

/// A transform for each convolution, or `None` for weights as they are.
pub type Transforms = Vec<Option<&'static Transform>>;

/// What a way of computing all convolutions so far takes.
#[derive(Clone, Debug)]
struct Way {
    transforms: Transforms,
    /// Bytes of the weights.
    bytes: usize,
    /// Instructions, as [`cost`] estimates them.
    cost: u64,
}

/// Returns the transforms with which an image of that width takes the fewest
/// instructions, of those whose weights have at most `most` bytes, or `None`
/// where even weights as they are have more.
#[must_use]
pub fn fastest(architecture: &Architecture, width: usize, most: usize) -> Option<Transforms> {
    let mut ways = vec![Way { transforms: Vec::new(), bytes: 0, cost: 0 }];
    let mut side = width;
    for layer in architecture.layers() {
        let out = layer.kind.out_side(side);
        side = out;
        let LayerKind::Conv(conv) = layer.kind else { continue };
        let takes = |it| ToomGeometry::new(conv, it).map(Some);
        let choices = [None].into_iter().chain(TRANSFORMS.into_iter().filter_map(takes));
        let choices: Vec<_> =
            choices.map(|toom| (toom, bytes(&conv, toom), cost(&conv, toom, out))).collect();
        let longer = ways.iter().flat_map(|way| {
            choices.iter().map(move |&(toom, bytes, cost)| {
                let transform = toom.map(|toom: ToomGeometry| toom.transform());
                let transforms = way.transforms.iter().copied().chain([transform]).collect();
                Way { transforms, bytes: way.bytes + bytes, cost: way.cost + cost }
            })
        });
        ways = pareto(longer.collect());
    }
    ways.into_iter().rfind(|way| way.bytes <= most).map(|way| way.transforms)
}

/// Returns the bytes of the weights of all convolutions, transformed so.
#[must_use]
pub fn weights_len(
    architecture: &Architecture,
    transforms: &[Option<&'static Transform>],
) -> usize {
    let convolutions = architecture.convolutions().zip(transforms);
    convolutions.map(|(conv, it)| bytes(&conv, it.and_then(|it| ToomGeometry::new(conv, it)))).sum()
}

/// Leaves the ways of which no other has as few bytes and instructions, the
/// shortest first.
fn pareto(mut ways: Vec<Way>) -> Vec<Way> {
    ways.sort_by_key(|way| (way.bytes, way.cost));
    let mut least = u64::MAX;
    ways.retain(|way| {
        let better = way.cost < least;
        least = least.min(way.cost);
        better
    });
    ways
}

fn bytes(conv: &ConvGeometry, toom: Option<ToomGeometry>) -> usize {
    toom.map_or(conv.packed_len(), |toom| toom.weights_len() * size_of::<Pair>())
}

/// Estimates a Cortex-M4's instructions for a map of `side` pixels a side, in
/// hundredths.
///
/// A product takes 0.86 of them with weights as they are and 0.65 through a
/// transform; the values of a tile take 14 at the eight points for which there
/// is assembly and about 250 at others, a sum 7 or 25: measured on LCL-V2.
fn cost(conv: &ConvGeometry, toom: Option<ToomGeometry>, side: usize) -> u64 {
    let [out, out_c, taps] = [side, conv.out_c(), conv.taps()].map(|number| number as u64);
    let Some(toom) = toom else {
        return 86 * out * out.next_multiple_of(4) * out_c * taps;
    };
    let has_assembly = toom.transform().points() == MAX_POINTS;
    let (value, sum) = if has_assembly { (1400, 700) } else { (25_000, 2500) };
    let [tiles, points, pairs] =
        [toom.tiles(side), toom.transform().points(), toom.pairs()].map(|number| number as u64);
    let values = value * 2 * pairs;
    let sums = out_c * points * (65 * 2 * pairs + sum);
    out * tiles * (values + sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_infer::LCL_V2;

    fn names(width: usize, most: usize) -> Option<Vec<Option<&'static str>>> {
        let transforms = fastest(&LCL_V2, width, most)?;
        assert!(weights_len(&LCL_V2, &transforms) <= most);
        Some(transforms.into_iter().map(|it| it.map(Transform::name)).collect())
    }

    #[test]
    fn flash_decides() {
        // 23,552 and 307,200 bytes as they are; 135,168 and 983,040 transformed.
        for width in [48, 96, 224] {
            let both = 135_168 + 983_040;
            assert_eq!(names(width, both), Some(vec![Some("F(6,3)"), Some("F(4,5)")]), "{width}");
        }
        assert_eq!(names(96, 135_168 + 307_200), Some(vec![Some("F(6,3)"), None]));
        assert_eq!(names(96, 23_552 + 307_200), Some(vec![None, None]));
        assert_eq!(names(96, 23_552 + 307_199), None);
        // Fewer points are fewer bytes.
        assert_eq!(names(96, 983_040), Some(vec![Some("F(6,3)"), Some("F(2,5)")]));
    }
}
