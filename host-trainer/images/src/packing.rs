//! A shard of a pack: what is kept of it, and making it anew.

use std::{collections::BTreeMap, fs, ops::Range, path::Path, time::SystemTime};

use rayon::prelude::*;

use super::{
    Damage, ImageSet, Stamp,
    pack::{CHECKSUMS, FORMAT, Packed, ShardFile, Skipped, TENSOR, centre_bytes},
};
use lcl_artefacts::{
    atomic_file::WriteError,
    tensor_file::{self, NamedTensor, Values},
};

/// Names of the strings in the header of a shard.
const IMAGES: &str = "images";
const SKIPPED: &str = "skipped";
const STAMPS: &str = "stamps";
const CRC32: &str = "crc32";

/// A shard that an earlier call made.
pub struct Kept {
    file: ShardFile,
    first: usize,
    /// The place among the centres for each image, none of one that was skipped.
    places: Vec<Option<usize>>,
    skipped: Vec<Skipped>,
    /// What its images were made from; none in an older pack.
    stamps: Option<Vec<String>>,
    written: Option<SystemTime>,
}

impl Kept {
    /// Opens the shard at `path`, of the images in `range`; one that is not there
    /// or not whole is made again.
    pub fn open(path: &Path, range: Range<usize>) -> Option<Self> {
        let file = ShardFile::open(path).ok()?;
        let list = |name: &str| file.metadata.get(name);
        // Without a checksum of each, all centres are as good as the worst.
        if !file.has_checksums() && list(CRC32) != file.crc32().ok().map(hexadecimal).as_ref() {
            return None;
        }
        let skipped = list(SKIPPED).and_then(|json| serde_json::from_str(json).ok());
        let skipped: Vec<Skipped> = skipped.unwrap_or_default();
        let stamps: Option<Vec<String>> =
            list(STAMPS).and_then(|json| serde_json::from_str(json).ok());
        let stamps = stamps.filter(|stamps| stamps.len() == range.len());
        let written = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let (mut next, mut left_out) = (0.., skipped.iter().peekable());
        let place = |index| match left_out.next_if(|skipped| skipped.index == index) {
            Some(_) => None,
            None => next.next(),
        };
        let first = range.start;
        let places = range.map(place).collect();
        Some(Self { file, first, places, skipped, stamps, written })
    }

    /// Returns whether it is of the images in `range` of a set.
    pub fn has_images_of(&self, set: &ImageSet, range: Range<usize>) -> bool {
        let mut skipped = self.skipped.iter();
        let mut name = |index: usize| match self.places[index - self.first] {
            Some(place) => self.file.names.get(place),
            None => skipped.next().map(|skipped| &skipped.name),
        };
        let centres = self.places.iter().flatten().count();
        centres == self.file.names.len()
            && range.into_iter().all(|index| name(index).is_some_and(|n| *n == set.name(index)))
    }

    /// Returns whether a shard made anew is this one, so that it need not be
    /// written.
    pub fn is(&self, shard: &NewShard) -> bool {
        shard.loaded == 0
            && self.skipped == shard.skipped
            && self.file.metadata.get(CRC32) == Some(&shard.crc32())
    }

    /// Returns the centre of an image whose file has not changed since.
    fn centre(&self, index: usize, stamp: &Stamp) -> Option<Vec<u8>> {
        let at = index - self.first;
        let is_current = match &self.stamps {
            Some(stamps) => !stamp.text.is_empty() && stamps[at] == stamp.text,
            None => stamp.modified.zip(self.written).is_some_and(|(file, shard)| file <= shard),
        };
        let centre: Packed =
            self.places[at].filter(|_| is_current).map(|at| self.file.centre(at))?;
        centre.read().ok().filter(|bytes| centre.is_sound(bytes))
    }
}

/// A shard in memory.
pub struct NewShard {
    /// Side of its centres, in pixels.
    side: u32,
    centres: Vec<u8>,
    names: Vec<String>,
    skipped: Vec<Skipped>,
    stamps: Vec<String>,
    /// Centres that are not those of the shard that was kept.
    loaded: usize,
}

impl NewShard {
    /// Makes the shard of the images in `range`, with what is kept of an earlier
    /// one of the same side.
    pub fn make(
        set: &ImageSet,
        side: u32,
        range: Range<usize>,
        kept: Option<&Kept>,
        damage: &Damage,
        count: &(dyn Fn() + Sync),
    ) -> Self {
        let make = |index| {
            // Before the file is read: a change while it is read shows next time.
            let stamp = set.stamp(index);
            let kept = kept.and_then(|kept| kept.centre(index, &stamp));
            let is_kept = kept.is_some();
            let centre = kept.map_or_else(|| set.load_centre(index, side), Ok);
            match &centre {
                Ok(_) => damage.count_sound(),
                Err(error) => damage.count_skipped(error),
            }
            count();
            (index, stamp, is_kept, centre)
        };
        let made: Vec<_> = range.into_par_iter().map(make).collect();
        let mut shard = Self {
            side,
            centres: Vec::with_capacity(made.len() * centre_bytes(side)),
            names: Vec::new(),
            skipped: Vec::new(),
            stamps: Vec::new(),
            loaded: 0,
        };
        for (index, stamp, is_kept, centre) in made {
            let name = set.name(index).into_owned();
            match centre {
                Ok(centre) => {
                    shard.centres.extend_from_slice(&centre);
                    shard.names.push(name);
                    shard.loaded += usize::from(!is_kept);
                }
                Err(error) => {
                    shard.skipped.push(Skipped { index, name, reason: error.to_string() });
                }
            }
            shard.stamps.push(stamp.text);
        }
        shard
    }

    /// Returns the number of its centres.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the checksum of all centres, in hexadecimal.
    pub fn crc32(&self) -> String {
        hexadecimal(crc32fast::hash(&self.centres))
    }

    /// Returns the images of which it has no centre.
    pub fn into_skipped(self) -> Vec<Skipped> {
        self.skipped
    }

    /// Writes the shard.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let skipped = serde_json::to_value(&self.skipped).unwrap_or_default();
        let metadata = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            (IMAGES.to_owned(), serde_json::Value::from(self.names.as_slice()).to_string()),
            (SKIPPED.to_owned(), skipped.to_string()),
            (STAMPS.to_owned(), serde_json::Value::from(self.stamps.as_slice()).to_string()),
            (CRC32.to_owned(), self.crc32()),
        ]);
        let side = self.side as usize;
        let checksums: Vec<u32> =
            self.centres.par_chunks_exact(centre_bytes(self.side)).map(crc32fast::hash).collect();
        let tensors = [
            NamedTensor {
                name: TENSOR.to_owned(),
                shape: vec![self.len(), side, side, 3],
                values: Values::U8(&self.centres),
            },
            NamedTensor {
                name: CHECKSUMS.to_owned(),
                shape: vec![checksums.len()],
                values: Values::U32(&checksums),
            },
        ];
        tensor_file::write(path, &tensors, &metadata)
    }
}

fn hexadecimal(crc32: u32) -> String {
    format!("{crc32:08x}")
}
