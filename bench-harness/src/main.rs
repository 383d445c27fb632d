//! The `anact` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench_harness::command::main()
}
