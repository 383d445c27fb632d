//! Questions asked of many runs: what a claim predicts, measured over activations and seeds.
//!
//! [`train`] runs one network for a number of steps and looks at its tape on the way; [`normalization_property`] and
//! [`gradient_flatness`] say how well a claim's condition holds; [`clustered_spearman`] and [`Summary`] give a number
//! with its uncertainty; [`StudyFolder`] keeps everything.

mod bootstrap;
mod course;
mod dense;
mod family;
mod fit;
mod folder;
mod property;
mod rank;

pub use crate::statistics::Summary;
pub use bootstrap::{RankCorrelation, clustered_spearman};
pub use course::{Course, Probe, train};
pub use dense::dense_rows;
pub use family::Family;
pub use fit::{deviation, slope};
pub use folder::StudyFolder;
pub use property::{gradient_flatness, normalization_property};
pub use rank::{NoCorrelation, ranks, spearman};
