//! The command `cf-mtls`: Cloudflare's mTLS certificates from a terminal or a
//! script.

mod cli;
mod commands;
mod confirm;
mod context;
mod credentials;
mod deletion;
mod difference;
mod exit;
mod failure;
mod interrupt;
mod json;
mod ledger;
mod output;
mod preview;
mod progress;
mod safe_text;
mod steps;
mod table;
mod times;
mod trace;
mod x509;
mod zone;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let report = failure::Report::new(&cli.global);
    trace::begin(cli.global.verbose);
    let outcome = commands::run(cli);
    report.finish(outcome)
}
