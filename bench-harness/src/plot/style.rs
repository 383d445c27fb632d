//! Colours, fonts and the width of text.

/// Number of colours before they repeat, the next round being dashed.
pub(super) const COLOURS: usize = 8;

/// Font sizes in pixels, as in [`CSS`].
pub(super) const TITLE_SIZE: f64 = 15.0;
pub(super) const LABEL_SIZE: f64 = 12.5;
pub(super) const TICK_SIZE: f64 = 11.0;

/// Styles of a chart, scoped by class so that several charts can stand inline in one page.
///
/// The colours are those of Okabe and Ito, "Color Universal Design" (2008), told apart by nearly everyone,
/// with the two that fade on white (sky blue, yellow) last. Elements take them through `currentColor`, so a
/// dark page changes one line per colour: there black turns light and the darkest, blue, is raised.
pub(super) const CSS: &str = r"<style>
.anact-chart{font-family:Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif;color:#222}
.anact-chart text{fill:#222;stroke:none}
.anact-chart .title{font-size:15px;font-weight:bold}
.anact-chart .label{font-size:12.5px}
.anact-chart .tick{font-size:11px}
.anact-chart .power{font-size:8.5px}
.anact-chart .paper{fill:#fff}
.anact-chart .grid{stroke:#e4e4e4;stroke-width:1;fill:none}
.anact-chart .minor{stroke:#f2f2f2}
.anact-chart .axis{stroke:#555;stroke-width:1;fill:none}
.anact-chart .reference{stroke:#777;stroke-width:1.2;stroke-dasharray:2 3;fill:none}
.anact-chart .line{stroke:currentColor;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round;fill:none}
.anact-chart .band{fill:currentColor;fill-opacity:.18;stroke:none}
.anact-chart .whisker{stroke:currentColor;stroke-width:1.2;fill:none}
.anact-chart .over{stroke:#222}
.anact-chart .leader{stroke:#999;stroke-width:.7;fill:none}
.anact-chart .mark{fill:currentColor;stroke:#fff;stroke-width:.7}
.anact-chart .hover{fill:none;stroke:none;pointer-events:all}
.anact-chart .c0{color:#0072b2}
.anact-chart .c1{color:#d55e00}
.anact-chart .c2{color:#009e73}
.anact-chart .c3{color:#cc79a7}
.anact-chart .c4{color:#e69f00}
.anact-chart .c5{color:#000}
.anact-chart .c6{color:#56b4e9}
.anact-chart .c7{color:#f0e442}
@media (prefers-color-scheme:dark){
.anact-chart text{fill:#ddd}
.anact-chart .paper{fill:#17181c}
.anact-chart .grid{stroke:#33353b}
.anact-chart .minor{stroke:#25272c}
.anact-chart .axis{stroke:#999}
.anact-chart .reference{stroke:#999}
.anact-chart .over{stroke:#fff}
.anact-chart .mark{stroke:#17181c}
.anact-chart .c0{color:#3d9ad6}
.anact-chart .c5{color:#eee}
}
</style>
";

/// Width of `text` at `size` pixels, estimated a little generously: the font that will draw it is not known.
/// The classes follow DejaVu Sans, the widest of the usual ones.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let em: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | '′' => 0.34,
            'f' | 'r' | 't' | 'I' | '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.97,
            'A'..='Z' | '−' | '×' | '=' | '+' | '<' | '>' => 0.74,
            // East Asian characters fill a square.
            '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffef}' => 1.0,
            _ => 0.63,
        })
        .sum();
    em * size
}

/// Breaks `text` at blanks into lines of at most `width` pixels where words allow.
pub(super) fn wrap(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping() {
        assert_eq!(wrap("one two three", 10.0, 1000.0), ["one two three"]);
        assert_eq!(wrap("one two three", 10.0, 50.0), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 10.0, 1.0), ["unbreakable"]);
        assert!(wrap("  ", 10.0, 100.0).is_empty());
    }

    #[test]
    fn every_colour_has_its_rule() {
        for colour in 0..COLOURS {
            assert!(CSS.contains(&format!(".anact-chart .c{colour}{{")));
        }
    }
}
