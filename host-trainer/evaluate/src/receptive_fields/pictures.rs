//! The pictures of the filters and their fits.

use std::fmt::Write;

use super::{
    found::{FittedFilter, ReceptiveFields, Rejected},
    rejection::Rejection,
};
use crate::{Findings, Table, distribution::Comparison};
use lcl_pages::{
    figure, legend,
    markup::{escape, number},
    picture::{Picture, byte},
    plot::Plot,
    scale::Scale,
    section, table,
};

/// Pixels of the picture for each weight.
const MAGNIFICATION: usize = 5;

/// Filters in a row of a sheet.
const COLUMNS: usize = 8;

/// Ends of the axes of `nx` and `ny`, a little wider than the published bins.
const SHAPES: [f64; 2] = [0.06, 2.0];

impl Findings for ReceptiveFields {
    fn title(&self) -> String {
        format!("Receptive fields of {}", self.model)
    }

    fn tables(&self) -> Vec<Table> {
        let summary = &self.summary;
        let mut fits = Table::new("Gabor fits to the filters of V1", &["", "value"]);
        let mut row = |name: &str, value: String| fits.row([name.to_owned(), value]);
        row("filters", summary.filters.to_string());
        let least = number(self.rule.least_r2);
        row(&format!("R² from {least} (bounded fit)"), summary.accepted.to_string());
        for rejected in &summary.rejected {
            row(&format!("rejected: {}", rejected.reason.text()), rejected.filters.to_string());
        }
        row("strictly: sees grey, at no bound", summary.strictly_accepted.to_string());
        for rejected in &summary.strictly_rejected {
            row(
                &format!("strictly rejected: {}", rejected.reason.text()),
                rejected.filters.to_string(),
            );
        }
        row("filters mostly in colour", summary.colour_filters.to_string());
        row("median share in grey", shown(summary.grey_share_median));
        row("median R², all fits", shown(summary.r2_median_all));
        row("median R²", shown(summary.r2_median));
        row("median cycles per pixel", shown(summary.cycles_per_pixel_median));
        row("median folded phase, degrees", shown(summary.folded_phase_deg_median));

        let heads = ["", "model", "macaque", "similarity", "± sd", "ceiling"];
        let mut shapes = Table::new("Shapes against macaque V1, medians", &heads);
        for (name, field) in [("nx = σx · f", &summary.nx), ("ny = σy · f", &summary.ny)] {
            let of = |value: fn(&Comparison) -> f64| shown(field.comparison.as_ref().map(value));
            shapes.row([
                name.to_owned(),
                shown(field.median),
                number(field.published_median),
                of(|found| found.similarity),
                of(|found| found.similarity_sd),
                of(|found| found.ceiling),
            ]);
        }
        let none = || String::new();
        let overlap = shown(summary.joint_overlap);
        shapes.row([
            "overlap of joint histograms".to_owned(),
            none(),
            none(),
            overlap,
            none(),
            none(),
        ]);
        vec![fits, shapes]
    }

    fn notes(&self) -> Vec<String> {
        let summary = &self.summary;
        let left_out = |rejected: &[Rejected]| -> String {
            let filters: usize = rejected.iter().map(|rejected| rejected.filters).sum();
            let reason =
                |rejected: &Rejected| format!("{} {}", rejected.filters, rejected.reason.text());
            let reasons: Vec<String> = rejected.iter().map(reason).collect();
            let colon = if reasons.is_empty() { "" } else { ": " };
            format!("{filters} of {} filters{colon}{}", summary.filters, reasons.join(", "))
        };
        let mut notes = vec![format!(
            "Left out: {}. By the stricter rule: {}.",
            left_out(&summary.rejected),
            left_out(&summary.strictly_rejected),
        )];
        notes.push(format!(
            "A fit counts from an explained variance of {}, as in the paper, which leaves out \
             cells that are not fit well and no others. Fits are bounded: a centre within the \
             filter, envelope widths from 0.5 to {} pixels, 0.03 to 0.5 cycles per pixel, at most \
             three times the largest weight. The stricter rule also wants a share of energy in \
             grey of {}, and no parameter but the lowest frequency within 1 % of a bound. White \
             noise over 11×11 pixels is explained to about 0.13, and to less than 0.3: explained \
             variance is biased upwards.",
            number(self.rule.least_r2),
            number(self.kernel as f64 / 2.0),
            number(self.rule.least_grey_share),
        ));
        notes.push(
            "Fitted is the sum of each filter over red, green and blue: what it does to a grey \
             image, as neurons were recorded. For fields of less than about half a cycle, \
             frequency and width are hardly told apart, and small nx and ny mean no more than \
             that they are small."
                .to_owned(),
        );
        notes.push(
            "Macaque: 79 simple cells, Ringach 2002, J Neurophysiol 88:455; medians from the bins. \
             Similarity: 1 - max|P - Q| over its largest value, mean of 1,000 bootstrap draws of \
             as many units as neurons, which puts even equal distributions below 1: the ceiling \
             is that of the neurons with themselves."
                .to_owned(),
        );
        let outside = [&summary.nx, &summary.ny]
            .map(|field| field.comparison.map_or(0, |comparison| comparison.units_outside_bins));
        if outside != [0, 0] {
            notes.push(format!(
                "Outside of the published bins, counted in the nearest: {} units by nx, {} by ny.",
                outside[0], outside[1],
            ));
        }
        notes
    }

