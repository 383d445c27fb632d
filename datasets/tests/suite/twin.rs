//! A slow and obvious twin of the loader: from a picture to a batch one pixel at a time, in double precision, from the public
//! descriptions of what is done and from the keyed streams of random words alone. It shares no code with the loader but these
//! streams, `below`, `uniform` and `beta`, which `randomness.rs` holds against an implementation in Python.

use std::sync::Arc;

use datasets::{
    Augmentation, Batch, Images, Loader, LoaderConfig, Normalisation, Picture, PictureSource, Result, Split,
    augment::{CentreCrop, ColourJitter, Cutout, Fill, Mixup, RECIPES, RandomErasing, ResizedCrop},
    random::{Purpose, below, beta, stream, uniform},
};
use rand::Rng;

use crate::fixture;

/// Numbers on the 0 to 1 scale: C, H, W.
#[derive(Clone)]
struct Planes {
    values: Vec<f64>,
    shape: [usize; 3],
}

impl Planes {
    fn make(shape: [usize; 3], mut value: impl FnMut(usize, usize, usize) -> f64) -> Self {
        let [channels, height, width] = shape;
        let mut values = Vec::new();
        for c in 0..channels {
            for y in 0..height {
                for x in 0..width {
                    values.push(value(c, y, x));
                }
            }
        }
        Self { values, shape }
    }

    fn at(&self, c: usize, y: usize, x: usize) -> f64 {
        let [_, height, width] = self.shape;
        self.values[(c * height + y) * width + x]
    }

    fn gray(&self, y: usize, x: usize) -> f64 {
        match self.shape[0] {
            1 => self.at(0, y, x),
            _ => 0.2989 * self.at(0, y, x) + 0.587 * self.at(1, y, x) + 0.114 * self.at(2, y, x),
        }
    }

    fn mean_gray(&self) -> f64 {
        let [_, height, width] = self.shape;
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        places.map(|(y, x)| self.gray(y, x)).sum::<f64>() / (height * width) as f64
    }
}

/// Rows and columns of a rectangle: first and one behind the last.
type Rectangle = [[i64; 2]; 2];

struct Twin<'a> {
    split: &'a Split,
    config: &'a LoaderConfig,
    augmentation: Augmentation,
}

fn between(words: &mut impl Rng, low: f64, high: f64) -> f64 {
    low + uniform(words) * (high - low)
}

/// The place below `bound` that a word stands for: the same share of it as of all words.
fn place(word: u64, bound: i64) -> i64 {
    ((u128::from(word) * bound as u128) >> 64) as i64
}

/// Fisher and Yates from the last place down.
fn shuffle(count: usize, words: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, below(words, last as u64 + 1) as usize);
    }
    order
}

/// Sides √(a r) and √(a / r), rounded half to even.
fn sides(words: &mut impl Rng, area: i64, scale: [f64; 2], ratio: [f64; 2]) -> [i64; 2] {
    let area = area as f64 * between(words, scale[0], scale[1]);
    let ratio = between(words, ratio[0].ln(), ratio[1].ln()).exp();
    [(area * ratio).sqrt(), (area / ratio).sqrt()].map(|side| side.round_ties_even() as i64)
}

