//! Lines of `record.jsonl`: one JSON object each, told apart by its `"kind"`.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{RecordError, Result};

/// Appends lines to a record.
#[derive(Debug)]
pub struct RecordWriter {
    file: File,
    path: PathBuf,
}

/// `"kind"` comes first so that the lines can be read and searched by eye.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    kind: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

impl RecordWriter {
    /// Opens an existing record, keeps its lines, and drops an unfinished last one.
    pub(super) fn append(path: PathBuf) -> Result<Self> {
        let mut file =
            OpenOptions::new().read(true).write(true).open(&path).map_err(RecordError::io("open", &path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(RecordError::io("read", &path))?;
        // What a killed run left of its last line would swallow the next one.
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let end = whole as u64;
        file.set_len(end).map_err(RecordError::io("write", &path))?;
        file.seek(SeekFrom::Start(end)).map_err(RecordError::io("write", &path))?;
        Ok(Self { file, path })
    }

    /// Adds one line and hands it to the operating system before returning.
    ///
    /// JSON has no NaN and no infinity: such numbers become `null`, so a diverged run can be recorded.
    ///
    /// # Errors
    /// [`RecordError::BadRecord`] if `body` is no struct or map, or has a `kind` field of its own;
    /// [`RecordError::Io`] if the line cannot be written.
    pub fn write(&mut self, kind: &str, body: &impl Serialize) -> Result<()> {
        let bad = |reason| RecordError::BadRecord { path: self.path.clone(), kind: kind.into(), reason };
        let mut line = serde_json::to_vec(&Line { kind, body }).map_err(|error| bad(error.to_string()))?;
        // A field named "kind" in the body comes second, and the readers of JSON let the last one win.
        let read: Map<String, Value> =
            serde_json::from_slice(&line).map_err(|error| bad(error.to_string()))?;
        if read["kind"] != kind {
            return Err(bad(format!("its own \"kind\" is {}", read["kind"])));
        }
        line.push(b'\n');
        let end = self.len()?;
        // One call per line: readers following the file see whole lines.
        let written = self.file.write_all(&line).and_then(|()| self.file.flush());
        if written.is_err() {
            // Half a line, as a full disk leaves it, would spoil the next one. The first error is the one to report.
            let _ = self.cut(end);
        }
        written.map_err(RecordError::io("write", &self.path))
    }

    /// The record's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the record so far.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn len(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(RecordError::io("read the length of", &self.path))?.len())
    }

    /// Whether there is no line yet.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Drops what was written after the first `len` bytes: lines of steps that are to be taken again.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn cut(&mut self, len: u64) -> Result<()> {
        let end = self.len()?.min(len);
        self.file.set_len(end).map_err(RecordError::io("write", &self.path))?;
        self.file.seek(SeekFrom::Start(end)).map_err(RecordError::io("write", &self.path))?;
        Ok(())
    }

    /// Waits until every line so far is on the disk: for the end of a run and beside a checkpoint.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(RecordError::io("flush", &self.path))
    }
}

/// Reads a record back, line by line: that of a run with looks at its layers may have hundreds of megabytes. An unfinished last
/// line, left by a run that was killed while writing it, is skipped.
///
/// # Errors
/// [`RecordError::Io`] if the file cannot be read, and in place of a line; [`RecordError::BadLine`] for a complete line that is no
/// object with a `kind`.
pub fn read_records(path: impl AsRef<Path>) -> Result<impl Iterator<Item = Result<Map<String, Value>>>> {
    let path = path.as_ref().to_path_buf();
    let mut file = BufReader::new(File::open(&path).map_err(RecordError::io("read", &path))?);
    let mut number = 0;
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        if let Err(error) = file.read_until(b'\n', &mut line) {
            return Some(Err(RecordError::io("read", &path)(error)));
        }
        // After the last newline comes nothing, or the unfinished line.
        if line.pop() != Some(b'\n') {
            return None;
        }
        number += 1;
        let bad = |reason| RecordError::BadLine { path: path.clone(), line: number, reason };
        Some(parse(&line).map_err(bad))
    }))
}

fn parse(line: &[u8]) -> std::result::Result<Map<String, Value>, String> {
    let record: Map<String, Value> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    match record.get("kind") {
        Some(Value::String(_)) => Ok(record),
        _ => Err("an object without a \"kind\"".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::super::RunFolder;
    use super::*;

    #[derive(Serialize)]
    struct Epoch {
        epoch: u32,
        loss: f64,
        rate: f32,
    }

    fn run() -> (tempfile::TempDir, RunFolder) {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path().join("run")).unwrap();
        (root, folder)
    }

    fn read(folder: &RunFolder) -> Result<Vec<Map<String, Value>>> {
        read_records(folder.record_path())?.collect()
    }

    #[test]
    fn lines_are_there_at_once_and_kind_comes_first() {
        let (_root, folder) = run();
        let mut records = folder.records().unwrap();
        records.write("config", &json!({"seed": 1})).unwrap();
        records.write("epoch", &Epoch { epoch: 1, loss: 0.1 + 0.2, rate: 0.1 }).unwrap();
        // The writer is still open: nothing may wait in a buffer.
        let text = fs::read_to_string(folder.record_path()).unwrap();
        let expected = "{\"kind\":\"config\",\"seed\":1}\n\
                        {\"kind\":\"epoch\",\"epoch\":1,\"loss\":0.30000000000000004,\"rate\":0.1}\n";
        assert_eq!(text, expected);
        records.sync().unwrap();
        assert_eq!(read(&folder).unwrap()[1]["epoch"], 1);
    }

    #[test]
    fn a_diverged_loss_is_null() {
        let (_root, folder) = run();
        let epoch = Epoch { epoch: 2, loss: f64::NAN, rate: f32::INFINITY };
        folder.records().unwrap().write("epoch", &epoch).unwrap();
        let read = read(&folder).unwrap();
        assert!(read[0]["loss"].is_null() && read[0]["rate"].is_null());
    }

    #[test]
    fn what_is_no_object_is_refused_and_not_written() {
        let (_root, folder) = run();
        let mut records = folder.records().unwrap();
        let message = records.write("epoch", &[1, 2]).unwrap_err().to_string();
        assert!(message.contains("\"epoch\" record must be a struct or map"), "{message}");
        let message = records.write("epoch", &json!({"kind": "other"})).unwrap_err().to_string();
        assert!(message.contains("its own \"kind\" is \"other\""), "{message}");
        assert_eq!(fs::read(folder.record_path()).unwrap(), b"");
    }

    #[test]
    fn an_unfinished_line_is_skipped_and_then_dropped() {
        let (_root, folder) = run();
        fs::write(folder.record_path(), "{\"kind\":\"config\"}\n{\"kind\":\"ep").unwrap();
        assert_eq!(read(&folder).unwrap().len(), 1);
        folder.records().unwrap().write("epoch", &json!({})).unwrap();
        let text = fs::read_to_string(folder.record_path()).unwrap();
        assert_eq!(text, "{\"kind\":\"config\"}\n{\"kind\":\"epoch\"}\n");
    }

    #[test]
    fn a_broken_complete_line_is_named() {
        let (_root, folder) = run();
        for (text, expected) in
            [("{\"kind\":\"a\"}\nnot json\n", "line 2"), ("{\"x\":1}\n", "without a \"kind\"")]
        {
            fs::write(folder.record_path(), text).unwrap();
            let message = read(&folder).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
