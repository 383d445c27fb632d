//! `epochs.csv` and `steps.csv`, a row for each as it ends.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::error::Result;
use crate::record::{Cell, Csv, CsvFile, RecordError, RunFolder};
use crate::run::epoch::EpochMetrics;
use crate::run::watch::{RunBegins, StepTaken, Watch};

/// Both tables of a run.
#[derive(Debug)]
pub(super) struct CsvLog {
    epochs: PathBuf,
    steps: PathBuf,
    open: Option<Open>,
    remarks: Vec<String>,
}

/// A run that is under way.
#[derive(Debug)]
struct Open {
    activation: String,
    seed: u64,
    epochs: CsvFile,
    steps: CsvFile,
}

/// The column of [`steps_table`] that counts steps.
const STEP: &str = "step";

/// An empty table of steps: loss and rate of each, and the means of its epoch up to it.
fn steps_table() -> Csv {
    Csv::new([
        STEP,
        "activation",
        "seed",
        "epoch",
        "loss",
        "lr",
        "epoch_loss",
        "epoch_accuracy",
        "images_per_s",
    ])
}

impl CsvLog {
    pub(super) fn new(folder: &RunFolder) -> Self {
        Self {
            epochs: folder.file("epochs.csv"),
            steps: folder.file("steps.csv"),
            open: None,
            remarks: Vec::new(),
        }
    }

    /// The rows of steps that are not taken again; an unfinished last line is of one that is. A file that holds anything else is
    /// kept under another name, and what is whole of it is gone on with.
    fn steps_before(&mut self, taken: u64) -> Result<String> {
        let bytes = match fs::read(&self.steps) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(RecordError::io("read", &self.steps)(error).into()),
        };
        let head = steps_table().to_string();
        let mut lines =
            bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")).peekable();
        let lacks_head = lines.peek().is_some() && lines.next_if_eq(&head.as_bytes()).is_none();
        let rows: Vec<Option<(u64, &str)>> = lines.map(row).collect();
        if lacks_head || rows.iter().any(Option::is_none) {
            let aside = self.keep_aside()?;
            self.remarks.push(format!(
                "{} was damaged; it is kept as {}, and its whole rows are gone on with",
                self.steps.display(),
                aside.display()
            ));
        }
        let before: Vec<(u64, &str)> =
            rows.into_iter().flatten().filter(|(step, _)| *step <= taken).collect();
        let missing =
            taken.saturating_sub(before.iter().map(|(step, _)| step).collect::<BTreeSet<_>>().len() as u64);
        if missing > 0 {
            let all = format!("{missing} of the {taken} steps taken so far");
            self.remarks.push(format!("{} lacks {all}", self.steps.display()));
        }
        Ok(before.into_iter().map(|(_, line)| line).collect())
    }

    /// Gives a damaged file a second name, that no other has. Under the first one it stays until its whole rows replace it, so that
    /// nothing is lost if the process is killed meanwhile.
    fn keep_aside(&self) -> Result<PathBuf> {
        let name = |number: u32| self.steps.with_file_name(format!("steps.damaged-{number}.csv"));
        let aside = (1..).map(name).find(|path| !path.exists()).expect("some number is free");
        // Not every file system has second names.
        fs::hard_link(&self.steps, &aside)
            .or_else(|_| fs::copy(&self.steps, &aside).map(drop))
            .map_err(RecordError::io("keep the damaged", &self.steps))?;
        Ok(aside)
    }
}

/// The step of a row, and the row; `None` if it is none.
fn row(line: &[u8]) -> Option<(u64, &str)> {
    let line = std::str::from_utf8(line).ok()?;
    Some((line.split(',').next()?.parse().ok()?, line))
}

impl Watch for CsvLog {
    fn begin(&mut self, run: &RunBegins<'_>) -> Result<()> {
        let (activation, seed) = (run.settings.activation.clone(), run.settings.seed);
        let mut epochs = EpochMetrics::csv();
        EpochMetrics::append_to(&mut epochs, &activation, seed, run.epochs)?;
        let steps = format!("{}{}", steps_table(), self.steps_before(run.taken)?);
        self.open = Some(Open {
            activation,
            seed,
            epochs: CsvFile::begin(&self.epochs, &epochs.to_string())?,
            steps: CsvFile::begin(&self.steps, &steps)?,
        });
        Ok(())
    }

