//! Maintenance tasks of the workspace: `cargo xtask <task>`.

mod bench;
mod codegen;
mod diff;
mod drift;
mod fragment;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Maintenance tasks of the cf-mtls workspace.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write the generated code from openapi/mtls.json.
    Codegen {
        /// Write nothing; show what would change, and fail if anything would.
        #[arg(long)]
        check: bool,
    },
    /// Compare openapi/mtls.json with a document that Cloudflare published.
    ///
    /// Exits with 0 where every difference is recorded, with 1 on drift, and
    /// with 2 where it could not tell.
    Drift {
        /// Path of an openapi.json or openapi.yaml, or `-` for standard input.
        document: String,
        /// How to write the findings.
        #[arg(long, value_enum, default_value = "text")]
        format: drift::Format,
    },
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
    let arguments = Arguments::parse();
    let root = workspace_root();
    let (outcome, failure) = match arguments.task {
        Task::Bench { build, runs } => {
            let task = if build { bench::build_cost } else { bench::run };
            (root.and_then(|root| task(&root, runs)).map(|()| 0), 1)
        }
        Task::Codegen { check } => (
            root.and_then(|root| codegen::run(&root, check)).map(|()| 0),
            1,
        ),
        // There, 1 is an answer.
        Task::Drift { document, format } => (
            root.and_then(|root| drift::run(&root, &document, format)),
            2,
        ),
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
    let root = Path::new(&package)
        .parent()
        .context("xtask stands outside of a workspace")?;
    Ok(root.to_owned())
}
