//! Comma-separated tables that other programs read back to the same numbers.

use std::fmt;

use super::{RecordError, Result};

/// One cell of a [`Csv`] row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A real number, written as by [`exact`].
    Real(f64),
    /// A whole number.
    Whole(i128),
    /// Text, quoted where needed.
    Text(String),
    /// A missing value: an empty cell.
    Missing,
}

impl From<f64> for Cell {
    fn from(x: f64) -> Self {
        Self::Real(x)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Cell {
    fn from(n: usize) -> Self {
        // No machine has a usize wider than 64 bits.
        Self::Whole(n as i128)
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Self {
        Self::Whole(n.into())
    }
}

impl From<u32> for Cell {
    fn from(n: u32) -> Self {
        Self::Whole(n.into())
    }
}

impl From<i64> for Cell {
    fn from(n: i64) -> Self {
        Self::Whole(n.into())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// A table in memory; `to_string()` gives the file's text.
///
/// Commas, quotes as in RFC 4180, lines ended by `\n`.
#[derive(Clone, Debug)]
pub struct Csv {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Csv {
    /// A table with these column names and no rows.
    #[must_use]
    pub fn new<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`RecordError::RowWidth`] unless there is one cell per column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<()> {
        let cells: Vec<Cell> = cells.into_iter().collect();
        if cells.len() != self.columns.len() {
            return Err(RecordError::RowWidth {
                row: self.rows.len() + 1,
                found: cells.len(),
                expected: self.columns.len(),
                columns: self.columns.clone(),
            });
        }
        self.rows.push(cells);
        Ok(())
    }

    /// The rows as lines, without the head line.
    pub(super) fn rows_text(&self) -> String {
        self.rows.iter().map(|row| line(&row.iter().map(text_of).collect::<Vec<_>>())).collect()
    }
}

impl fmt::Display for Csv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head: Vec<String> = self.columns.iter().map(|name| quoted(name)).collect();
        f.write_str(&line(&head))?;
        f.write_str(&self.rows_text())
    }
}

fn line(cells: &[String]) -> String {
    // Readers skip empty lines, so the missing value of a one-column table has to show itself.
    if cells == [""] { "\"\"\n".into() } else { cells.join(",") + "\n" }
}

fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Real(x) => exact(*x),
        Cell::Whole(n) => n.to_string(),
        Cell::Text(text) => quoted(text),
        Cell::Missing => String::new(),
    }
}

/// Quotes what would otherwise be cut, joined or trimmed. The empty text is quoted to differ from a missing
/// value.
fn quoted(text: &str) -> String {
    let needed = text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.trim() != text;
    if needed { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

/// The shortest decimal that reads back as exactly `x`, always recognisable as a real number: `0.1`, `1.0`,
/// `1e-7`, `NaN`, `inf`, `-inf`.
#[must_use]
pub fn exact(x: f64) -> String {
    // Debug rather than Display: it goes over to an exponent where Display would print hundreds of zeros.
    format!("{x:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_numbers() {
        let rows = [
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e-7, "1e-7"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (x, expected) in rows {
            assert_eq!(exact(x), expected);
        }
    }

    #[test]
    fn every_number_reads_back_to_the_same_bits() {
        // A multiplicative walk over bit patterns meets all exponents and both signs.
        let mut bits: u64 = 1;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let x = f64::from_bits(bits);
            if x.is_finite() {
                assert_eq!(exact(x).parse::<f64>().unwrap().to_bits(), bits);
            }
        }
    }

    #[test]
    fn quoting() {
        let mut table = Csv::new(["layer", "a,b", "n"]);
        table.row(["conv \"1\"".into(), 0.5.into(), 3_usize.into()]).unwrap();
        table.row(["two\nlines".into(), Cell::from(None::<f64>), (-2_i64).into()]).unwrap();
        table.row([" padded".into(), Cell::from(Some(1e-9)), u64::MAX.into()]).unwrap();
        table.row(["".into(), f64::NAN.into(), 7_u32.into()]).unwrap();
        let expected = "layer,\"a,b\",n\n\
                        \"conv \"\"1\"\"\",0.5,3\n\
                        \"two\nlines\",,-2\n\
                        \" padded\",1e-9,18446744073709551615\n\
                        \"\",NaN,7\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn a_missing_value_alone_is_no_empty_line() {
        let mut table = Csv::new(["x"]);
        table.row([Cell::Missing]).unwrap();
        assert_eq!(table.to_string(), "x\n\"\"\n");
    }

    #[test]
    fn a_row_of_the_wrong_width_is_refused() {
        let mut table = Csv::new(["epoch", "loss"]);
        let message = table.row([1_usize.into()]).unwrap_err().to_string();
        let expected = "row 1 of the table has 1 cells, expected 2: one for each of [\"epoch\", \"loss\"]";
        assert_eq!(message, expected);
        assert_eq!(table.to_string(), "epoch,loss\n");
    }
}
