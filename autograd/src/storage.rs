//! What a tensor's clones share.

use std::fmt::{self, Debug};
use std::ops::Deref;
use std::sync::Arc;

use crate::kernels::buffer::{self, Buffer};
use crate::scalar::Scalar;

/// Up to this many bytes are copied into the allocation that counts the references: on a tape of single numbers a
/// second allocation per value would cost more than all else.
const INLINE: usize = 1024;

/// Reference-counted numbers.
pub(crate) enum Storage<S> {
    Small(Arc<[S]>),
    Large(Arc<Buffer<S>>),
}

impl<S: Scalar> Storage<S> {
    pub(crate) fn new(data: Vec<S>) -> Self {
        if size_of_val(&*data) <= INLINE {
            Self::Small(data.into())
        } else {
            Self::Large(Arc::new(Buffer::new(data)))
        }
    }

    /// The numbers for writing, if nobody else holds them.
    pub(crate) fn unshared_mut(&mut self) -> Option<&mut [S]> {
        match self {
            Self::Small(data) => Arc::get_mut(data),
            Self::Large(data) => Arc::get_mut(data).map(|data| &mut **data),
        }
    }

    /// The numbers for writing; copied first if somebody else holds them.
    pub(crate) fn to_mut(&mut self) -> &mut [S] {
        if self.unshared_mut().is_none() {
            *self = Self::new(buffer::copy(self));
        }
        self.unshared_mut().expect("a fresh copy is not shared")
    }
}

impl<S> Storage<S> {
    /// Which allocation this is, for telling shared ones from others; never followed.
    pub(crate) fn address(&self) -> usize {
        match self {
            Self::Small(data) => Arc::as_ptr(data).addr(),
            Self::Large(data) => Arc::as_ptr(data).addr(),
        }
    }
}

// A derive would ask for `S: Clone`, which reference counting does not need.
impl<S> Clone for Storage<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Small(data) => Self::Small(Arc::clone(data)),
            Self::Large(data) => Self::Large(Arc::clone(data)),
        }
    }
}

impl<S> Deref for Storage<S> {
    type Target = [S];
    fn deref(&self) -> &[S] {
        match self {
            Self::Small(data) => data,
            Self::Large(data) => data,
        }
    }
}

impl<S: Debug> Debug for Storage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<S: PartialEq> PartialEq for Storage<S> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
