//! lcl-infer for WebAssembly: numbers in, numbers out, no glue that is generated.
//!
//! An instance of the module has one model and one engine, with a watcher where the
//! model has V2. The page writes a model to [`lcl_model`] and an image to
//! [`lcl_image`], and reads maps at [`lcl_map`], all in the module's memory. What a
//! function cannot do it refuses: it returns 1, and [`lcl_text`] says why in the words
//! of the Rust API. Nothing traps, whatever the numbers are.
//!
//! Memory may grow, and then lies elsewhere for the page: look it up after every call
//! of [`lcl_model`], [`lcl_image`] and [`lcl_open`]. `lcl.js` does all this. Start with
//! `session::Session`.

#![deny(missing_docs)]
#![expect(unsafe_code, reason = "names that the page calls")]

mod room;
mod session;

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};

use room::Room;
use session::Session;

/// What an instance has.
struct Instance {
    /// Where the page writes a model, until it is opened.
    model: Room,
    /// Where the page writes an image, or a row of one.
    image: Room,
    session: Option<Session>,
    /// What was refused last, or what was asked for.
    text: String,
}

static INSTANCE: Mutex<Instance> = Mutex::new(Instance {
    model: Room::EMPTY,
    image: Room::EMPTY,
    session: None,
    text: String::new(),
});

fn instance() -> MutexGuard<'static, Instance> {
    INSTANCE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Instance {
    /// Returns 0, or 1 and keeps why.
    fn report(&mut self, result: Result<(), impl Display>) -> u32 {
        match result {
            Ok(()) => 0,
            Err(error) => {
                self.text = error.to_string();
                1
            }
        }
    }

    fn with(&mut self, work: impl FnOnce(&mut Session, &Room) -> Result<(), session::Why>) -> u32 {
        let result = match &mut self.session {
            Some(session) => work(session, &self.image),
            None => Err(session::Why::Closed),
        };
        self.report(result)
    }
}

/// Returns where to write the bytes of a model, or 0 where there is not so much memory.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_model(len: usize) -> *mut u8 {
    instance().model.make(len)
}

/// Opens the model that was written, for images of that size, and makes the engine and
/// its watcher. What was open is closed, also where this is refused.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_open(width: usize, height: usize) -> u32 {
    let mut instance = instance();
    instance.session = None;
    let model = std::mem::replace(&mut instance.model, Room::EMPTY);
    let opened = Session::open(model, width, height).map(|session| {
        instance.session = Some(session);
    });
    instance.report(opened)
}

/// Returns the bytes of a row of the image, or 0 where nothing is open.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_row_len() -> usize {
    instance().session.as_ref().map_or(0, Session::row_len)
}

/// Returns where to write an image, or any part of it, or 0 where there is not so much
/// memory.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_image(len: usize) -> *mut u8 {
    instance().image.make(len)
}

/// Pushes the next row: `len` bytes from byte `at` of what was written.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_push_row(at: usize, len: usize) -> u32 {
    instance().with(|session, image| session.push_row(image.part(at, len)?))
}

/// Ends the frame, whose rows have all been pushed; [`lcl_event`] says what the watcher
/// found.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_finish() -> u32 {
    instance().with(|session, _| session.finish())
}

/// Gives the frame up; the next row starts another.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_reset() -> u32 {
    instance().with(|session, _| {
        session.reset();
        Ok(())
    })
}

/// Returns the number of taps.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_taps() -> usize {
    instance().session.as_ref().map_or(0, |session| session.maps().len())
}

/// Makes the name of a tap, such as `V2`, the text; 1 where there is no such tap.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_tap(tap: usize) -> u32 {
    let mut instance = instance();
    let session = instance.session.as_ref();
    let name = session.and_then(|session| Some(session.maps().get(tap)?.name()));
    instance.text = name.unwrap_or_default();
    u32::from(instance.text.is_empty())
}

/// Returns the map of a tap, `[H, W, C]` bytes of the rows that are complete, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_map(tap: usize) -> *const u8 {
    let instance = instance();
    let map = instance.session.as_ref().and_then(|session| session.maps().get(tap));
    map.map_or(std::ptr::null(), |map| map.bytes().as_ptr())
}

/// Returns the height, width or channels of a tap's map, for a `side` of 0, 1 or 2.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_map_side(tap: usize, side: usize) -> usize {
    let instance = instance();
    let map = instance.session.as_ref().and_then(|session| session.maps().get(tap));
    map.and_then(|map| map.shape().get(side).copied()).unwrap_or(0)
}

/// Returns a number of what the watcher said of the last frame: for a `field` of 0 to 5
/// frame, score in 1/256, column, row and number of its cells and bytes of the event, then
/// channel and change, three times. 0 of cells is no event.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_event(field: usize) -> i32 {
    instance().session.as_ref().map_or(0, |session| session.event(field))
}

/// Copies the weights of a filter of the first convolution, `[kernel, kernel, in_c]`, i8,
/// and returns where they are, or 0 where there is no such filter.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_filter(channel: usize) -> *const i8 {
    let mut instance = instance();
    let filter = instance.session.as_mut().and_then(|session| session.filter(channel));
    filter.map_or(std::ptr::null(), <[i8]>::as_ptr)
}

/// Returns the side of those filters for 0, their input's channels for 1.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_filter_side(side: usize) -> usize {
    instance().session.as_ref().map_or(0, |session| session.filter_side(side))
}

/// Makes the name of the kernels the text.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_kernels() -> u32 {
    lcl_infer::kernels::active().name.clone_into(&mut instance().text);
    0
}

/// Returns the text, UTF-8, which the next call may change.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_text() -> *const u8 {
    instance().text.as_ptr()
}

/// Returns the bytes of the text.
#[unsafe(no_mangle)]
pub extern "C" fn lcl_text_len() -> usize {
    instance().text.len()
}
