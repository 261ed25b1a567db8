//! Calls every kernel through a transform with slices that need not fit each
//! other.

use core::hint::black_box;

use lcl_infer::ConvGeometry;
use lcl_infer::kernels::{self, RowWindow, toom_scratch_len};
use lcl_infer::parameters::{ChannelTable, Convolution};
use lcl_infer::toom::{
    Pair, TRANSFORMS, ToomConv2d, ToomGeometry, check_filter, transform_weights,
};

use crate::errors;

#[inline(never)]
pub fn run(bytes: &[u8], weights: &[i8], numbers: [usize; 8]) -> Option<usize> {
    let [in_c, out_c, kernel, stride, padding, len, x, which] = numbers;
    let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding)?;
    let transform = TRANSFORMS.get(which)?;
    let geometry = ToomGeometry::new(conv, transform)?;
    let words = [black_box(0); 64];
    let table = ChannelTable::new(words.get(..len)?, out_c)?;
    let mut transformed = [[0; 2]; 256];
    transform_weights(geometry, weights, |index, half, value| {
        if let Some(place) = transformed.get_mut(index).and_then(|pair| pair.get_mut(half)) {
            *place = value;
        }
    });
    // They may be anything.
    let transformed = black_box::<&[Pair]>(&transformed);
    let sums = check_filter(geometry, transformed, x).map_err(errors::show).ok()?;
    black_box((sums.sum, geometry == black_box(geometry), transform.name()));
    let conv2d = ToomConv2d::new(geometry, transformed, table)?;
    black_box(conv2d.filter(x).count());
    let window = RowWindow::new(bytes.split(|&byte| byte == 0));
    let mut memory = [0; 1024];
    for kernels in kernels::available() {
        let (out, scratch) = memory.split_at_mut_checked(len).unwrap_or_default();
        (kernels.conv.toom_row)(&conv2d, &window, out, scratch);
        black_box(&memory);
    }
    let conv = Convolution::from(conv2d);
    black_box((conv.channels().len(), conv.filter(x).count(), conv.weights().len()));
    Some(toom_scratch_len(&conv.toom()?, x) ^ geometry.weights_len())
}
