//! The functions of CMSIS-NN that the network needs, as its headers declare
//! them.
#![expect(unsafe_code, reason = "functions of another language")]

use core::ffi::c_void;

use shared::Failure;

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    pub(crate) w: i32,
    pub(crate) h: i32,
}

impl Tile {
    pub(crate) const fn square(side: i32) -> Self {
        Self { w: side, h: side }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Dims {
    pub(crate) n: i32,
    pub(crate) h: i32,
    pub(crate) w: i32,
    pub(crate) c: i32,
}

impl Dims {
    pub(crate) const fn square(side: i32, c: i32) -> Self {
        Self { n: 1, h: side, w: side, c }
    }

    fn len(self) -> usize {
        [self.n, self.h, self.w, self.c]
            .map(|side| usize::try_from(side).unwrap_or(usize::MAX))
            .into_iter()
            .fold(1, usize::saturating_mul)
    }
}

#[repr(C)]
struct Context {
    buf: *mut c_void,
    size: i32,
}

#[repr(C)]
struct Requants {
    multiplier: *const i32,
    shift: *const i32,
}

#[repr(C)]
struct Activation {
    min: i32,
    max: i32,
}

const WHOLE_BYTE: Activation = Activation { min: -128, max: 127 };

#[repr(C)]
struct ConvParams {
    input_offset: i32,
    output_offset: i32,
    stride: Tile,
    padding: Tile,
    dilation: Tile,
    activation: Activation,
}

#[repr(C)]
struct DepthwiseParams {
    input_offset: i32,
    output_offset: i32,
    ch_mult: i32,
    stride: Tile,
    padding: Tile,
    dilation: Tile,
    activation: Activation,
}

#[repr(C)]
struct PoolParams {
    stride: Tile,
    padding: Tile,
    activation: Activation,
}

type Apply<P> = unsafe extern "C" fn(
    &Context,
    &P,
    &Requants,
    &Dims,
    *const i8,
    &Dims,
    *const i8,
    &Dims,
    *const i32,
    &Dims,
    *mut i8,
) -> i32;

type BufferSize<P> = unsafe extern "C" fn(&P, &Dims, &Dims, &Dims) -> i32;

unsafe extern "C" {
    fn arm_convolve_wrapper_s8(
        context: &Context,
        params: &ConvParams,
        requants: &Requants,
        input_dims: &Dims,
        input: *const i8,
        filter_dims: &Dims,
        filter: *const i8,
        bias_dims: &Dims,
        bias: *const i32,
        output_dims: &Dims,
        output: *mut i8,
    ) -> i32;
    fn arm_convolve_wrapper_s8_get_buffer_size(
        params: &ConvParams,
        input_dims: &Dims,
        filter_dims: &Dims,
        output_dims: &Dims,
    ) -> i32;
    fn arm_depthwise_conv_wrapper_s8(
        context: &Context,
        params: &DepthwiseParams,
        requants: &Requants,
        input_dims: &Dims,
        input: *const i8,
        filter_dims: &Dims,
        filter: *const i8,
        bias_dims: &Dims,
        bias: *const i32,
        output_dims: &Dims,
        output: *mut i8,
    ) -> i32;
    fn arm_depthwise_conv_wrapper_s8_get_buffer_size(
        params: &DepthwiseParams,
        input_dims: &Dims,
        filter_dims: &Dims,
        output_dims: &Dims,
    ) -> i32;
    fn arm_max_pool_s8(
        context: &Context,
        params: &PoolParams,
        input_dims: &Dims,
        input: *const i8,
        filter_dims: &Dims,
        output_dims: &Dims,
        output: *mut i8,
    ) -> i32;
}

/// What a convolution reads beside its input.
#[derive(Clone, Copy)]
pub(crate) struct Filter<'a> {
    /// `n` is the number of output channels of a convolution.
    pub(crate) dims: Dims,
    pub(crate) weights: &'a [i8],
    pub(crate) bias: &'a [i32],
    pub(crate) multiplier: &'a [i32],
    pub(crate) shift: &'a [i32],
    pub(crate) stride: i32,
    pub(crate) padding: i32,
}

/// A feature map, `[1, H, W, C]`.
#[derive(Clone, Copy)]
pub(crate) struct Map<T> {
    pub(crate) dims: Dims,
    pub(crate) values: T,
}

/// A byte that stands for zero.
const ZERO: i32 = -128;

/// Convolves.
pub(crate) fn conv2d<E>(
    filter: &Filter<'_>,
    input: Map<&[i8]>,
    output: Map<&mut [i8]>,
    scratch: &mut [u32],
) -> Result<(), Failure<E>> {
    let params = ConvParams {
        input_offset: -ZERO,
        output_offset: ZERO,
        stride: Tile::square(filter.stride),
        padding: Tile::square(filter.padding),
        dilation: Tile::square(1),
        activation: WHOLE_BYTE,
    };
    let fits = filter.weights.len() == filter.dims.len() && filter.dims.n == output.dims.c;
    let functions = (
        arm_convolve_wrapper_s8 as Apply<_>,
        arm_convolve_wrapper_s8_get_buffer_size as BufferSize<_>,
    );
    apply(functions, (&params, filter, fits), input, output, scratch)
}

/// Convolves each channel alone.
pub(crate) fn depthwise<E>(
    filter: &Filter<'_>,
    input: Map<&[i8]>,
    output: Map<&mut [i8]>,
    scratch: &mut [u32],
) -> Result<(), Failure<E>> {
    let params = DepthwiseParams {
        input_offset: -ZERO,
        output_offset: ZERO,
        ch_mult: 1,
        stride: Tile::square(filter.stride),
        padding: Tile::square(filter.padding),
        dilation: Tile::square(1),
        activation: WHOLE_BYTE,
    };
    let fits = filter.weights.len() == filter.dims.len() && filter.dims.c == output.dims.c;
    let functions = (
        arm_depthwise_conv_wrapper_s8 as Apply<_>,
        arm_depthwise_conv_wrapper_s8_get_buffer_size as BufferSize<_>,
    );
    apply(functions, (&params, filter, fits), input, output, scratch)
}

fn apply<P, E>(
    (function, buffer_size): (Apply<P>, BufferSize<P>),
    (params, filter, fits): (&P, &Filter<'_>, bool),
    input: Map<&[i8]>,
    output: Map<&mut [i8]>,
    scratch: &mut [u32],
) -> Result<(), Failure<E>> {
    let Map { dims, values } = output;
    let out_c = usize::try_from(dims.c).unwrap_or(usize::MAX);
    let tables = [filter.bias, filter.multiplier, filter.shift];
    let whole = fits
        && tables.iter().all(|table| table.len() >= out_c)
        && input.values.len() == input.dims.len()
        && values.len() == dims.len();
    // SAFETY: it computes from the structures that it is given.
    let size = unsafe { buffer_size(params, &input.dims, &filter.dims, &dims) };
    let available = size_of_val(scratch);
    if !whole || usize::try_from(size).is_ok_and(|size| size > available) {
        return Err(Failure::Baseline("a layer that CMSIS-NN has no room for"));
    }
    let context = Context { buf: scratch.as_mut_ptr().cast(), size };
    let requants =
        Requants { multiplier: filter.multiplier.as_ptr(), shift: filter.shift.as_ptr() };
    let bias_dims = Dims { n: 1, h: 1, w: 1, c: dims.c };
    // SAFETY: input, output, weights, tables and scratch have the lengths that
    // the dimensions say, as was checked, and outlive the call.
    let status = unsafe {
        function(
            &context,
            params,
            &requants,
            &input.dims,
            input.values.as_ptr(),
            &filter.dims,
            filter.weights.as_ptr(),
            &bias_dims,
            filter.bias.as_ptr(),
            &dims,
            values.as_mut_ptr(),
        )
    };
    checked(status)
}

/// Takes the maximum over 3×3 at stride 1.
pub(crate) fn max<E>(input: Map<&[i8]>, output: Map<&mut [i8]>) -> Result<(), Failure<E>> {
    let Map { dims, values } = output;
    if input.values.len() != input.dims.len() || values.len() != input.values.len() {
        return Err(Failure::Baseline("a layer that CMSIS-NN has no room for"));
    }
    let context = Context { buf: core::ptr::null_mut(), size: 0 };
    let params =
        PoolParams { stride: Tile::square(1), padding: Tile::square(1), activation: WHOLE_BYTE };
    let filter_dims = Dims::square(3, 1);
    // SAFETY: input and output have the length that the dimensions say, as was
    // checked, and it needs no buffer.
    let status = unsafe {
        arm_max_pool_s8(
            &context,
            &params,
            &input.dims,
            input.values.as_ptr(),
            &filter_dims,
            &dims,
            values.as_mut_ptr(),
        )
    };
    checked(status)
}

fn checked<E>(status: i32) -> Result<(), Failure<E>> {
    if status == 0 { Ok(()) } else { Err(Failure::Baseline("CMSIS-NN refuses a layer")) }
}
