//! Rows of tables of decisions.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{BehaviourError, RowFault, conditions};
use crate::table_lines;
use lcl_images::{PassedOver, files_below};

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) data_set: String,
    pub(super) subject: String,
    /// Nothing where the table has none.
    pub(super) condition: Option<String>,
    pub(super) image: String,
    pub(super) category: String,
    pub(super) response: String,
}

/// Returns the tables at `path`: itself, or those in a folder, sorted.
pub(super) fn tables_at(path: &Path) -> Result<Vec<PathBuf>, BehaviourError> {
    let io = |cause| BehaviourError::Io { path: path.to_owned(), cause };
    if !fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut tables = Vec::new();
    collect(path, &mut tables).map_err(io)?;
    tables.sort();
    if tables.is_empty() {
        return Err(BehaviourError::NoTable { path: path.to_owned() });
    }
    Ok(tables)
}

fn collect(folder: &Path, tables: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut passed = PassedOver::default();
    let files = files_below(folder, &mut passed)?;
    passed.say(folder);
    let is_table = |path: &PathBuf| {
        let name = path.to_string_lossy();
        [".csv", ".csv.gz"].iter().any(|ending| name.ends_with(ending))
    };
    tables.extend(files.into_iter().filter(is_table));
    Ok(())
}

/// Reads a table, compressed or not.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, BehaviourError> {
    let io = |cause| BehaviourError::Io { path: path.to_owned(), cause };
    let file = File::open(path).map_err(io)?;
    let is_compressed = path.extension().is_some_and(|extension| extension == "gz");
    let mut input: Box<dyn Read> = if is_compressed {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    };
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|cause| BehaviourError::Csv { path: path.to_owned(), cause: cause.to_string() })?;
    let damaged = |cause: csv::Error| {
        let cause = table_lines::fault(&bytes, &cause);
        BehaviourError::Csv { path: path.to_owned(), cause }
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(&bytes[..]);
    let headers = reader.headers().map_err(damaged)?.clone();
    let place = |name: &str| headers.iter().position(|head| head.eq_ignore_ascii_case(name));
    let needed = |column: &'static str| {
        place(column).ok_or_else(|| BehaviourError::Column { path: path.to_owned(), column })
    };
    let (subject, response) = (needed("subj")?, needed("object_response")?);
    let (category, condition) = (needed("category")?, needed("condition")?);
    let image = match place("imagename") {
        Some(place) => place,
        None => needed("image_id")?,
    };
    let data_set = place("dataset");
    let name_of_file = data_set_of(path);

    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(damaged)?;
        let line = || table_lines::line_of(&bytes, record.position());
        let text = |place: usize, what: RowFault| match record.get(place).unwrap_or_default() {
            "" => Err(BehaviourError::Row { path: path.to_owned(), line: line(), what }),
            text => Ok(text.to_owned()),
        };
        rows.push(Row {
            data_set: match data_set {
                Some(place) => text(place, RowFault::DataSet)?,
                None => name_of_file.clone(),
            },
            subject: text(subject, RowFault::Subject)?,
            condition: conditions::normalised(record.get(condition).unwrap_or_default()),
            image: image_id(&text(image, RowFault::Image)?),
            category: text(category, RowFault::Category)?,
            response: text(response, RowFault::Response)?,
        });
    }
    Ok(rows)
}

/// Returns what identifies an image among those of a condition: the last part of
/// its name between `_`, and the one before it where that is a synset, `n0…`.
fn image_id(name: &str) -> String {
    let Some((before, last)) = name.rsplit_once('_') else {
        return name.to_owned();
    };
    let synset = before.rsplit('_').next().filter(|part| {
        part.strip_prefix('n').is_some_and(|digits| {
            digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    });
    synset.map_or_else(|| last.to_owned(), |synset| format!("{synset}_{last}"))
}

/// Returns the data set of a table of one: `edge` of
/// `edge_subject-01_session_1.csv`, or else the name of its folder.
fn data_set_of(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.trim_end_matches(".gz").trim_end_matches(".csv");
    if let Some((name, rest)) = stem.split_once('_') {
        if rest.contains("session") && !name.is_empty() {
            return name.to_owned();
        }
    }
    let folder = path.parent().and_then(Path::file_name);
    folder.map_or_else(|| stem.to_owned(), |folder| folder.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_the_end_of_their_names() {
        for (name, expected) in [
            ("0001_cop_s01_c30_knife_10_n03041632_7380.png", "n03041632_7380.png"),
            ("n03041632_7380.png", "n03041632_7380.png"),
            ("0001_s5n_s01_0_bird_00_bird3-bird2.png", "bird3-bird2.png"),
            ("airplane1-bicycle2.png", "airplane1-bicycle2.png"),
            ("0001_ske_dnn_0_airplane_00_airplane-0001-sketch-0.png", "airplane-0001-sketch-0.png"),
        ] {
            assert_eq!(image_id(name), expected);
        }
    }

    #[test]
    fn a_table_of_one_data_set_is_named_by_file_or_folder() {
        for (path, expected) in [
            ("raw/edge/edge_subject-01_session_1.csv", "edge"),
            ("raw/cue-conflict/alexnet.csv", "cue-conflict"),
            ("raw/uniform-noise/uniform-noise_vit-b-16_session-1.csv.gz", "uniform-noise"),
            ("mine.csv", "mine"),
        ] {
            let found = data_set_of(Path::new(path));
            assert_eq!(found, expected, "{path}");
        }
    }
}
