//! `cargo xtask bench`: runs the measurements of `cf-mtls-bench`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Measures what the client costs at run time, or with `build` what it costs to build.
pub(crate) fn run(root: &Path, build: bool, runs: usize) -> anyhow::Result<()> {
    let bench = "-p cf-mtls-bench --bin";
    if build {
        return cargo(root, &format!("run --quiet {bench} build-cost -- {runs}"));
    }
    // The program that is measured stands beside the one that measures.
    cargo(root, "build --quiet --release -p cf-mtls-cli -p cf-mtls-bench")?;
    cargo(root, &format!("run --quiet --release {bench} cf-mtls-bench -- --runs {runs}"))
}

fn cargo(root: &Path, arguments: &str) -> anyhow::Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root).args(arguments.split_whitespace());
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "failed: {command:?}");
    Ok(())
}
