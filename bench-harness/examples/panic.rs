//! Panics while the dashboard has the terminal, on the thread that trains or on another one; `tests/faults/terminal.sh` looks
//! whether the terminal is as it was.
//!
//!     cargo run --example panic -- trainer|thread

use std::thread;
use std::time::Duration;

use bench_harness::dashboard::Dashboard;
use bench_harness::run::{Interrupt, RunBegins, Settings, Watch};

fn main() {
    let which = std::env::args().nth(1).unwrap_or_default();
    let settings = Settings::default();
    let mut dashboard = Dashboard::new(Interrupt::default());
    let run = RunBegins {
        label: "a panic",
        settings: &settings,
        classes: &[],
        steps_per_epoch: 10,
        taken: 0,
        epochs: &[],
    };
    dashboard.begin(&run).expect("a dashboard begins");
    thread::sleep(Duration::from_secs(2));
    match which.as_str() {
        "trainer" => panic!("on purpose, on the thread that trains"),
        _ => thread::spawn(|| panic!("on purpose, on another thread")).join().expect_err("it panics"),
    };
    // The run may go on after it; the dashboard is gone.
    thread::sleep(Duration::from_secs(2));
}
