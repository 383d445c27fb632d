//! One named set of values in a chart.

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Line,
    Points,
    Bars,
}

/// A named set of points, with an optional uncertainty for each.
///
/// In a chart by category the x value is the index of the category, which is what the `by_category`
/// constructors fill in.
#[derive(Clone, Debug)]
pub struct Series {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) points: Vec<(f64, f64)>,
    /// Lower and upper end for the point of the same index; may be shorter than `points`.
    pub(super) band: Vec<(f64, f64)>,
    /// Written beside the point of the same index; may be shorter than `points`.
    pub(super) labels: Vec<String>,
    pub(super) dashed: bool,
    pub(super) colour: Option<usize>,
}

impl Series {
    fn new(name: impl Into<String>, shape: Shape, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            shape,
            points,
            band: Vec::new(),
            labels: Vec::new(),
            dashed: false,
            colour: None,
        }
    }

    /// Points joined by a line in the order given. An empty name keeps the series out of the legend.
    #[must_use]
    pub fn line(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(name, Shape::Line, points.into_iter().collect())
    }

    /// Points alone; in a chart by category the series stand side by side.
    #[must_use]
    pub fn points(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(name, Shape::Points, points.into_iter().collect())
    }

    /// One value for each category, joined by a line.
    #[must_use]
    pub fn line_by_category(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self::new(name, Shape::Line, indexed(values))
    }

    /// One point for each category; several such series stand side by side.
    #[must_use]
    pub fn points_by_category(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self::new(name, Shape::Points, indexed(values))
    }

    /// One bar for each category; several such series stand side by side.
    ///
    /// A bar says its value by its length from zero, and a logarithmic axis has no zero: there, points are
    /// drawn.
    #[must_use]
    pub fn bars(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self::new(name, Shape::Bars, indexed(values))
    }

    /// From `lower` to `upper` at each point, say minimum and maximum over seeds: a shaded band behind a
    /// line, a whisker on a point or bar. A missing or NaN end leaves the band out at that point.
    #[must_use]
    pub fn band(
        mut self,
        lower: impl IntoIterator<Item = f64>,
        upper: impl IntoIterator<Item = f64>,
    ) -> Self {
        self.band = lower.into_iter().zip(upper).collect();
        self
    }

    /// The same distance to both sides of each point, say one standard error.
    #[must_use]
    pub fn plus_minus(mut self, distances: impl IntoIterator<Item = f64>) -> Self {
        self.band = self.points.iter().zip(distances).map(|(&(_, y), d)| (y - d, y + d)).collect();
        self
    }

    /// A name beside each point, moved to where it covers nothing; an empty one is not written.
    #[must_use]
    pub fn labels<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Draws the line dashed and without marks, as is usual for theory beside measurement.
    #[must_use]
    pub fn dashed(mut self) -> Self {
        self.dashed = true;
        self
    }

    /// Takes the colour of this number instead of the next one, to show that two series belong together.
    #[must_use]
    pub fn colour(mut self, number: usize) -> Self {
        self.colour = Some(number);
        self
    }
}

fn indexed(values: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
    values.into_iter().enumerate().map(|(index, value)| (index as f64, value)).collect()
}
