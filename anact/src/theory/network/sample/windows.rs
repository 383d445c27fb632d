//! Which input positions an output position sees.

use super::state::Layout;

/// The windows of a convolution or pooling, or of a dense layer, whose one window is everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) input: Layout,
    pub(super) output: Layout,
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
}

impl Windows {
    /// One window that covers the input.
    pub(super) fn whole(input: Layout, output: Layout) -> Self {
        let kernel = [input.height, input.width];
        Self { input, output, kernel, stride: [1, 1], padding: [0, 0], dilation: [1, 1] }
    }

    /// The places of the input in the window of output `place`; those outside of the image are left out.
    pub(super) fn seen_by(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let position = place % self.output.positions();
        let sample = place / self.output.positions() * self.input.positions();
        let (row, column) = (position / self.output.width, position % self.output.width);
        let (height, width) = (self.input.height, self.input.width);
        let rows = self.axis(0, row, height);
        rows.flat_map(move |i| self.axis(1, column, width).map(move |j| sample + i * width + j))
    }

    fn axis(&self, axis: usize, output: usize, length: usize) -> impl Iterator<Item = usize> + use<> {
        let (start, step, padding) = (output * self.stride[axis], self.dilation[axis], self.padding[axis]);
        (0..self.kernel[axis])
            .filter_map(move |tap| (start + tap * step).checked_sub(padding))
            .filter(move |&at| at < length)
    }

    /// For every output place the sum over its window.
    pub(super) fn sums(&self, field: &[f64]) -> Vec<f64> {
        (0..self.output.places()).map(|place| self.seen_by(place).map(|p| field[p]).sum()).collect()
    }
}
