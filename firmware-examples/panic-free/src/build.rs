//! Writes a blob of tables that need not fit each other.

use core::hint::black_box;

use lcl_infer::blob::Golden;
use lcl_infer::blob::write::{BlobSpec, ConvSpec, DenseSpec, LayerSpec, OperationSpec};
use lcl_infer::parameters::{Channel, Requant};
use lcl_infer::shape::{Border, DenseGeometry, Sums, WindowOperation, WindowPool};
use lcl_infer::toom::Transform;
use lcl_infer::{ConvGeometry, InputFormat, Name, PoolOrder};

use crate::errors;

#[inline(never)]
pub fn run(
    bytes: &[u8],
    weights: &[i8],
    output_scale: &[f32],
    numbers: [usize; 8],
) -> Option<usize> {
    let [in_c, out_c, kernel, stride, padding, len, ..] = numbers;
    let border = if black_box(false) { Border::Zero } else { Border::Reflect };
    let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding)?.with_border(border);
    let requant = Requant::new(black_box(1 << 30), black_box(40))?;
    black_box((requant.requantise(black_box(0)), requant.multiplier(), requant.shift()));
    let channels = [Channel { bias: black_box(0), requant }; 16];
    let name = Name::new(core::str::from_utf8(bytes).ok()?)?;
    let transform = Transform::from_number(black_box(1));
    let channels = channels.get(..len)?;
    let conv = ConvSpec { conv, transform, weights, channels, output_scale };
    let layer = |operation| LayerSpec {
        name,
        tap: black_box(Some(name)),
        golden_crc32: black_box(0),
        operation,
    };
    let pool = PoolOrder::default();
    let plain = WindowPool::new(WindowOperation::Max, kernel, stride, padding)?;
    let sums = if black_box(false) { Sums::Words } else { Sums::Bytes };
    let dense = DenseGeometry::new(in_c, out_c, sums)?;
    let dense = DenseSpec { dense, weights, channels: channels.get(..len)?, output_scale };
    let layers = [
        layer(OperationSpec::Conv(conv)),
        layer(OperationSpec::Pool(pool)),
        layer(OperationSpec::WindowPool(plain)),
        layer(OperationSpec::Dense(dense)),
    ];
    black_box((layers.map(|layer| layer.operation.kind().name()), border.name()));
    let golden = Golden { seed: u32::from(*bytes.first()?), side: black_box(0) };
    let input = InputFormat::Rgb888;
    let sections = [(black_box(1), bytes)];
    let (layers, sections) = (layers.get(..len)?, sections.get(..len)?);
    let spec = BlobSpec { input, golden, layers, sections };
    let mut out = [0; 512];
    let written = spec.emit(&mut out).map_err(errors::show).ok()?;
    black_box(&out);
    Some(written ^ spec.max_len())
}
