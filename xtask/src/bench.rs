//! `cargo xtask bench`: runs the measurements of `cf-mtls-bench`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Measures what the client costs at run time, or with `build` what it costs to build.
pub(crate) fn run(root: &Path, build: bool, runs: usize) -> anyhow::Result<()> {
    let runs = runs.to_string();
    if build {
        return cargo(
            root,
            &[
                "run",
                "--quiet",
                "-p",
                "cf-mtls-bench",
                "--bin",
                "build-cost",
                "--",
                &runs,
            ],
        );
    }
    // The program that is measured stands beside the one that measures.
    cargo(
        root,
        &["build", "--quiet", "--release", "-p", "cf-mtls-cli"],
    )?;
    let bench = [
        "run",
        "--quiet",
        "--release",
        "-p",
        "cf-mtls-bench",
        "--bin",
    ];
    cargo(
        root,
        &[&bench[..], &["cf-mtls-bench", "--", "--runs", &runs]].concat(),
    )?;
    println!();
    cargo(root, &[&bench[..], &["allocations"]].concat())
}

fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(env!("CARGO"));
    let status = command.current_dir(root).args(arguments).status();
    let status = status.with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "failed: {command:?}");
    Ok(())
}
