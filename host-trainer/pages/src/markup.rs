//! Text for HTML and SVG.

/// Returns `text` with every character that means something in HTML replaced,
/// within elements and within quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Control characters are no HTML.
            c if c.is_control() && c != '\n' && c != '\t' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns a number with about three digits, thousands set apart, with a true
/// minus sign.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "–"
        } else if value > 0.0 {
            "∞"
        } else {
            "−∞"
        }
        .to_owned();
    }
    let size = value.abs();
    let decimals = match size {
        s if s >= 99.95 || s == 0.0 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s if s >= 0.009_995 => 3,
        s if s >= 0.000_999_5 => 4,
        s if s >= 0.000_1 => 5,
        _ => return format!("{value:.1e}").replace('-', "−"),
    };
    let digits = format!("{size:.decimals$}");
    let (whole, fraction) = digits.split_once('.').map_or((&*digits, ""), |(w, f)| (w, f));
    let sign =
        if value < 0.0 && digits.contains(|c| ('1'..='9').contains(&c)) { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// Returns a count with thousands set apart.
#[must_use]
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_html_reads_is_left() {
        assert_eq!(escape("a<b>&\"c'\u{1b}\n"), "a&lt;b&gt;&amp;&quot;c&#39;\u{fffd}\n");
    }

    #[test]
    fn numbers_have_three_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (4992.3, "4,992"),
            (1_234_567.0, "1,234,567"),
            (-42.25, "−42.2"),
            (9.999, "10.0"),
            (0.0512, "0.051"),
            (0.005_12, "0.0051"),
            (-0.000_512, "−0.00051"),
            (-0.000_01, "−1.0e−5"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), expected);
        }
        assert_eq!((count(7), count(1_000)), ("7".to_owned(), "1,000".to_owned()));
    }
}
