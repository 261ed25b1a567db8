//! The images in a folder, an archive or a pack, listed without reading them.

use std::{
    fs::{self, File},
    path::Path,
};

use super::{
    DataError, Listing, archive, image_set::Entry, order::by_numbers, pack, passed::PassedOver,
    walk,
};

/// Endings of the files in a folder that count as images.
pub const IMAGE_ENDINGS: [&str; 14] = [
    "bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff",
    "webp",
];

/// Lists the images at `path`, and says on the standard error what is passed
/// over.
pub fn list(path: &Path, listing: Listing) -> Result<Vec<Entry>, DataError> {
    let io = |cause| DataError::Io { path: path.to_owned(), cause };
    let kind = fs::metadata(path).map_err(io)?.file_type();
    if kind.is_dir() {
        return list_folder(path, listing);
    } else if !kind.is_file() {
        return Err(DataError::NoFile { path: path.to_owned(), kind: walk::kind_of(kind) });
    }
    let ending = ending(path);
    let compressed = |format: &str| {
        Err(DataError::Compressed { path: path.to_owned(), format: format.to_owned() })
    };
    match ending.as_deref() {
        Some(ending @ ("tgz" | "gz" | "xz" | "zst" | "bz2" | "zip" | "7z")) => compressed(ending),
        Some("tar") => {
            let start = File::open(path).and_then(archive::compression).map_err(io)?;
            if let Some(format) = start {
                return compressed(format);
            }
            let mut passed = PassedOver::default();
            let members = list_archive(path, listing, &mut passed);
            passed.say(path);
            let members = members?;
            if members.is_empty() {
                return Err(DataError::NoImages { path: path.to_owned() });
            }
            Ok(members)
        }
        Some("safetensors") => Ok(pack::open_shard(path)?.into_iter().map(Entry::Pack).collect()),
        _ => Ok(vec![Entry::File(path.to_owned())]),
    }
}

fn list_folder(path: &Path, listing: Listing) -> Result<Vec<Entry>, DataError> {
    if pack::is_pack(path) {
        return Ok(pack::open(path)?.into_iter().map(Entry::Pack).collect());
    }
    let mut passed = PassedOver::default();
    let files = walk::files(path, &mut passed);
    let mut files = files.map_err(|cause| DataError::Io { path: path.to_owned(), cause })?;
    if files.is_empty() && passed == PassedOver::default() {
        return Err(DataError::Empty { path: path.to_owned() });
    }
    if listing == Listing::Numbers {
        files.sort_by(|a, b| by_numbers(a, b));
    }
    let mut entries = Vec::new();
    for file in files {
        if archive::is_archive(&file) {
            match list_archive(&file, listing, &mut passed) {
                Ok(members) => entries.extend(members),
                Err(DataError::Archive { path, cause }) => {
                    passed.unreadable(&path, &format!("it is not a whole .tar: {cause}"));
                }
                Err(error) => return Err(error),
            }
        } else if is_image(&file) {
            entries.push(Entry::File(file));
        } else {
            passed.other(&file);
        }
    }
    passed.say(path);
    if entries.is_empty() {
        return Err(DataError::NoImages { path: path.to_owned() });
    }
    Ok(entries)
}

fn list_archive(
    path: &Path,
    listing: Listing,
    passed: &mut PassedOver,
) -> Result<Vec<Entry>, DataError> {
    let listed = archive::members(path, is_image);
    let listed = listed.map_err(|cause| DataError::Archive { path: path.to_owned(), cause })?;
    passed.add(&listed.passed);
    let mut members = listed.members.clone();
    if listing == Listing::Numbers {
        members.sort_by(|a, b| by_numbers(&a.path, &b.path));
    }
    Ok(members.into_iter().map(Entry::Member).collect())
}

fn is_image(path: &Path) -> bool {
    ending(path).is_some_and(|ending| IMAGE_ENDINGS.contains(&ending.as_str()))
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}
