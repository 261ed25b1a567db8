//! A model that is open, its engine, and what it made of the last frame.

use std::fmt;

use lcl_infer::parameters::Operation;
use lcl_infer::{
    Blob, Error, FeatureRow, Frontend, ImageSize, Name, Novelty, V2, WatchSettings, Watcher,
    watcher_memory_len,
};

use crate::room::{Room, zeros};

/// Why a call is refused.
#[derive(Debug)]
pub enum Why {
    /// The engine's own words.
    Engine(Error),
    /// Nothing is open.
    Closed,
    /// There is not so much memory.
    Memory,
    /// The row is not in what was written.
    Part {
        /// Where it starts.
        at: usize,
        /// How long it is.
        len: usize,
        /// Bytes that were written.
        there: usize,
    },
}

impl<E: Into<Error>> From<E> for Why {
    fn from(error: E) -> Self {
        Self::Engine(error.into())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Closed => f.write_str("no model is open: call open() first"),
            Self::Memory => f.write_str("there is not enough memory: take a smaller image"),
            Self::Part { at, len, there } => write!(
                f,
                "a row of {len} bytes from byte {at} is not in an image of {there}: write it first"
            ),
        }
    }
}

/// The last frame's rows of a tap.
#[derive(Debug)]
pub struct Map {
    tap: Name,
    shape: [usize; 3],
    bytes: Vec<u8>,
}

impl Map {
    /// Returns the tap.
    pub fn name(&self) -> String {
        self.tap.to_string()
    }

    /// Returns `[H, W, C]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the features.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A model that is open, for images of one size.
#[derive(Debug)]
pub struct Session {
    // Before the memory, which they borrow.
    watcher: Option<Watcher<'static>>,
    frontend: Frontend<'static, Vec<u8>>,
    blob: Blob<'static>,
    maps: Vec<Map>,
    novelty: Novelty,
    filter: Vec<i8>,
    _watched: Box<[u8]>,
    _model: Box<Room>,
}

impl Session {
    /// Opens a model.
    pub fn open(model: Room, width: usize, height: usize) -> Result<Self, Why> {
        let model = Box::new(model);
        // SAFETY: the bytes are on the heap, nothing changes or moves them, and they live
        // as long as what borrows them: all are fields of an object that is never taken
        // apart.
        let bytes: &'static [u8] = unsafe { &*std::ptr::from_ref(model.bytes()) };
        let blob = Blob::open(bytes)?;
        let size = ImageSize { width, height };
        let frontend = Frontend::new(&blob, size, memory(blob.memory_len(width))?)?;
        let map = |tap: Name| {
            let map = frontend.map_size(tap).unwrap_or(ImageSize { width: 0, height: 0 });
            let shape = [map.height, map.width, frontend.map_channels(tap).unwrap_or(0)];
            let bytes = zeros(frontend.features_len(tap)).ok_or(Why::Memory)?;
            Ok(Map { tap, shape, bytes })
        };
        let maps = frontend.taps().map(map).collect::<Result<_, Why>>()?;
        let mut watched: Box<[u8]> = Box::default();
        let mut watcher = None;
        if let (Some(map), Some(channels)) = (frontend.map_size(V2), frontend.map_channels(V2)) {
            watched = memory(watcher_memory_len(map, channels))?.into_boxed_slice();
            // SAFETY: as above, and nobody else has the memory.
            let memory: &'static mut [u8] = unsafe { &mut *std::ptr::from_mut(&mut *watched) };
            watcher = Some(Watcher::new(map, channels, WatchSettings::default(), memory)?);
        }
        Ok(Self {
            watcher,
            frontend,
            blob,
            maps,
            novelty: Novelty::default(),
            filter: Vec::new(),
            _watched: watched,
            _model: model,
        })
    }

    /// Returns the bytes of a row of the image.
    pub fn row_len(&self) -> usize {
        self.frontend.row_len()
    }

    /// Pushes a row and copies the rows of features that it completes.
    pub fn push_row(&mut self, row: &[u8]) -> Result<(), Why> {
        let Self { watcher, frontend, maps, .. } = self;
        frontend.push_row(row)?;
        let mut watched = Ok(());
        while let Some(row) = frontend.next() {
            copy(&row, maps);
            if let Some(watcher) = watcher.as_mut().filter(|_| watched.is_ok()) {
                watched = watcher.push(&row);
            }
        }
        Ok(watched?)
    }

    /// Ends the frame.
    pub fn finish(&mut self) -> Result<(), Why> {
        self.frontend.finish()?;
        self.novelty = match &mut self.watcher {
            Some(watcher) => watcher.finish()?,
            None => Novelty::default(),
        };
        Ok(())
    }

    /// Gives the frame up.
    pub fn reset(&mut self) {
        self.frontend.reset();
        if let Some(watcher) = &mut self.watcher {
            watcher.reset();
        }
    }

    /// Returns the maps of the taps, in order.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// Returns a number of what the watcher said.
    pub fn event(&self, field: usize) -> i32 {
        let Novelty { frame, score, x, y, cells, channels } = self.novelty;
        let number = |of: usize| i32::try_from(of).unwrap_or(i32::MAX);
        match field {
            0 => i32::try_from(frame).unwrap_or(i32::MAX),
            1 => score.into(),
            2 => x.into(),
            3 => y.into(),
            4 => cells.into(),
            5 => number(self.novelty.emit(&mut [0; Novelty::MAX_LEN]).unwrap_or_default()),
            _ => channels.get((field - 6) / 2).map_or(0, |one| {
                if field % 2 == 0 { one.channel.into() } else { one.change.into() }
            }),
        }
    }

    /// Returns the weights of a filter of the first convolution.
    pub fn filter(&mut self, channel: usize) -> Option<&[i8]> {
        let Self { blob, filter, .. } = self;
        let conv = first(blob).filter(|conv| channel < conv.geometry().out_c())?;
        filter.clear();
        filter.extend(conv.filter(channel));
        Some(filter)
    }

    /// Returns the side of those filters for 0, their input's channels for 1.
    pub fn filter_side(&self, side: usize) -> usize {
        first(&self.blob).map_or(0, |conv| {
            let geometry = conv.geometry();
            [geometry.kernel(), geometry.in_c()].get(side).copied().unwrap_or(0)
        })
    }
}

/// Returns the first convolution.
fn first(blob: &Blob<'static>) -> Option<lcl_infer::parameters::Convolution<'static>> {
    blob.layers().find_map(|layer| match layer.operation {
        Operation::Conv(parameters) => Some(parameters.conv),
        _ => None,
    })
}

/// Returns so much memory; none for what no engine takes, which says so itself.
fn memory(len: usize) -> Result<Vec<u8>, Why> {
    if len == usize::MAX { Ok(Vec::new()) } else { zeros(len).ok_or(Why::Memory) }
}

fn copy(row: &FeatureRow<'_>, maps: &mut [Map]) {
    if let Some(map) = maps.iter_mut().find(|map| map.tap == row.tap) {
        row.copy_to(&mut map.bytes);
    }
}