    fn page(&self) -> String {
        let sheets = [
            ("In colour", self.colour_sheet()),
            ("In grey", self.grey_sheet(false)),
            ("Fits", self.grey_sheet(true)),
        ];
        let sheets: String = sheets
            .iter()
            .map(|(name, picture)| {
                let image = format!(
                    "<img class=\"sheet\" alt=\"{name}\" src=\"{}\">\n",
                    picture.data_uri()
                );
                figure(name, &image, "")
            })
            .collect();
        let about = "Each filter is scaled by its own largest weight; mid-grey is zero. A field \
                     whose fit does not count is framed in red.";
        let sheets = format!("<div class=\"figures three\">\n{sheets}</div>\n");
        let drawings = [self.shape_plot(), self.phase_plot(), self.share_plot(), self.field_plot()];
        let drawings = format!("<div class=\"figures\">\n{}</div>\n", drawings.concat());
        section("Filters and their fits", about, &sheets)
            + &section("Shapes", "", &drawings)
            + &section(
                "Every filter",
                "Angles in degrees, lengths in pixels.",
                &self.filter_table(),
            )
    }
}

impl ReceptiveFields {
    fn colour_sheet(&self) -> Picture {
        sheet(self.kernel, self.shown.iter().map(|filter| (filter.colours(), false)))
    }

    /// Draws what the filters do to grey, or the functions that were fitted,
    /// on the same scale.
    fn grey_sheet(&self, fits: bool) -> Picture {
        let cells = self.shown.iter().zip(&self.filters).map(|(filter, fitted)| {
            let grey = filter.grey();
            let values = match fitted.gabor {
                Some(gabor) if fits => gabor.values(self.kernel),
                None if fits => vec![0.0; grey.len()],
                _ => grey,
            };
            let framed = fits && fitted.rejected.is_some();
            (values.iter().map(|&value| [value; 3]).collect(), framed)
        });
        sheet(self.kernel, cells)
    }

    fn shape_plot(&self) -> String {
        let axis = Scale::logarithmic(SHAPES[0], SHAPES[1]);
        let mut plot = Plot::new(axis, axis);
        let edges = &self.published.edges;
        let most = self.published.counts.iter().flatten().max().copied().unwrap_or(1).max(1);
        for (row, counts) in self.published.counts.iter().enumerate() {
            for (column, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (x, y) = ((edges[row], edges[row + 1]), (edges[column], edges[column + 1]));
                let strength = 0.6 * f64::from(count) / f64::from(most);
                plot.cell("other", x, y, strength, &format!("{count} neurons"));
            }
        }
        for filter in self.accepted() {
            if let (Some(nx), Some(ny)) = (filter.nx, filter.ny) {
                plot.dot("v1", (nx, ny), &format!("filter {}", filter.filter));
            }
        }
        let key = legend(&[("v1", "filters", false), ("other", "macaque neurons", true)]);
        let svg = plot.svg("Length over width of the fields", "nx, cycles", "ny, cycles");
        let caption = "Width and length of the envelope in cycles. Shaded: 79 simple cells \
                       (Ringach 2002), the more the stronger. A field outside of the frame is drawn on it.";
        figure("nx and ny", &(key + &svg), caption)
    }

    fn phase_plot(&self) -> String {
        let phases: Vec<f64> = self.accepted().filter_map(|f| f.folded_phase_deg).collect();
        let svg = bars(&phases, [0.0, 90.0], 9, "phase, degrees", "Histogram of phases");
        figure("Spatial phase", &svg, "0 is an even-symmetric field, 90 an odd-symmetric one.")
    }

    fn share_plot(&self) -> String {
        let mut plot = Plot::new(Scale::linear(0.0, 1.0), Scale::linear(0.0, 1.0));
        plot.level(self.rule.least_r2, "counts from here");
        for filter in &self.filters {
            if let (Some(share), Some(r2)) = (filter.grey_share, filter.r2) {
                let class = if filter.rejected.is_none() { "v1" } else { "other" };
                plot.dot(class, (share, r2), &format!("filter {}", filter.filter));
            }
        }
        let key = legend(&[("v1", "counts", false), ("other", "does not", false)]);
        let svg = plot.svg(
            "Explained variance over share in grey",
            "share of energy in grey",
            "explained variance",
        );
        figure("Goodness of fit", &(key + &svg), "Every filter that has contrast in grey.")
    }

