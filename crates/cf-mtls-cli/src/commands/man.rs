//! `cf-mtls man`: prints a manual page.

use clap::{Args, Command};
use clap_mangen::Man;

use crate::report::failure::Failure;
use crate::report::output;

/// Print a manual page
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls man rotate | man -l -
  mkdir -p ~/.local/share/man/man1
  cf-mtls man > ~/.local/share/man/man1/cf-mtls.1")]
pub(crate) struct Arguments {
    /// The page of a subcommand, such as `rotate` or `hostnames add`
    #[arg(value_name = "COMMAND")]
    commands: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, mut command: Command) -> Result<(), Failure> {
    command.build();
    for name in &arguments.commands {
        let unknown = || Failure::usage("there is no such subcommand; see `cf-mtls help`");
        command = command.find_subcommand(name).cloned().ok_or_else(unknown)?;
    }
    let mut text = Vec::new();
    // Otherwise the page has them without their description.
    let page = command.mut_args(|argument| argument.hide_short_help(false));
    let man = Man::new(page).source(concat!("cf-mtls ", env!("CARGO_PKG_VERSION")));
    man.manual("cf-mtls").render(&mut text).map_err(|error| Failure::output(&error))?;
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA\n", "");
    // The parts of the help have sections of their own, with lines that are not joined.
    let parts = [
        ("Environment", "ENVIRONMENT"),
        ("Exit codes", "\"EXIT STATUS\""),
        ("Examples", "EXAMPLES"),
    ];
    let text = parts.iter().fold(text, |text, (part, title)| {
        text.replace(&format!("\n{part}:\n"), &format!("\n.fi\n.SH {title}\n.nf\n"))
    });
    output::write(&text.replace(".SH VERSION", ".fi\n.SH VERSION"))
}
