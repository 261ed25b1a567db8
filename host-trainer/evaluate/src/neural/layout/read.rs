//! Reads recorded responses.

use std::path::Path;

use super::{LayoutError, freeman_ziemba::freeman_ziemba, window::Window};
use crate::neural::{
    array_file::ArrayFile,
    responses::{Responses, Stimuli},
};

/// How a file of responses is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name of the array, or `None` where there is only one of three or six
    /// dimensions.
    pub array: Option<String>,
    /// What the array of six dimensions is averaged over.
    pub window: Window,
    /// The types of stimuli, `tex` and `noise`, in the order of the array of six
    /// dimensions; needed where the file does not name them.
    pub types: Option<[String; 2]>,
}

impl Default for Layout {
    fn default() -> Self {
        Self { array: None, window: Window { from: 50, to: 150 }, types: None }
    }
}

/// Reads recorded responses.
///
/// - An array of three dimensions is `[stimuli, repetitions, neurons]`. The
///   stimuli are named by an array of strings `images` in a `.npz`, by a JSON
///   list under `images` in the metadata of a safetensors file, or else are the
///   images in sorted order.
/// - One of six is `[cell, time, repetition, sample, type, family]`, spike counts
///   in bins of 1 ms from the onset of the stimulus (Freeman et al. 2013; Ziemba
///   et al. 2016), of which the mean over a window is taken. The numbers of the
///   families are in an array `families`, or else those of that recording; the
///   types, in their order, in an array `types` of strings, or else in the
///   layout. There is no default: with the wrong order every prediction is of
///   the other stimulus, and nothing shows it.
///
/// NaN stands for trials that were not made.
///
/// # Errors
///
/// When the file cannot be read or follows neither layout.
pub fn read_responses(path: &Path, layout: &Layout) -> Result<Responses, LayoutError> {
    let file = ArrayFile::open(path)?;
    let name = array_name(&file, path, layout)?;
    let shape = file.shape(&name)?;
    let responses = match shape[..] {
        _ if shape.contains(&0) => None,
        [stimuli, repetitions, neurons] => {
            Some(simple(&file, &name, [stimuli, repetitions, neurons])?)
        }
        [cell, time, repetition, sample, kind, family] => {
            let shape = [cell, time, repetition, sample, kind, family];
            Some(freeman_ziemba(&file, &name, shape, layout)?)
        }
        _ => None,
    };
    let wrong = || LayoutError::Shape { path: path.to_owned(), name, shape };
    let responses = responses.ok_or_else(wrong)?;
    match responses.trials.iter().filter(|value| value.is_infinite()).count() {
        0 => Ok(responses),
        count => Err(LayoutError::Infinite { count }),
    }
}

fn array_name(file: &ArrayFile, path: &Path, layout: &Layout) -> Result<String, LayoutError> {
    if let Some(name) = &layout.array {
        return Ok(name.clone());
    }
    let there = file.names()?;
    let mut candidates = Vec::new();
    for name in &there {
        if matches!(file.shape(name)?.len(), 3 | 6) {
            candidates.push(name);
        }
    }
    match candidates[..] {
        [name] => Ok(name.clone()),
        // The error says what its shape is.
        [] if there.len() == 1 => Ok(there[0].clone()),
        _ => {
            let found = candidates.len();
            Err(LayoutError::WhichArray { path: path.to_owned(), found, there })
        }
    }
}

