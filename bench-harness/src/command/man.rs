//! `anact man`: manual pages, one for the command and one for each subcommand.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::error::Result;
use crate::record::{RecordError, write_atomic};

/// Arguments of `anact man`.
#[derive(Debug, Args)]
pub(super) struct ManPages {
    /// Write anact.1 and a page for each subcommand into this folder; without it the page of the command goes to stdout, for
    /// `anact man | man -l -`
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl ManPages {
    pub(super) fn run(self) -> Result<()> {
        let mut command = super::command_line().disable_help_subcommand(true);
        // Names subcommands in full, as in anact-data-fetch.
        command.build();
        let Some(folder) = self.output else {
            print!("{}", page(command).1);
            return Ok(());
        };
        std::fs::create_dir_all(&folder).map_err(RecordError::io("create the folder", &folder))?;
        let pages = pages(&command);
        for (name, text) in &pages {
            write_atomic(folder.join(name), text)?;
        }
        println!("{} pages in {}; `man ./anact.1` shows one", pages.len(), folder.display());
        Ok(())
    }
}

/// The page of a command and those of its subcommands, under the names of their files.
fn pages(command: &Command) -> Vec<(String, String)> {
    let below = command.get_subcommands().filter(|sub| !sub.is_hide_set()).flat_map(pages);
    std::iter::once(page(command.clone())).chain(below).collect()
}

fn page(command: Command) -> (String, String) {
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render(&mut text).expect("memory takes every byte");
    (man.get_filename(), String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_page_of_its_own() {
        let mut command = super::super::command_line().disable_help_subcommand(true);
        command.build();
        let pages = pages(&command);
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["anact.1", "anact-train.1", "anact-data-fetch.1", "anact-bench-step.1"] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        for (name, text) in &pages {
            assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{name}");
            assert_eq!(names.iter().filter(|n| n == &name).count(), 1, "{name}");
        }
    }
}
