use std::collections::BTreeMap;

use super::*;
use crate::{CENTRE_SIDE, Content, pack::TENSOR};
use lcl_artefacts::tensor_file::{self, NamedTensor, Values};

fn folder_of_images() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for index in 0..7_u8 {
        let image = image::RgbImage::from_fn(40, 30, |x, y| {
            image::Rgb([x, y, x + y].map(|v| 3 * u8::try_from(v).unwrap_or_default() + index))
        });
        image.save(folder.path().join(format!("{index}.png"))).expect("saved");
    }
    fs::write(folder.path().join("3.jpg"), b"\xff\xd8\xff\xe0 damaged").expect("a file");
    folder
}

fn is_same(source: &Path, pack: &Path) {
    let open = |path: &Path| ImageSet::open(&[Source::Path(path.to_owned())]).expect("images");
    let (from, packed) = (open(source), open(pack));
    assert_eq!(from.len(), packed.len());
    for index in 0..from.len() {
        assert_eq!(from.name(index), packed.name(index));
        let [expected, got] = [&from, &packed].map(|set| set.load_centre(index, CENTRE_SIDE).ok());
        assert!(expected == got, "{index}");
    }
}

/// Changes a bit in the last centre of a shard, which checksums follow.
fn flip_in_last_centre(shard: &Path) {
    let mut bytes = fs::read(shard).expect("bytes");
    let count = ShardFile::open(shard).expect("a shard").names.len();
    let at = bytes.len() - 4 * count - 1;
    bytes[at] ^= 1;
    fs::write(shard, bytes).expect("written");
}

#[test]
fn a_damaged_centre_is_an_error_that_names_it() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let sources = [Source::Path(images.path().to_owned())];
    prepare_shards(&sources, CENTRE_SIDE, out.path(), 4, &|_| {}).expect("a pack");
    flip_in_last_centre(&out.path().join(shard_name(1)));
    let set = ImageSet::open(&[Source::Path(out.path().to_owned())]).expect("a pack");
    let errors: Vec<String> = (0..set.len())
        .filter_map(|index| set.load_centre(index, CENTRE_SIDE).err())
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("3.jpg"), "skipped when it was made: {errors:?}");
    let damaged = &errors[1];
    assert!(damaged.contains("6.png") && damaged.contains("shard-00001"), "{damaged}");
    assert!(damaged.contains("lcl prepare"), "{damaged}");
}

#[test]
fn an_older_pack_without_checksums_is_read() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let sources = [Source::Path(images.path().to_owned())];
    prepare_shards(&sources, CENTRE_SIDE, out.path(), 100, &|_| {}).expect("a pack");
    let path = out.path().join(shard_name(0));
    let file = ShardFile::open(&path).expect("a shard");
    let mut centres = Vec::new();
    for at in 0..file.names.len() {
        centres.extend(file.centre(at).read().expect("a centre"));
    }
    let metadata: BTreeMap<String, String> = file.metadata.into_iter().collect();
    let side = CENTRE_SIDE as usize;
    let shape = vec![file.names.len(), side, side, 3];
    let tensor = NamedTensor { name: TENSOR.to_owned(), shape, values: Values::U8(&centres) };
    tensor_file::write(&path, &[tensor], &metadata).expect("written");
    is_same(images.path(), out.path());
    let manifest = prepare_shards(&sources, CENTRE_SIDE, out.path(), 100, &|_| {}).expect("kept");
    assert_eq!(manifest.count, 7);
}

#[test]
fn the_inventory_of_a_pack_has_its_checksums() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let sources = [Source::Path(images.path().to_owned())];
    let manifest = prepare_shards(&sources, CENTRE_SIDE, out.path(), 5, &|_| {}).expect("a pack");
    let inventory = |path: PathBuf| {
        let set = ImageSet::open(&[Source::Path(path)]).expect("a pack");
        set.inventory().expect("an inventory")
    };
    let pack = inventory(out.path().to_owned());
    let contents: Vec<Content> = pack.parts.into_iter().map(|part| part.content).collect();
    let shard = |number: usize, centres| Content::Shard {
        centres,
        crc32: manifest.shards[number].crc32.clone(),
    };
    assert_eq!(contents, [shard(0, 4), shard(1, 3), Content::Skipped { index: 3 }]);
    let single = inventory(out.path().join(shard_name(1)));
    assert_eq!(single.parts[0].content, shard(1, 3));
}

