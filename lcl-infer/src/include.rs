//! A blob in the program itself.

/// Includes the file of a blob in the program, at an address that
/// [`Blob::open`](crate::Blob::open) takes: a `&'static [u8]` that starts at a
/// multiple of 16 bytes.
///
/// The path is relative to the source file, as in [`include_bytes!`].
///
/// # Examples
///
/// ```
/// # /*
/// static MODEL: &[u8] = lcl_infer::include_blob!("model.lcl");
/// # */
/// # static MODEL: &[u8] = lcl_infer::include_blob!("include.rs");
/// assert_eq!(MODEL.as_ptr().align_offset(lcl_infer::blob::ALIGNMENT), 0);
/// ```
#[macro_export]
macro_rules! include_blob {
    ($path:expr $(,)?) => {{
        #[repr(C, align(16))]
        struct Aligned<T: ?Sized>(T);
        const BLOB: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
        &BLOB.0
    }};
}
