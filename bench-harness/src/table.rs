//! Small tables for the terminal and for Markdown, and the rounding used in them.

use std::fmt;

/// How the cells of a column are lined up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// A table of already formatted cells.
///
/// Numbers are right-aligned so that magnitudes can be compared at a glance; the only line drawn is the one
/// below the header. `Display` gives the terminal form.
///
/// ```text
/// layer    ρ′(1)
/// ───────  ─────
/// conv1     1.02
/// layer1  0.0123
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with neither columns nor rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a left-aligned column.
    #[must_use]
    pub fn text(self, header: impl Into<String>) -> Self {
        self.column(header.into(), Align::Left)
    }

    /// Adds a right-aligned column.
    #[must_use]
    pub fn number(self, header: impl Into<String>) -> Self {
        self.column(header.into(), Align::Right)
    }

    fn column(mut self, header: String, align: Align) -> Self {
        assert!(self.rows.is_empty(), "columns are declared before the first row");
        self.columns.push((header, align));
        self
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the number of cells differs from the number of columns.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let row: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(row.len(), self.columns.len(), "cells in row {} of a table", self.rows.len() + 1);
        self.rows.push(row);
    }

    /// Number of rows, the header not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when no row has been added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The same table in Markdown, padded so that it also reads well as plain text.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let escape = |cell: &str| cell.replace('|', "\\|").replace(['\n', '\r'], " ");
        let escaped = Self {
            columns: self.columns.iter().map(|(header, align)| (escape(header), *align)).collect(),
            rows: self.rows.iter().map(|row| row.iter().map(|cell| escape(cell)).collect()).collect(),
        };
        // Three is the least that every Markdown dialect takes for a delimiter cell.
        let widths: Vec<usize> = escaped.widths().into_iter().map(|width| width.max(3)).collect();
        let rule: Vec<String> = escaped
            .columns
            .iter()
            .zip(&widths)
            .map(|((_, align), &width)| match align {
                Align::Left => "-".repeat(width),
                Align::Right => format!("{}:", "-".repeat(width - 1)),
            })
            .collect();
        let mut out = String::new();
        let headers: Vec<String> = escaped.columns.iter().map(|(header, _)| header.clone()).collect();
        for row in [&headers, &rule].into_iter().chain(&escaped.rows) {
            out += &format!("| {} |\n", escaped.padded(row, &widths).join(" | "));
        }
        out
    }

    /// Widths in characters, not bytes: ρ′ and λ² take two columns each.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(header, _)| header.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }

    fn padded(&self, row: &[String], widths: &[usize]) -> Vec<String> {
        let cells = row.iter().zip(widths).zip(&self.columns);
        cells
            .map(|((cell, &width), (_, align))| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            })
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let headers: Vec<String> = self.columns.iter().map(|(header, _)| header.clone()).collect();
        let rule: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
        for row in [&headers, &rule].into_iter().chain(&self.rows) {
            // Trailing blanks would show up in every diff of a recorded output.
            writeln!(f, "{}", self.padded(row, &widths).join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// `x` to `digits` significant digits: `0.0123`, `12.3`, `1.23e-7`.
///
/// Plain notation from 0.0001 up to 999999, scientific outside. Trailing zeros stay, for they say how far
/// the value is known; digits before the decimal point are never replaced by zeros (`sig(12345.6, 3)` is
/// `12346`). Zero of either sign is `0`; the rest is `NaN`, `inf`, `-inf`.
#[must_use]
pub fn sig(x: f64, digits: usize) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return x.to_string();
    }
    let decimals = digits.max(1) - 1;
    let scientific = format!("{x:.decimals$e}");
    // The exponent is read after rounding: 0.9996 to three digits is 1.00, not 1.000.
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    if exponent < -4 || x.abs() >= 999_999.5 {
        return scientific;
    }
    let places = i32::try_from(decimals).unwrap_or(i32::MAX).saturating_sub(exponent);
    format!("{x:.*}", usize::try_from(places).unwrap_or(0))
}

/// A number of bytes to three or four digits: `512 B`, `1.23 MB`; a megabyte is 10⁶ bytes.
#[must_use]
pub fn bytes(n: u64) -> String {
    indicatif::DecimalBytes(n).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits() {
        let rows = [
            (0.0123, 3, "0.0123"),
            (1.23e-7, 3, "1.23e-7"),
            (0.000_123_4, 3, "0.000123"),
            (0.000_012_34, 3, "1.23e-5"),
            (12.345, 3, "12.3"),
            (-12.0, 3, "-12.0"),
            (0.9996, 3, "1.00"),
            (99.97, 3, "100"),
            (12_345.6, 3, "12346"),
            (999_999.4, 3, "999999"),
            (999_999.5, 3, "1.00e6"),
            (123_456.0, 3, "123456"),
            (1.5e12, 3, "1.50e12"),
            (0.5, 1, "0.5"),
            (7.0, 0, "7"),
            (0.0, 3, "0"),
            (-0.0, 3, "0"),
            (f64::NAN, 3, "NaN"),
            (f64::NEG_INFINITY, 3, "-inf"),
        ];
        for (x, digits, expected) in rows {
            assert_eq!(sig(x, digits), expected, "sig({x}, {digits})");
        }
    }

    fn example() -> Table {
        let mut table = Table::new().text("layer").number("ρ′(1)").number("λ²");
        table.row(["conv1", "1.02", "0.5"]);
        table.row(["a|b", "0.0123", "12.25"]);
        table
    }

    #[test]
    fn terminal_form() {
        let expected = "\
layer   ρ′(1)     λ²
─────  ──────  ─────
conv1    1.02    0.5
a|b    0.0123  12.25
";
        assert_eq!(example().to_string(), expected);
    }

    #[test]
    fn no_trailing_blanks() {
        let mut table = Table::new().text("a").text("long header");
        table.row(["x", "y"]);
        assert!(table.to_string().lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn markdown_form() {
        let expected = "\
| layer |  ρ′(1) |    λ² |
| ----- | -----: | ----: |
| conv1 |   1.02 |   0.5 |
| a\\|b  | 0.0123 | 12.25 |
";
        assert_eq!(example().to_markdown(), expected);
    }

    #[test]
    fn an_empty_table_is_its_header() {
        let table = Table::new().text("n");
        assert!(table.is_empty());
        assert_eq!(table.len(), 0);
        assert_eq!(table.to_string(), "n\n─\n");
        assert_eq!(table.to_markdown(), "| n   |\n| --- |\n");
    }

    #[test]
    #[should_panic(expected = "cells in row 1")]
    fn a_short_row_is_refused() {
        Table::new().text("a").text("b").row(["only one"]);
    }
}
