//! `cf-mtls completions`: prints a completion script.

use std::io;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::report::failure::Failure;

/// Print a shell completion script
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls completions bash > ~/.local/share/bash-completion/completions/cf-mtls
  cf-mtls completions zsh > \"${fpath[1]}/_cf-mtls\"
  cf-mtls completions fish > ~/.config/fish/completions/cf-mtls.fish")]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "cf-mtls", &mut script);
    let written = io::Write::write_all(&mut io::stdout().lock(), &script);
    written.map_err(|error| Failure::output(&error))
}
