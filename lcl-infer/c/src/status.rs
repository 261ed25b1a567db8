//! What functions return.

use lcl_infer::{Error, FrontendError, OpenError, RowError, SelfTestError, WatchError};

/// What a function has done: 0, or why it has done nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum lcl_status {
    /// It is done.
    LCL_OK = 0,
    /// A pointer that may not be null is null, or a length is none that memory can have.
    LCL_NULL = 1,
    /// The model, engine, watcher or error was not made by this library, or was moved or overwritten.
    LCL_NOT_MADE = 2,
    /// The engine is in a callback: no function of the same engine may be called from it.
    LCL_IN_CALLBACK = 3,
    /// The memory lies over the model or over the engine.
    LCL_OVERLAP = 4,
    /// There is no such pixel format, tap or channel.
    LCL_UNKNOWN = 5,
    /// The memory or the buffer is too short.
    LCL_TOO_SHORT = 6,
    /// The bytes are no model that this library runs: damaged, cut short, too new or not a model.
    LCL_MODEL = 7,
    /// The model does not start at a multiple of 16 bytes.
    LCL_UNALIGNED = 8,
    /// The layers cannot run on an image of this size, or its format needs an even width.
    LCL_IMAGE_SIZE = 9,
    /// The row has another length.
    LCL_ROW_LENGTH = 10,
    /// The frame is complete, or incomplete, or the row is not the next one.
    LCL_ORDER = 11,
    /// Settings of a watcher are out of their range, or the model has no V2.
    LCL_SETTINGS = 12,
    /// The self-test found other bytes than the model promises.
    LCL_SELF_TEST = 13,
}

/// Returns the code of an error of the engine.
#[expect(clippy::match_same_arms, reason = "in the order of the errors")]
pub(crate) fn status_of(error: &Error) -> lcl_status {
    use lcl_status as status;
    match error {
        Error::Open(error) => of_open(error),
        Error::Frontend(error) => of_frontend(error),
        Error::Row(RowError::Length { .. }) => status::LCL_ROW_LENGTH,
        Error::Row(_) => status::LCL_ORDER,
        Error::Watch(WatchError::Memory { .. }) => status::LCL_TOO_SHORT,
        Error::Watch(WatchError::Length { .. }) => status::LCL_ROW_LENGTH,
        Error::Watch(WatchError::Row { .. } | WatchError::FrameIncomplete { .. }) => {
            status::LCL_ORDER
        }
        Error::Watch(_) => status::LCL_SETTINGS,
        Error::SelfTest(SelfTestError::Frontend(error)) => of_frontend(error),
        Error::SelfTest(_) => status::LCL_SELF_TEST,
        _ => status::LCL_MODEL,
    }
}

fn of_open(error: &OpenError) -> lcl_status {
    match error {
        OpenError::Misaligned { .. } => lcl_status::LCL_UNALIGNED,
        _ => lcl_status::LCL_MODEL,
    }
}

fn of_frontend(error: &FrontendError) -> lcl_status {
    match error {
        FrontendError::ImageSize { .. } | FrontendError::OddWidth { .. } => {
            lcl_status::LCL_IMAGE_SIZE
        }
        FrontendError::Memory { .. } => lcl_status::LCL_TOO_SHORT,
        _ => lcl_status::LCL_MODEL,
    }
}

/// Returns the text of a code that is no error of the engine.
pub(crate) fn text_of(status: lcl_status) -> &'static str {
    use lcl_status as status_;
    match status {
        status_::LCL_OK => "there is no error",
        status_::LCL_NULL => {
            "a pointer is null, or a length is larger than any memory: look at the arguments"
        }
        status_::LCL_NOT_MADE => {
            "the model, engine, watcher or error was not made by this library, or was moved or \
             overwritten: open or initialise it where it stays"
        }
        status_::LCL_IN_CALLBACK => {
            "the engine is in a callback: return from it before calling the engine again"
        }
        status_::LCL_OVERLAP => {
            "the memory lies over the model or the engine: hand over memory of its own"
        }
        status_::LCL_UNKNOWN => {
            "there is no such pixel format, tap or channel: take one that lcl_infer.h names and the \
             model has"
        }
        status_::LCL_TOO_SHORT => "the memory or the buffer is too short: ask for its length first",
        status_::LCL_MODEL => "the bytes are no model that this library runs",
        status_::LCL_UNALIGNED => "the model does not start at a multiple of 16 bytes: align it",
        status_::LCL_IMAGE_SIZE => "the model does not run on an image of this size",
        status_::LCL_ROW_LENGTH => "the row has another length than lcl_row_len says",
        status_::LCL_ORDER => "the call is not the next one of a frame",
        status_::LCL_SETTINGS => {
            "the watcher's settings are out of their range, or the model has no V2"
        }
        status_::LCL_SELF_TEST => "the self-test found other bytes than the model promises",
    }
}
