//! The sizes of one convolution.

use crate::error::{Error, Result};
use crate::kernels::window::Axis;
use crate::shape::Shape;

/// How a convolution's window moves. Pairs are (height, width).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Zeros added at both ends.
    pub padding: [usize; 2],
    /// Distance between the taps of a window.
    pub dilation: [usize; 2],
    /// Channels are cut into this many groups, each convolved on its own.
    pub groups: usize,
    /// Sums by the definition only, never transforms that need fewer multiplications.
    pub exact: bool,
}

/// Everything a convolution kernel needs to know besides the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// N.
    pub samples: usize,
    /// C / groups.
    pub channels: usize,
    /// O / groups.
    pub outputs: usize,
    /// The number of groups.
    pub groups: usize,
    /// Rows.
    pub height: Axis,
    /// Columns.
    pub width: Axis,
    /// Sums by the definition only.
    pub exact: bool,
}

impl Geometry {
    /// The sizes of convolving `x`, (N, C, H, W), with `weight`, (O, C / groups, KH, KW), and `bias`, (O).
    ///
    /// # Errors
    /// Shapes or settings that do not fit; they carry the name of `op`.
    pub fn new(
        op: &'static str,
        settings: &Settings,
        x: Shape,
        weight: Shape,
        bias: Option<Shape>,
    ) -> Result<Self> {
        let operand = |what, shape, legal: String| Error::Operand { op, what, shape, legal };
        let Settings { stride, padding, dilation, groups, exact } = *settings;
        for (what, value) in [("stride", stride), ("dilation", dilation), ("groups", [groups; 2])] {
            if value.contains(&0) {
                return Err(Error::Argument { op, what: format!("{what} 0"), legal: "at least 1".into() });
            }
        }
        let &[samples, channels, h, w] = x.dims() else {
            return Err(operand("the input", x, "4 axes (N, C, H, W)".into()));
        };
        let &[outputs, group_channels, kh, kw] = weight.dims() else {
            return Err(operand("the weight", weight, "4 axes (O, C / groups, KH, KW)".into()));
        };
        if channels % groups != 0 {
            return Err(operand(
                "the input",
                x,
                format!("a multiple of {groups} channels, one set per group"),
            ));
        }
        if group_channels != channels / groups {
            let legal = format!("{} on axis 1: {channels} channels in {groups} groups", channels / groups);
            return Err(operand("the weight", weight, legal));
        }
        if outputs == 0 || outputs % groups != 0 {
            let legal = format!("a positive multiple of {groups} outputs, one set per group");
            return Err(operand("the weight", weight, legal));
        }
        if bias.is_some_and(|b| b.dims() != [outputs]) {
            return Err(operand("the bias", bias.unwrap_or_default(), format!("[{outputs}]")));
        }
        let axis = |i: usize, input, kernel| {
            Axis::new(input, kernel, stride[i], padding[i], dilation[i]).ok_or(Error::Shapes {
                op,
                left: x,
                right: weight,
                rule: "the kernel must have at least one tap per axis and fit into the padded input",
            })
        };
        let geometry = Self {
            samples,
            channels: group_channels,
            outputs: outputs / groups,
            groups,
            height: axis(0, h, kh)?,
            width: axis(1, w, kw)?,
            exact,
        };
        // The output may have more elements than can be counted.
        Shape::new(&geometry.output_dims()).map(|_| geometry)
    }

    /// (N, O, OH, OW).
    pub fn output_dims(&self) -> [usize; 4] {
        [self.samples, self.groups * self.outputs, self.height.output, self.width.output]
    }

    /// Elements of one channel of the input: H·W.
    pub(super) fn input_plane(&self) -> usize {
        self.height.input * self.width.input
    }

    /// Elements of one channel of the output: OH·OW.
    pub(super) fn output_plane(&self) -> usize {
        self.height.output * self.width.output
    }

    /// Elements of one sample of the input.
    pub(super) fn input_sample(&self) -> usize {
        self.groups * self.channels * self.input_plane()
    }

    /// Elements of one sample of the output.
    pub(super) fn output_sample(&self) -> usize {
        self.groups * self.outputs * self.output_plane()
    }

    /// Taps of the window in one channel: KH·KW.
    pub(super) fn window(&self) -> usize {
        self.height.kernel * self.width.kernel
    }

    /// Products in each sum: C/groups · KH · KW.
    pub(super) fn taps(&self) -> usize {
        self.channels * self.window()
    }

    /// Elements of the weight of one group.
    pub(super) fn group_weight(&self) -> usize {
        self.outputs * self.taps()
    }

    /// Whether the columns of a sample are the sample itself: 1×1, stride 1, no padding.
    pub(super) fn is_pointwise(&self) -> bool {
        [self.height, self.width].iter().all(|a| a.kernel == 1 && a.stride == 1 && a.padding == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misfits_are_named() {
        let plain = Settings { stride: [1; 2], padding: [0; 2], dilation: [1; 2], groups: 1, exact: false };
        let error = |settings, x: &[usize], w: &[usize], b: Option<usize>| {
            let shape = |d: &[usize]| Shape::new(d).unwrap();
            Geometry::new("conv2d", &settings, shape(x), shape(w), b.map(|b| shape(&[b])))
                .unwrap_err()
                .to_string()
        };
        let (x, w) = ([2, 4, 5, 6], [6, 4, 3, 3]);
        let cases = [
            (error(plain, &x[1..], &w, None), "the input has shape [4, 5, 6], want 4 axes (N, C, H, W)"),
            (error(plain, &x, &w[1..], None), "the weight has shape [4, 3, 3]"),
            (error(plain, &x, &[6, 3, 3, 3], None), "4 on axis 1: 4 channels in 1 groups"),
            (error(Settings { groups: 3, ..plain }, &x, &w, None), "a multiple of 3 channels"),
            (error(Settings { groups: 4, ..plain }, &x, &[6, 1, 3, 3], None), "a positive multiple of 4"),
            (error(Settings { groups: 0, ..plain }, &x, &w, None), "groups 0; want at least 1"),
            (error(Settings { stride: [1, 0], ..plain }, &x, &w, None), "stride 0; want at least 1"),
            (error(Settings { dilation: [0, 1], ..plain }, &x, &w, None), "dilation 0; want at least 1"),
            (error(plain, &x, &w, Some(5)), "the bias has shape [5], want [6]"),
            (error(plain, &x, &[6, 4, 6, 3], None), "fit into the padded input"),
            (error(Settings { dilation: [1, 3], ..plain }, &x, &w, None), "fit into the padded input"),
            (error(plain, &x, &[6, 4, 0, 3], None), "at least one tap per axis"),
        ];
        for (text, part) in cases {
            assert!(text.starts_with("conv2d: ") && text.contains(part), "{text}");
        }
    }
}
