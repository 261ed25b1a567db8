//! lcl-infer for Python: buffers in, buffers out.
//!
//! The package in `lcl_v2/` looks at arrays and allocates those for results;
//! here the engine fills them, without Python's lock and on all cores.

mod run;

use lcl_infer::parameters::Operation;
use lcl_infer::{
    AlignedBlob, Blob, Error, Frontend, ImageSize, Name, Novelty, V2, WatchSettings, Watcher,
    self_test, self_test_memory_len, watcher_memory_len,
};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

pyo3::create_exception!(
    lcl_v2,
    LclError,
    PyValueError,
    "The engine refuses a model, an image or an order of calls."
);

/// Returns what Python raises for an error of the engine.
fn raised(error: impl Into<Error>) -> PyErr {
    LclError::new_err(error.into().to_string())
}

/// A model that was opened.
#[pyclass(frozen)]
struct Engine {
    // Before the bytes, which it borrows.
    blob: Blob<'static>,
    bytes: Box<AlignedBlob>,
}

#[pymethods]
impl Engine {
    /// Opens the bytes of a model.
    #[new]
    fn new(bytes: &Bound<'_, PyBytes>) -> PyResult<Self> {
        let bytes = Box::new(AlignedBlob::copy_of(bytes.as_bytes()));
        // SAFETY: the bytes are on the heap, nothing changes or moves them, and they live as
        // long as the blob: both are fields of an object that is never taken apart.
        let of_object: &'static AlignedBlob = unsafe { &*std::ptr::from_ref(&*bytes) };
        Ok(Self { blob: of_object.open().map_err(raised)?, bytes })
    }

    /// Bytes of the model.
    fn len(&self) -> usize {
        self.bytes.bytes().len()
    }

    /// "RGB888" or "GRAY8".
    fn input(&self) -> &'static str {
        self.blob.input().name()
    }

    fn taps(&self) -> Vec<String> {
        self.blob.taps().map(|tap| tap.to_string()).collect()
    }

    fn memory_len(&self, width: usize) -> usize {
        self.blob.memory_len(width)
    }

    fn scales(&self, tap: &str) -> PyResult<Vec<f32>> {
        let scales = Name::new(tap).and_then(|tap| self.blob.output_scale(tap));
        let unknown = || {
            let taps = self.taps().join(" and ");
            LclError::new_err(format!("the model has no tap {tap:?}; it has {taps}"))
        };
        Ok(scales.ok_or_else(unknown)?.iter().collect())
    }

    /// Size and channels of each tap's map, `(tap, height, width, channels)`.
    fn maps(&self, height: usize, width: usize) -> PyResult<Vec<(String, usize, usize, usize)>> {
        let memory = vec![0; self.memory_of(width)];
        let engine = Frontend::new(&self.blob, ImageSize { width, height }, memory);
        let engine = engine.map_err(raised)?;
        let map = |tap: Name| {
            let ImageSize { width, height } = engine.map_size(tap)?;
            Some((tap.to_string(), height, width, engine.map_channels(tap)?))
        };
        Ok(engine.taps().filter_map(map).collect())
    }

    /// Computes the features of `[N, H, W, C]` bytes into one buffer for each tap, `[N, H, W, C]` too.
    fn run(
        &self,
        py: Python<'_>,
        images: PyBuffer<u8>,
        shape: (usize, usize, usize),
        maps: Vec<PyBuffer<u8>>,
        threads: usize,
    ) -> PyResult<()> {
        let (count, height, width) = shape;
        let size = ImageSize { width, height };
        let bytes = run::read(&images)?;
        let maps = maps.iter().map(run::written).collect::<PyResult<Vec<_>>>()?;
        py.detach(|| run::batch(&self.blob, bytes, count, size, maps, threads)).map_err(raised)
    }

    /// Tests the model's bytes and its golden image on this machine.
    fn self_test(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let mut memory = vec![0; self_test_memory_len(&self.blob)];
            self_test(&self.blob, &mut memory)
        })
        .map_err(raised)
    }

    /// The layers, from the image on.
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        self.blob.layers().map(|layer| {
            let found = PyDict::new(py);
            found.set_item("name", layer.name.to_string())?;
            found.set_item("tap", layer.tap.map(|tap| tap.to_string()))?;
            found.set_item("golden_crc32", layer.golden_crc32)?;
            match layer.operation {
                Operation::Conv(conv) => {
                    let geometry = conv.conv;
                    found.set_item("kind", "conv")?;
                    found.set_item("in_channels", geometry.in_c())?;
                    found.set_item("out_channels", geometry.out_c())?;
                    found.set_item("kernel", geometry.kernel())?;
                    found.set_item("stride", geometry.stride())?;
                    found.set_item("padding", geometry.padding())?;
                }
                Operation::Pool(order) => {
                    found.set_item("kind", "pool")?;
                    found.set_item("order", order.name())?;
                }
                _ => found.set_item("kind", "other")?,
            }
            Ok(found)
        }).collect()
    }
}

