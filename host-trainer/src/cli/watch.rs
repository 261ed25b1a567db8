//! `lcl watch`: what is novel in a sequence of images.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, bail};
use lcl_infer::WatchSettings;
use serde_json::json;

use host_trainer::{
    atomic_file,
    console::{Speech, set_speech},
    data::{ImageSet, Source, images_at_size},
    say,
    watch::{Said, watch_images},
};

use super::images::ImageLimits;
use super::{
    default_model, names, numbers,
    output::{Output, paths},
};

/// Says which images of a sequence are novel, as a board with the example watch
/// does
///
/// A watcher keeps a slowly adapting mean of V2 and speaks only where an image
/// departs from it: one event of about 15 bytes instead of an image. Novelty 1
/// is the usual departure of a place from its own mean.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lcl watch --images scene --size 96
  lcl watch --model model.lcl --images frames --size 96 --threshold 4 --json
  lcl watch --model model.lcl --images frames --size 224 --out events.bin")]
pub struct Args {
    /// The blob [default: the newest run's, or LCL-V2 as it comes with the
    /// program]
    #[arg(long, value_name = "M.lcl")]
    model: Option<PathBuf>,
    /// Images in the order of their paths: a folder, a .tar, or
    /// scene[:N[:SEED]], a built-in scene that something passes through
    #[arg(long, value_name = "SRC", num_args = 1.., required = true, value_parser = names::source())]
    images: Vec<Source>,
    /// Width and height that the images are fitted to, in pixels
    #[arg(long, value_name = "N", value_parser = numbers::side())]
    size: u32,
    /// Novelty from which an image is worth an event
    #[arg(long, value_name = "RATIO", default_value_t = 3.0, value_parser = threshold_ratio)]
    threshold: f64,
    /// Means adapt within 2^N images
    #[arg(long, value_name = "N", default_value_t = WatchSettings::default().adaptation_shift,
        value_parser = clap::value_parser!(u8).range(0..=7))]
    adaptation: u8,
    /// Images at the start that are never novel
    #[arg(long, value_name = "N", default_value_t = WatchSettings::default().warm_up,
        value_parser = clap::value_parser!(u32).range(2..))]
    warm_up: u32,
    /// Prints one JSON object for each image and one for all
    #[arg(long)]
    json: bool,
    /// Writes the bytes of the events, one after the other
    #[arg(long, value_name = "EVENTS", value_parser = names::output())]
    out: Option<Output>,
    #[command(flatten)]
    limits: ImageLimits,
}

/// Runs the command.
///
/// # Errors
///
/// When the blob or the images cannot be had, or a setting is out of range.
pub fn run(args: &Args) -> Result<()> {
    args.limits.apply();
    let mut inputs = paths(&args.images);
    inputs.extend(args.model.as_deref());
    let out = args.out.as_ref().map(|out| out.claim(&inputs)).transpose()?;
    if args.out.as_ref().is_some_and(|named| out == Some(named.path())) {
        set_speech(Speech::Aside);
    }
    let file = default_model::blob(args.model.as_deref())?;
    let blob = file.open()?;
    numbers::check_side(args.size, blob.min_image_side())?;
    let images = images_at_size(Arc::new(ImageSet::open(&args.images)?), args.size);
    let settings = WatchSettings {
        threshold: threshold(args.threshold),
        adaptation_shift: args.adaptation,
        warm_up: args.warm_up,
    };
    let side = usize::try_from(args.size)?;
    let (mut count, mut events, mut bytes) = (0, 0, Vec::new());
    watch_images(&blob, side, settings, images, |said| {
        if args.json {
            say!("{}", described(&said));
        } else {
            say!("{said}");
        }
        count += 1;
        events += usize::from(!said.event.is_empty());
        bytes.extend(said.event);
    })?;
    if count == 0 {
        bail!("no image can be used");
    }
    if let Some(path) = out {
        atomic_file::write(path, &[&bytes])?;
    }
    let (sent, instead_of) = (bytes.len(), count * side * side * blob.input().channels());
    if args.json {
        let all =
            json!({ "images": count, "events": events, "bytes": sent, "image_bytes": instead_of });
        say!("{all}");
        return Ok(());
    }
    say!("{count} images, 0 lost, {events} events: sent {sent} bytes instead of {instead_of}");
    if let Some(ratio) = instead_of.checked_div(sent) {
        say!("that is {ratio} times less");
    }
    Ok(())
}

/// Takes a threshold that fits 16 bits in 1/256.
fn threshold_ratio(text: &str) -> Result<f64, String> {
    numbers::number(text, 1.0 / 256.0..=f64::from(u16::MAX) / 256.0)
}

/// Returns a threshold in 1/256.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn threshold(ratio: f64) -> u16 {
    (ratio * 256.0).round() as u16
}

fn described(said: &Said) -> serde_json::Value {
    let novelty = said.novelty;
    let channels = novelty.channels.map(|d| json!({ "channel": d.channel, "change": d.change }));
    json!({
        "image": said.image,
        "frame": novelty.frame,
        "novelty": f64::from(novelty.score) / 256.0,
        "event": !said.event.is_empty(),
        "bytes": said.event.len(),
        "cells": novelty.cells,
        "x": novelty.x,
        "y": novelty.y,
        "channels": channels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_in_range() {
        for (right, scaled) in [("3", 768), ("0.00390625", 1), ("255.99609375", u16::MAX)] {
            assert_eq!(threshold_ratio(right).map(threshold), Ok(scaled), "{right}");
        }
        for wrong in ["0", "-1", "256", "nan", "inf", "three"] {
            assert!(threshold_ratio(wrong).is_err(), "{wrong}");
        }
    }
}
