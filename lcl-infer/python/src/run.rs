//! Batches: each thread takes the next image until there is none.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use lcl_infer::{Blob, Error, Frontend, ImageSize, Name};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

use crate::LclError;

/// Returns the bytes of a buffer without gaps.
pub fn read(buffer: &PyBuffer<u8>) -> PyResult<&[u8]> {
    if !buffer.is_c_contiguous() {
        return Err(LclError::new_err("the array has gaps: pass np.ascontiguousarray(array)"));
    }
    if buffer.len_bytes() == 0 {
        return Ok(&[]);
    }
    // SAFETY: so many bytes without gaps, kept by the buffer. As with NumPy's own functions, a
    // thread that writes to the array meanwhile gives a mixture of both.
    Ok(unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast(), buffer.len_bytes()) })
}

/// Returns the bytes of a buffer that results are written to: one that was made for that.
pub fn written(buffer: &PyBuffer<u8>) -> PyResult<&mut [u8]> {
    if buffer.readonly() || !buffer.is_c_contiguous() {
        return Err(LclError::new_err("the array for the features cannot be written to"));
    }
    if buffer.len_bytes() == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as above; the package has just allocated it and gives it to nobody else.
    Ok(unsafe { std::slice::from_raw_parts_mut(buffer.buf_ptr().cast(), buffer.len_bytes()) })
}

/// Runs a batch on as many threads, or as many as there are cores for 0.
pub fn batch(
    blob: &Blob<'_>,
    images: &[u8],
    count: usize,
    size: ImageSize,
    maps: Vec<&mut [u8]>,
    threads: usize,
) -> Result<(), Error> {
    let one = Frontend::new(blob, size, vec![0; memory(blob, size.width)])?;
    let taps: Vec<(Name, usize)> = one.taps().map(|tap| (tap, one.features_len(tap))).collect();
    let image_len = one.row_len().saturating_mul(size.height);
    // What each image takes and gives, to be taken once.
    let mut maps: Vec<_> = maps
        .into_iter()
        .zip(&taps)
        .map(|(map, &(_, len))| map.chunks_exact_mut(len.max(1)))
        .collect();
    let mut work: Vec<Mutex<(&[u8], Vec<&mut [u8]>)>> = Vec::new();
    for image in images.chunks_exact(image_len.max(1)).take(count) {
        work.push(Mutex::new((image, maps.iter_mut().filter_map(Iterator::next).collect())));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { cores } else { threads }.min(work.len()).max(1);
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let run = |mut engine: Frontend<'_, Vec<u8>>| {
        while let Some(place) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Ok(mut place) = place.lock() else { return };
            let (image, maps) = &mut *place;
            let done = engine.run_frame(image, |row| {
                let at = taps.iter().position(|(tap, _)| *tap == row.tap);
                if let Some(map) = at.and_then(|at| maps.get_mut(at)) {
                    row.copy_to(map);
                }
            });
            if let Err(error) = done {
                if let Ok(mut failed) = failed.lock() {
                    *failed = Some(Error::from(error));
                }
                return;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            if let Ok(engine) = Frontend::new(blob, size, vec![0; memory(blob, size.width)]) {
                scope.spawn(|| run(engine));
            }
        }
        run(one);
    });
    failed.into_inner().ok().flatten().map_or(Ok(()), Err)
}

/// Returns the memory of an engine: none for a width that no engine takes, which says so.
fn memory(blob: &Blob<'_>, width: usize) -> usize {
    let len = blob.memory_len(width);
    if len == usize::MAX { 0 } else { len }
}
