//! The built-in data set against numbers counted by Python in the official files.

use datasets::{ChannelStatistics, Normalisation, find};

use crate::fixture;

/// The expected counts are from the official label files, by
///
/// ```text
/// b = gzip.open("train-labels-idx1-ubyte.gz").read()[8:8 + 5000]; [b.count(c) for c in range(10)]
/// ```
///
/// and the same with `t10k` and 1000.
#[test]
fn counts_of_classes() {
    let data = find("fashion-mnist-5k").unwrap().load(None).unwrap();
    assert_eq!(data.train.images().shape(), [1, 28, 28]);
    assert_eq!((data.train.len(), data.test.len()), (5000, 1000));
    assert_eq!(data.train.class_counts(), [457, 556, 504, 501, 488, 493, 493, 512, 490, 506]);
    assert_eq!(data.test.class_counts(), [107, 105, 111, 93, 115, 87, 97, 95, 95, 95]);
    assert!(data.remarks[0].contains("first 5,000"));
}

/// The expected values are from the official image file, in exact fractions up to the last square root, by
///
/// ```text
/// p = gzip.open("train-images-idx3-ubyte.gz").read()[16:16 + 784 * 5000]; c = Counter(p); n = len(p)
/// m = Fraction(sum(v * t for v, t in c.items()), 255 * n)
/// q = Fraction(sum(v * v * t for v, t in c.items()), 255 * 255 * n); print(float(m), sqrt(q - m * m))
/// ```
#[test]
fn mean_and_deviation() {
    let data = find("fashion-mnist-5k").unwrap().load(None).unwrap();
    let statistics = ChannelStatistics::of(&data.train).unwrap();
    assert!((statistics.mean[0] - 0.2861464425770308).abs() < 1e-15, "{statistics:?}");
    assert!((statistics.deviation[0] - 0.3543785004088226).abs() < 1e-15, "{statistics:?}");
}

/// What the normalisation is for: over the training images, mean 0 and second moment 1.
#[test]
fn normalised_pixels_have_unit_second_moment() {
    let train = find("fashion-mnist-5k").unwrap().load(None).unwrap().train;
    let table = Normalisation::of(&train).unwrap().tables()[0];
    let pixels: Vec<u8> = (0..train.len()).flat_map(|position| fixture::pixels(&train, position)).collect();
    let values = || pixels.iter().map(|&byte| f64::from(table[usize::from(byte)]));
    let count = pixels.len() as f64;
    assert!((values().sum::<f64>() / count).abs() < 1e-6);
    assert!((values().map(|x| x * x).sum::<f64>() / count - 1.0).abs() < 1e-6);
}

#[test]
fn a_subset_says_that_it_is_one() {
    let data = find("fashion-mnist-5k").unwrap().load(None).unwrap();
    let short = data.head(30, 2000);
    assert_eq!((short.train.len(), short.test.len()), (30, 1000));
    assert_eq!(fixture::pixels(&short.train, 29), fixture::pixels(&data.train, 29));
    assert_eq!(fixture::labels(&short.train), fixture::labels(&data.train)[..30]);
    assert!(short.remarks.last().unwrap().contains("first 30 of 5000 training and 1000 of 1000 test"));
    assert_eq!(data.head(5000, 1000).remarks, data.remarks);
}