#[test]
fn a_pack_has_what_its_sources_have() {
    let images = folder_of_images();
    let out = images.path().join("pack-of-them");
    let sources = [Source::Path(images.path().to_owned())];
    let manifest = prepare_shards(&sources, CENTRE_SIDE, &out, 3, &|_| {}).expect("a pack");
    assert_eq!((manifest.images, manifest.count, manifest.shards.len()), (8, 7, 3));
    assert_eq!(manifest.skipped[0].index, 3);
    assert!(manifest.skipped[0].name.ends_with("3.jpg"), "{manifest:?}");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let moved = elsewhere.path().join("pack");
    fs::rename(&out, &moved).expect("moved");
    is_same(images.path(), &moved);
    let shard = moved.join(shard_name(1));
    let shard = ImageSet::open(&[Source::Path(shard)]).expect("a shard");
    assert_eq!(shard.len(), 2);
}

#[test]
fn a_pack_of_a_side_has_every_centre_up_to_it() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let whole = out.path().join("whole");
    let sources = [Source::Path(images.path().to_owned())];
    let manifest = prepare(&sources, 224, &whole, &|_| {}).expect("a pack");
    assert_eq!((manifest.side, manifest.count), (224, 7));
    let open = |path: &Path| ImageSet::open(&[Source::Path(path.to_owned())]).expect("images");
    let (from, packed) = (open(images.path()), open(&whole));
    for side in [224, 160, CENTRE_SIDE, 56] {
        packed.check_side(side).expect("it is there");
        for index in 0..from.len() {
            let [expected, got] = [&from, &packed].map(|set| set.load_centre(index, side).ok());
            assert!(expected == got, "{index} at {side}");
        }
    }
    // A pack of a pack, a smaller one too; never a larger one.
    let smaller = out.path().join("smaller");
    let from_pack = [Source::Path(whole.clone())];
    prepare(&from_pack, CENTRE_SIDE, &smaller, &|_| {}).expect("a smaller one");
    is_same(images.path(), &smaller);
    let error = open(&smaller).check_side(224).expect_err("it keeps less").to_string();
    assert!(error.contains("112x112") && error.contains("--side 224"), "{error}");
    let from_smaller = [Source::Path(smaller.clone())];
    let larger = out.path().join("larger");
    let error = prepare(&from_smaller, 224, &larger, &|_| {}).expect_err("less").to_string();
    assert!(error.contains("112x112") && !larger.exists(), "{error}");
    let error = prepare(&sources, CENTRE_SIDE, &whole, &|_| {}).expect_err("other").to_string();
    assert!(error.contains("224x224") && error.contains("--out"), "{error}");
    for side in [0, 14, 113, 226, u32::MAX] {
        let error = prepare(&sources, side, &larger, &|_| {}).expect_err("a side").to_string();
        assert!(error.contains("even, 16 to 224") && !larger.exists(), "{error}");
    }
}

#[test]
fn what_is_there_is_kept_and_what_is_damaged_is_made_again() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let sources = [Source::Path(images.path().to_owned())];
    let prepare = || prepare_shards(&sources, CENTRE_SIDE, out.path(), 3, &|_| {});
    let manifest = prepare().expect("a pack");
    let shard = |number| out.path().join(shard_name(number));
    let modified =
        |number| fs::metadata(shard(number)).and_then(|data| data.modified()).expect("a time");
    let before = modified(1);
    fs::remove_file(out.path().join(MANIFEST)).expect("removed");
    let unfinished = ImageSet::open(&[Source::Path(out.path().to_owned())]);
    assert!(unfinished.is_err_and(|error| error.to_string().contains("prepare")));
    fs::remove_file(shard(0)).expect("removed");
    flip_in_last_centre(&shard(2));
    assert_eq!(prepare().expect("a pack"), manifest);
    assert_eq!(modified(1), before);
    is_same(images.path(), out.path());
    fs::rename(images.path().join("0.png"), images.path().join("00.png")).expect("renamed");
    let error = prepare().expect_err("other images").to_string();
    assert!(error.contains("other images") && error.contains("--out"), "{error}");
}

#[test]
fn what_changed_or_was_skipped_is_made_anew() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let sources = [Source::Path(images.path().to_owned())];
    let prepare = || prepare_shards(&sources, CENTRE_SIDE, out.path(), 3, &|_| {}).expect("a pack");
    let first = prepare();
    assert_eq!(first.skipped.len(), 1);
    let modified = |number| {
        fs::metadata(out.path().join(shard_name(number)))
            .and_then(|m| m.modified())
            .expect("a time")
    };
    let before = [modified(0), modified(1), modified(2)];
    // Other pixels under the same name, and a damaged image that is mended.
    let changed = |name: &str, value: u8| {
        let path = images.path().join(name);
        image::RgbImage::from_pixel(40, 30, image::Rgb([value; 3])).save(path).expect("saved");
    };
    changed("6.png", 201);
    changed("3.jpg", 90);
    let second = prepare();
    assert!(second.skipped.is_empty() && second.count == 8, "{second:?}");
    is_same(images.path(), out.path());
    assert_eq!(modified(0), before[0], "an untouched shard");
    assert_ne!(modified(1), before[1]);
    assert_ne!(modified(2), before[2]);
    // One that is damaged now, of the same length.
    let path = images.path().join("0.png");
    let length = fs::read(&path).expect("bytes").len();
    fs::write(&path, vec![7; length]).expect("written");
    let third = prepare();
    assert_eq!((third.count, third.skipped[0].index), (7, 0));
    is_same(images.path(), out.path());
}

