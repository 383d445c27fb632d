//! The known data sets, one file per family: its folder, its files, its classes and what is official.

pub(crate) mod cifar;
pub(crate) mod embedded;
mod expected;
pub(crate) mod image_folder;
pub(crate) mod mnist;
pub(crate) mod tiny_imagenet;
