//! Spike counts in the layout of Freeman and Ziemba's recordings.

use super::{LayoutError, read::Layout};
use crate::neural::{
    array_file::ArrayFile,
    responses::{Responses, Stimuli, Texture},
};

/// Families of Freeman and Ziemba's stimuli, in the order of their array.
const FAMILIES: [u32; 15] = [327, 336, 393, 402, 13, 18, 23, 30, 38, 48, 52, 56, 60, 71, 99];

/// Reads `[cell, time, repetition, sample, type, family]` and averages over the
/// window.
pub(super) fn freeman_ziemba(
    file: &ArrayFile,
    name: &str,
    [cells, bins, repetitions, samples, types, families]: [usize; 6],
    layout: &Layout,
) -> Result<Responses, LayoutError> {
    let window = layout.window;
    if window.to > bins {
        return Err(LayoutError::Window { bins, window });
    }
    let mut numbers = Vec::new();
    if file.names()?.iter().any(|name| name == "families") {
        file.visit("families", |_, number| numbers.push(number.to_string()))?;
    } else if families == FAMILIES.len() {
        numbers = FAMILIES.iter().map(u32::to_string).collect();
    }
    if types != 2 || numbers.len() != families {
        return Err(LayoutError::Families { types, families, named: numbers.len() });
    }
    let kinds = types_of(file, layout)?;
    let stimuli = samples * types * families;
    let mut trials = vec![0.0; stimuli * repetitions * cells];
    let width = (window.to - window.from) as f64;
    file.visit(name, |at, value| {
        let (rest, stimulus) = (at / stimuli, at % stimuli);
        let (rest, repetition) = (rest / repetitions, rest % repetitions);
        let (cell, bin) = (rest / bins, rest % bins);
        if (window.from..window.to).contains(&bin) {
            trials[(stimulus * repetitions + repetition) * cells + cell] += value / width;
        }
    })?;
    let texture = |stimulus: usize| Texture {
        kind: kinds[stimulus / families % types].clone(),
        family: numbers[stimulus % families].clone(),
        sample: u32::try_from(stimulus / families / types + 1).unwrap_or(u32::MAX),
    };
    let textures = (0..stimuli).map(texture).collect();
    Ok(Responses { stimuli: Stimuli::Textures(textures), repetitions, neurons: cells, trials })
}

/// Returns the types in the order of the array, as the file names them or else
/// the layout.
fn types_of(file: &ArrayFile, layout: &Layout) -> Result<[String; 2], LayoutError> {
    if !file.names()?.iter().any(|name| name == "types") {
        return layout.types.clone().ok_or(LayoutError::TypesUnknown);
    }
    let named = file.strings("types")?;
    let types: Vec<&str> = named.iter().map(|name| short(name)).collect();
    let named = match types[..] {
        [first @ "tex", second @ "noise"] | [first @ "noise", second @ "tex"] => {
            [first, second].map(str::to_owned)
        }
        _ => return Err(LayoutError::TypeNames { named }),
    };
    match &layout.types {
        Some(given) if *given != named => Err(LayoutError::TypesDiffer { named }),
        _ => Ok(named),
    }
}

/// Returns the name that stimuli have for a type.
fn short(name: &str) -> &str {
    match name {
        "texture" => "tex",
        "spectrally-matched-noise" => "noise",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::neural::{
        layout::Window,
        read_responses,
        tests::{npy, npy_strings, npz},
    };

    #[track_caller]
    fn error(path: &Path, layout: &Layout) -> String {
        read_responses(path, layout).expect_err("an error").to_string()
    }

    #[test]
    fn six_dimensions_are_averaged_over_the_window() -> Result<(), Box<dyn std::error::Error>> {
        let shape = [2, 8, 3, 2, 2, 2];
        let [cells, bins, repetitions, samples, types, families] = shape;
        // A bin holds its number, and what the trial and the stimulus are.
        let mut values = Vec::new();
        for cell in 0..cells {
            for bin in 0..bins {
                for repetition in 0..repetitions {
                    for stimulus in 0..samples * types * families {
                        let at = 1000 * cell + 100 * repetition + 10 * stimulus + bin;
                        values.push(at as f64);
                    }
                }
            }
        }
        values[0] = f64::NAN;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("v2.npz");
        fs::write(
            &path,
            npz(&[("v2", npy(&shape, &values)), ("families", npy(&[2], &[13.0, 99.0]))]),
        )?;
        let window = "2-5".parse()?;
        let types = Some(["tex", "noise"].map(str::to_owned));
        let layout = Layout { window, types, ..Layout::default() };
        let responses = read_responses(&path, &layout)?;
        let Stimuli::Textures(textures) = &responses.stimuli else { panic!("textures") };
        let last = Texture { kind: "noise".into(), family: "99".into(), sample: 2 };
        assert_eq!((textures.len(), textures.last()), (8, Some(&last)));
        let third = Texture { kind: "noise".into(), family: "13".into(), sample: 1 };
        assert_eq!(textures[2], third);
        // Stimulus 2, repetition 1, cell 1; bins 2, 3 and 4.
        let got = responses.trials[(2 * repetitions + 1) * cells + 1];
        assert!((got - 1123.0).abs() < 1e-9, "{got}");
        // The NaN lies outside of the window.
        assert!(responses.trials.iter().all(|value| value.is_finite()));
        let whole = Layout { window: "0-8".parse()?, ..layout.clone() };
        let missing = read_responses(&path, &whole)?.trials;
        assert_eq!(missing.iter().filter(|value| value.is_nan()).count(), 1);
        assert!(error(&path, &Layout::default()).contains("8 bins of 1 ms"));
        fs::write(&path, npz(&[("v2", npy(&shape, &values))]))?;
        assert!(error(&path, &layout).contains("2 families, and 0 families are named"));
        Ok(())
    }

    #[test]
    fn the_order_of_types_is_named_or_asked_for() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("v2.npz");
        let shape = [1, 1, 1, 1, 2, 1];
        let arrays = |types: Option<[&str; 2]>| {
            let mut arrays =
                vec![("v2", npy(&shape, &[5.0, 7.0])), ("families", npy(&[1], &[13.0]))];
            arrays.extend(types.map(|types| ("types", npy_strings(&types))));
            fs::write(&path, npz(&arrays))
        };
        let layout = |types: Option<[&str; 2]>| {
            let types = types.map(|types| types.map(str::to_owned));
            Layout { window: Window { from: 0, to: 1 }, types, ..Layout::default() }
        };
        let first = |layout: &Layout| -> Result<String, LayoutError> {
            match read_responses(&path, layout)?.stimuli {
                Stimuli::Textures(textures) => Ok(textures[0].kind.clone()),
                other => panic!("{other:?}"),
            }
        };
        arrays(None)?;
        let unknown = error(&path, &layout(None));
        assert!(unknown.contains("--types noise,tex"), "{unknown}");
        assert_eq!(first(&layout(Some(["noise", "tex"])))?, "noise");
        arrays(Some(["noise", "texture"]))?;
        assert_eq!(first(&layout(None))?, "noise");
        let differ = error(&path, &layout(Some(["tex", "noise"])));
        assert!(differ.contains("noise, tex"), "{differ}");
        arrays(Some(["noise", "grating"]))?;
        assert!(error(&path, &layout(None)).contains("grating"));
        Ok(())
    }
}
