//! Files without a name, which are gone when the program is, and get a name when
//! they are whole.

#[cfg(not(target_os = "linux"))]
pub use self::elsewhere::{create, name};
#[cfg(target_os = "linux")]
pub use self::linux::{create, name};

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        fs::{self, File, OpenOptions},
        io,
        os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
        path::Path,
    };

    use rustix::{
        fs::{AtFlags, CWD, OFlags, linkat},
        io::Errno,
    };

    /// Creates a file in a folder; not every file system can.
    pub fn create(folder: &Path) -> io::Result<File> {
        let flags = i32::try_from(OFlags::TMPFILE.bits()).map_err(io::Error::other)?;
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(folder)?;
        // Without it, it could not get a name.
        fs::metadata(path_of(&file))?;
        Ok(file)
    }

    /// Gives a file the name `path`, in the folder that it was created in.
    pub fn name(file: &File, path: &Path) -> io::Result<()> {
        let link = || linkat(CWD, path_of(file), CWD, path, AtFlags::SYMLINK_FOLLOW);
        match link() {
            Err(Errno::EXIST) => {
                // A program of the same number was killed here.
                fs::remove_file(path)?;
                Ok(link()?)
            }
            linked => Ok(linked?),
        }
    }

    fn path_of(file: &File) -> String {
        format!("/proc/self/fd/{}", file.as_raw_fd())
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::{fs::File, io, path::Path};

    /// Never creates a file.
    pub fn create(_: &Path) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Has no file to name.
    pub fn name(_: &File, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
