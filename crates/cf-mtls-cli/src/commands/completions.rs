//! `cf-mtls completions`: prints a completion script, which asks this program what fits.

use clap::{Args, Command};
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

use crate::report::failure::Failure;
use crate::report::output;

/// Print a shell completion script
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls completions zsh > \"${fpath[1]}/_cf-mtls\"
  mkdir -p ~/.config/fish/completions
  cf-mtls completions fish > ~/.config/fish/completions/cf-mtls.fish
  mkdir -p ~/.local/share/bash-completion/completions
  cf-mtls completions bash > ~/.local/share/bash-completion/completions/cf-mtls")]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// What a script sets when it asks.
const VARIABLE: &str = "CF_MTLS_COMPLETE";

/// Replies to a script, if one asks, and ends the process then.
pub(crate) fn reply(command: fn() -> Command) {
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (name, mut script) = ("cf-mtls", Vec::new());
    if let Some(shell) = Shells::builtins().completer(&arguments.shell.to_string()) {
        let written = shell.write_registration(VARIABLE, name, name, name, &mut script);
        written.map_err(|error| Failure::output(&error))?;
    }
    if arguments.shell == Shell::Zsh {
        // Found in fpath, the script itself is what completes the first time.
        script.extend(b"[[ $funcstack[1] == _cf-mtls ]] && _clap_dynamic_completer_cf_mtls\n");
    }
    // Bash would offer files wherever nothing else is offered.
    output::write(&String::from_utf8_lossy(&script).replace(" -o bashdefault", ""))
}
