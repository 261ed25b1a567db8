//! Arrays in files of `NumPy` and in safetensors.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use npyz::{DType, Deserialize, NpyFile, TypeChar};
use safetensors::Dtype;
use zip::{ZipArchive, result::ZipError};

use lcl_artefacts::tensor_file::{ReadError, TensorFile};

/// A file of arrays: `.npz`, `.npy`, or `.safetensors`.
#[derive(Debug)]
pub struct ArrayFile {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The names of the arrays.
    Npz(Vec<String>),
    Npy,
    Tensors(TensorFile),
}

/// An array cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is not a whole archive.
    #[error("{} is not a whole .npz ({cause}); save it again with numpy.savez", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ZipError,
    },
    /// The file is not a whole safetensors file.
    #[error(transparent)]
    Tensors(#[from] ReadError),
    /// The ending says no format that is read.
    #[error("{} is of no known format; give a .npz, .npy or .safetensors", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// There is no such array.
    #[error("{} has no array {name:?}; it has {}", path.display(), there.join(", "))]
    Missing {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// The arrays that are there.
        there: Vec<String>,
    },
    /// The values are of a type that is not read.
    #[error("{name:?} in {} holds {got}; save it as plain {wanted}", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Type of its values.
        got: String,
        /// What can be read.
        wanted: &'static str,
    },
}

/// The types of numbers that are read.
const NUMBERS: &str = "numbers: float16, float32, float64, integers or bool";

impl ArrayFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is of another format or is not whole.
    pub fn open(path: &Path) -> Result<Self, ArrayError> {
        let path = path.to_owned();
        let ending = path.extension().and_then(|extension| extension.to_str());
        let kind = match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("npz") => {
                let names = archive(&path)?;
                let arrays = names.file_names().filter_map(|name| name.strip_suffix(".npy"));
                let mut arrays: Vec<String> = arrays.map(str::to_owned).collect();
                arrays.sort();
                Kind::Npz(arrays)
            }
            Some("npy") => Kind::Npy,
            Some("safetensors") => Kind::Tensors(TensorFile::read(&path)?),
            _ => return Err(ArrayError::Format { path }),
        };
        Ok(Self { path, kind })
    }

    /// Returns the names of the arrays; that of a `.npy` is empty.
    ///
    /// # Errors
    ///
    /// When the file is damaged.
    pub fn names(&self) -> Result<Vec<String>, ArrayError> {
        Ok(match &self.kind {
            Kind::Npz(names) => names.clone(),
            Kind::Npy => vec![String::new()],
            Kind::Tensors(file) => {
                let mut names: Vec<String> =
                    file.tensors()?.names().into_iter().map(|name| (*name).to_owned()).collect();
                names.sort();
                names
            }
        })
    }

    /// Returns a string of the metadata of a safetensors file.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        match &self.kind {
            Kind::Tensors(file) => file.metadata().get(key).map(String::as_str),
            Kind::Npz(_) | Kind::Npy => None,
        }
    }

    /// Returns the shape of an array, outermost dimension first.
    ///
    /// # Errors
    ///
    /// When it is not there, or the file is damaged.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>, ArrayError> {
        if let Kind::Tensors(file) = &self.kind {
            let tensors = file.tensors()?;
            let tensor = tensors.tensor(name).map_err(|_| self.missing(name))?;
            return Ok(tensor.shape().to_vec());
        }
        self.with_npy(name, |npy| Ok(shape_of(&npy)))
    }

    /// Calls `visit` with the place, in row-major order, and the value of every
    /// element of an array of numbers. The array is never in memory as a whole,
    /// but for that of a safetensors file.
    ///
    /// # Errors
    ///
    /// When it is not there, holds no numbers, or the file is damaged.
    pub fn visit(&self, name: &str, mut visit: impl FnMut(usize, f64)) -> Result<(), ArrayError> {
        if let Kind::Tensors(file) = &self.kind {
            let tensors = file.tensors()?;
            let tensor = tensors.tensor(name).map_err(|_| self.missing(name))?;
            let (number, bytes) = number(tensor.dtype())
                .ok_or_else(|| self.wrong_type(name, &format!("{:?}", tensor.dtype()), NUMBERS))?;
            for (at, value) in tensor.data().chunks_exact(bytes).enumerate() {
                visit(at, number(value));
            }
            return Ok(());
        }
        self.with_npy(name, |npy| {
            let DType::Plain(kind) = npy.dtype() else {
                return Err(self.wrong_type(name, "records", NUMBERS));
            };
            let io = |cause| self.io(cause);
            match (kind.type_char(), kind.size_field()) {
                (TypeChar::Float, 8) => each(npy, |v: f64| v, visit).map_err(io),
                (TypeChar::Float, 4) => each(npy, |v: f32| v.into(), visit).map_err(io),
                (TypeChar::Float, 2) => each(npy, |v: f16| v.into(), visit).map_err(io),
                (TypeChar::Int, 8) => each(npy, |v: i64| v as f64, visit).map_err(io),
                (TypeChar::Int, 4) => each(npy, |v: i32| v.into(), visit).map_err(io),
                (TypeChar::Int, 2) => each(npy, |v: i16| v.into(), visit).map_err(io),
                (TypeChar::Int, 1) => each(npy, |v: i8| v.into(), visit).map_err(io),
                (TypeChar::Uint, 8) => each(npy, |v: u64| v as f64, visit).map_err(io),
                (TypeChar::Uint, 4) => each(npy, |v: u32| v.into(), visit).map_err(io),
                (TypeChar::Uint, 2) => each(npy, |v: u16| v.into(), visit).map_err(io),
                (TypeChar::Uint, 1) => each(npy, |v: u8| v.into(), visit).map_err(io),
                (TypeChar::Bool, _) => each(npy, |v: bool| v.into(), visit).map_err(io),
                _ => Err(self.wrong_type(name, &kind.to_string(), NUMBERS)),
            }
        })
    }

    /// Returns the strings of an array of `NumPy`, kind `U` or `S`.
    ///
    /// # Errors
    ///
    /// When it is not there, holds no strings, or the file is damaged.
    pub fn strings(&self, name: &str) -> Result<Vec<String>, ArrayError> {
        const STRINGS: &str = "strings, of NumPy's kind U or S";
        self.with_npy(name, |npy| {
            let DType::Plain(kind) = npy.dtype() else {
                return Err(self.wrong_type(name, "records", STRINGS));
            };
            let strings = match kind.type_char() {
                TypeChar::UnicodeStr => npy.into_vec::<String>(),
                TypeChar::ByteStr => npy.into_vec::<Vec<u8>>().map(|strings| {
                    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                    strings.into_iter().map(text).collect()
                }),
                _ => return Err(self.wrong_type(name, &kind.to_string(), STRINGS)),
            };
            strings.map_err(|cause| self.io(cause))
        })
    }

    fn with_npy<T>(
        &self,
        name: &str,
        read: impl FnOnce(NpyFile<&mut dyn Read>) -> Result<T, ArrayError>,
    ) -> Result<T, ArrayError> {
        let io = |cause| self.io(cause);
        match &self.kind {
            Kind::Npy if name.is_empty() => {
                let mut file = BufReader::new(File::open(&self.path).map_err(io)?);
                read(NpyFile::new(&mut file as &mut dyn Read).map_err(io)?)
            }
            Kind::Npz(names) if names.iter().any(|there| there == name) => {
                let mut archive = archive(&self.path)?;
                let member = archive.by_name(&format!("{name}.npy"));
                let member = member
                    .map_err(|cause| ArrayError::Archive { path: self.path.clone(), cause })?;
                let mut member = BufReader::new(member);
                read(NpyFile::new(&mut member as &mut dyn Read).map_err(io)?)
            }
            _ => Err(self.missing(name)),
        }
    }

    fn missing(&self, name: &str) -> ArrayError {
        let there = self.names().unwrap_or_default();
        ArrayError::Missing { path: self.path.clone(), name: name.to_owned(), there }
    }

    fn wrong_type(&self, name: &str, got: &str, wanted: &'static str) -> ArrayError {
        let (path, name, got) = (self.path.clone(), name.to_owned(), got.to_owned());
        ArrayError::Type { path, name, got, wanted }
    }

    fn io(&self, cause: io::Error) -> ArrayError {
        ArrayError::Io { path: self.path.clone(), cause }
    }
}

