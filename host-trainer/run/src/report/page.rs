//! How the page is laid out.

use std::{fmt::Write, time::SystemTime};

use super::{CrossCorrelation, Filters, Outcome, QuantisationError, Report, RunState, SampleViews};
use crate::run::Metrics;
use lcl_artefacts::{compare::TapAgreement, recogniser::DesignName};
use lcl_pages::{
    document, figure, legend,
    markup::{count, escape, number},
    none,
    plot::Plot,
    scale::Scale,
    section,
    series::{Bucket, buckets, median},
    table, tile, tiles_of,
};

/// Classes of the two stages.
const CLASSES: [&str; 2] = ["v1", "v2"];

/// Columns of a histogram over `[-1, 1]`.
const COLUMNS: usize = 50;

/// Returns the whole page.
pub(super) fn render(report: &Report) -> String {
    let of_layers = || {
        [
            filters(report.filters.as_ref()),
            correlations(report),
            quantisation(report.quantisation.as_ref()),
            views(report.views.as_ref()),
        ]
        .concat()
    };
    let body = [
        header(report),
        tiles(report),
        losses(report),
        if stages(report) == 1 { String::new() } else { of_layers() },
        throughput(report),
        configuration(&report.config.to_toml()),
    ]
    .concat();
    document(&format!("Run {}", report.name), "lcl train", &body)
}

fn header(report: &Report) -> String {
    let (class, state) = match report.state {
        RunState::Running => ("running", "training when this was written"),
        RunState::Finished => ("", "finished"),
        RunState::Interrupted => ("", "interrupted, to be resumed"),
        RunState::StoppedEarly => ("", "stopped, as it no longer improved"),
    };
    let plan = &report.plan;
    let step = report.metrics.last().map_or(plan.first_step, |line| line.step);
    format!(
        "<header>\n<h1>LCL-V2 run {} <span class=\"state {class}\">{state}</span></h1>\n\
         <p class=\"lead\">{} after {} of {} steps, in batches of {}, on {}.</p>\n\
         <p>{}{}</p>\n{}</header>\n",
        escape(&report.name),
        report.config.recognition.network.map_or("LCL-V2", DesignName::name),
        count(step),
        count(plan.last_step),
        count(plan.batch as u64),
        escape(&plan.device),
        report.updated.map(updated).unwrap_or_default(),
        next(report.state),
        outcome(report),
    )
}

/// Says what the run came to, as far as it is known.
fn outcome(report: &Report) -> String {
    let entry = |Outcome { about, text }: &Outcome| {
        let text = escape(text);
        let text = if *about == "next" { format!("<code>{text}</code>") } else { text };
        format!("<dt>{about}</dt><dd>{text}</dd>\n")
    };
    let entries: String = report.outcome().iter().map(entry).collect();
    if entries.is_empty() { entries } else { format!("<dl class=\"outcome\">\n{entries}</dl>\n") }
}

/// Says when the page was written, in universal time; nothing where the clock
/// was wrong by decades.
fn updated(time: SystemTime) -> String {
    let mut machine = String::new();
    let known = time >= SystemTime::UNIX_EPOCH;
    if !known || write!(machine, "{}", humantime::format_rfc3339_seconds(time)).is_err() {
        return String::new();
    }
    let human = machine.replace('T', " ").replace('Z', " UTC");
    format!("Written on <time datetime=\"{machine}\">{human}</time>. ")
}

/// Says what comes next for a run that is not done.
fn next(state: RunState) -> &'static str {
    match state {
        RunState::Running => {
            "The page is renewed at each validation. Where it no longer is, the run was killed: \
             <code>lcl train --resume</code> with its <code>--out</code> goes on from the last \
             checkpoint."
        }
        RunState::Interrupted => {
            "<code>lcl train --resume</code> with its <code>--out</code> goes on."
        }
        RunState::Finished | RunState::StoppedEarly => "",
    }
}

/// Returns how many losses the run has: one in recognition.
fn stages(report: &Report) -> usize {
    if report.config.recognition.network.is_some() { 1 } else { CLASSES.len() }
}