impl Engine {
    /// Returns the memory to allocate: none for a width that no engine takes, which says so.
    fn memory_of(&self, width: usize) -> usize {
        let len = self.blob.memory_len(width);
        if len == usize::MAX { 0 } else { len }
    }
}

/// Says of each image of a sequence how far it departs from those before.
#[pyclass]
struct Watching {
    // Before the memory, which it borrows.
    watcher: Watcher<'static>,
    engine: Frontend<'static, Vec<u8>>,
    _memory: Box<[u8]>,
    _model: Py<Engine>,
}

/// An event: frame, score, x, y, cells, channels with their changes, and its bytes.
type Event = (u32, f64, u8, u8, u16, Vec<(u16, i16)>, Vec<u8>);

#[pymethods]
impl Watching {
    #[new]
    fn new(
        py: Python<'_>,
        model: Py<Engine>,
        height: usize,
        width: usize,
        threshold: u16,
        adaptation_shift: u8,
        warm_up: u32,
    ) -> PyResult<Self> {
        let engine = model.get();
        let memory = vec![0; engine.memory_of(width)];
        let blob = engine.blob;
        let frontend = Frontend::new(&blob, ImageSize { width, height }, memory);
        let frontend = frontend.map_err(raised)?;
        let (Some(map), Some(channels)) = (frontend.map_size(V2), frontend.map_channels(V2)) else {
            return Err(LclError::new_err("the model has no V2, which a watcher watches"));
        };
        let settings = WatchSettings { threshold, adaptation_shift, warm_up };
        let len = watcher_memory_len(map, channels);
        let mut memory = vec![0; if len == usize::MAX { 0 } else { len }].into_boxed_slice();
        // SAFETY: the memory is on the heap, nobody else has it, and it lives as long as the
        // watcher: both are fields of an object that is never taken apart.
        let of_object: &'static mut [u8] = unsafe { &mut *std::ptr::from_mut(&mut *memory) };
        let watcher = Watcher::new(map, channels, settings, of_object).map_err(raised)?;
        Ok(Self { watcher, engine: frontend, _memory: memory, _model: model.clone_ref(py) })
    }

    /// Takes one image, `[H, W, C]` bytes, and returns how far it departs.
    fn look(&mut self, py: Python<'_>, image: PyBuffer<u8>) -> PyResult<Event> {
        let bytes = run::read(&image)?;
        let Self { watcher, engine, .. } = self;
        let novelty = py.detach(|| {
            let mut pushed = Ok(());
            let done = engine.run_frame(bytes, |row| {
                if pushed.is_ok() {
                    pushed = watcher.push(&row);
                }
            });
            let novelty = done
                .map_err(Error::from)
                .and_then(|()| pushed.map_err(Error::from))
                .and_then(|()| watcher.finish().map_err(Error::from));
            if novelty.is_err() {
                engine.reset();
                watcher.reset();
            }
            novelty
        });
        let novelty = novelty.map_err(raised)?;
        let mut bytes = vec![0; Novelty::MAX_LEN];
        let len = novelty.emit(&mut bytes).unwrap_or_default();
        bytes.truncate(len);
        let channels = novelty.channels.iter().map(|one| (one.channel, one.change)).collect();
        let Novelty { frame, score, x, y, cells, .. } = novelty;
        Ok((frame, f64::from(score) / 256.0, x, y, cells, channels, bytes))
    }
}

/// The engine.
#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("LclError", module.py().get_type::<LclError>())?;
    module.add_class::<Engine>()?;
    module.add_class::<Watching>()
}
