//! `cf-mtls man`: prints a manual page.

use clap::{Args, Command};
use clap_mangen::Man;

use crate::report::failure::Failure;
use crate::report::output;

/// Print a manual page
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls man > ~/.local/share/man/man1/cf-mtls.1
  cf-mtls man rotate | man -l -")]
pub(crate) struct Arguments {
    /// The page of a subcommand, such as `rotate`
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, mut command: Command) -> Result<(), Failure> {
    command.build();
    let page = match &arguments.command {
        None => command,
        Some(name) => {
            let found = command.find_subcommand(name).cloned();
            found
                .ok_or_else(|| Failure::usage("there is no such subcommand; see `cf-mtls help`"))?
        }
    };
    let mut text = Vec::new();
    let rendered = Man::new(page).render(&mut text);
    rendered.map_err(|error| Failure::output(&error))?;
    output::write(&String::from_utf8_lossy(&text))
}
