//! The subcommands, one file each.

pub(crate) mod associations;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod hostnames;
pub(crate) mod list;
pub(crate) mod prune;
pub(crate) mod release;
pub(crate) mod rotate;
#[cfg(feature = "simulate")]
pub(crate) mod simulate;
pub(crate) mod upload;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs the command of the arguments.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    if let Command::Completions(arguments) = &cli.command {
        return completions::run(arguments);
    }
    let context = Context::new(cli.global)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(Exit::Other, "io", "the runtime cannot be started").with_cause(error)
    })?;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::List(arguments) => list::run(&context, arguments).await,
            Command::Get(arguments) => get::run(&context, arguments).await,
            Command::Upload(arguments) => upload::run(&context, arguments).await,
            Command::Delete(arguments) => delete::run(&context, arguments).await,
            Command::Associations(arguments) => associations::run(&context, arguments).await,
            Command::Hostnames(arguments) => hostnames::run(&context, arguments).await,
            Command::Release(arguments) => release::run(&context, arguments).await,
            Command::Rotate(arguments) => rotate::run(&context, arguments).await,
            Command::Prune(arguments) => prune::run(&context, arguments).await,
            #[cfg(feature = "simulate")]
            Command::Simulate(arguments) => simulate::run(&context, arguments).await,
            Command::Completions(arguments) => completions::run(&arguments),
        }
    });
    // A question that nobody answered would hold the process.
    runtime.shutdown_background();
    outcome
}