fn archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, ArrayError> {
    let file = File::open(path).map_err(|cause| ArrayError::Io { path: path.to_owned(), cause })?;
    ZipArchive::new(BufReader::new(file))
        .map_err(|cause| ArrayError::Archive { path: path.to_owned(), cause })
}

#[expect(clippy::cast_possible_truncation, reason = "what is too long is no file")]
fn shape_of<R: Read>(npy: &NpyFile<R>) -> Vec<usize> {
    npy.shape().iter().map(|&length| length as usize).collect()
}

/// Calls `visit` with every value, wherever the file's order puts it.
#[expect(clippy::cast_possible_truncation, reason = "places in an array that was saved")]
fn each<T: Deserialize, R: Read>(
    npy: NpyFile<R>,
    number: impl Fn(T) -> f64,
    mut visit: impl FnMut(usize, f64),
) -> io::Result<()> {
    let shape = shape_of(&npy);
    let strides: Vec<usize> = npy.strides().iter().map(|&stride| stride as usize).collect();
    let row_major = npy.order() == npyz::Order::C;
    let place = |stored: usize| {
        let axes = shape.iter().zip(&strides);
        axes.fold(0, |place, (length, stride)| place * length + stored / stride % length)
    };
    for (stored, value) in npy.data::<T>().map_err(io::Error::other)?.enumerate() {
        visit(if row_major { stored } else { place(stored) }, number(value?));
    }
    Ok(())
}

/// Makes a number of its bytes.
type Number = fn(&[u8]) -> f64;

/// Returns what makes a number of the bytes of one, and how many these are.
fn number(kind: Dtype) -> Option<(Number, usize)> {
    fn bytes<const N: usize>(value: &[u8]) -> [u8; N] {
        value.try_into().unwrap_or([0; N])
    }
    Some(match kind {
        Dtype::F64 => (|v| f64::from_le_bytes(bytes(v)), 8),
        Dtype::F32 => (|v| f32::from_le_bytes(bytes(v)).into(), 4),
        Dtype::F16 => (|v| f16::from_le_bytes(bytes(v)).into(), 2),
        Dtype::BF16 => (|v| bf16::from_le_bytes(bytes(v)).into(), 2),
        Dtype::I64 => (|v| i64::from_le_bytes(bytes(v)) as f64, 8),
        Dtype::I32 => (|v| i32::from_le_bytes(bytes(v)).into(), 4),
        Dtype::I16 => (|v| i16::from_le_bytes(bytes(v)).into(), 2),
        Dtype::I8 => (|v| i8::from_le_bytes(bytes(v)).into(), 1),
        Dtype::U64 => (|v| u64::from_le_bytes(bytes(v)) as f64, 8),
        Dtype::U32 => (|v| u32::from_le_bytes(bytes(v)).into(), 4),
        Dtype::U16 => (|v| u16::from_le_bytes(bytes(v)).into(), 2),
        Dtype::U8 | Dtype::BOOL => (|v| v[0].into(), 1),
        _ => return None,
    })
}
