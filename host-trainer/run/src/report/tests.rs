//! A whole report, from generated data.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::{
    config::{Config, InputConfig, ModelConfig},
    loader::Batch,
    run::{Losses, Metrics, RunPlan},
};
use lcl_artefacts::{
    checkpoint::Checkpoint,
    compare::{Agreement, TapAgreement},
};

/// A name and a configuration that try to be HTML.
const HOSTILE: &str = "<script>alert('x')</script> & \"more\"";

fn plan() -> RunPlan {
    RunPlan {
        training_images: 1024,
        validation_images: 16,
        batch: 128,
        first_step: 0,
        last_step: 300,
        device: "CPU".to_owned(),
        workers: 1,
    }
}

fn metrics(steps: u64) -> Vec<Metrics> {
    let line = |step: u64| {
        let losses = |above: f64| Losses {
            stages: [600.0, 400.0].map(|end| end + above * (-(step as f64) / 40.0).exp()),
        };
        let validation = (step % 25 == 0 || step == steps).then(|| losses(4000.0));
        let metrics = Metrics::new(step, losses(4400.0), validation, 120.0);
        if validation.is_some() { metrics.with_correlation([0.8; 2], [0.2; 2]) } else { metrics }
    };
    (0..=steps).map(line).collect()
}

fn agreement(channels: usize) -> TapAgreement {
    let one = |sqnr_db| Agreement { sqnr_db, cosine: 0.99995, max_abs_error: 0.25 };
    let mut channels: Vec<Agreement> =
        (0..channels).map(|at| one(40.0 + (at % 7) as f64)).collect();
    channels[3].sqnr_db = f64::INFINITY;
    channels[4].sqnr_db = 31.5;
    TapAgreement { all: one(42.5), channels }
}

fn full() -> Report {
    let checkpoint = Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 1);
    let z = |phase: f32| -> Vec<f32> {
        (0..16 * 130_u16).map(|at| (f32::from(at) * 0.7 + phase).sin()).collect()
    };
    let (z_a, z_b) = (z(0.0), z(0.3));
    let correlation = || CrossCorrelation::of(&z_a, &z_b, 16);
    let view = |side: usize| vec![0.25; 16 * side * side * 3];
    let sides = [48, 96];
    let batch = Batch {
        images: 16,
        labels: Vec::new(),
        sides,
        views: sides.map(|side| [view(side), view(side)].map(Into::into)),
    };
    let mut report = Report::new(HOSTILE.to_owned(), plan(), Config::default());
    report.config.training.init = Some(HOSTILE.into());
    report.state = RunState::Finished;
    report.metrics = metrics(300);
    report.filters = Some(Filters::of(&checkpoint));
    report.correlations = Some([correlation(), correlation()]);
    report.views = Some(SampleViews::of(&batch, InputConfig::default()));
    report.quantisation = Some(QuantisationError {
        areas: [agreement(64), agreement(192)],
        blob_len: 334_512,
        images: 16,
        size: 96,
        on: "64 held-out photographs".to_owned(),
    });
    report
}

#[test]
fn every_part_is_there() {
    let html = full().to_html();
    for part in [
        "<h2>Loss</h2>",
        "<h2>Filters of V1</h2>",
        "<h2>Cross-correlation of the two views</h2>",
        "<h2>Quantisation error</h2>",
        "<h2>What the stages see</h2>",
        "<h2>Throughput</h2>",
        "<h2>Configuration</h2>",
        "after 300 of 300 steps, in batches of 128, on CPU",
        "finished</span>",
        "42.5",
        "31.5 dB (channel 5)",
        "334,512 bytes",
        "One channel is without error",
        "embedding_dim = 2048",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // Both sheets of filters, both matrices, six images in two views for both
    // stages.
    assert_eq!(html.matches("src=\"data:image/png;base64,").count(), 2 + 2 + 24);
    // Losses, histograms and histories of both stages, channels, throughput.
    assert_eq!(html.matches("<svg ").count(), 2 + 2 + 2 + 2 + 1);
    // All channels but those without error.
    assert_eq!(html.matches("<title>channel ").count(), 63 + 191);
}

#[test]
fn a_run_says_what_it_came_to_and_how_to_go_on() {
    let mut report = full();
    report.name = name_of(std::path::Path::new("/data/runs/1"));
    report.folder = Some("my runs/1".into());
    report.orientedness =
        Some(Orientedness { oriented: 23, filters: 64, r2_from: 0.5, median_r2: 0.431 });
    let said: Vec<(&str, String)> =
        report.outcome().into_iter().map(|outcome| (outcome.about, outcome.text)).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].1.starts_with("23 of 64 filters of V1 are oriented"), "{said:?}");
    assert_eq!(said[1], ("SQNR", "V1 42.5 dB, V2 42.5 dB, on 64 held-out photographs".to_owned()));
    assert!(said[2].1.contains("level in the last quarter"), "{said:?}");
    assert_eq!(said[3].1, "lcl train --out 'my runs/1' --resume --steps 2400");
    let html = report.to_html();
    for part in [
        "<title>Run runs/1 · LCL-V2</title>",
        "<h1>LCL-V2 run runs/1 <span",
        "<b>23</b> of 64",
        "on 64 held-out photographs",
        "<code>lcl train --out &#39;my runs/1&#39; --resume --steps 2400</code>",
    ] {
        assert!(html.contains(part), "{part}");
    }
    report.metrics.truncate(120);
    assert_eq!(report.trend(), Some(Trend::Falling));
    report.state = RunState::StoppedEarly;
    let next = report.outcome().pop().map(|last| last.text);
    assert_eq!(next.as_deref(), Some("lcl train --out 'my runs/1' --resume --patience 40"));
    let begun = Report::new("begun".to_owned(), plan(), Config::default());
    assert_eq!(begun.outcome(), []);
}

