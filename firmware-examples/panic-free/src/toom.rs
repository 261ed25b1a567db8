//! Calls every kernel through a transform with slices that need not fit each
//! other.

use core::hint::black_box;

use lcl_infer::ConvGeometry;
use lcl_infer::kernels::RowWindow;
use lcl_infer::kernels::toom::{
    self, Order, Pair, TRANSFORMS, ToomConv2d, ToomGeometry, check_weights, recover_weights,
    transform_weights,
};
use lcl_infer::parameters::{ChannelTable, Conv2d};

use crate::errors;

#[inline(never)]
pub fn run(bytes: &[u8], weights: &[i8], numbers: [usize; 8]) -> Option<usize> {
    let [in_c, out_c, kernel, stride, padding, len, x, which] = numbers;
    let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding)?;
    let transform = TRANSFORMS.get(which)?;
    let order = [Order::Words, Order::Wide, Order::Lanes].get(x).copied().unwrap_or_default();
    let geometry = ToomGeometry::new(conv, transform)?.with_order(black_box(order));
    let words = [black_box(0); 64];
    let table = ChannelTable::new(words.get(..len)?, out_c)?;
    let conv2d = Conv2d::new(conv, weights, table)?;
    let mut transformed = [[0; 2]; 256];
    transform_weights(geometry, &conv2d, &mut transformed);
    // They may be anything.
    let transformed = black_box::<&[Pair]>(&transformed);
    check_weights(geometry, transformed).map_err(errors::show).ok()?;
    let mut recovered = [0; 64];
    recover_weights(geometry, transformed, &mut recovered).map_err(errors::show).ok()?;
    black_box((&recovered, geometry == black_box(geometry), transform.name()));
    let conv2d = ToomConv2d::new(geometry, transformed, table)?;
    let window = RowWindow::new(bytes.split(|&byte| byte == 0));
    let mut memory = [0; 1024];
    for kernels in toom::available() {
        let (out, scratch) = memory.split_at_mut_checked(len).unwrap_or_default();
        (kernels.conv2d_row)(&conv2d, &window, out, scratch);
        black_box(&memory);
    }
    let active = toom::active();
    Some(active.name.len() ^ geometry.scratch_len(active.max_tiles) ^ geometry.weights_len())
}