/// The lines of the log with losses on held-out images.
fn validations(report: &Report) -> impl Iterator<Item = (&Metrics, [f64; 2])> {
    report.metrics.iter().filter_map(|line| {
        Some((line, [line.val_loss_stage1?, line.val_loss_stage2.unwrap_or_default()]))
    })
}

/// Returns the step whose summed loss on held-out images is least.
fn best_step(report: &Report) -> Option<u64> {
    let least =
        validations(report).min_by(|(_, a), (_, b)| (a[0] + a[1]).total_cmp(&(b[0] + b[1])));
    least.map(|(line, _)| line.step)
}

fn tiles(report: &Report) -> String {
    let mut tiles = String::new();
    let mut add = |class: &str, name: &str, value: &str, note: &str| {
        tiles += &tile(class, name, value, note);
    };
    let first = validations(report).next().map(|(_, losses)| losses);
    let last = validations(report).last().map(|(_, losses)| losses);
    if let (Some(first), Some(last)) = (first, last) {
        for stage in 0..stages(report) {
            let name = match stages(report) {
                1 => "Held-out loss".to_owned(),
                _ => format!("Held-out loss, V{}", stage + 1),
            };
            let value = format!("<b>{}</b>", number(last[stage]));
            add(CLASSES[stage], &name, &value, &format!("{} at the start", number(first[stage])));
        }
    }
    let accuracy = report.metrics.iter().rev().find_map(|line| line.val_top1.zip(line.val_top5));
    if let Some((top1, top5)) = accuracy {
        let value = format!("<b>{} %</b>", number(100.0 * top1));
        add("v2", "Held-out top-1", &value, &format!("top-5 {} %", number(100.0 * top5)));
    }
    if let Some(best) = best_step(report) {
        add("", "Best step", &count(best), "least summed held-out loss");
    }
    if let Some(fits) = report.orientedness {
        let value = format!("<b>{}</b> of {}", fits.oriented, fits.filters);
        let note = format!("median R² {}", number(fits.median_r2));
        add("", "Oriented filters", &value, &note);
    }
    if let Some(rate) = median(rates(report)) {
        add("", "Images per second", &number(rate), "median of the steps");
    }
    if let Some(QuantisationError { areas: [v1, v2], .. }) = &report.quantisation {
        let value = format!(
            "<b class=\"one\">{}</b> · <b class=\"two\">{}</b>",
            number(v1.all.sqnr_db),
            number(v2.all.sqnr_db)
        );
        add("", "SQNR in dB", &value, "V1 · V2, quantised");
    }
    let plan = &report.plan;
    let held_out = format!("{} held out", count(plan.validation_images as u64));
    add("", "Images", &count(plan.training_images as u64), &held_out);
    tiles_of(&tiles)
}

fn losses(report: &Report) -> String {
    let mut figures = String::new();
    for (stage, class) in CLASSES.into_iter().enumerate().take(stages(report)) {
        let training = buckets(
            report
                .metrics
                .iter()
                .map(|line| (line.step as f64, [line.loss_stage1, line.loss_stage2][stage])),
        );
        let held_out: Vec<(u64, f64)> =
            validations(report).map(|(line, losses)| (line.step, losses[stage])).collect();
        let held_out_line = buckets(held_out.iter().map(|&(step, loss)| (step as f64, loss)));
        let extremes = training.iter().flat_map(|bucket| [bucket.least, bucket.most]);
        let y = Scale::around(extremes.chain(held_out.iter().map(|(_, loss)| *loss)));
        let mut plot = Plot::new(steps(report), y);
        if training.iter().any(|bucket| bucket.least < bucket.most) {
            plot.band(class, &training);
        }
        plot.line(&format!("faint {class}"), &training);
        plot.line(class, &held_out_line);
        if held_out.len() <= 60 {
            for &(step, loss) in &held_out {
                let title = format!("step {}, held out: {}", count(step), number(loss));
                plot.dot(class, (step as f64, loss), &title);
            }
        }
        if let Some(best) = best_step(report) {
            plot.moment(best as f64, "best");
        }
        let name = match stages(report) {
            1 => "Cross-entropy".to_owned(),
            _ => format!("Loss of V{}", stage + 1),
        };
        let y_name = if y.is_logarithmic() { "loss, logarithmic" } else { "loss" };
        let legend =
            legend(&[(class, "held-out images", false), (class, "batches it trains on", true)]);
        figures += &figure(&name, &(legend + &plot.svg(&name, "step", y_name)), "");
    }
    section(
        "Loss",
        "Each stage has a loss of its own; recognition has one. Held-out images are seen with running statistics and \
         the same views each time; training batches with their own statistics, so the two lines \
         need not meet.",
        &format!("<div class=\"figures\">\n{figures}</div>\n"),
    )
}

