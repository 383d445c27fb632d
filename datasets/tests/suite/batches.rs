//! Batches against a pixel-by-pixel definition, and on several numbers of threads.

use datasets::{Augmentation, Batch, Loader, LoaderConfig, Normalisation, Split};
use proptest::prelude::*;

use crate::fixture;

fn normalisation(channels: usize) -> Normalisation {
    let mean = (0..channels).map(|c| 0.3 + 0.1 * c as f64).collect();
    let deviation = (0..channels).map(|c| 0.2 + 0.05 * c as f64).collect();
    Normalisation::new(mean, deviation).unwrap()
}

fn augmented(batch_size: usize, seed: u64, channels: usize, augmentation: Augmentation) -> LoaderConfig {
    let plain = LoaderConfig::training(batch_size, seed, normalisation(channels));
    LoaderConfig { augmentation: Some(augmentation), ..plain }
}

/// One output pixel by the definition: pad with black, crop, mirror, normalise.
fn expected_pixel(
    split: &Split,
    config: &LoaderConfig,
    epoch: u64,
    index: usize,
    [c, y, x]: [usize; 3],
) -> f32 {
    let [_, height, width] = split.images().shape();
    let augmentation =
        config.augmentation.unwrap_or(Augmentation { pad: 0, flip: false, ..Augmentation::NONE });
    let placement = augmentation.draw(config.seed, epoch, index);
    let x = if placement.flip { width - 1 - x } else { x };
    let (row, column) = (y as isize + placement.top, x as isize + placement.left);
    let inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
    let byte = match inside {
        true => {
            split.picture(index, &mut Vec::new()).unwrap().pixels
                [(c * height + row as usize) * width + column as usize]
        }
        false => 0,
    };
    let (mean, deviation) = (config.normalisation.mean()[c], config.normalisation.deviation()[c]);
    ((f64::from(byte) / 255.0 - mean) / deviation) as f32
}

