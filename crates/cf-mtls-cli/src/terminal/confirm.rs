//! The confirmation prompt.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::terminal::interrupt::{Interrupt, Interrupted};

/// Whether a prompt can be read and answered.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question; whether the reply is yes.
pub(crate) async fn ask(interrupt: &Interrupt, question: &str) -> Result<bool, Interrupted> {
    let mut stderr = io::stderr();
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    if asked.is_err() {
        return Ok(false);
    }
    let reply = tokio::task::spawn_blocking(|| {
        let mut reply = String::new();
        io::stdin().lock().read_line(&mut reply).map(|_| reply)
    });
    let reply = interrupt.reading(reply).await.inspect_err(|_| {
        // The shell's prompt begins on a new line.
        let _ = writeln!(io::stderr());
    })?;
    let reply = reply.ok().and_then(Result::ok).unwrap_or_default();
    if !reply.ends_with('\n') {
        // The input ended; the next message begins on a new line.
        let _ = writeln!(stderr);
    }
    Ok(matches!(reply.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
