//! What the keys do.

use super::keyboard::Key;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Hold the run up, or let it go on.
    Pause,
    /// Write a checkpoint after this step.
    Checkpoint,
    /// End the run after this step, with a checkpoint.
    Stop,
    /// Bring the next panel to the front, where not all have room.
    NextPanel,
    /// Show the other gradient.
    OtherGradient,
    /// Draw with other marks.
    OtherMarks,
    /// Show what the keys do, or hide it.
    Help,
    /// What Ctrl-C does.
    Interrupt,
    /// What Ctrl-Z does.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// Keys, and what they do.
#[derive(Debug)]
pub(super) struct Binding {
    /// The keys, of which any does.
    keys: &'static [Key],
    /// Their names.
    pub(super) name: &'static str,
    /// In the last line; empty for those that are in the help alone.
    pub(super) short: &'static str,
    /// In the help.
    pub(super) long: &'static str,
    /// What they ask for.
    pub(super) action: Action,
}

const fn binding(
    keys: &'static [Key],
    name: &'static str,
    short: &'static str,
    long: &'static str,
    action: Action,
) -> Binding {
    Binding { keys, name, short, long, action }
}

/// Every key, the most used first.
pub(super) const BINDINGS: &[Binding] = &[
    binding(&[Key::Char('p')], "p", "pause", "pause after this step; again: go on", Action::Pause),
    binding(&[Key::Char('c')], "c", "checkpoint", "write a checkpoint after this step", Action::Checkpoint),
    binding(&[Key::Char('s'), Key::Char('q')], "s", "stop", "stop with a checkpoint (also q)", Action::Stop),
    binding(&[Key::Char('?')], "?", "help", "show or hide this", Action::Help),
    binding(&[Key::Tab], "Tab", "", "next panel, where not all have room", Action::NextPanel),
    binding(&[Key::Char('g')], "g", "", "E[δ²] or the weights' gradient", Action::OtherGradient),
    binding(&[Key::Char('m')], "m", "", "Braille dots or middle dots", Action::OtherMarks),
    binding(&[Key::Ctrl('l')], "Ctrl-L", "", "draw everything anew", Action::Redraw),
    binding(&[Key::Ctrl('c')], "Ctrl-C", "", "stop with a checkpoint; again: at once", Action::Interrupt),
    binding(&[Key::Ctrl('z')], "Ctrl-Z", "", "suspend; the shell's fg goes on", Action::Suspend),
];

/// What a key asks for, if anything.
pub(super) fn action(key: Key) -> Option<Action> {
    BINDINGS.iter().find(|binding| binding.keys.contains(&key)).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key's name as the help gives it.
    fn name(key: Key) -> String {
        match key {
            Key::Char(letter) => letter.to_string(),
            Key::Ctrl(letter) => format!("Ctrl-{}", letter.to_ascii_uppercase()),
            Key::Tab => "Tab".into(),
        }
    }

    #[test]
    fn every_key_is_named_once_and_does_one_thing() {
        for binding in BINDINGS {
            for &key in binding.keys {
                assert_eq!(action(key), Some(binding.action));
                let is_named =
                    binding.name == name(key) || binding.long.contains(&format!("(also {})", name(key)));
                assert!(is_named, "{key:?}");
            }
        }
    }

    #[test]
    fn other_keys_do_nothing() {
        for key in [Key::Char('x'), Key::Char('P'), Key::Ctrl('p'), Key::Ctrl('s')] {
            assert_eq!(action(key), None, "{key:?}");
        }
    }
}
