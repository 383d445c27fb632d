//! Reference-counted, contiguous, row-major arrays. They know nothing of gradients.

use crate::error::{Error, Result};
use crate::kernels::{buffer, map};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::storage::Storage;

/// An immutable array. Clones and reshapes share the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor<S> {
    data: Storage<S>,
    shape: Shape,
}

impl<S: Scalar> Tensor<S> {
    /// A tensor of `shape` holding `data` in row-major order.
    ///
    /// # Errors
    /// `data` does not fill the shape exactly.
    pub fn new(shape: impl Into<Shape>, data: Vec<S>) -> Result<Self> {
        let shape = shape.into();
        if data.len() != shape.len() {
            return Err(Error::Elements { elements: data.len(), shape });
        }
        Ok(Self { data: Storage::new(data), shape })
    }

    /// [`Tensor::new`] for ops, whose kernels produce exactly `shape.len()` elements. Panics otherwise.
    pub fn filled(shape: Shape, data: Vec<S>) -> Self {
        assert_eq!(data.len(), shape.len(), "an op's result fills its shape {shape}");
        Self { data: Storage::new(data), shape }
    }

    /// Every element equal to `value`.
    pub fn full(shape: impl Into<Shape>, value: S) -> Self {
        let shape = shape.into();
        let mut data = buffer::to_overwrite(shape.len());
        data.fill(value);
        Self { data: Storage::new(data), shape }
    }

    /// Every element 0.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Self { data: Storage::new(buffer::zeros(shape.len())), shape }
    }

    /// A single number.
    pub fn scalar(value: S) -> Self {
        Self { data: Storage::new(vec![value]), shape: Shape::SCALAR }
    }

    /// One axis holding `data`.
    pub fn vector(data: Vec<S>) -> Self {
        Self { shape: Shape::from([data.len()]), data: Storage::new(data) }
    }

    /// The elements, row-major.
    pub fn data(&self) -> &[S] {
        &self.data
    }

    /// The elements for writing; copied first if another tensor shares them.
    pub fn data_mut(&mut self) -> &mut [S] {
        self.data.to_mut()
    }

    /// Adds `part`, in place where nobody else holds the elements. Otherwise this gets elements of its own, and the tensor
    /// that it was is returned.
    pub(crate) fn accumulate(&mut self, part: &Self) -> Option<Self> {
        if let Some(sum) = self.data.unshared_mut() {
            map::add_assign(sum, part.data());
            return None;
        }
        let sum = map::map2(self.data(), part.data(), |a, b| a + b);
        Some(std::mem::replace(self, Self::filled(part.shape, sum)))
    }

    /// Gives up the data and keeps the shape. Nothing may read the elements afterwards.
    pub(crate) fn release(&mut self) {
        self.data = Storage::new(Vec::new());
    }

    /// Which buffer this is, for telling shared ones from others; never followed.
    pub(crate) fn address(&self) -> usize {
        self.data.address()
    }

    /// The bytes of all elements.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.data)
    }

    /// The axis lengths.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The axis lengths as a slice.
    pub fn dims(&self) -> &[usize] {
        self.shape.dims()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The number in a tensor of one element.
    ///
    /// # Errors
    /// Any other number of elements.
    pub fn item(&self) -> Result<S> {
        match &*self.data {
            [x] => Ok(*x),
            _ => Err(Error::NotScalar { shape: self.shape }),
        }
    }

    /// The same elements under another shape; shares the data.
    ///
    /// # Errors
    /// The element counts differ.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        if shape.len() != self.len() {
            return Err(Error::Elements { elements: self.len(), shape });
        }
        Ok(Self { data: self.data.clone(), shape })
    }

    /// [`Tensor::reshape`] where the caller has made sure that the counts agree.
    pub(crate) fn with_shape(&self, shape: Shape) -> Self {
        debug_assert_eq!(shape.len(), self.len());
        Self { data: self.data.clone(), shape }
    }

    /// The elements in another scalar type, through `f64`; tangents are dropped.
    pub fn cast<T: Scalar>(&self) -> Tensor<T> {
        Tensor::filled(self.shape, self.data.iter().map(|x| T::from_f64(x.to_f64())).collect())
    }

    /// Whether both tensors share one buffer.
    pub fn shares_data_with(&self, other: &Self) -> bool {
        self.data.address() == other.data.address()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_must_fill_the_shape() {
        let text = Tensor::new([2, 3], vec![1.0f32; 5]).unwrap_err().to_string();
        assert_eq!(text, "tensor: 5 elements given for shape [2, 3], which holds 6");
        assert!(Tensor::<f64>::new([0, 4], vec![]).unwrap().is_empty());
    }

    #[test]
    fn a_sum_that_is_shared_is_left_as_it_was() {
        let (mut sum, part) = (Tensor::vector(vec![1.0f64, 2.0]), Tensor::vector(vec![10.0, 20.0]));
        assert_eq!(sum.accumulate(&part), None);
        let shared = sum.clone();
        assert!(sum.accumulate(&part).unwrap().shares_data_with(&shared));
        assert_eq!((shared.data(), sum.data()), (&[11.0, 22.0][..], &[21.0, 42.0][..]));
    }

    #[test]
    fn writing_to_a_clone_leaves_the_original() {
        let a = Tensor::vector(vec![1.0f64, 2.0]);
        let mut b = a.clone();
        assert!(a.shares_data_with(&b));
        b.data_mut()[0] = 9.0;
        assert_eq!(a.data(), [1.0, 2.0]);
        assert_eq!(b.data(), [9.0, 2.0]);
    }
}
