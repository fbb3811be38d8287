//! A whole program that prints a list: the command line, or one of bare reqwest.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use crate::side::{ACCOUNT, Side, TOKEN};

/// Where the command line is: `cargo xtask bench` builds it beside this program.
pub(crate) fn path() -> anyhow::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name("cf-mtls"))
}

/// Sets what the command line reads of the environment.
pub(crate) fn with_environment(command: &mut Command, port: u16) -> &mut Command {
    command
        .env("CLOUDFLARE_BASE_URL", format!("http://127.0.0.1:{port}/client/v4"))
        .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
        .env("CLOUDFLARE_API_TOKEN", TOKEN)
}

/// Runs the program from its start to its end, and prints seconds and kibibytes.
pub(crate) fn run(side: Side, form: &str, pages: usize, port: u16) -> anyhow::Result<()> {
    let pages = pages.to_string();
    let mut command = match side {
        Side::Ours => {
            let mut command = Command::new(path()?);
            command.args(["list", "-o", form, "--name", &pages]);
            command
        }
        Side::Bare => {
            let mut command = Command::new(env::current_exe()?);
            command.args(["run", "print", "bare", &pages, &port.to_string()]);
            command
        }
    };
    with_environment(&mut command, port).stdout(Stdio::null());
    let begun = Instant::now();
    let status =
        command.status().context("cannot run the program; `cargo xtask bench` builds it first")?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(status.success(), "failed: {command:?}");
    // There was no other child.
    println!("{seconds} {}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(())
}
