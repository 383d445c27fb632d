//! The `anact` command.

use std::process::ExitCode;

use autograd::kernels::huge_pages::HugePages;

/// Training goes over arrays of many megabytes again and again.
#[global_allocator]
static ALLOCATOR: HugePages = HugePages;

fn main() -> ExitCode {
    bench_harness::command::main()
}
