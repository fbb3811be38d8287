//! A whole program that prints a list: the command line, or one of bare reqwest.

use std::env;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use crate::side::Side;

/// Runs the program from its start to its end, and prints seconds and kibibytes.
pub(crate) fn run(
    side: Side,
    pages: usize,
    base_url: &str,
    account: &str,
    token: &str,
) -> anyhow::Result<()> {
    let this = env::current_exe()?;
    let pages = pages.to_string();
    let mut command = match side {
        Side::Ours => {
            let mut command = Command::new(this.with_file_name("cf-mtls"));
            command.args(["list", "--name", &pages, "--base-url", base_url]);
            command
        }
        Side::Bare => {
            let mut command = Command::new(this);
            let port = base_url.rsplit(':').next().and_then(|rest| rest.split('/').next());
            let port = port.context("no port")?;
            command.args(["run", "print", "bare", &pages, port]);
            command
        }
    };
    command
        .env("CLOUDFLARE_ACCOUNT_ID", account)
        .env("CLOUDFLARE_API_TOKEN", token)
        .stdout(Stdio::null());
    let begun = Instant::now();
    let status =
        command.status().context("cannot run the program; `cargo xtask bench` builds it first")?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(status.success(), "failed: {command:?}");
    // There was no other child.
    println!("{seconds} {}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(())
}