fn check_batch(split: &Split, config: &LoaderConfig, epoch: u64, batch: &Batch) {
    let [count, channels, height, width] = batch.shape;
    assert_eq!(batch.images.len(), count * channels * height * width);
    assert_eq!((batch.labels.len(), batch.indices.len()), (count, count));
    let mut values = batch.images.iter();
    for (&index, &label) in batch.indices.iter().zip(&batch.labels) {
        assert_eq!(label, split.label(index));
        for c in 0..channels {
            for y in 0..height {
                for x in 0..width {
                    let expected = expected_pixel(split, config, epoch, index, [c, y, x]);
                    assert_eq!(*values.next().unwrap(), expected, "sample {index}, C, H, W = {c}, {y}, {x}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn batches_follow_the_definition(
        channels in 1usize..4,
        height in 1usize..9,
        width in 1usize..9,
        pad in 0usize..9,
        flip: bool,
        seed: u64,
        epoch in 0u64..5,
    ) {
        prop_assume!(pad < height.min(width));
        let split = fixture::split(7, channels, height, width);
        let config = augmented(3, seed, channels, Augmentation { pad, flip, ..Augmentation::NONE });
        let loader = Loader::new(split.clone(), config.clone()).unwrap();
        for batch in loader.epoch(epoch) {
            check_batch(&split, &config, epoch, &batch.unwrap());
        }
    }

    #[test]
    fn an_epoch_shows_every_sample_once(count in 1usize..40, batch_size in 1usize..50, shuffle: bool) {
        let split = fixture::split(count, 1, 1, 2);
        let config = LoaderConfig { shuffle, ..LoaderConfig::evaluation(batch_size, normalisation(1)) };
        let loader = Loader::new(split.clone(), config).unwrap();
        let batches: Vec<_> = loader.epoch(1).map(Result::unwrap).collect();
        prop_assert_eq!(batches.len(), loader.batches_per_epoch());
        prop_assert_eq!(loader.epoch(1).len(), batches.len());
        let mut seen: Vec<_> = batches.iter().flat_map(|batch| batch.indices.clone()).collect();
        if shuffle {
            seen.sort_unstable();
        }
        prop_assert_eq!(seen, (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn threads_change_no_bit() {
    let split = fixture::split(50, 3, 8, 6);
    let config = augmented(16, 11, 3, Augmentation { pad: 2, flip: true, ..Augmentation::NONE });
    let loader = Loader::new(split.clone(), config).unwrap();
    let epoch = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| loader.epoch(4).map(Result::unwrap).collect::<Vec<_>>())
    };
    let one = epoch(1);
    let sizes: Vec<_> = one.iter().map(|batch| batch.shape).collect();
    assert_eq!(sizes, [[16, 3, 8, 6], [16, 3, 8, 6], [16, 3, 8, 6], [2, 3, 8, 6]]);
    for threads in [2, 3] {
        for (a, b) in one.iter().zip(epoch(threads)) {
            let bits = |batch: &Batch| batch.images.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert!(*a == b && bits(a) == bits(&b), "{threads} threads");
        }
    }
}

#[test]
fn skipping_leads_to_the_same_batches() {
    let split = fixture::split(20, 1, 3, 4);
    let loader = Loader::new(
        split.clone(),
        augmented(3, 5, 1, Augmentation { pad: 1, flip: true, ..Augmentation::NONE }),
    )
    .unwrap();
    let epoch = |epoch| loader.epoch(epoch).map(Result::unwrap);
    let all: Vec<_> = epoch(2).collect();
    assert_eq!(epoch(2).skip(4).collect::<Vec<_>>(), all[4..]);
    assert_eq!(epoch(2).nth(5).as_ref(), all.get(5));
    assert_eq!(epoch(2).nth(6).as_ref(), all.get(6));
    assert_eq!(epoch(2).nth(7), None);
    assert_ne!(epoch(3).next(), epoch(2).next());
}

#[test]
fn an_augmentation_depends_on_the_sample_and_not_on_its_place() {
    let split = fixture::split(12, 1, 5, 4);
    let shuffled = augmented(4, 5, 1, Augmentation { pad: 2, flip: true, ..Augmentation::NONE });
    let in_order = LoaderConfig { shuffle: false, batch_size: 12, ..shuffled.clone() };
    let reference = Loader::new(split.clone(), in_order).unwrap().epoch(1).next().unwrap().unwrap();
    for batch in Loader::new(split.clone(), shuffled).unwrap().epoch(1) {
        let batch = batch.unwrap();
        for (image, &index) in batch.images.chunks_exact(20).zip(&batch.indices) {
            assert_eq!(image, &reference.images[index * 20..][..20]);
        }
    }
}

#[test]
fn the_last_batch_is_short_or_left_out() {
    let split = fixture::split(10, 1, 1, 1);
    let config = LoaderConfig::evaluation(4, normalisation(1));
    let sizes = |config: LoaderConfig| {
        Loader::new(split.clone(), config)
            .unwrap()
            .epoch(0)
            .map(|batch| batch.unwrap().len())
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes(config.clone()), [4, 4, 2]);
    assert_eq!(sizes(LoaderConfig { drop_last: true, ..config.clone() }), [4, 4]);
    assert_eq!(sizes(LoaderConfig { batch_size: usize::MAX, ..config }), [10]);
}

#[test]
fn impossible_options_are_refused_at_construction() {
    let split = fixture::split(10, 3, 8, 6);
    let plain = LoaderConfig { drop_last: true, ..LoaderConfig::training(4, 0, normalisation(3)) };
    let refuse = |config| Loader::new(split.clone(), config).unwrap_err().to_string();
    let text = refuse(LoaderConfig { batch_size: 0, ..plain.clone() });
    assert_eq!(text, "loader: batch_size is 0, it must be at least 1");
    let text = refuse(LoaderConfig { batch_size: 11, ..plain.clone() });
    assert_eq!(
        text,
        "loader: batch_size is 11 with drop_last = true, it must be such that 10 images make a batch"
    );
    let text = refuse(LoaderConfig { normalisation: normalisation(1), ..plain.clone() });
    assert_eq!(text, "loader: normalisation is for 1 channels, it must be for the 3 channels of the images");
    let text = refuse(LoaderConfig {
        augmentation: Some(Augmentation { pad: 6, flip: false, ..Augmentation::NONE }),
        ..plain.clone()
    });
    assert_eq!(text, "loader: augmentation.pad is 6, it must be less than the 8x6 image's shorter side");
    let none = split.head(0);
    assert!(Loader::new(none, LoaderConfig::evaluation(4, normalisation(3))).is_err());
}