fn filters(filters: Option<&Filters>) -> String {
    let Some(filters) = filters else {
        return section("Filters of V1", "", &none("They come with the first validation."));
    };
    let picture = |name: &str, uri: &str, alt: &str, caption: &str| {
        let picture = format!("<img class=\"sheet\" alt=\"{alt}\" src=\"{uri}\">\n");
        figure(name, &picture, caption)
    };
    let colour = picture(
        "In colour",
        &filters.colour().data_uri(),
        "All filters of V1 in colour, eight in a row",
        "What multiplies red, green and blue. Mid-grey is zero; each filter is scaled by its own \
         largest weight.",
    );
    let grey = picture(
        "To a grey image",
        &filters.grey().data_uri(),
        "All filters of V1 as a grey image meets them, eight in a row",
        "The weights summed over the colours, scaled in the same way: a filter that is pure \
         colour shows what little is left.",
    );
    let about = format!(
        "The {} filters of V1, 11 × 11 pixels, at step {}; channels 1 to 8 are in the first \
         row.",
        count(filters.count() as u64),
        count(filters.step)
    );
    section("Filters of V1", &about, &format!("<div class=\"figures\">\n{colour}{grey}</div>\n"))
}

fn correlations(report: &Report) -> String {
    let title = "Cross-correlation of the two views";
    let Some(correlations) = &report.correlations else {
        return section(title, "", &none("It comes with the first validation."));
    };
    let mut figures = String::new();
    for (stage, correlation) in correlations.iter().enumerate() {
        figures += &histogram(stage, correlation);
        figures += &matrix(stage, correlation);
        figures += &correlation_over_steps(report, stage, correlation);
    }
    let images = correlations[0].images() as u64;
    let about = format!(
        "Between the embeddings of views A and B over {} held-out images. Barlow Twins asks that \
         the same unit agrees (the diagonal, 1) and that different units are not redundant (off \
         the diagonal, 0). Over so few images, units that have nothing to do with each other \
         correlate by about ±{} by chance.",
        count(images),
        number(correlations[0].chance()),
    );
    section(title, &about, &format!("<div class=\"figures three\">\n{figures}</div>\n"))
}

fn histogram(stage: usize, correlation: &CrossCorrelation) -> String {
    let class = CLASSES[stage];
    let [on, off] = [shares(correlation.diagonal()), shares(correlation.off_diagonal_sample())];
    let highest = on.iter().chain(&off).copied().fold(0.0, f64::max);
    let mut plot = Plot::new(Scale::linear(-1.0, 1.0), Scale::linear(0.0, highest * 1.12));
    for (columns, class) in [(off, "other"), (on, class)] {
        for (at, share) in columns.into_iter().enumerate() {
            let edge = |at: usize| -1.0 + 2.0 * at as f64 / COLUMNS as f64;
            plot.column(class, (edge(at), edge(at + 1)), share);
        }
    }
    let name = format!("V{}: on and off the diagonal", stage + 1);
    let legend = legend(&[(class, "same unit", false), ("other", "different units", false)]);
    let caption = format!(
        "Same unit: {} on average, over all {} units. Different units: root of the mean square \
         {}, over all pairs; drawn are those of {} evenly spaced units.",
        number(correlation.on_diagonal()),
        count(correlation.units() as u64),
        number(correlation.off_diagonal()),
        correlation.shown_units(),
    );
    figure(&name, &(legend + &plot.svg(&name, "correlation", "share, %")), &caption)
}

