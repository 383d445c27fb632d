//! `anact data pack`.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use datasets::{format::jpeg::DECODER, packed};
use serde_json::json;

use crate::command::data_set::DataSetOptions;
use crate::command::output::Output;
use crate::error::Result;
use crate::record::write_atomic_with;
use crate::sheet::grouped;
use crate::table::bytes;

/// Arguments of `anact data pack`.
#[derive(Debug, Args)]
pub(super) struct Pack {
    #[command(flatten)]
    data: DataSetOptions,
    /// The file to write; `--data` takes it wherever it takes the data set's own files
    #[arg(long, value_name = "FILE.anpk")]
    output: PathBuf,
    #[command(flatten)]
    printed: Output,
}

impl Pack {
    pub(super) fn run(self) -> Result<()> {
        let start = Instant::now();
        let dataset = self.data.load()?;
        let write = |file: &mut File| -> Result<_> {
            Ok(packed::write(&dataset, DECODER, &mut BufWriter::with_capacity(1 << 20, file))?)
        };
        let about = write_atomic_with(&self.output, write)?;
        let size = self.output.metadata().map_or(0, |about| about.len());
        let [channels, height, width] = about.shape;
        let seconds = start.elapsed().as_secs_f64();
        let line = json!({ "output": self.output.display().to_string(), "bytes": size, "seconds": seconds, "packed": about });
        self.printed.result(&line, || {
            format!(
                "{}: {} of {} + {} pictures of {channels}x{height}x{width}, {} classes, {} in {seconds:.1} s",
                self.output.display(),
                about.name,
                grouped(about.train.count),
                grouped(about.test.count),
                about.classes.len(),
                bytes(size),
            )
        });
        Ok(())
    }
}
