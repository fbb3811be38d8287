//! Asks before something is taken away.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::context::Context;
use crate::options::Consent;
use crate::report::exit::Exit;
use crate::report::failure::Failure;

/// Asks, unless that was answered by `--yes`. What it is about has been shown,
/// so that it can be read where nobody can be asked, too.
pub(crate) async fn ask(
    context: &Context,
    consent: Consent,
    question: &str,
) -> Result<(), Failure> {
    if consent.yes {
        return Ok(());
    }
    if context.global.token_from_stdin() || !is_terminal() {
        return Err(Failure::usage(
            "cannot ask for confirmation without a terminal; nothing was changed; pass --yes to proceed",
        ));
    }
    let mut stderr = io::stderr();
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    asked.map_err(|error| Failure::output(&error))?;
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answer = tokio::select! {
        biased;
        () = context.interrupt.raised() => {
            // The shell's prompt should begin on a line of its own.
            let _ = writeln!(stderr);
            return Err(Failure::not_begun());
        }
        answer = answer => answer,
    };
    let answer = answer.ok().and_then(Result::ok).unwrap_or_default();
    if !answer.ends_with('\n') {
        // The input has ended, and what follows should not stand behind the question.
        let _ = writeln!(stderr);
    }
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(
            Exit::Other,
            "declined",
            "not confirmed; nothing was changed",
        )),
    }
}

/// A question needs somebody to read it, and to answer.
fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