/// Returns which percentage of the values is in each column over `[-1, 1]`.
fn shares(values: impl Iterator<Item = f32>) -> Vec<f64> {
    let (mut counts, mut all) = ([0_u32; COLUMNS], 0_u32);
    for value in values {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let column = (f64::midpoint(f64::from(value), 1.0) * COLUMNS as f64).max(0.0) as usize;
        counts[column.min(COLUMNS - 1)] += 1;
        all += 1;
    }
    counts.into_iter().map(|count| 100.0 * f64::from(count) / f64::from(all.max(1))).collect()
}

fn matrix(stage: usize, correlation: &CrossCorrelation) -> String {
    let shown = correlation.shown_units();
    let name = format!("V{}: the matrix", stage + 1);
    let picture = format!(
        "<img class=\"matrix\" alt=\"Cross-correlation of {shown} units\" src=\"{}\">\n\
         <div class=\"bar\"></div><div class=\"ends\"><span>−1</span><span>0</span>\
         <span>1</span></div>\n",
        correlation.picture().data_uri()
    );
    let caption = format!("{shown} of {} units, evenly spaced.", count(correlation.units() as u64));
    figure(&name, &picture, &caption)
}

fn correlation_over_steps(report: &Report, stage: usize, correlation: &CrossCorrelation) -> String {
    let class = CLASSES[stage];
    let of = |value: fn(&Metrics, usize) -> Option<f64>| -> Vec<Bucket> {
        let lines = report.metrics.iter();
        buckets(lines.filter_map(|line| Some((line.step as f64, value(line, stage)?))))
    };
    let on = of(|line, stage| [line.val_on_diagonal_stage1, line.val_on_diagonal_stage2][stage]);
    let off = of(|line, stage| [line.val_off_diagonal_stage1, line.val_off_diagonal_stage2][stage]);
    let mut plot = Plot::new(steps(report), Scale::linear(0.0, 1.0));
    plot.line("other", &off);
    plot.line(class, &on);
    plot.level(correlation.chance(), "chance");
    let name = format!("V{}: while it trains", stage + 1);
    let legend = legend(&[
        (class, "same unit, mean", false),
        ("other", "different units, root mean square", false),
    ]);
    figure(&name, &(legend + &plot.svg(&name, "step", "correlation")), "")
}

fn quantisation(error: Option<&QuantisationError>) -> String {
    let title = "Quantisation error";
    let Some(error) = error else {
        return section(
            title,
            "",
            &none("The best checkpoint is quantised at the end of training."),
        );
    };
    let mut figures = String::new();
    let mut rows = Vec::new();
    for (stage, agreement) in error.areas.iter().enumerate() {
        figures += &channels(stage, agreement);
        let TapAgreement { all, channels } = agreement;
        let worst = (1_usize..)
            .zip(channels)
            .filter(|(_, channel)| !channel.sqnr_db.is_nan())
            .min_by(|(_, a), (_, b)| a.sqnr_db.total_cmp(&b.sqnr_db));
        let worst = worst.map_or_else(String::new, |(index, channel)| {
            format!("{} dB (channel {index})", number(channel.sqnr_db))
        });
        rows.push(vec![
            format!("V{}", stage + 1),
            format!("{} dB", number(all.sqnr_db)),
            worst,
            format!("{:.5}", all.cosine),
            number(all.max_abs_error),
        ]);
    }
    let about = format!(
        "Features of the blob ({} bytes) against those of its checkpoint in float, on up to {} \
         held-out images of {} × {} pixels. SQNR is the signal over the noise that 8 bits add.",
        count(error.blob_len as u64),
        count(error.images as u64),
        error.size,
        error.size,
    );
    let heads = ["area", "SQNR", "worst channel", "cosine", "largest error"];
    let table = table(&heads.map(str::to_owned), &rows);
    section(title, &about, &format!("<div class=\"figures\">\n{figures}</div>\n{table}"))
}

