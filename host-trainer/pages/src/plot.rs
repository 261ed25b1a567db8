//! Drawings of values in SVG, coloured by the page's style sheet.

use std::fmt::Write;

use super::{markup::escape, scale::Scale, series::Bucket};

/// Width of a drawing in its own units.
const WIDTH: f64 = 400.0;

/// Height of a drawing.
const HEIGHT: f64 = 236.0;

/// Space for the labels of the vertical axis, and over, right of and under
/// the frame.
const LEFT: f64 = 56.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 42.0;

/// What the names along an axis take under the frame beyond what numbers take.
const NAMES: f64 = 34.0;

/// A drawing of values over two axes.
#[derive(Clone, Debug)]
pub struct Plot {
    x: Scale,
    y: Scale,
    names: Vec<String>,
    y_ticks: bool,
    marks: String,
}

impl Plot {
    /// Creates an empty drawing.
    #[must_use]
    pub fn new(x: Scale, y: Scale) -> Self {
        Self { x, y, names: Vec::new(), y_ticks: true, marks: String::new() }
    }

    /// Creates an empty drawing over names, of which the first stands at 0, the
    /// second at 1.
    #[must_use]
    pub fn over_names(names: Vec<String>, y: Scale) -> Self {
        let last = names.len().saturating_sub(1) as f64;
        Self { names, ..Self::new(Scale::linear(-0.5, last + 0.5), y) }
    }

    /// Leaves out the labels of the vertical axis, where places on it mean
    /// nothing.
    #[must_use]
    pub fn without_y_ticks(mut self) -> Self {
        self.y_ticks = false;
        self
    }

    /// Draws a line through the means.
    pub fn line(&mut self, class: &str, buckets: &[Bucket]) {
        let points: Vec<String> =
            buckets.iter().map(|bucket| self.point(bucket.x, bucket.mean)).collect();
        self.mark(format_args!("<polyline class='line {class}' points='{}'/>", points.join(" ")));
    }

    /// Fills what lies between the least and the largest values.
    pub fn band(&mut self, class: &str, buckets: &[Bucket]) {
        let upper = buckets.iter().map(|bucket| self.point(bucket.x, bucket.most));
        let lower = buckets.iter().rev().map(|bucket| self.point(bucket.x, bucket.least));
        let points: Vec<String> = upper.chain(lower).collect();
        self.mark(format_args!("<polygon class='band {class}' points='{}'/>", points.join(" ")));
    }

