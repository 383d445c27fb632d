//! Batches made ahead of time: the same ones, in order, whatever happens to the workers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use datasets::{
    Augmentation, Batch, Error, Images, Loader, LoaderConfig, Normalisation, Picture, PictureSource, Result,
    Split,
    augment::{ColourJitter, Cutout, Fill, Mixup, RandomErasing, ResizedCrop},
};

use crate::fixture;

fn normalisation() -> Normalisation {
    Normalisation::new(vec![0.4, 0.5, 0.3], vec![0.2, 0.3, 0.25]).unwrap()
}

/// Everything at once.
const ALL: Augmentation = Augmentation {
    resized_crop: Some(ResizedCrop { scale: [0.2, 1.0], ratio: [0.75, 1.25] }),
    pad: 0,
    flip: true,
    jitter: Some(ColourJitter { brightness: 0.4, contrast: 0.3, saturation: 0.2, hue: 0.1 }),
    cutout: Some(Cutout { size: 3 }),
    erasing: Some(RandomErasing {
        probability: 0.5,
        scale: [0.02, 0.33],
        ratio: [0.3, 3.3],
        fill: Fill::Noise,
    }),
    mixup: Some(Mixup { alpha: 0.5 }),
};

fn loader(split: Split, augmentation: Augmentation, batch_size: usize) -> Loader {
    let config = LoaderConfig::training(batch_size, 11, normalisation());
    Loader::new(split, LoaderConfig { augmentation: Some(augmentation), ..config }).unwrap()
}

fn bits(batch: &Batch) -> Vec<u32> {
    batch.images.iter().map(|x| x.to_bits()).collect()
}

fn all(batches: impl Iterator<Item = Result<Batch>>) -> Vec<Batch> {
    batches.map(Result::unwrap).collect()
}

#[test]
fn workers_change_no_bit() {
    for augmentation in [ALL, Augmentation { pad: 2, flip: true, ..Augmentation::NONE }] {
        let loader = loader(fixture::split(50, 3, 8, 6), augmentation, 4);
        let expected = all(loader.epoch(3));
        assert_eq!(expected.len(), 13);
        for workers in [0, 1, 2, 4] {
            for ahead in [1, 2, 5, 100] {
                let found = all(loader.epoch_in_background(3, 0, workers, ahead).unwrap());
                assert_eq!(found, expected, "{workers} workers, {ahead} ahead");
                assert!(found.iter().zip(&expected).all(|(a, b)| bits(a) == bits(b)));
            }
        }
    }
}

#[test]
fn work_goes_on_at_any_batch() {
    let loader = loader(fixture::split(30, 3, 5, 4), ALL, 4);
    let expected = all(loader.epoch(7));
    for workers in [0, 1, 3] {
        for first in 0..10 {
            let batches = loader.epoch_in_background(7, first, workers, 2).unwrap();
            assert_eq!(batches.len(), 8usize.saturating_sub(first));
            assert_eq!(all(batches), expected[first.min(8)..], "{workers} workers from {first}");
        }
        let mut batches = loader.epoch_in_background(7, 1, workers, 2).unwrap();
        assert_eq!(batches.nth(2).unwrap().unwrap(), expected[3]);
        assert_eq!(batches.next().unwrap().unwrap(), expected[4]);
        assert_eq!(batches.nth(2).unwrap().unwrap(), expected[7]);
        assert!(batches.next().is_none() && batches.nth(1).is_none());
    }
}

/// Pictures of one colour that count how often they were asked for, and fail where they are told to.
#[derive(Debug)]
struct Counting {
    asked: AtomicUsize,
    wrong: Option<usize>,
    panics: Option<usize>,
    takes: Duration,
}

const COUNT: usize = 40;

impl PictureSource for Counting {
    fn len(&self) -> usize {
        COUNT
    }

    fn picture<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.takes);
        assert!(self.panics != Some(index), "picture {index} has a fault");
        if self.wrong == Some(index) {
            let (found, expected) = (format!("picture {index}"), "another one".into());
            return Err(Error::Inconsistent { what: "test", found, expected });
        }
        scratch.clear();
        scratch.resize(12, index as u8);
        Ok(Picture { pixels: scratch, channels: 3, height: 2, width: 2 })
    }
}

fn counting(wrong: Option<usize>, panics: Option<usize>, takes: Duration) -> (Arc<Counting>, Loader) {
    let source = Arc::new(Counting { asked: AtomicUsize::new(0), wrong, panics, takes });
    let images = Images::from_source(source.clone(), [3, 2, 2]).unwrap();
    let split = Split::new(images, vec![0; COUNT], 1).unwrap();
    (source, Loader::new(split, LoaderConfig::evaluation(4, normalisation())).unwrap())
}

#[test]
fn no_more_is_made_than_was_said() {
    let (source, loader) = counting(None, None, Duration::ZERO);
    let mut batches = loader.epoch_in_background(0, 0, 3, 2).unwrap();
    for taken in 1..5 {
        batches.next().unwrap().unwrap();
        // Nothing says that workers have done all they may; but they must never do more.
        std::thread::sleep(Duration::from_millis(5));
        assert!(source.asked.load(Ordering::SeqCst) <= (taken + 2) * 4);
    }
}

