//! A validation split: some samples of every class, chosen by a seed.

use crate::{
    Error, Result, Split,
    random::{Purpose, shuffled, stream},
};

impl Split {
    /// Holds out `count` samples, chosen at random by `seed`, in the proportions of the classes: (the rest, held out), each in
    /// the order of this split.
    ///
    /// A class with at least two samples gives at least one and keeps at least one; a class with one keeps it. Apart from that a
    /// class of n of the N samples gives its share count·n/N, rounded up or down: down at first, and what is then missing is
    /// taken one by one from the class that is furthest below its share (equally far: the first of them); where shares were
    /// raised for the first rule, the class furthest above its share gives one less. Which samples of a class go is the
    /// beginning of a permutation of them, keyed by (seed, class).
    ///
    /// # Errors
    ///
    /// [`Error::LoaderOption`] when `count` is less than one for each class of at least two samples, or leaves one of those
    /// without any.
    pub fn hold_out(&self, count: usize, seed: u64) -> Result<(Self, Self)> {
        let quotas = quotas(&self.class_counts(), count)?;
        let mut members = vec![Vec::new(); self.classes()];
        for (position, label) in self.labels().enumerate() {
            members[label].push(position);
        }
        let mut is_held_out = vec![false; self.len()];
        for (class, (members, quota)) in members.iter().zip(quotas).enumerate() {
            let order = shuffled(members.len(), &mut stream(seed, Purpose::HoldOut, class as u64));
            for &member in &order[..quota] {
                is_held_out[members[member]] = true;
            }
        }
        let (held_out, rest): (Vec<_>, Vec<_>) = (0..self.len()).partition(|&position| is_held_out[position]);
        Ok((self.select(&rest), self.select(&held_out)))
    }
}

/// How many of `count` samples each class gives, of so many that it has.
fn quotas(members: &[usize], count: usize) -> Result<Vec<usize>> {
    let total: usize = members.iter().sum();
    // What a class may give.
    let limits: Vec<_> = members.iter().map(|&n| if n < 2 { (0, 0) } else { (1, n - 1) }).collect();
    let (least, most) = limits.iter().fold((0, 0), |(a, b), limit| (a + limit.0, b + limit.1));
    if most == 0 || !(least..=most).contains(&count) {
        let expected = match most {
            0 => "left out: no class has two samples to share".into(),
            _ => format!("from {least} to {most}, so that every class has samples in both parts"),
        };
        return Err(Error::LoaderOption { option: "hold_out", found: count.to_string(), expected });
    }
    // N times what class c is below its share: exact.
    let missing = |c: usize, quota: usize| count as i128 * members[c] as i128 - quota as i128 * total as i128;
    let share = |c: usize| (count as u128 * members[c] as u128 / total as u128) as usize;
    let mut quotas: Vec<usize> =
        (0..members.len()).map(|c| share(c).clamp(limits[c].0, limits[c].1)).collect();
    let mut given: usize = quotas.iter().sum();
    while given != count {
        let raise = given < count;
        let candidates = (0..members.len())
            .filter(|&c| if raise { quotas[c] < limits[c].1 } else { quotas[c] > limits[c].0 });
        // Of equals the first: the negated key is least there.
        let key = |&c: &usize| if raise { -missing(c, quotas[c]) } else { missing(c, quotas[c]) };
        let class = candidates.min_by_key(key).expect("the count is between the sums of the limits");
        if raise {
            quotas[class] += 1;
            given += 1;
        } else {
            quotas[class] -= 1;
            given -= 1;
        }
    }
    Ok(quotas)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Images;

    fn split(labels: &[u16], classes: usize) -> Split {
        Split::new(Images::new(vec![0; labels.len()], 1, 1, 1).unwrap(), labels.to_vec(), classes).unwrap()
    }

    /// By hand: shares of 10 of 100 samples of classes of 47, 33, 19 and 1 are 4.7, 3.3, 1.9 and 0.1; down to 4, 3, 1, 0; the
    /// two that are missing come from 1.9 and 4.7. Of 5,000 images each, every class gives a tenth.
    #[test]
    fn shares_by_hand() {
        assert_eq!(quotas(&[47, 33, 19, 1], 10).unwrap(), [5, 3, 2, 0]);
        assert_eq!(quotas(&[5000; 10], 5000).unwrap(), [500; 10]);
        assert_eq!(quotas(&[500; 3], 100).unwrap(), [34, 33, 33]);
        // The shares 0.04 and 0.04 are raised to one, which 1.92 then misses.
        assert_eq!(quotas(&[96, 2, 2], 3).unwrap(), [1, 1, 1]);
        assert_eq!(quotas(&[0, 2, 1, 2], 2).unwrap(), [0, 1, 0, 1]);
    }

    #[test]
    fn impossible_counts_are_refused() {
        let text = quotas(&[3, 0, 2], 1).unwrap_err().to_string();
        assert_eq!(
            text,
            "loader: hold_out is 1, it must be from 2 to 3, so that every class has samples in both parts"
        );
        assert!(quotas(&[3, 0, 2], 4).is_err() && quotas(&[3, 2], usize::MAX).is_err());
        for classes in [&[1, 1][..], &[]] {
            let text = quotas(classes, 0).unwrap_err().to_string();
            assert!(text.contains("no class has two samples"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_parts_are_stratified(
            labels in prop::collection::vec(0u16..6, 2..300),
            part in 0.0f64..1.0,
            seed: u64,
        ) {
            let all = split(&labels, 6);
            let counts = all.class_counts();
            let (least, most) = counts.iter().filter(|&&n| n > 1).fold((0, 0), |(a, b), n| (a + 1, b + n - 1));
            prop_assume!(most > 0);
            let count = least + ((most - least) as f64 * part) as usize;
            let (rest, held_out) = all.hold_out(count, seed).unwrap();
            prop_assert_eq!(held_out.len(), count);
            let indices = |split: &Split| (0..split.len()).map(|i| split.index(i)).collect::<Vec<_>>();
            let (a, b) = (indices(&rest), indices(&held_out));
            prop_assert!(a.is_sorted() && b.is_sorted());
            let mut both = [a, b].concat();
            both.sort_unstable();
            prop_assert_eq!(both, (0..labels.len()).collect::<Vec<_>>());
            let given = held_out.class_counts();
            for ((kept, given), n) in rest.class_counts().iter().zip(&given).zip(&counts) {
                prop_assert!(*n < 2 && *given == 0 || (*kept >= 1 && *given >= 1));
            }
            // No sample could be taken from one class instead of another and bring both nearer to their shares.
            let above = |c: usize| given[c] as f64 - count as f64 * counts[c] as f64 / labels.len() as f64;
            for from in (0..6).filter(|&c| given[c] > 1) {
                for to in (0..6).filter(|&c| given[c] + 1 < counts[c]) {
                    prop_assert!(above(from) - above(to) < 1.0 + 1e-9);
                }
            }
            let again = all.hold_out(count, seed).unwrap();
            prop_assert_eq!(indices(&again.1), indices(&held_out));
        }
    }

    /// Of 1,000 samples, 100 chosen twice have 10 in common on average, with a deviation of 2.8.
    #[test]
    fn another_seed_chooses_others() {
        let all = split(&[0; 1000], 1);
        let chosen = |seed| {
            let held_out = all.hold_out(100, seed).unwrap().1;
            (0..100).map(|i| held_out.index(i)).collect::<std::collections::BTreeSet<_>>()
        };
        let both = chosen(1).intersection(&chosen(2)).count();
        assert!((1..27).contains(&both), "{both}");
    }
}
