//! Recordings in the folder layout of \[Sensorium\] and \[Lurz\]: one array of
//! `NumPy` for each trial, and arrays about neurons and trials.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use lcl_evaluate::neural::ArrayFile;

use super::{DataError, Excluded, Session, Tier, Trial};

/// Reads a session.
pub(super) fn read(folder: &Path) -> Result<Session, DataError> {
    let tiers = tiers(&there(folder.join("meta/trials/tiers.npy"), "tiers")?)?;
    let frame = folder.join("meta/trials/frame_image_id.npy");
    let frames = if frame.exists() { Some(numbers(&frame)?.1) } else { None };
    if let Some(frames) = frames.as_ref().filter(|frames| frames.len() != tiers.len()) {
        return Err(DataError::Shape {
            path: frame,
            field: "frame_image_id",
            expected: format!("[{}], as the tiers", tiers.len()),
            got: vec![frames.len()],
        });
    }
    let mut reading = Reading { folder, size: None, neurons: None };
    let (mut images, mut responses, mut trials) = (Vec::new(), Vec::new(), Vec::new());
    let mut known: HashMap<(bool, u64), usize> = HashMap::new();
    let mut count = 0;
    for (number, &tier) in tiers.iter().enumerate() {
        if tier == Tier::FinalTest {
            continue;
        }
        responses.extend(reading.responses(number)?);
        // Images of one number are one image; that of a trial without is its own.
        let key = frames
            .as_ref()
            .map_or((false, number as u64), |frames| (true, frames[number].to_bits()));
        let image = if let Some(&image) = known.get(&key) {
            image
        } else {
            images.extend(reading.image(number)?);
            count += 1;
            known.insert(key, count - 1);
            count - 1
        };
        trials.push(Trial { image, tier });
    }
    let (height, width) = reading.size.unwrap_or_default();
    let neurons = reading.neurons.unwrap_or_default();
    let about = |name: &str| folder.join("meta/neurons").join(name);
    let session = Session {
        name: folder.display().to_string(),
        height,
        width,
        images,
        trials,
        responses,
        ids: ids(&about("unit_ids.npy"), neurons)?,
        positions: positions(&about("cell_motor_coordinates.npy"), neurons)?,
        excluded: Excluded::default(),
        stored_std: stored_std(folder, neurons)?,
        truth: None,
    };
    session.exclude()
}

/// Files of trials, which are to agree.
struct Reading<'a> {
    folder: &'a Path,
    /// Height and width.
    size: Option<(usize, usize)>,
    neurons: Option<usize>,
}

impl Reading<'_> {
    fn file(&self, kind: &str, number: usize, field: &'static str) -> Result<PathBuf, DataError> {
        there(self.folder.join("data").join(kind).join(format!("{number}.npy")), field)
    }

    fn image(&mut self, number: usize) -> Result<Vec<f32>, DataError> {
        let path = self.file("images", number, "image")?;
        let (shape, values) = numbers(&path)?;
        let size = match *shape {
            [height, width] | [1, height, width] => Some((height, width)),
            _ => None,
        };
        let expected = self.size.or(size.filter(|(height, width)| height * width > 0));
        match (size, expected) {
            (Some(size), Some(expected)) if size == expected => self.size = Some(size),
            _ => {
                let expected = expected.map_or_else(
                    || "[1, height, width], grey".to_owned(),
                    |(height, width)| format!("[1, {height}, {width}], as the images before"),
                );
                return Err(DataError::Shape { path, field: "image", expected, got: shape });
            }
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(DataError::Pixel { path });
        }
        Ok(single(&values))
    }

    fn responses(&mut self, number: usize) -> Result<Vec<f32>, DataError> {
        let path = self.file("responses", number, "responses")?;
        let (shape, values) = numbers(&path)?;
        let expected = *self.neurons.get_or_insert(values.len());
        if values.len() != expected || values.is_empty() {
            return Err(DataError::Shape {
                path,
                field: "responses",
                expected: format!("[{expected}], one for each neuron"),
                got: shape,
            });
        }
        Ok(single(&values))
    }
}

fn there(path: PathBuf, field: &'static str) -> Result<PathBuf, DataError> {
    if path.exists() { Ok(path) } else { Err(DataError::Missing { path, field }) }
}

/// Reads an array of numbers: its shape and its values.
fn numbers(path: &Path) -> Result<(Vec<usize>, Vec<f64>), DataError> {
    let file = ArrayFile::open(path)?;
    let shape = file.shape("")?;
    let mut values = vec![0.0; shape.iter().product()];
    file.visit("", |at, value| values[at] = value)?;
    Ok((shape, values))
}

#[expect(clippy::cast_possible_truncation, reason = "images and responses are computed in f32")]
fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn tiers(path: &Path) -> Result<Vec<Tier>, DataError> {
    let names = ArrayFile::open(path)?.strings("")?;
    let tier = |(trial, name): (usize, String)| {
        let name = name.trim_end_matches('\0');
        Tier::of(name).ok_or_else(|| DataError::Tier {
            path: path.to_owned(),
            trial,
            got: name.to_owned(),
        })
    };
    names.into_iter().enumerate().map(tier).collect()
}

/// Reads the neurons' numbers; 0, 1, … without a file.
fn ids(path: &Path, neurons: usize) -> Result<Vec<i64>, DataError> {
    if !path.exists() {
        return Ok((0..).take(neurons).collect());
    }
    let (shape, values) = numbers(path)?;
    if values.len() != neurons {
        let expected = format!("[{neurons}], one for each neuron");
        return Err(DataError::Shape {
            path: path.to_owned(),
            field: "unit_ids",
            expected,
            got: shape,
        });
    }
    #[expect(clippy::cast_possible_truncation, reason = "numbers of units are whole")]
    Ok(values.into_iter().map(|value| value as i64).collect())
}

fn positions(path: &Path, neurons: usize) -> Result<Option<Vec<[f32; 3]>>, DataError> {
    if !path.exists() {
        return Ok(None);
    }
    let (shape, values) = numbers(path)?;
    let axes = match *shape {
        [of, axes] if of == neurons && (2..=3).contains(&axes) => axes,
        _ => {
            return Err(DataError::Shape {
                path: path.to_owned(),
                field: "cell_motor_coordinates",
                expected: format!("[{neurons}, 3], micrometres"),
                got: shape,
            });
        }
    };
    let position = |at: &[f32]| [at[0], at[1], at.get(2).copied().unwrap_or_default()];
    Ok(Some(single(&values).chunks_exact(axes).map(position).collect()))
}

/// Reads the standard deviations that the layout brings along.
fn stored_std(folder: &Path, neurons: usize) -> Result<Option<Vec<f64>>, DataError> {
    let path = folder.join("meta/statistics/responses/all/std.npy");
    if !path.exists() {
        return Ok(None);
    }
    let (shape, values) = numbers(&path)?;
    if values.len() != neurons || values.iter().any(|value| value.is_sign_negative()) {
        return Err(DataError::Shape {
            path,
            field: "statistics of responses",
            expected: format!("[{neurons}], not negative"),
            got: shape,
        });
    }
    Ok(Some(values))
}

#[cfg(test)]
mod tests;
