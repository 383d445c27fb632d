//! Where a sliding window lies along one axis: the arithmetic that convolution and pooling share.

use std::ops::Range;

/// One image axis and the window that slides over it.
///
/// Output position o reads, with its tap t, the input position o·stride + t·dilation − padding. Sizes are rounded
/// down: what remains at the end is unused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Length of the input.
    pub input: usize,
    /// Length of the output.
    pub output: usize,
    /// Taps of the window.
    pub kernel: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Positions added at both ends.
    pub padding: usize,
    /// Distance between taps.
    pub dilation: usize,
}

impl Axis {
    /// The axis with ⌊(input + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 output positions; `None` if the
    /// window does not fit, or if kernel, stride or dilation is 0.
    pub fn new(input: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Option<Self> {
        let padded = padding.checked_mul(2)?.checked_add(input)?;
        let reach = kernel.checked_sub(1)?.checked_mul(dilation)?;
        let last = padded.checked_sub(reach)?.checked_sub(1)?;
        let output = last.checked_div(stride)? + 1;
        (dilation > 0).then_some(Self { input, output, kernel, stride, padding, dilation })
    }

    /// The input position that `tap` reads at output position `out`, unless it lies in the padding.
    pub fn source(&self, out: usize, tap: usize) -> Option<usize> {
        (out * self.stride + tap * self.dilation).checked_sub(self.padding).filter(|&i| i < self.input)
    }

    /// The output positions at which `tap` reads inside the input; they are consecutive.
    pub fn inside(&self, tap: usize) -> Range<usize> {
        let offset = tap * self.dilation;
        let first = self.padding.saturating_sub(offset).div_ceil(self.stride);
        let end = (self.input + self.padding).saturating_sub(offset).div_ceil(self.stride).min(self.output);
        first.min(end)..end
    }

    /// The input positions under the window at output position `out`, for a window without dilation.
    pub fn covered(&self, out: usize) -> Range<usize> {
        let start = out * self.stride;
        let end = (start + self.kernel).saturating_sub(self.padding).min(self.input);
        start.saturating_sub(self.padding).min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_that_do_not_fit_are_refused() {
        assert_eq!(Axis::new(5, 2, 2, 0, 1).unwrap().output, 2);
        assert_eq!(Axis::new(2, 5, 1, 2, 1).unwrap().output, 2);
        assert_eq!(Axis::new(0, 1, 1, 1, 1).unwrap().output, 2);
        let wrong = [(2, 5, 1, 1, 1), (5, 0, 1, 0, 1), (5, 1, 0, 0, 1), (5, 1, 1, 0, 0), (5, 3, 1, 0, 3)];
        let huge = [(5, 1, 1, usize::MAX, 1), (5, usize::MAX, 1, 0, 2)];
        for (input, kernel, stride, padding, dilation) in wrong.into_iter().chain(huge) {
            assert_eq!(Axis::new(input, kernel, stride, padding, dilation), None);
        }
    }

    proptest! {
        /// The ranges against the definition, position by position.
        #[test]
        fn ranges_hold_what_lies_inside(
            input in 0usize..9, kernel in 1usize..5, stride in 1usize..4, padding in 0usize..5, dilation in 1usize..4
        ) {
            let Some(axis) = Axis::new(input, kernel, stride, padding, dilation) else { return Ok(()) };
            for tap in 0..kernel {
                let inside = axis.inside(tap);
                for out in 0..axis.output {
                    prop_assert_eq!(inside.contains(&out), axis.source(out, tap).is_some());
                }
            }
            let plain = Axis { dilation: 1, ..axis };
            for out in 0..axis.output {
                let read: Vec<usize> = (0..kernel).filter_map(|tap| plain.source(out, tap)).collect();
                prop_assert_eq!(plain.covered(out).collect::<Vec<_>>(), read);
            }
        }
    }
}
