//! Spearman's rank correlation.

use std::fmt;

/// Why there is no rank correlation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCorrelation {
    /// Fewer than three points say nothing.
    TooFew(usize),
    /// All values of one side are equal.
    AllTied,
    /// A value is NaN, which has no rank.
    NotANumber,
}

impl fmt::Display for NoCorrelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(n) => write!(f, "{n} points, want at least 3"),
            Self::AllTied => write!(f, "all values of one side are equal"),
            Self::NotANumber => write!(f, "a value is not a number"),
        }
    }
}

/// Ranks from 1, equal values sharing the mean of theirs; infinities are the largest and the smallest of all.
///
/// # Errors
/// A NaN.
pub fn ranks(values: &[f64]) -> Result<Vec<f64>, NoCorrelation> {
    if values.iter().any(|v| v.is_nan()) {
        return Err(NoCorrelation::NotANumber);
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    // Not `total_cmp`, which tells −0 from 0.
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = below as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&i| ranks[i] = mean);
        below += tied.len();
    }
    Ok(ranks)
}

/// Spearman's ρ of pairs: Pearson's correlation of the ranks, which is right with ties, too.
///
/// # Errors
/// Fewer than three pairs, a side without differences, a NaN.
pub fn spearman(pairs: &[(f64, f64)]) -> Result<f64, NoCorrelation> {
    if pairs.len() < 3 {
        return Err(NoCorrelation::TooFew(pairs.len()));
    }
    let side = |read: fn(&(f64, f64)) -> f64| ranks(&pairs.iter().map(read).collect::<Vec<_>>());
    let (x, y) = (side(|p| p.0)?, side(|p| p.1)?);
    // The mean of the ranks does not depend on ties.
    let mean = (pairs.len() + 1) as f64 / 2.0;
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(&y) {
        let (dx, dy) = (x - mean, y - mean);
        (xx, yy, xy) = (xx + dx * dx, yy + dy * dy, xy + dx * dy);
    }
    if xx == 0.0 || yy == 0.0 {
        return Err(NoCorrelation::AllTied);
    }
    Ok((xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-14, "{got} {want}");
    }

    fn zip(x: &[f64], y: &[f64]) -> Vec<(f64, f64)> {
        x.iter().copied().zip(y.iter().copied()).collect()
    }

    /// `scipy.stats.rankdata` and `spearmanr`, SciPy 1.17.1.
    #[test]
    fn values_of_scipy() {
        let x = [1.0, 2.0, 2.0, 3.0, 5.0, 8.0, 8.0, 8.0, 13.0];
        let y = [2.0, 1.0, 4.0, 4.0, 3.0, 9.0, 7.0, 7.0, 6.0];
        assert_eq!(ranks(&x).unwrap(), [1.0, 2.5, 2.5, 4.0, 5.0, 7.0, 7.0, 7.0, 9.0]);
        close(spearman(&zip(&x, &y)).unwrap(), 0.785_472_835_643_771_2);
        let untied = zip(&[3.1, 0.2, 1.7, 9.9, 4.4, 5.0], &[0.5, 0.1, 0.9, -2.0, 0.3, 0.7]);
        close(spearman(&untied).unwrap(), -0.257_142_857_142_857_2);
        let lost = [f64::INFINITY, 1.0, f64::INFINITY, 5.0];
        assert_eq!(ranks(&lost).unwrap(), [3.5, 1.0, 3.5, 2.0]);
        close(spearman(&zip(&[1.0, 2.0, 3.0, 4.0], &lost)).unwrap(), -0.210_818_510_677_891_95);
    }

    #[test]
    fn monotone_maps_change_nothing_and_reversal_changes_the_sign() {
        let pairs = zip(&[0.1, 4.0, 2.0, 7.0], &[1.0, 3.0, 3.5, 9.0]);
        let mapped: Vec<_> = pairs.iter().map(|&(x, y): &(f64, f64)| (x.exp(), -y.ln())).collect();
        close(spearman(&mapped).unwrap(), -spearman(&pairs).unwrap());
        close(spearman(&zip(&[1.0, 2.0, 3.0], &[5.0, 6.0, 9.0])).unwrap(), 1.0);
    }

    #[test]
    fn what_has_no_correlation_says_why() {
        assert_eq!(spearman(&[]), Err(NoCorrelation::TooFew(0)));
        assert_eq!(spearman(&zip(&[1.0, 2.0], &[1.0, 2.0])), Err(NoCorrelation::TooFew(2)));
        assert_eq!(spearman(&zip(&[1.0, 2.0, 3.0], &[4.0; 3])), Err(NoCorrelation::AllTied));
        assert_eq!(spearman(&zip(&[0.0, -0.0, 0.0], &[1.0, 2.0, 3.0])), Err(NoCorrelation::AllTied));
        assert_eq!(spearman(&zip(&[1.0, f64::NAN, 3.0], &[1.0, 2.0, 3.0])), Err(NoCorrelation::NotANumber));
        assert!(NoCorrelation::TooFew(2).to_string().contains("2 points"));
    }
}
