//! `anact predict`: what a trained network sees in pictures.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use autograd::{Tape, Tensor};
use clap::Args;
use datasets::format::picture;
use datasets::{Images, Loader, LoaderConfig, Picture, PictureSource, Split};
use layers::Context;
use serde_json::json;

use super::output::Output;
use super::weights::RunWeights;
use crate::error::{Error, Result};
use crate::record::RecordError;
use crate::table::Table;

/// Arguments of `anact predict`.
#[derive(Debug, Args)]
pub(super) struct Predict {
    #[command(flatten)]
    run: RunWeights,
    /// JPEG or PNG files; another size than the network's is resized and cropped at the centre
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Classes shown, the likeliest first
    #[arg(long, default_value_t = 5)]
    top: usize,
    #[command(flatten)]
    printed: Output,
}

impl Predict {
    pub(super) fn run(self) -> Result<()> {
        let (card, mut network) = self.run.open()?;
        let pictures = self.images.iter().map(|path| Decoded::read(path, card.input[0]));
        let pictures = Pictures(pictures.collect::<Result<_>>()?);
        let count = pictures.0.len();
        let images = Images::from_source(Arc::new(pictures), card.input)?;
        let split = Split::new(images, vec![0; count], card.classes.len())?;
        let loader = Loader::new(split, LoaderConfig::evaluation(1, card.normalisation()?))?;
        let execution = card.settings.evaluating();
        for (path, batch) in self.images.iter().zip(loader.epoch(0)) {
            let batch = batch?;
            let tape = Tape::new();
            let x = tape.constant(Tensor::new(batch.shape, batch.images)?);
            let logits = network.forward(&Context::eval(&tape).executing(execution), x)?.value();
            if let Some(logit) = logits.data().iter().find(|x| !x.is_finite()) {
                let problem =
                    format!("the network answers it with a logit of {logit}, which is no probability");
                return Err(Error::File { path: path.clone(), problem });
            }
            let likeliest = likeliest(logits.data(), self.top);
            let named = likeliest.iter().map(|&(class, p)| (card.classes[class].as_str(), p));
            if self.printed.is_json() {
                let classes: Vec<_> =
                    named.map(|(class, p)| json!({ "class": class, "probability": p })).collect();
                println!("{}", json!({ "image": path.display().to_string(), "classes": classes }));
                continue;
            }
            let mut table = Table::new().text(path.display().to_string()).number("probability");
            named.for_each(|(class, p)| table.row([class.to_string(), format!("{:.2} %", 100.0 * p)]));
            println!("{table}");
        }
        Ok(())
    }
}

/// The `top` largest probabilities softmax(logits) with their classes, equal ones in the order of classes.
fn likeliest(logits: &[f32], top: usize) -> Vec<(usize, f64)> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|&x| f64::from(x - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut classes: Vec<_> = weights.iter().map(|w| w / sum).enumerate().collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    classes.truncate(top);
    classes
}

/// A picture in memory.
#[derive(Debug)]
struct Decoded {
    pixels: Vec<u8>,
    shape: [usize; 3],
}

impl Decoded {
    /// Reads a file as a picture of `channels` channels: gray becomes three equal planes, colour becomes the brightness
    /// of ITU-R BT.601.
    fn read(path: &Path, channels: usize) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(RecordError::io("read", path))?;
        let mut pixels = Vec::new();
        let layout = picture::decode(&bytes, path, 0, &mut pixels)?;
        let size = layout.height * layout.width;
        let pixels = match (layout.channels, channels) {
            (found, wanted) if found == wanted => pixels,
            (1, wanted) => pixels.repeat(wanted),
            (3, 1) => (0..size).map(|i| brightness([0, 1, 2].map(|c| pixels[c * size + i]))).collect(),
            (found, wanted) => {
                return Err(Error::File {
                    path: path.to_path_buf(),
                    problem: format!("a picture of {found} channels, for a network of {wanted}"),
                });
            }
        };
        Ok(Self { pixels, shape: [channels, layout.height, layout.width] })
    }
}

/// 0.299 red + 0.587 green + 0.114 blue, rounded.
fn brightness([red, green, blue]: [u8; 3]) -> u8 {
    (0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)).round() as u8
}

#[derive(Debug)]
struct Pictures(Vec<Decoded>);

impl PictureSource for Pictures {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn picture<'a>(&'a self, index: usize, _scratch: &'a mut Vec<u8>) -> datasets::Result<Picture<'a>> {
        let Decoded { pixels, shape: [channels, height, width] } = &self.0[index];
        Ok(Picture { pixels, channels: *channels, height: *height, width: *width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// softmax(0, ln 2, ln 5) = (1, 2, 5)/8.
    #[test]
    fn the_likeliest_come_first() {
        let found = likeliest(&[0.0, 2f32.ln(), 5f32.ln()], 2);
        assert_eq!(found.iter().map(|(class, _)| *class).collect::<Vec<_>>(), [2, 1]);
        assert!((found[0].1 - 0.625).abs() < 1e-7 && (found[1].1 - 0.25).abs() < 1e-7);
        // Logits beyond the range of exp.
        assert_eq!(likeliest(&[1e30, 0.0], 9), [(0, 1.0), (1, 0.0)]);
    }

    #[test]
    fn gray_is_white_where_all_colours_are() {
        assert_eq!([[0; 3], [255; 3], [255, 0, 0], [0, 0, 255]].map(brightness), [0, 255, 76, 29]);
    }
}
