//! Bilinear resizing with antialiasing.

use super::Region;

/// A prepared change of size: from a region of so many rows and columns to a window of the resized picture.
///
/// Output row i lies at c = (i + ½) s in the region's rows, where s is the quotient of the heights. It is the mean of the rows
/// j at j + ½ with the weights max(0, 1 − |j + ½ − c| / max(s, 1)), divided by their sum; columns likewise. So enlarging is
/// plain bilinear interpolation, and shrinking averages over all that an output pixel covers. This is what Pillow's
/// `BILINEAR` and PyTorch's `interpolate(mode="bilinear", antialias=True, align_corners=False)` compute, and so torchvision's
/// `resize`; `antialias=False`, which takes the two nearest rows however much is shrunk, is not offered.
///
/// Rows first, then columns, in `f32`; nothing is rounded to bytes.
#[derive(Debug, Clone, Default)]
pub struct Resize {
    rows: Taps,
    columns: Taps,
    /// One output row between the two passes.
    row: Vec<f32>,
}

/// For each output place, the same number of neighbouring inputs and their weights.
#[derive(Debug, Clone, Default)]
struct Taps {
    count: usize,
    starts: Vec<usize>,
    weights: Vec<f32>,
}

impl Resize {
    /// Writes a window of the resized region, each channel in turn, on the 0 to 1 scale: `output` is C, `window.height`,
    /// `window.width`. `size` is the height and width to which the region is resized, and the window lies inside of that.
    ///
    /// `pixels` is C, H, W with `size_of_picture` = [H, W], and `region` lies inside of it.
    pub fn write(
        &mut self,
        pixels: &[u8],
        [height, width]: [usize; 2],
        region: Region,
        size: [usize; 2],
        window: Region,
        output: &mut [f32],
    ) {
        self.rows.prepare(region.height, size[0], window.top, window.height);
        self.columns.prepare(region.width, size[1], window.left, window.width);
        self.row.resize(region.width, 0.0);
        let outputs = output.chunks_exact_mut(window.height * window.width);
        for (plane, output) in pixels.chunks_exact(height * width).zip(outputs) {
            for (i, output) in output.chunks_exact_mut(window.width).enumerate() {
                let (start, weights) = self.rows.at(i);
                self.row.fill(0.0);
                for (j, &weight) in weights.iter().enumerate() {
                    let from = (region.top + start + j) * width + region.left;
                    for (sum, &byte) in self.row.iter_mut().zip(&plane[from..][..region.width]) {
                        *sum += weight * f32::from(byte);
                    }
                }
                self.columns.apply(&self.row, output);
            }
        }
    }
}

impl Taps {
    /// Those of output places `first..first + outputs` of `size`, over `inputs` inputs.
    fn prepare(&mut self, inputs: usize, size: usize, first: usize, outputs: usize) {
        let scale = inputs as f64 / size as f64;
        let reach = scale.max(1.0);
        // From (c − reach + ½) to (c + reach + ½), cut to integers, are at most so many places; one more by rounding has no weight.
        self.count = ((2.0 * reach).ceil() as usize).min(inputs);
        self.starts.clear();
        self.weights.clear();
        for i in first..first + outputs {
            let centre = (i as f64 + 0.5) * scale;
            let from = (centre - reach + 0.5).max(0.0) as usize;
            let to = ((centre + reach + 0.5) as usize).min(inputs);
            let weight = |j: usize| (1.0 - (j as f64 + 0.5 - centre).abs() / reach).max(0.0);
            let sum: f64 = (from..to).map(weight).sum();
            let start = from.min(inputs - self.count);
            self.starts.push(start);
            let inside = |j: &usize| (from..to).contains(j);
            let weights = (start..start + self.count).map(|j| if inside(&j) { weight(j) / sum } else { 0.0 });
            self.weights.extend(weights.map(|weight| weight as f32));
        }
    }

    fn at(&self, i: usize) -> (usize, &[f32]) {
        (self.starts[i], &self.weights[i * self.count..][..self.count])
    }

    /// Weighted sums of `row`, which holds bytes' values, divided by 255.
    fn apply(&self, row: &[f32], output: &mut [f32]) {
        // Enlarging takes two places: known to the compiler, that is several times as fast as a loop.
        if self.count == 2 {
            let (weights, _) = self.weights.as_chunks::<2>();
            for ((output, &start), [a, b]) in output.iter_mut().zip(&self.starts).zip(weights) {
                *output = (row[start] * a + row[start + 1] * b) / 255.0;
            }
            return;
        }
        for (i, output) in output.iter_mut().enumerate() {
            let (start, weights) = self.at(i);
            let terms = row[start..][..self.count].iter().zip(weights);
            *output = terms.map(|(value, weight)| value * weight).sum::<f32>() / 255.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(pixels: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
        let mut output = vec![0.0; pixels.len() / (from[0] * from[1]) * to[0] * to[1]];
        let mut resize = Resize::default();
        resize.write(pixels, from, Region::whole(from), to, Region::whole(to), &mut output);
        output.iter().map(|x| x * 255.0).collect()
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let pixels: Vec<u8> = (0..=255).collect();
        let mut output = vec![0.0; 256];
        let (region, mut resize) = (Region::whole([16, 8]), Resize::default());
        resize.write(&pixels, [16, 8], region, [16, 8], region, &mut output);
        for (value, byte) in output.iter().zip(pixels) {
            assert_eq!(*value, f32::from(byte) / 255.0);
        }
    }

    /// By hand: enlarging 0, 100 to four places has them at −¼, ¼, ¾, 1¼ of the way; shrinking 0, 60, 120, 180 to two gives
    /// weights 3, 3, 1 (of the triangle of reach 2 around 1: 0.75, 0.75, 0.25), so (3·0 + 3·60 + 120) / 7 and its mirror.
    #[test]
    fn weights_by_hand() {
        let wide = resized(&[0, 100], [1, 2], [1, 4]);
        for (found, expected) in wide.iter().zip([0.0, 25.0, 75.0, 100.0]) {
            assert!((found - expected).abs() < 1e-4, "{wide:?}");
        }
        for (from, to) in [([1, 4], [1, 2]), ([4, 1], [2, 1])] {
            let narrow = resized(&[0, 60, 120, 180], from, to);
            for (found, expected) in narrow.iter().zip([300.0 / 7.0, 960.0 / 7.0]) {
                assert!((found - expected).abs() < 1e-4, "{narrow:?}");
            }
        }
        assert_eq!(resized(&[7], [1, 1], [3, 2]), [7.0; 6]);
    }
}
