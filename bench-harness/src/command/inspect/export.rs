//! The files that an inspection can leave.

use std::path::{Path, PathBuf};

use autograd::inspect::Snapshot;
use clap::Args;

use crate::command::output::{Output, say};
use crate::error::{Error, Result};
use crate::record::{is_same_file, write_atomic};

/// The name of a file that stands for stdout.
const STDOUT: &str = "-";

/// Where to write the recording, each form on its own.
#[derive(Debug, Args)]
pub(super) struct Exports {
    /// Write one self-contained page with the graph and everything known of its nodes
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write everything as JSON, see docs/TAPE_JSON.md; `-` is stdout, and tables go to stderr then
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the graph in Graphviz's language
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
}

impl Exports {
    /// # Errors
    /// As [`check_files`].
    pub(super) fn check(&self) -> Result<()> {
        check_files(&[self.html.as_ref(), self.json_file(), self.dot.as_ref()])
    }

    /// The JSON file, if it is wanted and is not stdout.
    pub(super) fn json_file(&self) -> Option<&PathBuf> {
        self.json.as_ref().filter(|path| *path != Path::new(STDOUT))
    }

    /// What is said, which goes to stderr if stdout is for JSON.
    pub(super) fn output(&self) -> Output {
        Output::of(self.json.is_some() && self.json_file().is_none())
    }

    /// Writes or prints the JSON, if it is wanted.
    pub(super) fn write_json(&self, text: &dyn Fn() -> Result<String>) -> Result<()> {
        if self.output().is_json() {
            println!("{}", text()?.trim_end());
            return Ok(());
        }
        self.write_file(self.json_file(), text)
    }

    /// Writes a file whole or not at all, if it is wanted.
    pub(super) fn write_file(&self, path: Option<&PathBuf>, text: &dyn Fn() -> Result<String>) -> Result<()> {
        let Some(path) = path else { return Ok(()) };
        write_atomic(path, text()?)?;
        say!(self.output(), "wrote {}", path.display());
        Ok(())
    }

    /// Writes each file whole or not at all.
    pub(super) fn write(&self, snapshot: &Snapshot) -> Result<()> {
        self.write_file(self.html.as_ref(), &|| Ok(snapshot.to_html()?))?;
        self.write_json(&|| Ok(snapshot.to_json()))?;
        self.write_file(self.dot.as_ref(), &|| Ok(snapshot.to_dot()))
    }
}

/// Whether each of the files that are wanted can be one; said before hours of training, not after.
///
/// # Errors
/// A file in a folder that does not exist, or two forms in one file.
pub(super) fn check_files(files: &[Option<&PathBuf>]) -> Result<()> {
    let paths: Vec<&PathBuf> = files.iter().copied().flatten().collect();
    for (i, path) in paths.iter().enumerate() {
        let refuse = |problem: &str| Err(Error::File { path: path.to_path_buf(), problem: problem.into() });
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return refuse("its folder does not exist; want a file in a folder that does");
        }
        if path.is_dir() {
            return refuse("is a folder; want the name of a file");
        }
        if paths[..i].iter().any(|other| is_same_file(other, path)) {
            return refuse("is named twice; want a file for each form");
        }
    }
    Ok(())
}
