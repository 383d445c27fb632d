//! What a chart shows. Where things go is decided in `layout`.

use super::layout::Layout;
use super::scale::Kind;
use super::series::{Series, Shape};
use super::style::CSS;
use super::svg::{Px, Svg};
use super::{axes, marks};

/// A chart under construction; [`Chart::to_svg`] draws it.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) x_label: String,
    pub(super) y_label: String,
    pub(super) x_kind: Kind,
    pub(super) y_kind: Kind,
    pub(super) y_range: Option<(f64, f64)>,
    /// Names along the x axis; `None` for an axis of numbers.
    pub(super) categories: Option<Vec<String>>,
    pub(super) series: Vec<Series>,
    pub(super) references: Vec<(String, f64)>,
    pub(super) width: Option<f64>,
    pub(super) plot_height: f64,
}

impl Chart {
    /// A chart of numbers against numbers, both axes linear.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            x_kind: Kind::Linear,
            y_kind: Kind::Linear,
            y_range: None,
            categories: None,
            series: Vec::new(),
            references: Vec::new(),
            width: None,
            plot_height: 300.0,
        }
    }

    /// A chart of numbers for named things in a fixed order, such as the layers of a network.
    #[must_use]
    pub fn by_category<C: Into<String>>(
        title: impl Into<String>,
        categories: impl IntoIterator<Item = C>,
    ) -> Self {
        let categories = Some(categories.into_iter().map(Into::into).collect());
        Self { categories, ..Self::new(title) }
    }

    /// Replaces the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Text for those who cannot see the picture, beyond what is derived from titles and names.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// What runs along the x axis, with its unit.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// What runs along the y axis, with its unit.
    #[must_use]
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// Makes the x axis logarithmic; without effect on categories.
    #[must_use]
    pub fn log_x(mut self) -> Self {
        self.x_kind = Kind::Log10;
        self
    }

    /// Makes the y axis logarithmic. Values that are not positive are left out.
    #[must_use]
    pub fn log_y(mut self) -> Self {
        self.y_kind = Kind::Log10;
        self
    }

    /// Fixes the y range, so that several charts can be compared; what lies outside is cut off.
    ///
    /// A range the axis cannot show (reversed, empty, not finite, not positive on a logarithmic axis) is
    /// ignored.
    #[must_use]
    pub fn y_range(mut self, from: f64, to: f64) -> Self {
        self.y_range = Some((from, to));
        self
    }

    /// A dotted horizontal line, such as a chance level or the value theory demands.
    #[must_use]
    pub fn reference(mut self, name: impl Into<String>, y: f64) -> Self {
        self.references.push((name.into(), y));
        self
    }

    /// Adds a series.
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Width of the whole picture in pixels. Unless set, 760, or more where many categories need it.
    #[must_use]
    pub fn width(mut self, pixels: f64) -> Self {
        self.width = Some(pixels);
        self
    }

    /// Height in pixels of the area inside the axes; titles and labels come on top of it.
    #[must_use]
    pub fn plot_height(mut self, pixels: f64) -> Self {
        self.plot_height = pixels;
        self
    }

    /// Draws the chart as an SVG document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let layout = Layout::of(self);
        let mut svg = Svg::new();
        let (width, height) = (Px(layout.width), Px(layout.height));
        svg.open(
            "svg",
            format_args!(
                "xmlns=\"http://www.w3.org/2000/svg\" class=\"anact-chart\" role=\"img\" width=\"{width}\" \
                 height=\"{height}\" viewBox=\"0 0 {width} {height}\""
            ),
        );
        svg.text("title", format_args!(""), &self.title);
        svg.text("desc", format_args!(""), &self.spoken());
        svg.raw(CSS);
        svg.empty("rect", format_args!("class=\"paper\" width=\"{width}\" height=\"{height}\""));
        axes::draw_grid(&mut svg, &layout);
        marks::draw(&mut svg, self, &layout);
        axes::draw_frame(&mut svg, self, &layout);
        axes::draw_legend(&mut svg, self, &layout);
        svg.close();
        svg.finish()
    }

    /// Shape in which a series is really drawn.
    pub(super) fn shape_of(&self, series: &Series) -> Shape {
        match series.shape {
            Shape::Bars if self.y_kind == Kind::Log10 => Shape::Points,
            shape => shape,
        }
    }

    /// The chart in words.
    fn spoken(&self) -> String {
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let x = match &self.categories {
            Some(names) => format!("{} ({} in order)", or(&self.x_label, "category"), names.len()),
            None => or(&self.x_label, "x"),
        };
        let log = if self.y_kind == Kind::Log10 { ", logarithmic" } else { "" };
        let names = self.series.iter().map(|series| series.name.as_str());
        let references = self.references.iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.chain(references).filter(|name| !name.is_empty()).collect();
        let names = if names.is_empty() { String::new() } else { format!(" Shown: {}.", names.join("; ")) };
        let description =
            if self.description.is_empty() { String::new() } else { format!(" {}", self.description) };
        format!("Chart of {}{log}, against {x}.{names}{description}", or(&self.y_label, "y"))
    }
}
