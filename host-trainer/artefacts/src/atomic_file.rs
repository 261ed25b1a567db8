//! Files that are there whole or not at all.
//!
//! Links are followed to their end, and what is there and is no regular file,
//! such as a pipe or `/dev/null`, is written into and stays what it is.

mod nameless;
mod target;

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use self::target::Target;

/// The path that stands for the standard output.
pub const STANDARD_OUTPUT: &str = "/dev/stdout";

/// Bytes of a name that a name beside it repeats: with what is put around it it
/// stays below the 255 that file systems allow.
const REPEATED: usize = 200;

/// A file could not be written; what was at its path before is still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause}{}", path.display(), remedy(cause))]
pub struct WriteError {
    path: PathBuf,
    cause: io::Error,
}

impl WriteError {
    /// Creates the error for a file that was to be at `path`.
    #[must_use]
    pub fn new(path: &Path, cause: io::Error) -> Self {
        Self { path: path.to_owned(), cause }
    }

    /// Returns the cause where the file was to be the standard output.
    #[must_use]
    pub fn of_standard_output(&self) -> Option<&io::Error> {
        (self.path == Path::new(STANDARD_OUTPUT)).then_some(&self.cause)
    }
}

/// Writes `parts` one after the other into the file at `path`.
///
/// They go into a file beside it that is synchronised and renamed, so that a
/// reader sees the old file or the new one.
///
/// # Errors
///
/// When the file cannot be created, written or renamed; nothing half-written
/// is left then.
pub fn write(path: &Path, parts: &[&[u8]]) -> Result<(), WriteError> {
    let error = |cause| WriteError::new(path, cause);
    let write_all = |file: &mut dyn Write| parts.iter().try_for_each(|part| file.write_all(part));
    match Target::of(path).map_err(error)? {
        Target::File(end, permissions) => {
            let mut part = Part::create(end, permissions).map_err(error)?;
            write_all(&mut part.file).and_then(|()| part.rename()).map_err(error)
        }
        target => {
            let mut stream = open_stream(&target).map_err(error)?;
            write_all(&mut stream).and_then(|()| stream.flush()).map_err(error)
        }
    }
}

/// Checks that a file can be written at `path`, as far as that can be known
/// beforehand. Nothing is made.
///
/// # Errors
///
/// When a folder, a disk or a file that may not be written is in the way, or
/// its folder is not there.
pub fn check(path: &Path) -> Result<(), WriteError> {
    Target::of(path).map(|_| ()).map_err(|cause| WriteError::new(path, cause))
}

/// A file that is written bit by bit, anywhere in it, and is at its path when it
/// is [committed](Self::commit); dropped before, it leaves nothing. Where the file
/// system has files without a name, it leaves nothing either when the program is
/// killed.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Part(Part),
    /// What is to go into something where no place can be chosen.
    Spool(File, Target),
}

impl AtomicFile {
    /// Begins the file at `path`.
    ///
    /// # Errors
    ///
    /// When nothing can be written there.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let content = match Target::of(path) {
            Ok(Target::File(end, permissions)) => {
                Part::without_name(end, permissions).map(Content::Part)
            }
            Ok(target) => tempfile::tempfile().map(|file| Content::Spool(file, target)),
            Err(cause) => Err(cause),
        };
        let content = content.map_err(|cause| WriteError::new(path, cause))?;
        Ok(Self { path: path.to_owned(), content })
    }

    /// Returns the file as it is so far, open for reading and writing.
    pub fn file(&mut self) -> &mut File {
        match &mut self.content {
            Content::Part(part) => &mut part.file,
            Content::Spool(file, _) => file,
        }
    }

    /// Makes an error of the file of one of the system.
    #[must_use]
    pub fn error(&self, cause: io::Error) -> WriteError {
        WriteError::new(&self.path, cause)
    }

    /// Returns a file without a name, for what is to go into this one later; it
    /// lies on the same disk.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn spool(&self) -> Result<File, WriteError> {
        let spool = match &self.content {
            Content::Part(part) => tempfile::tempfile_in(folder_of(&part.end)),
            Content::Spool(..) => tempfile::tempfile(),
        };
        spool.map_err(|cause| self.error(cause))
    }

    /// Puts the file at its path.
    ///
    /// # Errors
    ///
    /// When it cannot be written out or renamed.
    pub fn commit(self) -> Result<(), WriteError> {
        let committed = match self.content {
            Content::Part(part) => part.rename(),
            Content::Spool(mut file, target) => file
                .rewind()
                .and_then(|()| open_stream(&target))
                .and_then(|mut stream| io::copy(&mut file, &mut stream).map(|_| stream))
                .and_then(|mut stream| stream.flush()),
        };
        committed.map_err(|cause| WriteError::new(&self.path, cause))
    }
}