#[test]
fn members_of_an_archive_that_changed_are_made_anew() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let archive = out.path().join("all.tar");
    let pack = out.path().join("pack");
    let sources = [Source::Path(archive.clone())];
    let write = || {
        let mut builder = tar::Builder::new(fs::File::create(&archive).expect("created"));
        builder.mode(tar::HeaderMode::Deterministic);
        for name in ["0.png", "1.png"] {
            builder.append_path_with_name(images.path().join(name), name).expect("a member");
        }
        builder.into_inner().expect("an archive");
    };
    write();
    prepare(&sources, CENTRE_SIDE, &pack, &|_| {}).expect("a pack");
    fs::copy(images.path().join("5.png"), images.path().join("1.png")).expect("copied");
    write();
    prepare(&sources, CENTRE_SIDE, &pack, &|_| {}).expect("a pack");
    is_same(&archive, &pack);
}

#[test]
fn an_older_pack_follows_the_times_of_files() {
    let images = folder_of_images();
    let out = tempfile::tempdir().expect("a folder");
    let sources = [Source::Path(images.path().to_owned())];
    prepare_shards(&sources, CENTRE_SIDE, out.path(), 100, &|_| {}).expect("a pack");
    let path = out.path().join(shard_name(0));
    let without_stamps = fs::read(&path).expect("bytes");
    let at = without_stamps.windows(6).position(|w| w == b"stamps").expect("stamps");
    let mut without_stamps = without_stamps;
    without_stamps[at..at + 6].copy_from_slice(b"stomps");
    fs::write(&path, without_stamps).expect("written");
    let changed = images.path().join("2.png");
    image::RgbImage::new(40, 30).save(&changed).expect("saved");
    // Later than the shard by more than the clock of the file system.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
    let file = fs::File::options().write(true).open(changed).expect("there");
    file.set_modified(later).expect("a time");
    prepare_shards(&sources, CENTRE_SIDE, out.path(), 100, &|_| {}).expect("a pack");
    is_same(images.path(), out.path());
}

#[test]
fn an_older_pack_keeps_the_order_of_its_names() {
    let images = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    for index in [1_u8, 2, 10] {
        let image = image::RgbImage::from_pixel(20, 20, image::Rgb([index; 3]));
        image.save(images.path().join(format!("{index}.png"))).expect("saved");
    }
    let sources = [Source::Path(images.path().to_owned())];
    let ends = |set: &ImageSet| -> Vec<String> {
        let name = |index| set.name(index).rsplit('/').next().map(str::to_owned);
        (0..set.len()).filter_map(name).collect()
    };
    let open = || ImageSet::open(&[Source::Path(out.path().to_owned())]).expect("a pack");
    // As an older program wrote it.
    let by_text = ImageSet::open_listed(&sources, Listing::Text).expect("images");
    let shard = NewShard::make(&by_text, CENTRE_SIDE, 0..3, None, &Damage::default(), &|| {});
    shard.write(&out.path().join(shard_name(0))).expect("written");
    prepare(&sources, CENTRE_SIDE, out.path(), &|_| {}).expect("an older pack goes on");
    assert_eq!(ends(&open()), ["1.png", "10.png", "2.png"]);
    fs::remove_file(out.path().join(shard_name(0))).expect("removed");
    prepare(&sources, CENTRE_SIDE, out.path(), &|_| {}).expect("a pack");
    assert_eq!(ends(&open()), ["1.png", "2.png", "10.png"]);
}

#[test]
fn a_pack_lies_neither_in_its_source_nor_among_other_files() {
    let images = folder_of_images();
    let sources = [Source::Path(images.path().to_owned())];
    let error = |out: &Path| {
        prepare(&sources, CENTRE_SIDE, out, &|_| {}).expect_err("no place for a pack").to_string()
    };
    let before = fs::read_dir(images.path()).expect("a folder").count();
    assert!(error(images.path()).contains("where the images come from"));
    let other = tempfile::tempdir().expect("a folder");
    fs::write(other.path().join("notes.txt"), b"mine").expect("written");
    assert!(error(other.path()).contains("--out"));
    assert_eq!(fs::read_dir(images.path()).expect("a folder").count(), before);
    assert_eq!(fs::read_dir(other.path()).expect("a folder").count(), 1);
}
