//! The configurations that come with the program.

/// A configuration that comes with the program, the file of that name in
/// `host-trainer/configs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Its name, that of the file without `.toml`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

impl Shipped {
    /// Returns what the configuration is for: the first sentence of its file.
    #[must_use]
    pub fn summary(&self) -> String {
        let comment = self.text.lines().map_while(|line| line.strip_prefix("# "));
        let words = comment.collect::<Vec<_>>().join(" ");
        words.split_once(". ").map_or(words.trim_end_matches('.'), |(first, _)| first).to_owned()
    }
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../../configs/", $name, ".toml")),
        }),*]
    };
}

/// All configurations that come with the program: the model of \[LCL\], what it
/// is compared with there, its ablations, and the components of \[BIO\].
pub const SHIPPED: &[Shipped] = shipped![
    "lcl-v2",
    "lcl-v2-patch-24",
    "lcl-v2-patch-36",
    "lcl-v2-patch-72",
    "lcl-v2-patch-96",
    "lcl-v2-deformation-0",
    "lcl-v2-deformation-2",
    "lcl-v2-deformation-3",
    "lcl-v2-non-overlapping",
    "lcl-v2-stage2-patch-48",
    "lcl-v2-stage2-patch-72",
    "lcl-v2-stage2-patch-144",
    "lcl-v2-stage2-patch-192",
    "lcl-v2-stage2-deformation-0",
    "lcl-v2-stage2-deformation-1",
    "lcl-v2-stage2-deformation-3",
    "lcl-v2-stage2-non-overlapping",
    "lcl-v2-anywhere",
    "lcl-v2-simclr",
    "lcl-v2-simsiam",
    "lcl-v2-128",
    "lcl-v2-centre-surround",
    "lcl-v2-local",
    "lcl-v2-tuned-norm",
    "lcl-v2-divisive-norm",
    "lcl-v2-magnification",
    "lcl-v2-composite-a",
    "lcl-v2-composite-b",
    "lcl-v2-composite-c",
    "lcl-v2-composite-d",
    "lcl-v2-composite-e",
    "lcl-v2-composite-f",
    "lcl-v2-composite-g",
    "lcl-v2-retina",
    "barlow-layerwise",
    "untrained",
    "lcl-v2net",
    "lcl-v2net-small",
    "alexnet",
    "alexnet-bn",
];
