//! `cf-mtls completions`: prints a completion script.

use clap::{Args, Command, ValueHint};
use clap_complete::Shell;

use crate::report::failure::Failure;
use crate::report::output;

/// Print a shell completion script
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls completions zsh > \"${fpath[1]}/_cf-mtls\"
  cf-mtls completions fish > ~/.config/fish/completions/cf-mtls.fish
  mkdir -p ~/.local/share/bash-completion/completions
  cf-mtls completions bash > ~/.local/share/bash-completion/completions/cf-mtls")]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the ids of certificates, and the names that a shell takes as they are.
const CANDIDATES: &str = "cf-mtls list -q --retries 0 --timeout 3 --columns id,name 2>/dev/null | \
     awk 'NR > 1 { print $1; sub(/^[^ ]+ +/, \"\"); print }' | grep -xE '[[:alnum:]][[:alnum:]._-]+'";

pub(crate) fn run(arguments: &Arguments, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    command = with_hints(command);
    clap_complete::generate(arguments.shell, &mut command, "cf-mtls", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    output::write(&if arguments.shell == Shell::Bash { bash(script) } else { script })
}

fn bash(script: String) -> String {
    // The generator writes a program name with a hyphen in two ways, so that its own
    // cases are not found, and bash would offer files wherever nothing else is offered.
    let script = script.replace("cf__subcmd__mtls", "cf__mtls");
    let script = script.replace(" -o bashdefault -o default", "");
    let option = "--certificate)\n                    COMPREPLY=(";
    let offered = format!("{option} $(compgen -W \"$({CANDIDATES})\" -- \"${{cur}}\") ");
    let script = script.replace(&format!("{option}\"${{cur}}\""), &offered);
    let with_ids = ["get", "delete", "associations", "release", "rotate"].iter();
    with_ids.fold(script, |script, name| {
        let case = format!(" cf__mtls__subcmd__{name})\n            opts=\"");
        let ids = format!("{case}$([[ ${{cur}} == -* ]] || {{ {CANDIDATES}; }}) ");
        script.replace(&case, &ids)
    })
}

/// Offers files only for arguments that are files.
fn with_hints(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let names = argument.get_value_names().unwrap_or_default();
        let hint = match names.iter().any(|name| *name == "FILE") {
            true => ValueHint::FilePath,
            false => ValueHint::Other,
        };
        match argument.get_action().takes_values() {
            true => argument.value_hint(hint),
            false => argument,
        }
    });
    command.mut_subcommands(with_hints)
}
