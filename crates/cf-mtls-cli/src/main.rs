//! The command `cf-mtls`: Cloudflare's mTLS certificates from a terminal or a
//! script.

mod candidates;
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
    let (cli, words, tokens) = match cli::parse() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let reporter = cli.global.reporter();
    trace::begin(cli.global.verbose, cli.global.quiet);
    let outcome = cli::run(cli, words, tokens);
    reporter.finish(outcome)
}
