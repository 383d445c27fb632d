//! Training runs: their settings, the training loop, what is shown meanwhile and what is left behind.

mod evaluation;
mod interrupt;
mod memory;
mod model;
mod options;
mod progress;
mod recording;
mod session;
mod settings;
mod step;
mod theory;
mod trainer;

pub use evaluation::Metrics;
pub use interrupt::Interrupt;
pub use memory::{MemoryPlan, StepMemory, measure_memory, plan_memory};
pub use model::build_model;
pub use options::Options;
pub use progress::Progress;
pub use recording::Recording;
pub use session::{Outcome, Session, load_data};
pub use settings::Settings;
pub use step::{Step, step_arrays};
pub use theory::{CAVEAT, TheoryComparison, compare_with_theory};
pub use trainer::{EpochMetrics, Place, Trainer};