    fn step(&mut self, step: &StepTaken<'_>) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut row = steps_table();
        row.row([
            Cell::from(step.steps),
            Cell::from(open.activation.as_str()),
            Cell::from(open.seed),
            Cell::from(step.epoch),
            Cell::from(f64::from(step.loss)),
            Cell::from(step.rate),
            Cell::from(step.so_far.loss),
            Cell::from(step.so_far.accuracy),
            Cell::from(step.images_per_s),
        ])?;
        open.steps.append(&row)?;
        Ok(())
    }

    fn epoch(&mut self, epoch: &EpochMetrics, _steps: u64) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut row = EpochMetrics::csv();
        EpochMetrics::append_to(&mut row, &open.activation, open.seed, std::slice::from_ref(epoch))?;
        Ok(open.epochs.append(&row)?)
    }

    fn sync(&mut self) -> Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        Ok(open.epochs.sync().and_then(|()| open.steps.sync())?)
    }

    fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_are_taken_again_go() {
        let root = tempfile::tempdir().unwrap();
        let mut log = CsvLog::new(&RunFolder::create(root.path()).unwrap());
        assert_eq!(log.steps_before(0).unwrap(), "");
        let head = steps_table();
        fs::write(&log.steps, format!("{head}1,\"f(1,2)\"\n2,swish\n3,swish\n4,sw")).unwrap();
        assert_eq!(log.steps_before(0).unwrap(), "");
        assert_eq!(log.steps_before(2).unwrap(), "1,\"f(1,2)\"\n2,swish\n");
        assert_eq!(log.remarks(), [""; 0]);
        assert_eq!(log.steps_before(9).unwrap(), "1,\"f(1,2)\"\n2,swish\n3,swish\n");
        let [remark] = log.remarks().try_into().unwrap();
        assert!(remark.ends_with("steps.csv lacks 6 of the 9 steps taken so far"), "{remark}");
    }

    #[test]
    fn a_damaged_file_is_kept_beside_its_whole_rows() {
        let root = tempfile::tempdir().unwrap();
        let mut log = CsvLog::new(&RunFolder::create(root.path()).unwrap());
        for number in 1..=2 {
            let rows = b"1,swish\n2,sw\xffsh\n\0\0\0\n4,swish\n";
            let damaged = [steps_table().to_string().as_bytes(), rows].concat();
            fs::write(&log.steps, &damaged).unwrap();
            assert_eq!(log.steps_before(4).unwrap(), "1,swish\n4,swish\n");
            let aside = root.path().join(format!("steps.damaged-{number}.csv"));
            assert!(fs::read(&aside).unwrap() == damaged && fs::read(&log.steps).unwrap() == damaged);
            let [moved, missing] = log.remarks().try_into().unwrap();
            assert!(moved.contains(&format!("it is kept as {}", aside.display())), "{moved}");
            assert!(missing.contains("lacks 2 of the 4 steps"), "{missing}");
        }
    }

    #[test]
    fn a_file_without_its_head_line_is_damaged_and_loses_no_row() {
        let root = tempfile::tempdir().unwrap();
        let mut log = CsvLog::new(&RunFolder::create(root.path()).unwrap());
        for (number, (text, rows)) in (1..).zip([
            ("1,swish\n2,swish\n", "1,swish\n2,swish\n"),
            ("st\0p\n1,swish\n2,swish\n", "1,swish\n2,swish\n"),
        ]) {
            fs::write(&log.steps, text).unwrap();
            assert_eq!(log.steps_before(2).unwrap(), rows);
            let [kept] = log.remarks().try_into().unwrap();
            assert!(kept.contains(&format!("steps.damaged-{number}.csv")), "{kept}");
            // What replaces it leaves the copy alone.
            log.open = None;
            CsvFile::begin(&log.steps, "new").unwrap();
            assert_eq!(
                fs::read_to_string(root.path().join(format!("steps.damaged-{number}.csv"))).unwrap(),
                text
            );
        }
    }
}
