//! The command `cf-mtls`: Cloudflare's mTLS certificates from a terminal or a
//! script.

mod cli;
mod commands;
mod context;
mod credentials;
mod input;
mod options;
mod report;
mod terminal;
mod trace;
mod view;
mod zone;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (cli, asked) = match cli::parse() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let reporter = cli.global.reporter();
    trace::begin(cli.global.verbose, cli.global.quiet);
    let outcome = cli::run(cli, &asked);
    reporter.finish(outcome)
}