#[test]
fn errors_come_at_their_place() {
    for workers in [0, 1, 4] {
        let (_, loader) = counting(Some(17), None, Duration::ZERO);
        let batches: Vec<_> = loader.epoch_in_background(0, 0, workers, 3).unwrap().collect();
        assert_eq!(batches.len(), 10);
        for (number, batch) in batches.iter().enumerate() {
            match batch {
                Ok(batch) => assert_eq!(batch.indices[0], 4 * number),
                Err(error) => assert_eq!((number, error.to_string().contains("picture 17")), (4, true)),
            }
        }
        assert_eq!(batches.iter().filter(|batch| batch.is_err()).count(), 1, "{workers} workers");
    }
}

#[test]
fn a_panic_is_an_error_and_the_rest_goes_on() {
    for workers in [1, 3] {
        let (_, loader) = counting(None, Some(22), Duration::ZERO);
        let batches: Vec<_> = loader.epoch_in_background(0, 0, workers, 2).unwrap().collect();
        let text = batches[5].as_ref().unwrap_err().to_string();
        assert_eq!(text, "batch 5 of the epoch was not made, its worker panicked: picture 22 has a fault");
        assert_eq!(batches.iter().filter(|batch| batch.is_ok()).count(), 9);
    }
}

#[test]
fn whoever_leaves_early_is_not_kept_waiting() {
    let (source, loader) = counting(None, None, Duration::from_millis(2));
    for taken in [0, 1, 3] {
        let mut batches = loader.epoch_in_background(0, 0, 2, 8).unwrap();
        for _ in 0..taken {
            batches.next().unwrap().unwrap();
        }
        drop(batches);
        let asked = source.asked.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        // Nobody is left who asks, and dropping did not wait for the epoch.
        assert_eq!(source.asked.swap(0, Ordering::SeqCst), asked);
        assert!(asked < COUNT, "{asked}");
    }
}

#[test]
fn waiting_is_counted() {
    let (_, loader) = counting(None, None, Duration::from_millis(2));
    let mut batches = loader.epoch_in_background(0, 0, 1, 4).unwrap();
    let start = Instant::now();
    batches.next().unwrap().unwrap();
    assert!(batches.waited() > Duration::ZERO && batches.waited() <= start.elapsed());
}

#[test]
fn impossible_workers_are_refused() {
    let (_, loader) = counting(None, None, Duration::ZERO);
    let text = loader.epoch_in_background(0, 0, 2, 0).unwrap_err().to_string();
    assert_eq!(text, "loader: ahead is 0, it must be at least 1 for 2 workers");
    // So many would be refused by the system; only as many are started as can have work.
    assert_eq!(loader.epoch_in_background(0, 8, usize::MAX, usize::MAX).unwrap().count(), 2);
}

/// One byte too few or too many, or none at all, with and without workers, with and without a change of size.
#[test]
fn a_source_that_gives_other_bytes_than_it_says_is_an_error() {
    #[derive(Debug)]
    struct Wrong(usize, [usize; 3]);
    impl PictureSource for Wrong {
        fn len(&self) -> usize {
            1
        }
        fn picture<'a>(&'a self, _: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
            scratch.clear();
            scratch.resize(self.0, 1);
            let [channels, height, width] = self.1;
            Ok(Picture { pixels: scratch, channels, height, width })
        }
    }
    let huge = [3, usize::MAX / 2, 4];
    for (bytes, shape) in
        [(11, [3, 2, 2]), (13, [3, 2, 2]), (0, [3, 2, 2]), (35, [3, 4, 3]), (0, [3, 0, 2]), (4, huge)]
    {
        let images = Images::from_source(Arc::new(Wrong(bytes, shape)), [3, 2, 2]).unwrap();
        let split = Split::new(images, vec![0], 1).unwrap();
        for augmentation in [Augmentation::NONE, ALL] {
            let augmentation = Augmentation { cutout: None, ..augmentation };
            let loader = loader(split.clone(), augmentation, 1);
            for workers in [0, 1] {
                let mut batches = loader.epoch_in_background(0, 0, workers, 1).unwrap();
                let text = batches.next().unwrap().unwrap_err().to_string();
                assert!(
                    text.starts_with(&format!("picture: {bytes} bytes for C, H, W = {shape:?} of picture 0")),
                    "{text}"
                );
            }
        }
        let dataset = datasets::Dataset::new("wrong", vec!["a".into()], split.clone(), split).unwrap();
        let mut file = std::io::Cursor::new(Vec::new());
        datasets::packed::write(&dataset, "none", &mut file).unwrap_err();
    }
}

#[test]
fn pictures_of_other_sizes_are_brought_to_the_shape() {
    #[derive(Debug)]
    struct Wide;
    impl PictureSource for Wide {
        fn len(&self) -> usize {
            2
        }
        fn picture<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
            // One row of four places; in the middle 30 and 60, or one row that is as wanted.
            scratch.clear();
            scratch.extend([10, 30, 60, 90].iter().map(|byte| byte + index as u8));
            Ok(Picture { pixels: scratch, channels: 1, height: 1, width: 4 })
        }
    }
    let split = Split::new(Images::from_source(Arc::new(Wide), [1, 1, 2]).unwrap(), vec![0, 0], 1).unwrap();
    let config = LoaderConfig::evaluation(2, Normalisation::unit_scale(1));
    let batch = Loader::new(split, config).unwrap().epoch(0).next().unwrap().unwrap();
    let found: Vec<f32> = batch.images.iter().map(|x| x * 255.0).collect();
    for (found, expected) in found.iter().zip([30.0, 60.0, 31.0, 61.0]) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
}
