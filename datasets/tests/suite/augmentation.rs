//! Changes of colour and size against torchvision's and Pillow's, see `tests/augmentation_reference.py`.

use std::sync::Arc;

use datasets::{
    Images, Loader, LoaderConfig, Normalisation, Picture, PictureSource, Result, Split,
    augment::{CentreCrop, Change, Jitter, Region, Resize},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    shape: [usize; 3],
    picture: Vec<u8>,
    changes: Vec<Changed>,
    chain: Vec<f64>,
    crops: Vec<Cropped>,
    centres: Vec<Centre>,
}

#[derive(Deserialize)]
struct Changed {
    change: String,
    value: f64,
    channels: usize,
    output: Vec<f64>,
}

#[derive(Deserialize)]
struct Cropped {
    region: [usize; 4],
    size: [usize; 2],
    output: Vec<f64>,
    pillow: Vec<u8>,
}

#[derive(Deserialize)]
struct Centre {
    resize: usize,
    crop: usize,
    output: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../augmentation_reference.json")).unwrap()
}

/// Single precision on the 0 to 1 scale, with a few operations for each pixel.
#[track_caller]
fn assert_near(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < 2e-6, "{what}, {i}: {found}, torchvision {expected}");
    }
}

fn change(name: &str, value: f64) -> Change {
    match name {
        "brightness" => Change::Brightness(value),
        "contrast" => Change::Contrast(value),
        "saturation" => Change::Saturation(value),
        "hue" => Change::Hue(value),
        other => panic!("{other}"),
    }
}

#[test]
fn colours_are_those_of_torchvision() {
    let reference = reference();
    let unit: Vec<f32> = reference.picture.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    for row in &reference.changes {
        let mut pixels = unit[..row.channels * unit.len() / 3].to_vec();
        change(&row.change, row.value).apply(&mut pixels, row.channels);
        assert_near(&pixels, &row.output, &format!("{} {}", row.change, row.value));
    }
    let mut pixels = unit;
    let chain = [("brightness", 1.2), ("saturation", 0.7), ("contrast", 1.3), ("hue", -0.07)];
    Jitter(chain.map(|(name, value)| change(name, value))).apply(&mut pixels, 3);
    assert_near(&pixels, &reference.chain, "all four");
}

#[test]
fn regions_are_resized_as_torchvision_and_pillow_do() {
    let reference = reference();
    let [channels, rows, columns] = reference.shape;
    let mut resize = Resize::default();
    for row in &reference.crops {
        let [top, left, height, width] = row.region;
        let region = Region { top, left, height, width };
        let mut output = vec![f32::NAN; channels * row.size[0] * row.size[1]];
        let window = Region::whole(row.size);
        resize.write(&reference.picture, [rows, columns], region, row.size, window, &mut output);
        assert_near(&output, &row.output, &format!("{region:?} to {:?}", row.size));
        // Pillow rounds after each of its two passes.
        for (found, pillow) in output.iter().zip(&row.pillow) {
            assert!((found * 255.0 - f32::from(*pillow)).abs() < 1.1, "{region:?}: {found}, {pillow}");
        }
    }
}

/// One picture of any size.
#[derive(Debug)]
struct One {
    pixels: Vec<u8>,
    shape: [usize; 3],
}

impl PictureSource for One {
    fn len(&self) -> usize {
        1
    }

    fn picture<'a>(&'a self, _: usize, _: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        let [channels, height, width] = self.shape;
        Ok(Picture { pixels: &self.pixels, channels, height, width })
    }
}

#[test]
fn evaluation_takes_the_centre_as_torchvision_does() {
    let reference = reference();
    for row in &reference.centres {
        let source = Arc::new(One { pixels: reference.picture.clone(), shape: reference.shape });
        let images = Images::from_source(source, [3, row.crop, row.crop]).unwrap();
        let share = row.crop as f64 / row.resize as f64;
        let config = LoaderConfig::evaluation(1, Normalisation::unit_scale(3));
        let config = LoaderConfig { centre_crop: CentreCrop { share }, ..config };
        let loader = Loader::new(Split::new(images, vec![0], 1).unwrap(), config).unwrap();
        let batch = loader.epoch(0).next().unwrap().unwrap();
        assert_near(&batch.images, &row.output, &format!("{} of {}", row.crop, row.resize));
    }
}
