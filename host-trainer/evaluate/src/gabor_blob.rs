//! A blob whose filters are known, for tests.

use lcl_infer::{Architecture, InputFormat, PoolOrder, parameters::Channel};

use super::receptive_fields::Gabor;
use lcl_artefacts::blob_file::BlobFile;
use lcl_quantise::{QuantisedConv, QuantisedModel, requant_for_ratio};

/// Returns a blob of the published geometry whose filters in V1 are Gabor
/// functions in grey, repeated to 64; a channel of V2 is one of V1.
pub(super) fn gabor_blob(gabors: &[Gabor], pool: PoolOrder) -> BlobFile {
    let architecture = Architecture::lcl_v2(InputFormat::Rgb888, pool);
    let [v1, v2] = architecture.convolutions().collect::<Vec<_>>()[..] else {
        panic!("LCL-V2 has two convolutions");
    };
    let gabors = gabors.iter().cycle().take(v1.out_c());
    let filters: Vec<Vec<i8>> = gabors
        .map(|gabor| {
            let values = gabor.values(v1.kernel());
            let most = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            let byte = |value: &f64| {
                #[expect(clippy::cast_possible_truncation, reason = "at most 127")]
                let byte = (value / most * 127.0).round() as i8;
                [byte; 3]
            };
            values.iter().flat_map(byte).collect()
        })
        .collect();
    let channels = filters.iter().map(|filter| {
        let sum: i32 = filter.iter().map(|&weight| i32::from(weight)).sum();
        let most: f64 = filter.iter().map(|&weight| f64::from(weight).abs() * 127.5).sum();
        // Grey of 128 gives 0, and nothing more than 255.
        Channel { bias: -sum * 128, requant: requant_for_ratio(200.0 / most).expect("a ratio") }
    });
    let conv1 = QuantisedConv {
        conv: v1,
        channels: channels.collect(),
        weights: filters.concat(),
        output_scale: vec![0.01; v1.out_c()],
        silent: Vec::new(),
    };
    let mut weights = vec![0; v2.weights_len()];
    for (oc, filter) in weights.chunks_exact_mut(v2.taps()).enumerate() {
        let centre = v2.kernel() / 2 * (v2.kernel() + 1);
        filter[centre * v2.in_c() + oc % v2.in_c()] = 127;
    }
    let requant = requant_for_ratio(1.0 / 127.0).expect("a ratio");
    let conv2 = QuantisedConv {
        conv: v2,
        weights,
        channels: vec![Channel { bias: 0, requant }; v2.out_c()],
        output_scale: vec![0.02; v2.out_c()],
        silent: Vec::new(),
    };
    let model = QuantisedModel {
        architecture,
        convolutions: vec![conv1, conv2],
        dense: Vec::new(),
        labels: Vec::new(),
    };
    model.to_blob().expect("a blob")
}
