//! Letters of 8 x 8 dots made smooth and as wide as they are.
//!
//! Every dot becomes 4 x 4 by doubling twice in the manner of Scale2x (Mazzoleni, 2001), which rounds corners and joins
//! diagonals; what is left is averaged down to the wanted size.

use font8x8::legacy::{BASIC_LEGACY, LATIN_LEGACY};

const SIDE: usize = 32;

/// The font's letters are as wide as high, with stems of two dots; narrowed by this they look like print.
const NARROW: f64 = 0.68;

/// How much of each pixel a letter covers.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub(super) width: usize,
    pub(super) cover: Vec<f32>,
}

/// The letter in this size; letters that the font does not have are shown as a question mark.
pub(super) fn glyph(letter: char, size: usize) -> Glyph {
    let dots = double::<16, SIDE>(&double::<8, 16>(&bits(letter)));
    let used: Vec<usize> = (0..SIDE).filter(|&x| dots.iter().any(|row| row[x])).collect();
    let (first, last) = match (used.first(), used.last()) {
        (Some(first), Some(last)) => (*first, last + 1),
        _ => (0, SIDE * 3 / 8),
    };
    let down = SIDE as f64 / size as f64;
    let across = down / NARROW;
    let width = ((last - first) as f64 / across).ceil() as usize;
    let mut cover = Vec::with_capacity(width * size);
    for y in 0..size {
        for x in 0..width {
            let from = [y as f64 * down, first as f64 + x as f64 * across];
            cover.push(mean(&dots, from, [down, across]));
        }
    }
    Glyph { width, cover }
}

/// Pixels between two letters.
pub(super) fn space(size: usize) -> usize {
    size.div_ceil(9)
}

/// How wide a text is.
pub(super) fn width(text: &str, size: usize) -> usize {
    let letters = text.chars().map(|letter| glyph(letter, size).width + space(size));
    letters.sum::<usize>().saturating_sub(space(size))
}

/// The text, or as much of its beginning as fits with an ellipsis.
pub(super) fn shortened(text: &str, size: usize, room: usize) -> String {
    if width(text, size) <= room {
        return text.into();
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| format!("{}…", letters[..kept].iter().collect::<String>().trim_end());
    (0..letters.len()).rev().map(cut).find(|text| width(text, size) <= room).unwrap_or_default()
}

/// The font's dots, row by row; the lowest bit is the left one.
fn bits(letter: char) -> [[bool; 8]; 8] {
    let rows = match u32::from(letter) {
        code @ 0x20..0x7f => BASIC_LEGACY[code as usize],
        code @ 0xa0..0x100 => LATIN_LEGACY[code as usize - 0xa0],
        // Points on the line, which the font lacks.
        0x2026 => [0, 0, 0, 0, 0, 0, 0b0001_0101, 0],
        _ => BASIC_LEGACY[usize::from(b'?')],
    };
    rows.map(|row| std::array::from_fn(|x| row >> x & 1 == 1))
}

/// Scale2x: each of a dot's four parts takes the colour of the two neighbours beside it where they agree and the other two
/// do not.
fn double<const N: usize, const M: usize>(dots: &[[bool; N]; N]) -> [[bool; M]; M] {
    let at = |y: isize, x: isize| {
        let inside = (0..N as isize).contains(&y) && (0..N as isize).contains(&x);
        inside && dots[y as usize][x as usize]
    };
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let (y, x) = ((i / 2) as isize, (j / 2) as isize);
            let (up, down, left, right) = (at(y - 1, x), at(y + 1, x), at(y, x - 1), at(y, x + 1));
            let beside = if j % 2 == 0 { left } else { right };
            let across = if i % 2 == 0 { up } else { down };
            if up != down && left != right && beside == across { beside } else { at(y, x) }
        })
    })
}

/// The covered share of a rectangle of so many dots from `top`, `left` on.
fn mean(dots: &[[bool; SIDE]; SIDE], [top, left]: [f64; 2], [height, width]: [f64; 2]) -> f32 {
    let overlap = |dot: usize, from: f64, side: f64| {
        ((from + side).min(dot as f64 + 1.0) - from.max(dot as f64)).max(0.0)
    };
    let mut sum = 0.0;
    for (y, row) in dots.iter().enumerate().filter(|(y, _)| overlap(*y, top, height) > 0.0) {
        for (x, _) in row.iter().enumerate().filter(|(_, dot)| **dot) {
            sum += overlap(y, top, height) * overlap(x, left, width);
        }
    }
    (sum / (height * width)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_fit() {
        assert_eq!(shortened("ship", 15, 200), "ship");
        let short = shortened("Egyptian cat, a domestic cat", 15, 80);
        assert!(short.starts_with("Egypt") && short.ends_with('…') && width(&short, 15) <= 80, "{short}");
        assert_eq!(shortened("ship", 15, 0), "");
    }

    #[test]
    fn letters_keep_their_height_and_differ() {
        for size in [8, 13, 24] {
            for letter in "aW.j…é漢".chars() {
                let glyph = glyph(letter, size);
                assert_eq!(glyph.cover.len(), glyph.width * size);
                assert!(glyph.cover.iter().all(|cover| (0.0..=1.0 + 1e-6).contains(cover)));
                assert!(glyph.cover.iter().any(|cover| *cover > 0.3), "{letter}");
            }
        }
        assert!(width("W", 15) > width("i", 15));
    }
}
