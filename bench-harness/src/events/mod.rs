//! Event files for TensorBoard, written by hand: records with checksums around small protobuf messages.
//!
//! A record is the length of its data (u64, little-endian), the masked CRC-32C of these 8 bytes, the data, and the masked CRC-32C of the
//! data. Source: TensorFlow's guide "TFRecord and tf.train.Example".

mod crc;
mod histogram;
mod message;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use message::Message;

pub use histogram::EventHistogram;

use crate::record::{RecordError, Result};
use crate::sheet::Png;

/// An event file under construction.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Begins a new file in `folder`, for what comes after `taken` steps: of files that are there already, TensorBoard is told
    /// to forget what they say of later steps, which are taken again.
    ///
    /// # Errors
    /// The folder or the file cannot be made.
    pub fn create(folder: &Path, taken: u64) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(RecordError::io("create the folder", folder))?;
        let before = newest(folder)?;
        // TensorBoard reads the files of a folder in the order of their names, so that a clock that was set back must not show.
        let second = before.map_or(0, |newest| newest.saturating_add(1)).max(now() as u64);
        let path = folder.join(format!("{PREFIX}{second:010}.anact"));
        let file = File::create_new(&path).map_err(RecordError::io("create", &path))?;
        let mut writer = Self { path, file: BufWriter::new(file) };
        writer.event(0, |event| event.bytes(3, b"brain.Event:2"))?;
        if before.is_some() {
            // SessionLog { status: START }: what is of this step or a later one is no longer true.
            writer.event(taken + 1, |event| event.message(7, &Message::default().integer(1, 1)))?;
        }
        writer.flush()?;
        Ok(writer)
    }

    /// A number, in single precision; not finite ones are written as they are.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<()> {
        self.value(tag, step, |message| message.float(2, value as f32))
    }

    /// A histogram.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn histogram(&mut self, tag: &str, step: u64, h: &EventHistogram) -> Result<()> {
        let numbers = [h.min, h.max, h.count, h.sum, h.sum_squares];
        let message = (1..).zip(numbers).fold(Message::default(), |m, (field, x)| m.double(field, x));
        let message = message.doubles(6, &h.limits).doubles(7, &h.counts);
        self.value(tag, step, |value| value.message(5, &message))
    }

    /// A picture.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn image(&mut self, tag: &str, step: u64, image: &Png) -> Result<()> {
        let [height, width] = image.size.map(|n| n as u64);
        // Colourspace 3 is RGB.
        let message = Message::default().integer(1, height).integer(2, width).integer(3, 3);
        let message = message.bytes(4, &image.bytes);
        self.value(tag, step, |value| value.message(4, &message))
    }

    /// Hands everything to the system, so that TensorBoard sees it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(RecordError::io("write", &self.path))
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn sync(&mut self) -> Result<()> {
        self.flush()?;
        self.file.get_ref().sync_data().map_err(RecordError::io("flush", &self.path))
    }

    fn value(&mut self, tag: &str, step: u64, fill: impl FnOnce(Message) -> Message) -> Result<()> {
        let value = fill(Message::default().bytes(1, tag.as_bytes()));
        self.event(step, |event| event.message(5, &Message::default().message(1, &value)))
    }

    fn event(&mut self, step: u64, fill: impl FnOnce(Message) -> Message) -> Result<()> {
        let event = fill(Message::default().double(1, now()).integer(2, step)).into_bytes();
        self.file.write_all(&framed(&event)).map_err(RecordError::io("write", &self.path))
    }
}

/// What the names of event files begin with; then come the seconds since 1970 in ten digits.
const PREFIX: &str = "events.out.tfevents.";

/// The seconds in the name of the newest event file, if there is one.
fn newest(folder: &Path) -> Result<Option<u64>> {
    let entries = std::fs::read_dir(folder).map_err(RecordError::io("read the folder", folder))?;
    let seconds = |name: &str| name.strip_prefix(PREFIX)?.split('.').next()?.parse::<u64>().ok();
    Ok(entries.flatten().filter_map(|entry| seconds(entry.file_name().to_str()?)).max())
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A record around `data`.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &crc::masked(&length).to_le_bytes(), data, &crc::masked(data).to_le_bytes()].concat()
}