fn channels(stage: usize, agreement: &TapAgreement) -> String {
    let TapAgreement { all, channels } = agreement;
    let decibels = || channels.iter().map(|channel| channel.sqnr_db);
    let finite = decibels().chain([all.sqnr_db]).filter(|value| value.is_finite());
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (least, most) = finite.fold(none, |(l, m), value| (l.min(value), m.max(value)));
    let y = if least <= most {
        Scale::linear(least - 3.0, most + 3.0)
    } else {
        Scale::linear(0.0, 1.0)
    };
    let mut plot = Plot::new(Scale::linear(1.0, channels.len() as f64), y);
    let mut exact = 0_u64;
    for (index, value) in (1_u32..).zip(decibels()) {
        if value == f64::INFINITY {
            exact += 1;
            continue;
        }
        let title = format!("channel {index}: {} dB", number(value));
        plot.dot(CLASSES[stage], (f64::from(index), value), &title);
    }
    if all.sqnr_db.is_finite() {
        plot.level(all.sqnr_db, "all channels");
    }
    let caption = match exact {
        0 => String::new(),
        1 => "One channel is without error, or silent, and is not drawn.".to_owned(),
        _ => format!("{exact} channels are without error, or silent, and are not drawn."),
    };
    let name = format!("V{}, channel by channel", stage + 1);
    figure(&name, &plot.svg(&name, "channel", "SQNR, dB"), &caption)
}

fn views(views: Option<&SampleViews>) -> String {
    let title = "What the stages see";
    let Some(views) = views else {
        return section(title, "", &none("It comes with the first validation."));
    };
    let mut figures = String::new();
    for stage in 0..2 {
        let mut grid = String::new();
        for (view, letter) in ["A", "B"].into_iter().enumerate() {
            let _ = write!(grid, "<span>{letter}</span>");
            for image in 0..views.images() {
                let _ = writeln!(
                    grid,
                    "<img{} alt=\"View {letter} of image {} for V{}\" src=\"{}\">",
                    if image < 3 { "" } else { " class=\"more\"" },
                    image + 1,
                    stage + 1,
                    views.picture(stage, view, image).data_uri(),
                );
            }
            // The next view starts a row of its own.
            for missing in views.images()..6 {
                let class = if missing < 3 { "" } else { " class=\"more\"" };
                let _ = write!(grid, "<i{class}></i>");
            }
        }
        let name = format!("V{}, {side} × {side} pixels", stage + 1, side = views.side(stage));
        figures += &figure(&name, &format!("<div class=\"pairs\">\n{grid}</div>\n"), "");
    }
    section(
        title,
        "Views A and B of the same held-out images. A loss asks that both give the same \
         features; values that noise takes out of range are clamped here, not in training.",
        &format!("<div class=\"figures\">\n{figures}</div>\n"),
    )
}

fn rates(report: &Report) -> impl Iterator<Item = f64> {
    report.metrics.iter().map(|line| line.images_per_second)
}

fn throughput(report: &Report) -> String {
    let series =
        buckets(report.metrics.iter().map(|line| (line.step as f64, line.images_per_second)));
    let most = series.iter().fold(0.0, |most: f64, bucket| most.max(bucket.most));
    let mut plot = Plot::new(steps(report), Scale::linear(0.0, most * 1.08));
    if series.iter().any(|bucket| bucket.least < bucket.most) {
        plot.band("other", &series);
    }
    plot.line("other", &series);
    if let Some(median) = median(rates(report)) {
        plot.level(median, "median");
    }
    let name = "Images per second";
    let svg = plot.svg(name, "step", "images/s");
    let figure = figure(name, &svg, "");
    section(
        "Throughput",
        "Training images over the time from one step to the next; a step with a validation takes \
         longer.",
        &format!("<div class=\"figures\">\n{figure}</div>\n"),
    )
}

fn configuration(config: &str) -> String {
    let about = "As in the run's config.toml; <code>lcl train --config config.toml</code> repeats \
                 it.";
    section("Configuration", about, &format!("<pre>{}</pre>\n", escape(config)))
}

/// The axis of steps, from 0 to where the run is.
fn steps(report: &Report) -> Scale {
    Scale::linear(0.0, report.metrics.last().map_or(1.0, |line| line.step as f64))
}
