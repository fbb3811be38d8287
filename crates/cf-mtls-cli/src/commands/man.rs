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
            let unknown = || Failure::usage("there is no such subcommand; see `cf-mtls help`");
            command.find_subcommand(name).cloned().ok_or_else(unknown)?
        }
    };
    let mut text = Vec::new();
    // Otherwise the page has them without their description.
    let page = page.mut_args(|argument| argument.hide_short_help(false));
    Man::new(page).render(&mut text).map_err(|error| Failure::output(&error))?;
    output::write(&String::from_utf8_lossy(&text))
}
