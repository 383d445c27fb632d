//! Colours that nearly everyone tells apart, and none where none are wanted.

use ratatui::style::{Color, Modifier, Style};

/// The styles of what is drawn. Nothing is told by colour alone: curves differ by their marks, too.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Palette {
    /// The curve of training.
    pub(super) training: Style,
    /// That of validation.
    pub(super) validation: Style,
    /// Gradients.
    pub(super) gradient: Style,
    /// λ.
    pub(super) factor: Style,
    /// What asks for attention.
    pub(super) warning: Style,
    /// Titles and keys.
    pub(super) strong: Style,
    /// Lines and axes.
    pub(super) faint: Style,
}

impl Palette {
    /// With colours: those of Okabe and Ito, "Color Universal Design" (2008), as near as the 256 that almost every
    /// terminal has come to them; only those that can be read on white and on black. 32 is (0, 135, 215) for their blue,
    /// 166 is (215, 95, 0) for vermillion, 36 is (0, 175, 135) for bluish green.
    pub(super) fn coloured() -> Self {
        let colour = |index| Style::new().fg(Color::Indexed(index));
        Self {
            training: colour(32),
            validation: colour(166),
            gradient: colour(32),
            factor: colour(36),
            warning: colour(166).add_modifier(Modifier::BOLD),
            ..Self::plain()
        }
    }

    /// Without, as <https://no-color.org> has it.
    pub(super) fn plain() -> Self {
        Self {
            warning: Style::new().add_modifier(Modifier::BOLD),
            strong: Style::new().add_modifier(Modifier::BOLD),
            faint: Style::new().add_modifier(Modifier::DIM),
            ..Self::default()
        }
    }
}
