//! What the package has beside its code.

#[test]
fn package_has_the_texts_of_its_licences() {
    assert_eq!(include_str!("../../LICENSE-MIT"), include_str!("../../../LICENSE-MIT"));
    assert_eq!(include_str!("../../LICENSE-APACHE"), include_str!("../../../LICENSE-APACHE"));
}

/// docs.rs builds one set of features for every target; `std` is not on all of
/// them.
#[test]
fn documentation_is_built_with_what_every_target_has() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, docs) = manifest.split_once("[package.metadata.docs.rs]").expect("it is there");
    assert!(!docs.contains("all-features") && !docs.contains("\"std\""), "{docs}");
}
