//! What computes a run: versions, device, processor.

use std::{collections::BTreeMap, env, fs};

use lcl_infer::{BLOB_VERSION, CONTRACT};
use serde::{Deserialize, Serialize};

use lcl_artefacts::fields::differences;

/// What the bits of a run may depend on besides its configuration and images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// Version of host-trainer.
    pub lcl: String,
    /// Version of libtorch.
    pub libtorch: String,
    /// The integer contract of the run's blob.
    pub contract: String,
    /// Format of the run's blob.
    pub blob_format: u32,
    /// Where libtorch computes: `cpu` or `cuda:N`.
    pub device: String,
    /// Threads of libtorch's CPU operations.
    pub threads: usize,
    /// Processes that trained together.
    #[serde(default = "one")]
    pub workers: usize,
    /// Operating system.
    pub os: String,
    /// Instruction set.
    pub arch: String,
    /// Its widest vector instructions that libtorch uses, which decide the
    /// order of its sums.
    pub vector_instructions: String,
    /// Name of the processor, where the system tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub processor: Option<String>,
}

impl Platform {
    /// Returns what this process computes with.
    #[must_use]
    pub fn here(libtorch: &str, device: String, threads: usize) -> Self {
        Self {
            lcl: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: libtorch.to_owned(),
            contract: CONTRACT.to_owned(),
            blob_format: BLOB_VERSION,
            device,
            threads,
            workers: 1,
            os: env::consts::OS.to_owned(),
            arch: env::consts::ARCH.to_owned(),
            vector_instructions: vector_instructions().to_owned(),
            processor: processor(),
        }
    }

    /// Names each field in which this differs from `began`, with both values.
    #[must_use]
    pub fn differences(&self, began: &Self) -> Vec<String> {
        let (now, began) = (self.fields(), began.fields());
        differences(&now, &began)
            .map(|(name, now, began)| {
                let [now, began] = [now, began].map(|value| value.unwrap_or("unknown"));
                format!("{} is {now} and was {began}", name.replace('_', " "))
            })
            .collect()
    }

    fn fields(&self) -> BTreeMap<String, String> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let fields = value.as_object().into_iter().flatten();
        fields
            .map(|(name, value)| {
                (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect()
    }
}

/// Before there were several.
fn one() -> usize {
    1
}

#[cfg(target_arch = "x86_64")]
fn vector_instructions() -> &'static str {
    use std::arch::is_x86_feature_detected as has;

    if has!("avx512f") && has!("avx512vl") && has!("avx512bw") && has!("avx512dq") {
        "avx512"
    } else if has!("avx2") && has!("fma") {
        "avx2"
    } else {
        "sse2"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vector_instructions() -> &'static str {
    if cfg!(target_arch = "aarch64") { "neon" } else { "unknown" }
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_both_values() {
        let began = Platform::here("2.11.0", "cpu".to_owned(), 1);
        assert_eq!(began.differences(&began), [""; 0]);
        let mut now = Platform { threads: 2, lcl: "9.0.0".to_owned(), ..began.clone() };
        now.processor = Some("another".to_owned());
        let differences = now.differences(&Platform { processor: None, ..began });
        let expected = [
            format!("lcl is 9.0.0 and was {}", env!("CARGO_PKG_VERSION")),
            "processor is another and was unknown".to_owned(),
            "threads is 2 and was 1".to_owned(),
        ];
        assert_eq!(differences, expected);
    }
}
