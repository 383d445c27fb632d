//! Training runs: their settings, the training loop, what is shown meanwhile and what is left behind.

mod card;
mod ensemble;
mod epoch;
mod evaluation;
mod history;
mod inspection;
mod interrupt;
mod lines;
mod log;
mod memory;
mod model;
mod options;
mod parameters;
mod progress;
mod quantities;
mod recording;
mod session;
mod settings;
mod step;
mod stops;
mod theory;
mod trainer;
mod watch;

pub use card::{BEST, LAST, ModelCard};
pub use ensemble::{Compared, Ensemble, LayerMeans, Mean, Scale, TheoryMeans};
pub use epoch::EpochMetrics;
pub use evaluation::{Confusion, Evaluation, Metrics, Tally, evaluate};
pub use history::{RunHistory, Status};
pub use inspection::{Inspections, LayersAtStep};
pub use interrupt::Interrupt;
pub use lines::{ImageCounts, LayersLine, ResultLine, StartLine, TestResult};
pub use log::{LOGS, Log};
pub use memory::{MemoryPlan, StepMemory, measure_memory, plan_memory};
pub use model::build_model;
pub use options::Options;
pub(crate) use options::unknown_key;
pub use progress::Progress;
#[cfg(feature = "tui")]
pub(crate) use progress::epoch_line;
pub use quantities::{
    CAUSES, Cause, DELTA, FACTOR, GENERAL_FORM, MEASURED_RATIOS, PER_SAMPLE, PER_UNIT, QUANTITIES, Quantity,
    THEORIES, TWO_STATE, Theory, WEIGHT_GRADIENT,
};
pub use recording::Recording;
pub use session::{Keeping, Measurement, Outcome, Pace, RunContext, Session};
pub use settings::{GroupOption, JitterOption, ScheduleSettings, Settings};
pub(crate) use settings::{WITHOUT_EFFECT, one_of};
pub use step::{Step, Targets, step_arrays};
pub use theory::{CAVEAT, Cotangent, Input, TheoryComparison, compare_with_theory, pair};
pub use trainer::{Place, StepMetrics, StepTimes, Trainer};
pub use watch::{RunBegins, StepTaken, Wants, Watch, Watchers, Wish};