#[test]
fn nothing_comes_from_outside_and_nothing_runs() {
    let html = full().to_html();
    for reference in ["http:", "https:", "<script", "<link", "@import", "url(", "javascript:"] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(html.contains("default-src 'none'"));
    let escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;";
    assert_eq!(html.matches(escaped).count(), 3, "title, heading and configuration");
}

#[test]
fn a_run_that_just_began_says_what_is_still_to_come() {
    let report = Report::new("begun".to_owned(), plan(), Config::default());
    let html = report.to_html();
    assert!(html.contains("after 0 of 300 steps"));
    assert!(html.contains(">training when this was written</span>"));
    assert_eq!(html.matches("class=\"none\"").count(), 4);
    assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
}

#[test]
fn a_page_says_when_it_was_written_and_how_a_killed_run_goes_on() {
    let page = |state| {
        let mut report = Report::new("run".to_owned(), plan(), Config::default());
        report.state = state;
        report.updated = Some(UNIX_EPOCH + Duration::from_secs(951_782_400));
        report.to_html()
    };
    let written = "<time datetime=\"2000-02-29T00:00:00Z\">2000-02-29 00:00:00 UTC</time>";
    for (state, resumes) in [
        (RunState::Running, true),
        (RunState::Interrupted, true),
        (RunState::Finished, false),
        (RunState::StoppedEarly, false),
    ] {
        let html = page(state);
        assert!(html.contains(written), "{state:?}");
        assert_eq!(html.contains("--resume"), resumes, "{state:?}");
        assert_eq!(html.contains("was killed"), state == RunState::Running, "{state:?}");
    }
}

#[test]
fn a_long_run_makes_no_long_page() {
    let mut report = full();
    let short = report.to_html().len();
    report.metrics = metrics(50_000);
    assert!(report.to_html().len() < short + 200_000);
}

#[test]
fn the_same_report_is_the_same_page() {
    assert_eq!(full().to_html(), full().to_html());
}

#[test]
fn a_filter_is_the_colour_it_answers_to() {
    let mut checkpoint = Checkpoint::initial(ModelConfig::default(), InputConfig::default(), 1);
    checkpoint.std = [1.0; 3];
    let area = 11 * 11;
    // The second filter takes red against green, the third is silent.
    let weights = &mut checkpoint.convolutions[0].conv.weight;
    for (plane, weight) in [1.0, -1.0, 0.0, 0.0, 0.0, 0.0].into_iter().enumerate() {
        weights[(3 + plane) * area..(4 + plane) * area].fill(weight);
    }
    let filters = Filters::of(&checkpoint);
    assert_eq!(filters.count(), 64);
    let (colour, grey) = (filters.colour(), filters.grey());
    // Twelve weights of five pixels further, there is the second filter.
    assert_eq!(colour.pixel(60, 0), [255, 0, 128, 255]);
    assert_eq!(grey.pixel(60, 0), [128, 128, 128, 255]);
    assert_eq!(colour.pixel(120, 0), [128, 128, 128, 255]);
    assert_eq!(colour.pixel(57, 0), [0, 0, 0, 0], "between the filters");
}
