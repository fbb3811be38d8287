//! Maintenance tasks of the workspace: `cargo xtask <task>`.

mod bench;
mod codegen;
mod fragment;
mod upstream;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

/// Maintenance tasks of the cf-mtls workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
enum Task {
    /// Write the generated code from openapi/mtls.json.
    Codegen {
        /// Write nothing; show what would change, and fail if anything would.
        #[arg(long)]
        check: bool,
    },
    /// Compare what Cloudflare publishes with openapi/upstream.json, or without a
    /// document, openapi/mtls.json with it.
    ///
    /// Exits with 0 if nothing changed, with 1 if something did, and with 2 if it could
    /// not tell.
    Drift(upstream::Arguments),
    /// Measure the client against bare reqwest, and print tables.
    Bench {
        /// Measure what it costs a consumer to build, instead of run time.
        #[arg(long)]
        build: bool,
        /// Runs of each measurement; the median counts.
        #[arg(long, default_value_t = 7)]
        runs: usize,
    },
}

fn main() -> ExitCode {
    let root = workspace_root();
    let (outcome, failure) = match Task::parse() {
        Task::Bench { build, runs } => {
            let bench = root.and_then(|root| bench::run(&root, build, runs));
            (bench.map(|()| 0), 1)
        }
        Task::Codegen { check } => {
            let codegen = root.and_then(|root| codegen::run(&root, check));
            (codegen.map(|()| 0), 1)
        }
        // There, 1 is a result.
        Task::Drift(arguments) => (root.and_then(|root| upstream::run(&root, &arguments)), 2),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(failure)
        }
    }
}

/// Cargo names the package that it runs, so the task works from any folder.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
    let root = Path::new(&package).parent().context("xtask stands outside of a workspace")?;
    Ok(root.to_owned())
}