impl Twin<'_> {
    fn words(&self, purpose: Purpose, index: usize) -> impl Rng {
        stream(self.config.seed, purpose, index as u64)
    }

    fn shape(&self) -> [usize; 3] {
        self.split.images().shape()
    }

    /// Whether each number comes from one byte alone, and so must be right to the last bit.
    fn is_exact(&self, from: [usize; 2]) -> bool {
        let [_, height, width] = self.shape();
        let moves = self.augmentation.jitter.is_none() && self.augmentation.resized_crop.is_none();
        moves
            && self.augmentation.mixup.is_none()
            && self.config.centre_crop.share == 1.0
            && from == [height, width]
    }

    /// The region of the picture that is resized to the whole output.
    fn crop(&self, crop: ResizedCrop, epoch: u64, index: usize, [rows, columns]: [i64; 2]) -> Rectangle {
        let mut words = self.words(Purpose::ResizedCrop { epoch }, index);
        let (down, across) = (words.next_u64(), words.next_u64());
        for _ in 0..10 {
            let [width, height] = sides(&mut words, rows * columns, crop.scale, crop.ratio);
            if 0 < width && width <= columns && 0 < height && height <= rows {
                let (top, left) = (place(down, rows - height + 1), place(across, columns - width + 1));
                return [[top, top + height], [left, left + width]];
            }
        }
        let (mut height, mut width) = (rows, columns);
        let ratio = columns as f64 / rows as f64;
        if ratio < crop.ratio[0] {
            height = (columns as f64 / crop.ratio[0]).round_ties_even() as i64;
        } else if ratio > crop.ratio[1] {
            width = (rows as f64 * crop.ratio[1]).round_ties_even() as i64;
        }
        let (top, left) = ((rows - height) / 2, (columns - width) / 2);
        [[top, top + height], [left, left + width]]
    }

    /// The picture in the size of the output.
    fn resized(&self, picture: &Planes, epoch: u64, index: usize) -> Planes {
        let [_, rows, columns] = picture.shape.map(|side| side as i64);
        let shape = self.shape();
        let to = [shape[1], shape[2]];
        let whole = [[0, rows], [0, columns]];
        // What is resized, to what size, and which row and column of that comes first.
        let (region, size, first) = match self.augmentation.resized_crop {
            Some(crop) => (self.crop(crop, epoch, index, [rows, columns]), to, [0, 0]),
            None => {
                let from = [rows as usize, columns as usize];
                let share = self.config.centre_crop.share;
                let enlarged = [0, 1].map(|side| to[side] as f64 / from[side] as f64);
                let binding = if enlarged[0] >= enlarged[1] { 0 } else { 1 };
                let mut size = [0; 2];
                size[binding] = (to[binding] as f64 / share).round_ties_even() as usize;
                let other = size[binding] * from[1 - binding] / from[binding];
                size[1 - binding] = other.max(to[1 - binding]);
                let first =
                    [0, 1].map(|side| ((size[side] - to[side]) as f64 / 2.0).round_ties_even() as usize);
                (whole, size, first)
            }
        };
        // The weight of input `j` of `side` in output `i`: a triangle around the output's place, as wide as it is shrunk.
        let weights = |side: usize, i: usize| {
            let [start, end] = region[side];
            let scale = (end - start) as f64 / size[side] as f64;
            let centre = ((i + first[side]) as f64 + 0.5) * scale;
            let weight = |j: i64| (1.0 - (j as f64 + 0.5 - centre).abs() / scale.max(1.0)).max(0.0);
            let sum: f64 = (0..end - start).map(weight).sum();
            let mut found = Vec::new();
            for j in 0..end - start {
                if weight(j) > 0.0 {
                    found.push(((start + j) as usize, weight(j) / sum));
                }
            }
            found
        };
        Planes::make(shape, |c, y, x| {
            let mut value = 0.0;
            for (row, down) in weights(0, y) {
                for (column, across) in weights(1, x) {
                    value += down * across * picture.at(c, row, column);
                }
            }
            value
        })
    }

    /// Black around the picture, and the crop and mirroring that are drawn.
    fn moved(&self, picture: &Planes, epoch: u64, index: usize) -> Planes {
        let (pad, [_, height, width]) = (self.augmentation.pad as i64, self.shape());
        let mut words = self.words(Purpose::Augmentation { epoch }, index);
        let mut shift = || below(&mut words, 2 * pad as u64 + 1) as i64 - pad;
        let (top, left) = (shift(), shift());
        let flip = below(&mut words, 2) == 1 && self.augmentation.flip;
        Planes::make(self.shape(), |c, y, x| {
            let x = if flip { width - 1 - x } else { x };
            let (row, column) = (y as i64 + top, x as i64 + left);
            if row < 0 || column < 0 || row >= height as i64 || column >= width as i64 {
                return 0.0;
            }
            picture.at(c, row as usize, column as usize)
        })
    }

    fn coloured(&self, jitter: ColourJitter, mut picture: Planes, epoch: u64, index: usize) -> Planes {
        let mut words = self.words(Purpose::Jitter { epoch }, index);
        let order = shuffle(4, &mut words);
        let mut factors = [jitter.brightness, jitter.contrast, jitter.saturation]
            .map(|x| between(&mut words, (1.0 - x).max(0.0), 1.0 + x))
            .to_vec();
        factors.push(between(&mut words, -jitter.hue, jitter.hue));
        for which in order {
            let (before, factor, mean) = (picture.clone(), factors[which], picture.mean_gray());
            picture = Planes::make(before.shape, |c, y, x| {
                let value = before.at(c, y, x);
                let mixed = |other: f64| (factor * value + (1.0 - factor) * other).clamp(0.0, 1.0);
                match which {
                    0 => mixed(0.0),
                    1 => mixed(mean),
                    2 => mixed(before.gray(y, x)),
                    _ if before.shape[0] == 1 => value,
                    _ => turned([0, 1, 2].map(|c| before.at(c, y, x)), factor)[c],
                }
            });
        }
        picture
    }

    /// Whether a pixel lies in the square of cutout.
    fn cut(&self, cutout: Cutout, epoch: u64, index: usize) -> impl Fn(usize, usize) -> bool {
        let [_, height, width] = self.shape();
        let mut words = self.words(Purpose::Cutout { epoch }, index);
        let mut start = |side: usize| below(&mut words, side as u64) as i64 - cutout.size as i64 / 2;
        let (top, left, size) = (start(height), start(width), cutout.size as i64);
        move |y, x| {
            let (down, across) = (y as i64 - top, x as i64 - left);
            0 <= down && down < size && 0 <= across && across < size
        }
    }

    fn erased(&self, erasing: RandomErasing, epoch: u64, index: usize) -> Option<Rectangle> {
        let [_, rows, columns] = self.shape().map(|side| side as i64);
        let mut words = self.words(Purpose::Erasing { epoch }, index);
        if uniform(&mut words) >= erasing.probability {
            return None;
        }
        let (down, across) = (words.next_u64(), words.next_u64());
        for _ in 0..10 {
            let [height, width] = sides(&mut words, rows * columns, erasing.scale, erasing.ratio);
            if height < rows && width < columns {
                let (top, left) = (place(down, rows - height + 1), place(across, columns - width + 1));
                return Some([[top, top + height], [left, left + width]]);
            }
        }
        None
    }

    fn normalised(&self, c: usize, value: f64) -> f64 {
        (value - self.config.normalisation.mean()[c]) / self.config.normalisation.deviation()[c]
    }

    /// Everything that is done to one image; whether it must be right to the last bit.
    fn image(&self, epoch: u64, position: usize) -> (Planes, bool) {
        let (index, mut scratch) = (self.split.index(position), Vec::new());
        let found = self.split.picture(position, &mut scratch).unwrap();
        let (height, width) = (found.height, found.width);
        let byte = |c, y, x| f64::from(found.pixels[(c * height + y) * width + x]) / 255.0;
        let picture = Planes::make(found.shape(), byte);
        let exact = self.is_exact([height, width]);
        let mut picture = self.moved(&self.resized(&picture, epoch, index), epoch, index);
        if let Some(jitter) = self.augmentation.jitter {
            picture = self.coloured(jitter, picture, epoch, index);
        }
        picture = Planes::make(picture.shape, |c, y, x| self.normalised(c, picture.at(c, y, x)));
        if let Some(cutout) = self.augmentation.cutout {
            let inside = self.cut(cutout, epoch, index);
            picture =
                Planes::make(picture.shape, |c, y, x| if inside(y, x) { 0.0 } else { picture.at(c, y, x) });
        }
        if let Some(erasing) = self.augmentation.erasing
            && let Some([rows, columns]) = self.erased(erasing, epoch, index)
        {
            let mut noise = self.words(Purpose::ErasingFill { epoch }, index);
            picture = Planes::make(picture.shape, |c, y, x| {
                let inside = |at: usize, [start, end]: [i64; 2]| start <= at as i64 && (at as i64) < end;
                match inside(y, rows) && inside(x, columns) {
                    false => picture.at(c, y, x),
                    true if erasing.fill == Fill::Mean => 0.0,
                    true => self.normalised(c, f64::from(noise.next_u32() >> 24) / 255.0),
                }
            });
        }
        (picture, exact)
    }

    /// Batch `number` of an epoch against `found`.
    fn check(&self, epoch: u64, number: usize, found: &Batch, what: &str) {
        let order = match self.config.shuffle {
            true => shuffle(self.split.len(), &mut self.words(Purpose::Shuffle { epoch }, 0)),
            false => (0..self.split.len()).collect(),
        };
        let batch_size = self.config.batch_size;
        let positions: Vec<_> = order.into_iter().skip(number * batch_size).take(batch_size).collect();
        let labels: Vec<_> = positions.iter().map(|&position| self.split.label(position)).collect();
        let indices: Vec<_> = positions.iter().map(|&position| self.split.index(position)).collect();
        assert_eq!((&found.labels, &found.indices), (&labels, &indices), "{what}");
        let [channels, height, width] = self.shape();
        assert_eq!(found.shape, [positions.len(), channels, height, width], "{what}");

        let images: Vec<_> = positions.iter().map(|&position| self.image(epoch, position)).collect();
        let mix = self.augmentation.mixup.map(|mixup| {
            let words = &mut self.words(Purpose::MixupWeight { epoch }, number);
            let weight = beta(words, mixup.alpha, mixup.alpha);
            (weight, shuffle(images.len(), &mut self.words(Purpose::MixupPartners { epoch }, number)))
        });
        let partners = |partners: &[usize]| partners.iter().map(|&i| labels[i]).collect::<Vec<_>>();
        let expected = mix.as_ref().map(|(weight, of)| (*weight, partners(of)));
        let said = found.mix.as_ref().map(|mix| (mix.weight, mix.partners.clone()));
        assert_eq!(said, expected, "{what}");
        let mut values = found.images.iter();
        for (i, (image, exact)) in images.iter().enumerate() {
            for (at, &own) in image.values.iter().enumerate() {
                let expected = match &mix {
                    Some((weight, partners)) => {
                        weight * own + (1.0 - weight) * images[partners[i]].0.values[at]
                    }
                    None => own,
                };
                let value = *values.next().unwrap();
                let close = (f64::from(value) - expected).abs() < TOLERANCE;
                let same = !exact || value.to_bits() == (expected as f32).to_bits();
                assert!(close && same, "{what}, image {i}, number {at}: {value}, twin {expected}");
            }
        }
        assert!(values.next().is_none(), "{what}");
    }
}

