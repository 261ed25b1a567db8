use std::{fs, io::Read};

use super::*;
use crate::tensor_file::TensorFile;

#[test]
fn names_and_shapes_are_those_of_the_design() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.safetensors");
    let map = FeatureMap { n: 2, h: 1, w: 2, c: 3, data: vec![0.5; 12] };
    let mut file = FeatureFile { images: vec!["a".into(), "b".into()], ..Default::default() };
    file.stages.iter_mut().for_each(|stage| stage.extend(&map));
    file.stages[0].bytes = Some(vec![7; 12]);
    file.write(&path).expect("written");
    assert_eq!(FeatureFile::read(&path).expect("read"), file);
    let file = TensorFile::read(&path).expect("read");
    assert_eq!(file.metadata()["images"], "[\"a\",\"b\"]");
    let tensors = file.tensors().expect("tensors");
    let mut names = tensors.names();
    names.sort_unstable();
    assert_eq!(names, ["v1", "v1_q", "v2"]);
    assert_eq!(tensors.tensor("v2").expect("v2").shape(), [2, 1, 2, 3]);
}

/// Features of `images` images, each value another one.
fn features(images: usize) -> FeatureFile {
    let mut file = FeatureFile {
        images: (0..images).map(|index| format!("{index} ß.png")).collect(),
        ..FeatureFile::default()
    };
    for (stage, shape) in [[3, 2, 4], [1, 2, 5]].into_iter().enumerate() {
        let values = images * shape.iter().product::<usize>();
        let value = |index: usize| (100_000 * stage + index) as f32;
        file.stages[stage].shape = shape;
        file.stages[stage].values = (0..values).map(value).collect();
        file.stages[stage].bytes = Some((0..=250).cycle().take(values).collect());
    }
    file
}

/// Writes `file` in batches of two to `path`, with room for `room` images.
fn stream(path: &Path, file: &FeatureFile, room: usize, taps: &[usize]) {
    let array = |stage: usize, is_bytes| ArrayPlan {
        name: format!("{}{}", NAMES[stage], if is_bytes { "_q" } else { "" }),
        shape: file.stages[stage].shape.to_vec(),
        is_bytes,
    };
    let format = Format::of(path).expect("a format");
    let kinds: &[bool] = if format == Format::Npy { &[false] } else { &[false, true] };
    let all = || kinds.iter().flat_map(|kind| taps.iter().map(|stage| (*stage, *kind)));
    let plan = all().map(|(stage, is_bytes)| array(stage, is_bytes)).collect();
    let names: Vec<String> = (0..room).map(|index| format!("{index} ß.png")).collect();
    let mut writer = FeatureWriter::create(path, format, plan, &names).expect("created");
    for (batch, names) in file.images.chunks(2).enumerate() {
        let of = |stage: usize| {
            let len: usize = file.stages[stage].shape.iter().product();
            2 * batch * len..(2 * batch + names.len()) * len
        };
        let values: Vec<Values<'_>> = all()
            .map(|(stage, is_bytes)| match (&file.stages[stage].bytes, is_bytes) {
                (Some(bytes), true) => Values::U8(&bytes[of(stage)]),
                _ => Values::F32(&file.stages[stage].values[of(stage)]),
            })
            .collect();
        writer.push(names.to_vec(), &values).expect("written");
    }
    assert!(!path.exists(), "it is whole or not there");
    writer.commit().expect("committed");
}

#[test]
fn a_stream_gives_the_file_of_a_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let [whole, streamed] = ["whole", "streamed.safetensors"].map(|name| folder.path().join(name));
    let file = features(5);
    file.write(&whole).expect("written");
    stream(&streamed, &file, 5, &[0, 1]);
    assert!(fs::read(&whole).expect("there") == fs::read(&streamed).expect("there"));
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);
}

#[test]
fn images_that_were_skipped_leave_no_gap() {
    let folder = tempfile::tempdir().expect("a folder");
    for images in [1, 3, 4] {
        let path = folder.path().join(format!("{images}.safetensors"));
        let file = features(images);
        stream(&path, &file, 1000, &[0, 1]);
        assert_eq!(FeatureFile::read(&path).expect("read"), file);
        TensorFile::read(&path).expect("the crate reads it too");
    }
}

#[test]
fn the_first_images_are_read_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.safetensors");
    let file = features(5);
    file.write(&path).expect("written");
    let read = FeatureFile::read_first(&path, 2).expect("read");
    assert_eq!(read.images, file.images);
    for (read, stage) in read.stages.iter().zip(&file.stages) {
        let len = 2 * stage.shape.iter().product::<usize>();
        assert_eq!(read.values, stage.values[..len]);
    }
    let bytes = fs::read(&path).expect("there");
    for cut in [4, 40, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).expect("written");
        let error = FeatureFile::read_first(&path, 2).expect_err("cut").to_string();
        assert!(error.contains("not a whole safetensors file"), "{error}");
    }
}

#[test]
fn arrays_for_numpy() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = features(3);
    let npy = folder.path().join("v2.npy");
    stream(&npy, &file, 7, &[1]);
    let bytes = fs::read(&npy).expect("there");
    let array = npyz::NpyFile::new(&bytes[..]).expect("an array");
    assert_eq!(array.shape(), [3, 1, 2, 5]);
    assert_eq!(array.into_vec::<f32>().expect("floats"), file.stages[1].values);

    let npz = folder.path().join("f.NPZ");
    stream(&npz, &file, 7, &[0, 1]);
    let mut archive = zip::ZipArchive::new(fs::File::open(&npz).expect("there")).expect("a zip");
    let mut bytes = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).expect("there").read_to_end(&mut bytes).expect("whole");
        bytes
    };
    let v1 = bytes("v1.npy");
    let v1 = npyz::NpyFile::new(&v1[..]).expect("an array");
    assert_eq!(v1.shape(), [3, 3, 2, 4]);
    assert_eq!(v1.into_vec::<f32>().expect("floats"), file.stages[0].values);
    let v2 = bytes("v2_q.npy");
    let v2 = npyz::NpyFile::new(&v2[..]).expect("an array").into_vec::<u8>().expect("bytes");
    assert_eq!(Some(v2), file.stages[1].bytes);
    let images = bytes("images.npy");
    let images = npyz::NpyFile::new(&images[..]).expect("an array");
    assert_eq!(images.into_vec::<String>().expect("names"), file.images);
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);
}

#[test]
fn a_name_that_is_no_file_of_features_is_refused() {
    for name in ["f.txt", "f.h5", "f.npy.gz", "f.pt"] {
        let error = Format::of(Path::new(name)).expect_err(name).to_string();
        assert!(error.contains(name) && error.contains(".npz"), "{error}");
    }
    for name in ["f", "f.SAFETENSORS", "a.b/f"] {
        assert_eq!(Format::of(Path::new(name)), Ok(Format::Safetensors), "{name}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.npy");
    let plan = |name: &str| ArrayPlan { name: name.into(), shape: vec![1], is_bytes: false };
    let created = FeatureWriter::create(&path, Format::Npy, vec![plan("a"), plan("b")], &[]);
    let error = created.expect_err("two arrays").to_string();
    assert!(error.contains("--taps V1"), "{error}");
    let long = vec!["n".repeat(1 << 20); 100];
    let created = FeatureWriter::create(&path, Format::Safetensors, vec![plan("a")], &long);
    assert!(created.expect_err("too long").to_string().contains("write a .npz"));
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}
