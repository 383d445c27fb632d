//! One line of characters on which numbers stand by their logarithm.

use crate::table::sig;

/// Positions of a strip.
const WIDTH: usize = 32;

/// A logarithmic axis of [`WIDTH`] characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Strip {
    /// Logarithms of the ends.
    low: f64,
    high: f64,
}

impl Strip {
    /// The axis that holds all of `values` that have a logarithm; `None` if there are none.
    pub(super) fn around(values: impl Iterator<Item = f64>) -> Option<Self> {
        let logs = values.map(f64::log10).filter(|log| log.is_finite());
        let (low, high) =
            logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), log| (low.min(log), high.max(log)));
        (low <= high).then_some(Self { low, high })
    }

    /// Its ends.
    fn ends(self) -> (f64, f64) {
        (10.0_f64.powf(self.low), 10.0_f64.powf(self.high))
    }

    /// Its ends in one notation, where they are on the axis.
    pub(super) fn axis(self) -> String {
        let (low, high) = self.ends();
        let plain = [low, high].map(|x| sig(x, 2));
        let [low, high] = match plain.iter().any(|text| text.contains('e')) {
            true => [low, high].map(|x| format!("{x:.1e}")),
            false => plain,
        };
        let gap = WIDTH.saturating_sub(low.chars().count() + high.chars().count());
        format!("{low}{}{high}", " ".repeat(gap))
    }

    /// The marks at their values, later ones on top of earlier ones; a value without a place is left out.
    pub(super) fn draw(self, marks: &[(char, Option<f64>)]) -> String {
        let mut cells = ['·'; WIDTH];
        for (mark, value) in marks {
            if let Some(place) = value.and_then(|v| self.place(v)) {
                cells[place] = *mark;
            }
        }
        cells.iter().collect()
    }

    fn place(self, value: f64) -> Option<usize> {
        let log = value.log10();
        let is_inside = log.is_finite() && (self.low..=self.high).contains(&log);
        // Where all are alike they stand in the middle.
        let share = if self.high > self.low { (log - self.low) / (self.high - self.low) } else { 0.5 };
        is_inside.then(|| (share * (WIDTH - 1) as f64).round() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_by_their_logarithm() {
        let strip = Strip::around([1e-3, 0.0, f64::NAN, 1.0, f64::INFINITY].into_iter()).unwrap();
        let line = strip.draw(&[('a', Some(1e-3)), ('b', Some(1.0)), ('c', Some(0.1)), ('d', None)]);
        let places: Vec<usize> =
            ['a', 'c', 'b'].iter().map(|mark| line.chars().position(|c| c == *mark).unwrap()).collect();
        // Two thirds of the way in the logarithm: 31·2/3 = 20.7.
        assert_eq!((places.as_slice(), line.chars().count()), ([0, 21, 31].as_slice(), WIDTH), "{line}");
        let (low, high) = strip.ends();
        assert!((low - 1e-3).abs() < 1e-15 && high == 1.0);
        assert_eq!(strip.axis(), format!("0.0010{}1.0", " ".repeat(WIDTH - 9)));
    }

    #[test]
    fn both_ends_are_in_one_notation() {
        let axis = |low: f64, high: f64| {
            let axis = Strip::around([low, high].into_iter()).unwrap().axis();
            assert_eq!(axis.chars().count(), WIDTH);
            axis.split_whitespace().map(str::to_string).collect::<Vec<_>>()
        };
        assert_eq!(axis(2e-5, 0.5), ["2.0e-5", "5.0e-1"]);
        assert_eq!(axis(0.02, 0.5), ["0.020", "0.50"]);
    }

    #[test]
    fn what_has_no_place_is_left_out_and_the_last_mark_is_seen() {
        assert_eq!(Strip::around([0.0, -1.0, f64::NAN].into_iter()), None);
        let strip = Strip::around([5.0].into_iter()).unwrap();
        let line = strip.draw(&[('a', Some(5.0)), ('b', Some(5.0)), ('c', Some(-5.0)), ('d', Some(50.0))]);
        assert_eq!(line.chars().filter(|c| *c != '·').collect::<String>(), "b");
        assert_eq!(line.chars().nth(16), Some('b'));
    }
}
