//! Features on their way into a file, a few images at a time.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use serde_json::json;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    format::{Format, FormatError},
    regions::Regions,
};
use crate::{
    atomic_file::{AtomicFile, WriteError},
    tensor_file::{MOST_HEADER, Values, header},
};

/// Bytes before the array in a `.npy`: as many for every length of it.
const NPY_HEADER: usize = 128;

/// The name of the list of images.
const IMAGES: &str = "images";

/// Features cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureWriteError {
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Such a file cannot hold them.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// What one array of a file of features holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayPlan {
    /// Its name.
    pub name: String,
    /// The shape of what it holds of one image.
    pub shape: Vec<usize>,
    /// Whether it holds bytes, and not 32-bit floats.
    pub is_bytes: bool,
}

impl ArrayPlan {
    fn element(&self) -> usize {
        if self.is_bytes { 1 } else { 4 }
    }

    fn item_bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element()
    }

    fn shape_of(&self, images: usize) -> Vec<usize> {
        [&[images], &self.shape[..]].concat()
    }

    fn npy_header(&self, images: usize) -> Vec<u8> {
        npy_header(if self.is_bytes { "|u1" } else { "<f4" }, &self.shape_of(images))
    }
}

/// A file of features that is written a few images at a time and is there whole
/// or not at all.
///
/// What is in memory is the names of the images. The file has room for all
/// images from the start; where some were skipped, it is moved together.
#[derive(Debug)]
pub struct FeatureWriter {
    file: AtomicFile,
    format: Format,
    /// Where the arrays of a `.npz` lie until it is known how many images
    /// there are.
    spool: Option<File>,
    arrays: Vec<ArrayPlan>,
    regions: Regions,
    header_len: usize,
    images: Vec<String>,
}

impl FeatureWriter {
    /// Begins a file at `path` with the arrays `arrays` of at most the images
    /// `names`.
    ///
    /// # Errors
    ///
    /// When a file of that format cannot hold them, or nothing can be written
    /// there.
    pub fn create(
        path: &Path,
        format: Format,
        arrays: Vec<ArrayPlan>,
        names: &[String],
    ) -> Result<Self, FeatureWriteError> {
        format.check_arrays(path, arrays.len())?;
        let header_len = match format {
            Format::Safetensors => safetensors_header(&arrays, names).len(),
            Format::Npy => NPY_HEADER,
            Format::Npz => 0,
        };
        if format == Format::Safetensors && header_len > MOST_HEADER {
            let (path, bytes, most) = (path.to_owned(), header_len, MOST_HEADER);
            return Err(FormatError::Names { path, bytes, most }.into());
        }
        let file = AtomicFile::create(path)?;
        let spool = (format == Format::Npz).then(|| file.spool()).transpose()?;
        let item_bytes: Vec<usize> = arrays.iter().map(ArrayPlan::item_bytes).collect();
        let regions = Regions::new(header_len, names.len(), &item_bytes);
        Ok(Self { file, format, spool, arrays, regions, header_len, images: Vec::new() })
    }

    /// Appends what each array holds of some further images.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    ///
    /// # Panics
    ///
    /// When an array gets more or fewer values than the images have, or more
    /// images come than were announced.
    pub fn push(&mut self, names: Vec<String>, values: &[Values<'_>]) -> Result<(), WriteError> {
        let parts: Vec<&[u8]> = values.iter().map(Values::bytes).collect();
        assert_eq!(parts.len(), self.arrays.len(), "values of each array");
        for (part, array) in parts.iter().zip(&self.arrays) {
            assert_eq!(part.len(), names.len() * array.item_bytes(), "{}", array.name);
        }
        let file = self.spool.as_mut().unwrap_or_else(|| self.file.file());
        let appended = self.regions.append(file, names.len(), &parts);
        appended.map_err(|cause| self.file.error(cause))?;
        self.images.extend(names);
        Ok(())
    }

    /// Puts the file at its path.
    ///
    /// # Errors
    ///
    /// When it cannot be written out.
    pub fn commit(mut self) -> Result<(), WriteError> {
        let closed = match self.format {
            Format::Safetensors => self.close_safetensors(),
            Format::Npy => self.close_npy(),
            Format::Npz => self.close_npz(),
        };
        closed.map_err(|cause| self.file.error(cause))?;
        self.file.commit()
    }

    fn close_safetensors(&mut self) -> io::Result<()> {
        let mut header = safetensors_header(&self.arrays, &self.images);
        header.resize(self.header_len, b' ');
        header[..8].copy_from_slice(&(self.header_len as u64 - 8).to_le_bytes());
        self.regions.close(self.file.file())?;
        write_at_start(self.file.file(), &header)
    }

    fn close_npy(&mut self) -> io::Result<()> {
        self.regions.close(self.file.file())?;
        let header = self.arrays[0].npy_header(self.images.len());
        write_at_start(self.file.file(), &header)
    }

    fn close_npz(&mut self) -> io::Result<()> {
        let Some(spool) = &mut self.spool else {
            return Ok(());
        };
        let mut archive = ZipWriter::new(BufWriter::new(self.file.file()));
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let stored = stored.large_file(true);
        for (index, array) in self.arrays.iter().enumerate() {
            archive.start_file(format!("{}.npy", array.name), stored)?;
            archive.write_all(&array.npy_header(self.images.len()))?;
            self.regions.copy(spool, index, &mut archive)?;
        }
        archive.start_file(format!("{IMAGES}.npy"), stored)?;
        write_names(&mut archive, &self.images)?;
        archive.finish()?.flush()
    }
}

fn write_at_start(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)
}

fn safetensors_header(arrays: &[ArrayPlan], images: &[String]) -> Vec<u8> {
    let described = arrays.iter().map(|array| {
        let dtype = if array.is_bytes { Values::U8(&[]) } else { Values::F32(&[]) }.dtype();
        (array.name.as_str(), dtype, array.element(), array.shape_of(images.len()))
    });
    let metadata = BTreeMap::from([(IMAGES.to_owned(), json!(images).to_string())]);
    header(described, &metadata)
}

/// Returns the header of a `.npy`, version 1.0, with an array of that type and
/// shape.
fn npy_header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let lengths: Vec<String> = shape.iter().map(|length| format!("{length}, ")).collect();
    let lengths = lengths.concat();
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(u16::try_from(NPY_HEADER - 10).unwrap_or_default().to_le_bytes());
    header.extend(text.as_bytes());
    header.resize(NPY_HEADER - 1, b' ');
    header.push(b'\n');
    header
}

/// Writes names as `NumPy` has text: characters of 32 bits, all as long as the
/// longest.
fn write_names(out: &mut impl Write, names: &[String]) -> io::Result<()> {
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(1);
    out.write_all(&npy_header(&format!("<U{longest}"), &[names.len()]))?;
    for name in names {
        let mut characters: Vec<u32> = name.chars().map(u32::from).collect();
        characters.resize(longest, 0);
        out.write_all(Values::U32(&characters).bytes())?;
    }
    Ok(())
}