    /// Draws a dot, whose `title` shows when it is pointed at.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), title: &str) {
        let (left, top) = self.place(x, y);
        let title = escape(title);
        self.mark(format_args!(
            "<circle class='dot {class}' cx='{left:.1}' cy='{top:.1}' r='2.6'>\
             <title>{title}</title></circle>"
        ));
    }

    /// Fills a column from the lower end of the axis to `y`.
    pub fn column(&mut self, class: &str, (from, to): (f64, f64), y: f64) {
        let ((left, top), (right, bottom)) = (self.place(from, y), self.place(to, f64::MIN));
        let (width, height) = (right - left, bottom - top);
        if height > 0.0 {
            self.mark(format_args!(
                "<rect class='column {class}' x='{left:.1}' y='{top:.1}' width='{width:.1}' \
                 height='{height:.1}'/>"
            ));
        }
    }

    /// Fills the cell of a joint histogram, whose `title` shows when it is pointed
    /// at; `strength` is its opacity, in `[0, 1]`.
    pub fn cell(
        &mut self,
        class: &str,
        (left, right): (f64, f64),
        (low, high): (f64, f64),
        strength: f64,
        title: &str,
    ) {
        let ((left, bottom), (right, top)) = (self.place(left, low), self.place(right, high));
        let (width, height, title) = (right - left, bottom - top, escape(title));
        self.mark(format_args!(
            "<rect class='cell {class}' x='{left:.1}' y='{top:.1}' width='{width:.1}' \
             height='{height:.1}' opacity='{strength:.2}'><title>{title}</title></rect>"
        ));
    }

    /// Draws a dashed line across the frame at `y`, with its name.
    pub fn level(&mut self, y: f64, name: &str) {
        let (_, top) = self.place(0.0, y);
        let (right, name) = (WIDTH - RIGHT, escape(name));
        self.mark(format_args!(
            "<line class='guide' x1='{LEFT}' x2='{right}' y1='{top:.1}' y2='{top:.1}'/>\
             <text class='note' x='{:.1}' y='{:.1}' text-anchor='end'>{name}</text>",
            right - 4.0,
            top - 4.0,
        ));
    }

    /// Draws a dashed line down the frame at `x`, with its name at the top.
    pub fn moment(&mut self, x: f64, name: &str) {
        let (left, _) = self.place(x, 0.0);
        let bottom = HEIGHT - BOTTOM;
        // The name stands on the side that has more space.
        let (anchor, shift) =
            if left > WIDTH.midpoint(LEFT) { ("end", -4.0) } else { ("start", 4.0) };
        let name = escape(name);
        self.mark(format_args!(
            "<line class='guide' x1='{left:.1}' x2='{left:.1}' y1='{TOP}' y2='{bottom}'/>\
             <text class='note' x='{:.1}' y='{}' text-anchor='{anchor}'>{name}</text>",
            left + shift,
            TOP + 12.0,
        ));
    }

    /// Draws a dashed line through the places where both axes have the same
    /// value.
    pub fn diagonal(&mut self) {
        let ((x_least, x_most), (y_least, y_most)) = (self.x.ends(), self.y.ends());
        let (least, most) = (x_least.max(y_least), x_most.min(y_most));
        if least < most {
            let ((x1, y1), (x2, y2)) = (self.place(least, least), self.place(most, most));
            self.mark(format_args!(
                "<line class='guide' x1='{x1:.1}' x2='{x2:.1}' y1='{y1:.1}' y2='{y2:.1}'/>"
            ));
        }
    }

    /// Returns the SVG, with what the axes are called; `description` is for
    /// who cannot see it.
    #[must_use]
    pub fn svg(&self, description: &str, x_name: &str, y_name: &str) -> String {
        let (description, x_name, y_name) = (escape(description), escape(x_name), escape(y_name));
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let mut axes = String::new();
        for value in self.y.minor_ticks().into_iter().filter(|_| self.y_ticks) {
            let (_, top) = self.place(0.0, value);
            let _ = write!(
                axes,
                "<line class='grid minor' x1='{LEFT}' x2='{right}' y1='{top:.1}' y2='{top:.1}'/>",
            );
        }
        for (value, label) in self.y.ticks().into_iter().filter(|_| self.y_ticks) {
            let (_, top) = self.place(0.0, value);
            let _ = write!(
                axes,
                "<line class='grid' x1='{LEFT}' x2='{right}' y1='{top:.1}' y2='{top:.1}'/>\
                 <text x='{}' y='{:.1}' text-anchor='end'>{}</text>",
                LEFT - 6.0,
                top + 4.0,
                escape(&label),
            );
        }
        for (index, name) in self.names.iter().enumerate() {
            let (left, _) = self.place(index as f64, 0.0);
            let _ = write!(
                axes,
                "<text x='{left:.1}' y='{0}' text-anchor='end' transform='rotate(-40 {left:.1} {0})'>\
                 {1}</text>",
                bottom + 14.0,
                escape(name),
            );
        }
        let numbers = if self.names.is_empty() { self.x.ticks() } else { Vec::new() };
        for (value, label) in numbers {
            let (left, _) = self.place(value, 0.0);
            let _ = write!(
                axes,
                "<line class='tick' x1='{left:.1}' x2='{left:.1}' y1='{bottom}' y2='{}'/>\
                 <text x='{left:.1}' y='{}' text-anchor='middle'>{}</text>",
                bottom + 4.0,
                bottom + 17.0,
                escape(&label),
            );
        }
        let middle = TOP.midpoint(bottom);
        let height = HEIGHT + if self.names.is_empty() { 0.0 } else { NAMES };
        format!(
            "<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{description}'>{axes}\
             <line class='axis' x1='{LEFT}' x2='{right}' y1='{bottom}' y2='{bottom}'/>{}\
             <text class='name' x='{}' y='{}' text-anchor='middle'>{x_name}</text>\
             <text class='name' x='10' y='{middle}' text-anchor='middle' \
             transform='rotate(-90 10 {middle})'>{y_name}</text></svg>\n",
            self.marks,
            LEFT.midpoint(right),
            height - 6.0,
        )
    }

    fn mark(&mut self, mark: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.marks.write_fmt(mark);
    }

    fn point(&self, x: f64, y: f64) -> String {
        let (left, top) = self.place(x, y);
        format!("{left:.1},{top:.1}")
    }

    /// Returns the place of a value; what is outside is put on the frame.
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let within = |place: f64| if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) };
        let left = LEFT + within(self.x.place(x)) * (WIDTH - LEFT - RIGHT);
        let top = HEIGHT - BOTTOM - within(self.y.place(y)) * (HEIGHT - TOP - BOTTOM);
        (left, top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_where_the_axes_say() {
        let mut plot = Plot::new(Scale::linear(0.0, 10.0), Scale::linear(0.0, 1.0));
        plot.dot("a", (10.0, 1.0), "<corner>");
        plot.dot("b", (0.0, -5.0), "under the frame");
        plot.level(0.5, "half");
        let svg = plot.svg("a \"test\"", "step", "loss");
        assert!(svg.contains("class='dot a' cx='388.0' cy='12.0'"), "{svg}");
        assert!(svg.contains("class='dot b' cx='56.0' cy='194.0'"), "{svg}");
        assert!(svg.contains("&lt;corner&gt;") && svg.contains("a &quot;test&quot;"), "{svg}");
        assert!(svg.contains(">half</text>") && svg.contains(">step</text>"));
    }

    #[test]
    fn names_and_the_diagonal_lie_where_the_axes_say() {
        let names = vec!["first".to_owned(), "<second>".to_owned()];
        let mut plot = Plot::over_names(names, Scale::linear(0.0, 1.0));
        plot.dot("a", (0.0, 0.0), "");
        let svg = plot.svg("", "", "");
        assert!(svg.contains("class='dot a' cx='139.0' cy='194.0'"), "{svg}");
        assert!(svg.contains(">first</text>") && svg.contains(">&lt;second&gt;</text>"), "{svg}");

        let mut square = Plot::new(Scale::linear(0.0, 1.0), Scale::linear(0.5, 2.0));
        square.diagonal();
        let svg = square.svg("", "", "");
        assert!(svg.contains("x1='222.0' x2='388.0' y1='194.0' y2='133.3'"), "{svg}");
    }

    #[test]
    fn nothing_is_drawn_outside_or_at_no_number() {
        let mut plot = Plot::new(Scale::linear(0.0, 1.0), Scale::around([1.0, 50.0].into_iter()));
        let bucket = |y: f64| Bucket { x: 0.5, mean: y, least: y, most: y };
        let buckets = [bucket(-3.0), bucket(f64::NAN), bucket(1e300)];
        plot.line("a", &buckets);
        plot.band("a", &buckets);
        plot.column("a", (0.0, 2.0), 50.0);
        let svg = plot.svg("", "", "");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
