//! What checkpoints from PyTorch bring along: prefixes of names, and its own
//! file format.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// What wrappers put before the name of every tensor: data parallelism,
/// `torch.compile`, and trainers that hold the network in a field.
const PREFIXES: [&str; 3] = ["module.", "_orig_mod.", "model."];

/// How names of the model begin.
const BEGINNINGS: [&str; 3] = ["layer", "projector", "predictor"];

/// The file is one of PyTorch's, and has to be converted.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is a file of torch.save, which can run any program when it is read; convert it where \
     PyTorch is: python3 -c \"import sys, torch; from safetensors.torch import save_file; d = \
     torch.load(sys.argv[1], map_location='cpu', weights_only=True); d = d.get('state_dict', \
     d.get('model', d)); save_file({{k: v.clone().contiguous() for k, v in d.items() if \
     torch.is_tensor(v)}}, sys.argv[2])\" {} {}",
    path.display(),
    quoted(path),
    quoted(&path.with_extension("safetensors"))
)]
pub struct ForeignError {
    /// The file.
    path: PathBuf,
}

/// Returns the error where the file at `path` begins as PyTorch's do: with the
/// mark of an archive, or of a pickle of protocol 2 and later.
pub(super) fn recognised(path: &Path) -> Option<ForeignError> {
    let mut start = [0; 4];
    let mut file = File::open(path).ok()?;
    file.read_exact(&mut start).ok()?;
    let is_foreign = start == *b"PK\x03\x04"
        || (start[0] == 0x80 && (2..=5).contains(&start[1]) && start[2..] != [0, 0]);
    is_foreign.then(|| ForeignError { path: path.to_owned() })
}

/// Splits the prefixes, one or several, off a name of the model.
pub(super) fn without_prefixes(name: &str) -> (&str, &str) {
    let mut rest = name;
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    if BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning)) {
        name.split_at(name.len() - rest.len())
    } else {
        ("", name)
    }
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_split_off_names_of_the_model_alone() {
        for (name, expected) in [
            ("layer1.bn.bias", ("", "layer1.bn.bias")),
            ("module.layer1.bn.bias", ("module.", "layer1.bn.bias")),
            (
                "module._orig_mod.model.projector1.fc1.bias",
                ("module._orig_mod.model.", "projector1.fc1.bias"),
            ),
            ("model.head.weight", ("", "model.head.weight")),
            ("other.layer1.bn.bias", ("", "other.layer1.bn.bias")),
        ] {
            assert_eq!(without_prefixes(name), expected);
        }
    }

    #[test]
    fn files_of_pytorch_are_recognised_and_paths_are_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("it's.pt");
        for (bytes, is_foreign) in [
            (&b"PK\x03\x04rest"[..], true),
            (b"\x80\x02\x8a\nl", true),
            (b"\x80\x02\0\0\0\0\0\0{", false),
            (b"{\"", false),
        ] {
            std::fs::write(&path, bytes).expect("a file");
            assert_eq!(recognised(&path).is_some(), is_foreign, "{bytes:?}");
        }
        std::fs::write(&path, b"PK\x03\x04").expect("a file");
        let error = recognised(&path).expect("recognised").to_string();
        assert!(error.ends_with("it'\\''s.safetensors'") && !error.contains('\n'), "{error}");
    }
}
