//! `anact completions`: what a shell has to know to complete the command line.

use clap::Args;
use clap_complete::{Shell, generate};

use crate::error::Result;

/// Arguments of `anact completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell; its own manual says where the script goes, for bash as in `anact completions bash > ~/.local/share/bash-completion/completions/anact`
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut super::command_line(), "anact", &mut script);
        print!("{}", String::from_utf8_lossy(&script));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_learns_every_command() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            generate(*shell, &mut super::super::command_line(), "anact", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in super::super::command_line().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }
}
