//! What the pooling ops share: their settings and shapes.

use crate::error::{Error, Result};
use crate::kernels::pool::Window;
use crate::kernels::window::Axis;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The window that slides over `x`, (N, C, H, W), and the shape of what comes out, (N, C, OH, OW).
pub(super) fn window<S: Scalar>(
    op: &'static str,
    x: &Tensor<S>,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<(Window, Shape)> {
    let &[samples, channels, h, w] = x.dims() else {
        let legal = "4 axes (N, C, H, W)".into();
        return Err(Error::Operand { op, what: "the input", shape: x.shape(), legal });
    };
    for (what, value) in [("kernel", kernel), ("stride", stride)] {
        if value.contains(&0) {
            return Err(Error::Argument {
                op,
                what: format!("{what} {value:?}"),
                legal: "at least 1".into(),
            });
        }
    }
    // Then every window covers part of the image.
    if (0..2).any(|axis| padding[axis] > kernel[axis] / 2) {
        let what = format!("padding {padding:?} with kernel {kernel:?}");
        return Err(Error::Argument { op, what, legal: "at most half the kernel".into() });
    }
    let axis = |axis: usize, input: usize| {
        let fits = Axis::new(input, kernel[axis], stride[axis], padding[axis], 1).filter(|_| input > 0);
        fits.ok_or_else(|| {
            let legal = format!("an image into which the kernel {kernel:?} fits with padding {padding:?}");
            Error::Operand { op, what: "the input", shape: x.shape(), legal }
        })
    };
    let window = Window { height: axis(0, h)?, width: axis(1, w)? };
    Ok((window, Shape::new(&[samples, channels, window.height.output, window.width.output])?))
}
