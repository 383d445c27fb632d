//! What the publishers say a data set contains, held against what was read.

use std::path::Path;

use crate::{ChannelStatistics, Dataset, Error, Published, Result, Split, published};

/// Official number of images of each class.
#[derive(Debug, Clone, Copy)]
pub(super) enum ClassCounts {
    /// Every class equally often.
    Each(usize),
    /// Class by class.
    Listed(&'static [usize]),
}

impl ClassCounts {
    fn of(self, class: usize) -> usize {
        match self {
            Self::Each(count) => count,
            Self::Listed(counts) => counts[class],
        }
    }

    fn total(self, classes: usize) -> usize {
        (0..classes).map(|class| self.of(class)).sum()
    }
}

/// How far a mean or deviation may lie from the published one, which has four places.
const PUBLISHED_TOLERANCE: f64 = 1e-4;

/// Holds the data set against what is official: the counts of both splits, and the statistics of the training pixels,
/// which tell re-encoded images (a JPEG mirror, say) from the official ones.
pub(super) fn check(dataset: &mut Dataset, train: ClassCounts, test: ClassCounts, path: &Path) -> Result<()> {
    check_counts(dataset, train, test, path)?;
    let classes = dataset.classes.len();
    if dataset.train.len() == train.total(classes)
        && let Some(published) = published(&dataset.name).filter(|published| !published.is_disputed)
    {
        match difference(&ChannelStatistics::of(&dataset.train)?, published) {
            None => dataset.checks.push("the training pixels have the published mean and deviation".into()),
            Some(difference) => dataset.remarks.push(format!("not the official pixels: {difference}")),
        }
    }
    Ok(())
}

/// The first statistic that is not as published, in words.
fn difference(found: &ChannelStatistics, published: &Published) -> Option<String> {
    let statistics =
        [("mean", &found.mean, published.mean), ("deviation", &found.deviation, published.deviation)];
    for (name, found, published) in statistics {
        for (channel, (found, published)) in found.iter().zip(published).enumerate() {
            if (found - published).abs() > PUBLISHED_TOLERANCE {
                return Some(format!("{name} {found:.5} in channel {channel}, published {published:.5}"));
            }
        }
    }
    None
}

/// Holds both splits against the official counts. With the official total, every class must have its official share,
/// since only a damaged or mixed-up file has the one without the other. With another total (a subset, a stand-in in
/// the same layout) the data set is usable, and its remarks say that it is not the official one.
pub(super) fn check_counts(
    dataset: &mut Dataset,
    train: ClassCounts,
    test: ClassCounts,
    path: &Path,
) -> Result<()> {
    let mut checks = Vec::new();
    let mut remarks = Vec::new();
    for (name, split, official) in [("training", &dataset.train, train), ("test", &dataset.test, test)] {
        let total = official.total(split.classes());
        if split.len() == total {
            check_shares(name, split, official, path, &dataset.name)?;
            checks.push(format!("{total} {name} images with the official share of every class"));
        } else {
            remarks.push(format!("not the official data: {} {name} images instead of {total}", split.len()));
        }
    }
    dataset.checks.append(&mut checks);
    dataset.remarks.append(&mut remarks);
    Ok(())
}

fn check_shares(
    name: &'static str,
    split: &Split,
    official: ClassCounts,
    path: &Path,
    dataset: &str,
) -> Result<()> {
    for (class, found) in split.class_counts().into_iter().enumerate() {
        let expected = official.of(class);
        if found != expected {
            return Err(Error::ClassCounts {
                path: path.into(),
                dataset: dataset.into(),
                split: name,
                class,
                found,
                expected,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Images;

    fn split(labels: &[u16]) -> Split {
        Split::new(Images::new(vec![0; labels.len()], 1, 1, 1).unwrap(), labels.to_vec(), 2).unwrap()
    }

    fn checked(train: &[u16], test: &[u16]) -> Result<Dataset> {
        let names = vec!["a".into(), "b".into()];
        let mut dataset = Dataset::new("pair", names, split(train), split(test)).unwrap();
        let listed = ClassCounts::Listed(&[1, 2]);
        check(&mut dataset, ClassCounts::Each(2), listed, Path::new("folder")).map(|()| dataset)
    }

    #[test]
    fn official_totals_demand_official_shares() {
        let good = checked(&[0, 1, 1, 0], &[1, 0, 1]).unwrap();
        assert_eq!((good.checks.len(), good.remarks.len()), (2, 0));
        let text = checked(&[0, 1, 1, 1], &[1, 0, 1]).unwrap_err().to_string();
        assert!(text.starts_with("folder: the training split of `pair`"), "{text}");
        assert!(text.ends_with("class 0 occurs 1 times, officially 2"), "{text}");
        let text = checked(&[0, 1, 1, 0], &[0, 0, 1]).unwrap_err().to_string();
        assert!(text.ends_with("class 0 occurs 2 times, officially 1"), "{text}");
    }

    /// The changed numbers are those of CIFAR-10 after one JPEG compression, measured on such a mirror.
    #[test]
    fn re_encoded_pixels_are_noticed() {
        let published = published("cifar10").unwrap();
        let mut found =
            ChannelStatistics { mean: published.mean.to_vec(), deviation: published.deviation.to_vec() };
        assert_eq!(difference(&found, published), None);
        found.deviation[2] = 0.26063;
        let text = difference(&found, published).unwrap();
        assert_eq!(text, "deviation 0.26063 in channel 2, published 0.26159");
        found.mean[0] = 0.49125;
        let text = difference(&found, published).unwrap();
        assert_eq!(text, "mean 0.49125 in channel 0, published 0.49140");
    }

    #[test]
    fn other_totals_are_remarked_on() {
        let short = checked(&[0, 0, 0], &[1, 0, 1]).unwrap();
        assert_eq!(short.remarks, ["not the official data: 3 training images instead of 4"]);
        assert_eq!(short.checks, ["3 test images with the official share of every class"]);
    }
}
