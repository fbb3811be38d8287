//! Measures cf-mtls against bare reqwest that does the same work.
//!
//! Every measurement is a process of its own, so that peak memory is told
//! apart; ours and bare take turns, so that a busy machine is unfair to both
//! alike. Only ratios matter.

mod bare;
mod canned;
mod program;
mod report;
mod scenario;
mod side;
mod simulator;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures cf-mtls against bare reqwest that does the same work.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Runs of each measurement; the median counts.
    #[arg(long, default_value_t = 7)]
    runs: usize,

    /// Only counts instructions and allocations.
    #[arg(long)]
    counts: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Answers with canned bytes, on a port that it prints.
    Serve,
    /// Runs one scenario once, and prints what it took.
    Run {
        scenario: scenario::Scenario,
        client: side::Side,
        /// How many operations.
        count: usize,
        /// Where the canned answers are.
        port: u16,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One thread, so that what is counted is the client's work and not the
    // chance of scheduling.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| match arguments.command {
        None => report::run(arguments.runs, arguments.counts),
        Some(Command::Serve) => runtime.block_on(canned::serve()),
        Some(Command::Run { scenario, client, count, port }) => {
            runtime.block_on(scenario::run(scenario, client, count, port))
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
