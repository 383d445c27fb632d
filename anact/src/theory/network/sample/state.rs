//! What is known of g = ∂L/∂v at every place of a value: its covariance, as a diagonal and a few directions.

use autograd::Shape;

/// How a value splits: a *place* is one position of one sample, and holds as many *units* as there are channels. A dense
/// layer has one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) samples: usize,
    pub(super) units: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Layout {
    /// Of (N, F) and (N, C, H, W); `None` for other ranks and for empty values.
    pub(super) fn of(shape: Shape) -> Option<Self> {
        let (samples, units, height, width) = match *shape.dims() {
            [samples, units] => (samples, units, 1, 1),
            [samples, units, height, width] => (samples, units, height, width),
            _ => return None,
        };
        (!shape.is_empty()).then_some(Self { samples, units, height, width })
    }

    pub(super) fn positions(self) -> usize {
        self.height * self.width
    }

    pub(super) fn places(self) -> usize {
        self.samples * self.positions()
    }

    /// Where the elements of a place lie: of unit 0, and from unit to unit.
    fn first_and_stride(self, place: usize) -> (usize, usize) {
        let positions = self.positions();
        (place / positions * self.units * positions + place % positions, positions)
    }

    /// The elements of a place, unit by unit, as indices of the value.
    pub(super) fn units_at(self, place: usize) -> impl Iterator<Item = usize> + Clone {
        let (first, stride) = self.first_and_stride(place);
        (0..self.units).map(move |unit| first + unit * stride)
    }

    /// |v|² at every place.
    pub(super) fn squares(self, v: &[f64]) -> Vec<f64> {
        (0..self.places()).map(|place| self.units_at(place).map(|i| v[i] * v[i]).sum()).collect()
    }
}

/// One direction in which g varies more, or less, than its diagonal says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mode {
    /// The direction w, of any length, for every element of the value.
    pub(super) direction: Vec<f64>,
    /// s at every place; negative where g varies less.
    pub(super) strength: Vec<f64>,
}

/// E\[g gᵀ\] = diag(e) + Σ s·w wᵀ at every place: expectations over the cotangents and over what of the weights is not
/// known from the values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) layout: Layout,
    /// e, for every element of the value.
    pub(super) diagonal: Vec<f64>,
    pub(super) modes: Vec<Mode>,
}

impl State {
    /// Of a gradient that is known.
    pub(super) fn of(layout: Layout, g: Vec<f64>) -> Self {
        let mode = Mode { direction: g, strength: vec![1.0; layout.places()] };
        Self { layout, diagonal: vec![0.0; mode.direction.len()], modes: vec![mode] }
    }

    /// Through a map whose Jacobian is diagonal with these slopes: exactly.
    pub(super) fn through(mut self, slope: impl Fn(usize) -> f64) -> Self {
        self.diagonal.iter_mut().enumerate().for_each(|(i, e)| *e *= slope(i).powi(2));
        for mode in &mut self.modes {
            mode.direction.iter_mut().enumerate().for_each(|(i, w)| *w *= slope(i));
        }
        self
    }

    /// Adds a contribution as if independent. At a fork the two are not: what a branch returns along its input is driven by
    /// the same gradient that the other path carries. See section 2.3 of `docs/PAPER.md` for what that leaves out.
    pub(super) fn plus(mut self, other: Self) -> Self {
        self.diagonal.iter_mut().zip(&other.diagonal).for_each(|(a, b)| *a += b);
        self.modes.extend(other.modes);
        self
    }

    /// The same second moment of every element, as if elements were independent.
    pub(super) fn forgetting(mut self) -> Self {
        for mode in std::mem::take(&mut self.modes) {
            for (place, s) in mode.strength.iter().enumerate() {
                for i in self.layout.units_at(place) {
                    self.diagonal[i] += s * mode.direction[i] * mode.direction[i];
                }
            }
        }
        self
    }

    /// The same for every unit of a place.
    pub(super) fn even(mut self) -> Self {
        for place in 0..self.layout.places() {
            let mean = self.length(place) / self.layout.units as f64;
            self.layout.units_at(place).for_each(|i| self.diagonal[i] = mean);
        }
        self
    }

    /// E|g|² at `place`.
    pub(super) fn length(&self, place: usize) -> f64 {
        let own: f64 = self.layout.units_at(place).map(|i| self.diagonal[i]).sum();
        let mode = |m: &Mode| {
            m.strength[place]
                * self.layout.units_at(place).map(|i| m.direction[i] * m.direction[i]).sum::<f64>()
        };
        own + self.modes.iter().map(mode).sum::<f64>()
    }

    /// E(v·g)² at `place`.
    pub(super) fn along(&self, v: &[f64], place: usize) -> f64 {
        let units = || self.layout.units_at(place);
        let own: f64 = units().map(|i| self.diagonal[i] * v[i] * v[i]).sum();
        let mode = |m: &Mode| m.strength[place] * units().map(|i| m.direction[i] * v[i]).sum::<f64>().powi(2);
        own + self.modes.iter().map(mode).sum::<f64>()
    }

    /// E\[g²\], the mean over all elements.
    pub(super) fn mean(&self) -> f64 {
        let lengths: f64 = (0..self.layout.places()).map(|place| self.length(place)).sum();
        lengths / self.diagonal.len().max(1) as f64
    }
}
