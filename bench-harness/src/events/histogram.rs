//! Histograms with TensorBoard's own buckets.

/// A histogram of values.
#[derive(Debug, Clone, PartialEq)]
pub struct EventHistogram {
    /// The least value.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_squares: f64,
    /// The upper edges of the buckets, rising; a bucket holds what is below its edge and not below that of the bucket before.
    pub limits: Vec<f64>,
    /// How many values lie in each bucket.
    pub counts: Vec<f64>,
}

impl EventHistogram {
    /// The histogram of those of `values` that are finite; `None` if none is. Of empty buckets in a row one is left, and none at
    /// the end.
    pub fn of(values: &[f32]) -> Option<Self> {
        let all = limits();
        let mut buckets = vec![0u64; all.len()];
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut count, mut sum, mut sum_squares) = (0u64, 0.0, 0.0);
        for x in values.iter().map(|&x| f64::from(x)).filter(|x| x.is_finite()) {
            // No number of single precision reaches the last limit.
            buckets[all.partition_point(|&limit| limit <= x)] += 1;
            (min, max) = (min.min(x), max.max(x));
            (count, sum, sum_squares) = (count + 1, sum + x, sum_squares + x * x);
        }
        let last = buckets.iter().rposition(|&n| n > 0)?;
        let (mut limits, mut counts): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for (&limit, &n) in all.iter().zip(&buckets).take(last + 1) {
            match limits.last_mut() {
                Some(edge) if n == 0 && counts.last() == Some(&0.0) => *edge = limit,
                _ => {
                    limits.push(limit);
                    counts.push(n as f64);
                }
            }
        }
        Some(Self { min, max, count: count as f64, sum, sum_squares, limits, counts })
    }
}

/// The upper edges of all buckets: from 10⁻¹² to 10²⁰ each a tenth larger than the one before, the same below zero, zero, and the
/// largest numbers there are. Source: TensorFlow, `core/lib/histogram/histogram.cc`.
fn limits() -> Vec<f64> {
    let rising = std::iter::successors(Some(1e-12), |v| Some(v * 1.1)).take_while(|v| *v < 1e20);
    let positive: Vec<f64> = rising.chain([f64::MAX]).collect();
    let negative = positive.iter().rev().map(|v| -v);
    negative.chain([0.0]).chain(positive.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_bucket_between_its_edges() {
        let values = [0.0, -0.0, 1.0, -1.0, 1e-13, -1e-13, 1e-12, f32::MAX, f32::MIN, 3e25, 1.0];
        let h = EventHistogram::of(&values).unwrap();
        assert_eq!(h.count, 11.0);
        assert_eq!(h.counts.iter().sum::<f64>(), h.count);
        let below = |edge: f64| values.iter().filter(|&&x| f64::from(x) < edge).count() as f64;
        let mut seen = 0.0;
        for (&limit, &n) in h.limits.iter().zip(&h.counts) {
            seen += n;
            assert_eq!(seen, below(limit), "{limit}");
        }
        assert!(h.limits.is_sorted());
        assert_eq!((h.min, h.max), (f64::from(f32::MIN), f64::from(f32::MAX)));
    }

    #[test]
    fn empty_buckets_are_one_and_none_stands_at_the_end() {
        let h = EventHistogram::of(&[-2.0, 0.5, 0.5]).unwrap();
        // An empty one that gives the lower edge, that of -2, an empty one, that of 0.5.
        assert_eq!(h.counts, [0.0, 1.0, 0.0, 2.0]);
        assert!(h.limits[0] <= -2.0 && -2.0 < h.limits[1] && h.limits[2] <= 0.5 && 0.5 < h.limits[3]);
        assert_eq!((h.sum, h.sum_squares), (-1.0, 4.5));
    }

    #[test]
    fn only_finite_numbers_count() {
        assert_eq!(EventHistogram::of(&[]), None);
        assert_eq!(EventHistogram::of(&[f32::NAN, f32::INFINITY]), None);
        let h = EventHistogram::of(&[f32::NAN, 1.0, f32::NEG_INFINITY]).unwrap();
        assert_eq!((h.count, h.min, h.max), (1.0, 1.0, 1.0));
        assert_eq!(EventHistogram::of(&[0.0]).unwrap().counts.iter().sum::<f64>(), 1.0);
    }
}