fn simple(file: &ArrayFile, name: &str, shape: [usize; 3]) -> Result<Responses, LayoutError> {
    let [count, repetitions, neurons] = shape;
    let names = match file.metadata("images") {
        Some(list) => {
            let names = serde_json::from_str(list);
            Some(names.map_err(|cause| LayoutError::Metadata { cause })?)
        }
        None if file.names()?.iter().any(|name| name == "images") => Some(file.strings("images")?),
        None => None,
    };
    let stimuli: Stimuli = names.map_or(Stimuli::InOrder(count), Stimuli::Names);
    if stimuli.len() != count {
        return Err(LayoutError::Names { names: stimuli.len(), stimuli: count });
    }
    let mut trials = vec![f64::NAN; count * repetitions * neurons];
    file.visit(name, |at, value| trials[at] = value)?;
    Ok(Responses { stimuli, repetitions, neurons, trials })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use npyz::WriterBuilder;

    use super::*;
    use crate::neural::tests::{npy, npz};
    use lcl_artefacts::tensor_file::{self, NamedTensor, Values};

    #[track_caller]
    fn error(path: &Path, layout: &Layout) -> String {
        read_responses(path, layout).expect_err("an error").to_string()
    }

    #[test]
    fn three_dimensions_and_names() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let values: Vec<f32> = (0..12_u8).map(f32::from).collect();
        let path = folder.path().join("r.safetensors");
        let tensor = |shape: &[usize]| NamedTensor {
            name: "responses".to_owned(),
            shape: shape.to_vec(),
            values: Values::F32(&values),
        };
        let named = |names: &str| BTreeMap::from([("images".to_owned(), names.to_owned())]);
        tensor_file::write(&path, &[tensor(&[3, 2, 2])], &named(r#"["a.png", "b", "c"]"#))?;
        let responses = read_responses(&path, &Layout::default())?;
        let names = ["a.png", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(responses.stimuli, Stimuli::Names(names));
        let expected: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        assert_eq!(responses.trials, expected);

        tensor_file::write(&path, &[tensor(&[3, 2, 2])], &named(r#"["a"]"#))?;
        assert!(error(&path, &Layout::default()).contains("1 stimuli are named"));
        tensor_file::write(&path, &[tensor(&[3, 2, 2])], &named("a, b, c"))?;
        assert!(error(&path, &Layout::default()).contains("no JSON list"));
        tensor_file::write(&path, &[tensor(&[3, 4])], &BTreeMap::new())?;
        assert!(error(&path, &Layout::default()).contains("[3, 4]"));
        let absent = Layout { array: Some("v1".to_owned()), ..Layout::default() };
        assert!(error(&path, &absent).contains("no array \"v1\"; it has responses"));
        Ok(())
    }

    #[test]
    fn orders_and_types_of_numpy() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("r.npy");
        let mut fortran = Vec::new();
        let mut writer = npyz::WriteOptions::<i16>::new()
            .default_dtype()
            .order(npyz::Order::Fortran)
            .shape(&[3, 2, 2])
            .writer(&mut fortran)
            .begin_nd()?;
        // Column-major: the first dimension runs fastest.
        for neuron in 0..2 {
            for repetition in 0..2 {
                for stimulus in 0..3 {
                    writer.push(&(100 * stimulus + 10 * repetition + neuron))?;
                }
            }
        }
        writer.finish()?;
        fs::write(&path, &fortran)?;
        let responses = read_responses(&path, &Layout::default())?;
        let expected =
            [0.0, 1.0, 10.0, 11.0, 100.0, 101.0, 110.0, 111.0, 200.0, 201.0, 210.0, 211.0];
        assert_eq!(responses.trials, expected);
        assert_eq!(responses.stimuli, Stimuli::InOrder(3));
        fs::write(&path, &fortran[..fortran.len() - 3])?;
        assert!(error(&path, &Layout::default()).contains("cannot read"));
        fs::write(&path, npy(&[2, 1, 1], &[1.0, f64::INFINITY]))?;
        assert!(error(&path, &Layout::default()).contains("1 responses are infinite"));
        fs::write(&path, npy(&[2, 0, 1], &[]))?;
        assert!(error(&path, &Layout::default()).contains("nothing empty"));
        let archive = folder.path().join("r.npz");
        fs::write(&archive, b"no archive")?;
        assert!(error(&archive, &Layout::default()).contains("not a whole .npz"));
        let two = [("a", npy(&[1, 1, 1], &[1.0])), ("b", npy(&[1, 1, 1], &[1.0]))];
        fs::write(&archive, npz(&two))?;
        assert!(error(&archive, &Layout::default()).contains("--array, of a, b"));
        assert!(
            error(&folder.path().join("r.mat"), &Layout::default()).contains("no known format")
        );
        Ok(())
    }
}