/// The hue turned by so many whole turns, by the six cases of the usual definition.
fn turned([red, green, blue]: [f64; 3], turns: f64) -> [f64; 3] {
    let most = red.max(green).max(blue);
    let chroma = most - red.min(green).min(blue);
    if chroma == 0.0 {
        return [red, green, blue];
    }
    let sixths = if most == red {
        (green - blue) / chroma
    } else if most == green {
        2.0 + (blue - red) / chroma
    } else {
        4.0 + (red - green) / chroma
    };
    let hue = (sixths + 6.0 * turns).rem_euclid(6.0);
    let (low, part) = (most - chroma, hue.fract());
    let (falling, rising) = (most - chroma * part, low + chroma * part);
    match hue as usize % 6 {
        0 => [most, rising, low],
        1 => [falling, most, low],
        2 => [low, most, rising],
        3 => [low, falling, most],
        4 => [rising, low, most],
        _ => [most, low, falling],
    }
}

/// Single precision has steps of 6e-8 up to 1. A number goes through two weighted sums and four changes of colour with
/// factors up to 1.4, a dozen roundings that these double, and is divided by a deviation of at least 0.2.
const TOLERANCE: f64 = 2.0 * 12.0 * 6e-8 / 0.2;

/// Pictures of several sizes: one as it is wanted, flat ones and high ones, smaller and larger ones.
#[derive(Debug)]
struct Uneven;