    fn field_plot(&self) -> String {
        let mut plot = Plot::new(Scale::linear(0.0, 180.0), Scale::linear(0.0, 0.5));
        for filter in self.accepted() {
            if let Some(gabor) = filter.gabor {
                let place = (gabor.orientation_deg, gabor.cycles_per_pixel);
                plot.dot("v1", place, &format!("filter {}", filter.filter));
            }
        }
        let svg =
            plot.svg("Frequency over orientation", "orientation, degrees", "cycles per pixel");
        figure("Orientation and frequency", &svg, "0 is horizontal, 90 vertical.")
    }

    fn filter_table(&self) -> String {
        let heads = [
            "filter",
            "counts",
            "strictly",
            "R²",
            "in grey",
            "x",
            "y",
            "orientation",
            "cycles/pixel",
            "cycles/filter",
            "σx",
            "σy",
            "phase",
            "nx",
            "ny",
        ];
        let row = |filter: &FittedFilter| {
            let of =
                |value: fn(&super::gabor::Gabor) -> f64| shown(filter.gabor.as_ref().map(value));
            let verdict =
                |rejected: Option<Rejection>| rejected.map_or("yes", Rejection::label).to_owned();
            vec![
                filter.filter.to_string(),
                verdict(filter.rejected),
                verdict(filter.strictly_rejected),
                shown(filter.r2),
                shown(filter.grey_share),
                of(|gabor| gabor.x),
                of(|gabor| gabor.y),
                of(|gabor| gabor.orientation_deg),
                of(|gabor| gabor.cycles_per_pixel),
                shown(filter.cycles_per_filter),
                of(|gabor| gabor.sigma_x),
                of(|gabor| gabor.sigma_y),
                of(|gabor| gabor.phase_deg),
                shown(filter.nx),
                shown(filter.ny),
            ]
        };
        let rows: Vec<Vec<String>> = self.filters.iter().map(row).collect();
        table(&heads.map(str::to_owned), &rows)
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

/// Draws filters in rows of [`COLUMNS`], framed where they say so.
fn sheet(kernel: usize, cells: impl Iterator<Item = (Vec<[f64; 3]>, bool)>) -> Picture {
    let cells: Vec<(Vec<[f64; 3]>, bool)> = cells.collect();
    let pitch = kernel + 2;
    let side = |filters: usize| filters * pitch * MAGNIFICATION;
    let mut picture = Picture::new(side(COLUMNS), side(cells.len().div_ceil(COLUMNS).max(1)));
    for (index, (pixels, framed)) in cells.iter().enumerate() {
        let most = pixels.iter().flatten().fold(0.0, |most: f64, weight| most.max(weight.abs()));
        let (left, top) = (index % COLUMNS * pitch, index / COLUMNS * pitch);
        let mut fill = |x: usize, y: usize, rgb: [u8; 3]| {
            picture.fill((x * MAGNIFICATION, y * MAGNIFICATION), MAGNIFICATION, rgb);
        };
        if *framed {
            for at in 0..pitch {
                for (x, y) in [(at, 0), (at, pitch - 1), (0, at), (pitch - 1, at)] {
                    fill(left + x, top + y, [178, 40, 48]);
                }
            }
        }
        for (at, pixel) in pixels.iter().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "a shade")]
            let shade = |weight: f64| {
                byte(if most > 0.0 { (0.5 + 0.5 * weight / most) as f32 } else { 0.5 })
            };
            fill(left + 1 + at % kernel, top + 1 + at / kernel, pixel.map(shade));
        }
    }
    picture
}

/// Draws how many values fall into equal bins between two ends.
fn bars(values: &[f64], [least, most]: [f64; 2], bins: usize, name: &str, about: &str) -> String {
    let width = (most - least) / bins as f64;
    let edge = |bin: usize| least + bin as f64 * width;
    let counts: Vec<usize> = (0..bins)
        .map(|bin| {
            let last = bin + 1 == bins;
            let inside = |value: f64| value >= edge(bin) && (value < edge(bin + 1) || last);
            values.iter().filter(|&&value| inside(value)).count()
        })
        .collect();
    let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut plot = Plot::new(Scale::linear(least, most), Scale::linear(0.0, 1.1 * highest));
    for (bin, &count) in counts.iter().enumerate() {
        let space = 0.04 * width;
        plot.column("v1", (edge(bin) + space, edge(bin + 1) - space), count as f64);
    }
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(svg, "{}", plot.svg(&escape(about), name, "filters"));
    svg
}
