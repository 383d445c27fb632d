//! A writer of well-formed SVG: every element opened is closed, every text is escaped.

use std::fmt::{self, Arguments, Write};

/// A length in pixels, printed with at most two decimals.
#[derive(Clone, Copy)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounding first, and adding zero, keeps "-0" out of the text.
        let rounded = (self.0 * 100.0).round() / 100.0 + 0.0;
        debug_assert!(rounded.is_finite(), "positions are checked before they are drawn");
        write!(f, "{rounded}")
    }
}

/// The document so far, and the elements still open.
pub(super) struct Svg {
    out: String,
    open: Vec<&'static str>,
}

impl Svg {
    pub(super) fn new() -> Self {
        Self { out: String::new(), open: Vec::new() }
    }

    /// Opens an element. Attributes are our own words and numbers only: user text goes through [`Svg::text`].
    pub(super) fn open(&mut self, tag: &'static str, attributes: Arguments<'_>) {
        self.start(tag, attributes, ">\n");
        self.open.push(tag);
    }

    /// Closes the element opened last.
    pub(super) fn close(&mut self) {
        let tag = self.open.pop().expect("each close has its open");
        self.indent();
        self.push(format_args!("</{tag}>\n"));
    }

    /// An element without content.
    pub(super) fn empty(&mut self, tag: &'static str, attributes: Arguments<'_>) {
        self.start(tag, attributes, "/>\n");
    }

    /// An element that holds text.
    pub(super) fn text(&mut self, tag: &'static str, attributes: Arguments<'_>, text: &str) {
        self.start(tag, attributes, ">");
        let text = escape(text);
        self.push(format_args!("{text}</{tag}>\n"));
    }

    /// A text whose exponent, if any, is raised.
    pub(super) fn power(&mut self, attributes: Arguments<'_>, base: &str, exponent: Option<&str>) {
        let Some(exponent) = exponent else { return self.text("text", attributes, base) };
        self.start("text", attributes, ">");
        let (base, exponent) = (escape(base), escape(exponent));
        // Not baseline-shift, which Firefox ignores.
        self.push(format_args!("{base}<tspan dy=\"-5\" class=\"power\">{exponent}</tspan></text>\n"));
    }

    /// An element whose only content is a tooltip.
    pub(super) fn with_tooltip(&mut self, tag: &'static str, attributes: Arguments<'_>, tooltip: &str) {
        self.start(tag, attributes, "><title>");
        let tooltip = escape(tooltip);
        self.push(format_args!("{tooltip}</title></{tag}>\n"));
    }

    /// Text that is known to need no escaping, such as the style sheet.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// The finished document.
    pub(super) fn finish(self) -> String {
        debug_assert!(self.open.is_empty(), "still open: {:?}", self.open);
        self.out
    }

    fn start(&mut self, tag: &str, attributes: Arguments<'_>, end: &str) {
        self.indent();
        let space = if attributes.as_str() == Some("") { "" } else { " " };
        self.push(format_args!("<{tag}{space}{attributes}{end}"));
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n(' ', self.open.len()));
    }

    fn push(&mut self, text: Arguments<'_>) {
        self.out.write_fmt(text).expect("writing to a String cannot fail");
    }
}

/// Escapes text for element content and for attributes; what XML 1.0 cannot hold at all becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(c),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let rows = [(1.0, "1"), (1.005_1, "1.01"), (-0.001, "0"), (12.5, "12.5"), (-3.256, "-3.26")];
        for (x, expected) in rows {
            assert_eq!(Px(x).to_string(), expected);
        }
    }

    #[test]
    fn escaping() {
        assert_eq!(escape("a<b & \"c\"'\u{1}>ρ′"), "a&lt;b &amp; &quot;c&quot;&#39;\u{fffd}&gt;ρ′");
    }

    #[test]
    fn nesting() {
        let mut svg = Svg::new();
        svg.open("g", format_args!("class=\"a\""));
        svg.text("title", format_args!(""), "x<y");
        svg.close();
        assert_eq!(svg.finish(), "<g class=\"a\">\n <title>x&lt;y</title>\n</g>\n");
    }
}