const SIZES: [[usize; 2]; 9] =
    [[20, 18], [9, 31], [31, 9], [40, 44], [20, 40], [5, 4], [2, 41], [41, 2], [1, 1]];

impl PictureSource for Uneven {
    fn len(&self) -> usize {
        SIZES.len()
    }

    fn picture<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        let [height, width] = SIZES[index];
        scratch.clear();
        scratch.extend((0..3 * height * width).map(|i| (i * i * 31 / 7 + i * 89 + index * 17) as u8));
        Ok(Picture { pixels: scratch, channels: 3, height, width })
    }
}

/// More than the named recipes do, all of it at once.
fn more() -> [(&'static str, Augmentation); 3] {
    let all = Augmentation {
        jitter: Some(ColourJitter { brightness: 0.4, contrast: 0.3, saturation: 0.4, hue: 0.5 }),
        cutout: Some(Cutout { size: 5 }),
        erasing: Some(RandomErasing { probability: 0.8, fill: Fill::Noise, ..RandomErasing::default() }),
        mixup: Some(Mixup { alpha: 0.4 }),
        ..Augmentation::CIFAR
    };
    let crop = ResizedCrop { scale: [0.02, 0.6], ratio: [0.3, 1.1] };
    let noise = Augmentation { jitter: None, mixup: None, ..all };
    let resized = Augmentation { pad: 0, resized_crop: Some(crop), mixup: None, ..all };
    [("all padded", all), ("noise", noise), ("all resized", resized)]
}

/// Every epoch of a split, with every number of workers, against the twin.
fn check(name: &str, split: &Split, augmentation: Augmentation, change: impl Fn(&mut LoaderConfig)) {
    let channels = split.images().shape()[0];
    let [mean, deviation] = [[0.4, 0.5, 0.3], [0.2, 0.3, 0.25]].map(|values| values[..channels].to_vec());
    let mut config = LoaderConfig::training(4, 77, Normalisation::new(mean, deviation).unwrap());
    config.augmentation = Some(augmentation);
    change(&mut config);
    let loader = Loader::new(split.clone(), config.clone()).unwrap();
    let twin = Twin { split, config: &config, augmentation };
    for epoch in [0, 3] {
        let batches = |workers: usize| {
            loader.epoch_in_background(epoch, 0, workers, 2).unwrap().map(Result::unwrap).collect::<Vec<_>>()
        };
        let found = batches(0);
        assert_eq!(found.last().unwrap().len(), split.len() % 4, "the last batch is a part of one");
        for (number, batch) in found.iter().enumerate() {
            twin.check(epoch, number, batch, &format!("{name}, epoch {epoch}, batch {number}"));
        }
        for workers in [1, 2] {
            assert!(batches(workers) == found, "{name}, {workers} workers");
        }
    }
}

#[test]
fn every_recipe_is_as_its_twin_makes_it() {
    // The places in the files are others than those in the split.
    let equal = fixture::split(12, 3, 20, 18).select(&[11, 3, 0, 7, 8, 1]);
    let uneven = Images::from_source(Arc::new(Uneven), [3, 20, 18]).unwrap();
    let uneven = Split::new(uneven, (0..9).map(|i| i % 4).collect(), 4).unwrap();
    for (name, augmentation) in RECIPES.iter().map(|recipe| (recipe.name, recipe.augmentation)).chain(more())
    {
        check(name, &equal, augmentation, |_| {});
        check(name, &uneven, augmentation, |config| config.centre_crop = CentreCrop { share: 0.875 });
    }
    check("whole centre", &uneven, Augmentation::NONE, |config| config.shuffle = false);
}

#[test]
fn pictures_without_colour_are_as_their_twin_makes_them() {
    let split = fixture::split(7, 1, 9, 13);
    for (name, augmentation) in more() {
        let jitter = augmentation.jitter.map(|jitter| ColourJitter { saturation: 0.0, hue: 0.0, ..jitter });
        check(name, &split, Augmentation { jitter, ..augmentation }, |_| {});
    }
}