/// The file beside another one's path that becomes it.
#[derive(Debug)]
struct Part {
    file: File,
    beside: PathBuf,
    end: PathBuf,
    permissions: Option<Permissions>,
    state: PartState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartState {
    /// It is in no folder yet.
    Nameless,
    Beside,
    Renamed,
}

impl Part {
    fn create(end: PathBuf, permissions: Option<Permissions>) -> io::Result<Self> {
        let beside = beside(&end);
        let create = || OpenOptions::new().read(true).write(true).create_new(true).open(&beside);
        let file = create().or_else(|error| {
            // A program of the same number was killed here.
            if error.kind() == io::ErrorKind::AlreadyExists {
                fs::remove_file(&beside)?;
                return create();
            }
            Err(error)
        })?;
        Ok(Self { file, beside, end, permissions, state: PartState::Beside })
    }

    /// Creates a file that gets a name when it is whole, where that can be had.
    fn without_name(end: PathBuf, permissions: Option<Permissions>) -> io::Result<Self> {
        match nameless::create(folder_of(&end)) {
            Ok(file) => {
                let (beside, state) = (beside(&end), PartState::Nameless);
                Ok(Self { file, beside, end, permissions, state })
            }
            Err(_) => Self::create(end, permissions),
        }
    }

    fn rename(mut self) -> io::Result<()> {
        if let Some(permissions) = self.permissions.take() {
            self.file.set_permissions(permissions)?;
        }
        self.file.sync_all()?;
        if self.state == PartState::Nameless {
            nameless::name(&self.file, &self.beside)?;
            self.state = PartState::Beside;
        }
        fs::rename(&self.beside, &self.end)?;
        self.state = PartState::Renamed;
        synchronise_folder(&self.end)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.state == PartState::Beside {
            // The first error is the one that matters.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

fn open_stream(target: &Target) -> io::Result<Box<dyn Write>> {
    match target {
        Target::StandardOutput => Ok(Box::new(io::stdout())),
        // What an open file of a program holds already stays before it.
        Target::Stream(path) | Target::File(path, _) => {
            let file = OpenOptions::new().append(true).open(path);
            Ok(Box::new(file?))
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Makes the renaming last through a loss of power; what other files a folder
/// holds is then in the order in which they were renamed.
///
/// A folder that may be written and not read, or whose file system knows no
/// such thing, cannot be synchronised; the file is there all the same.
#[cfg(unix)]
fn synchronise_folder(path: &Path) -> io::Result<()> {
    match File::open(folder_of(path)).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synchronised => synchronised,
    }
}

/// Folders cannot be opened here.
#[cfg(not(unix))]
fn synchronise_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The process id keeps two programs that write the same file apart.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let mut beside = OsString::from(".");
    beside.push(repeated(name));
    beside.push(format!(".{}.part", std::process::id()));
    path.with_file_name(beside)
}

/// Returns a name as it is, or of a long one the beginning and a checksum.
fn repeated(name: &OsStr) -> OsString {
    if name.len() <= REPEATED {
        return name.to_owned();
    }
    let lossy = name.to_string_lossy();
    let mut end = REPEATED - 16;
    while !lossy.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}.{:08x}", &lossy[..end], crc32fast::hash(name.as_encoded_bytes())).into()
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; free some space or choose another folder with --out"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that you may write to with --out"
        }
        io::ErrorKind::NotFound => "; create its folder first",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
