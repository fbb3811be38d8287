//! Why a command failed, and how that is reported.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anstyle::AnsiColor;
use cf_mtls::{CertificateId, Error, ErrorKind};
use cf_mtls_lifecycle::{Step, Usage};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::report::advice::{self, Asked};
use crate::report::exit::{Exit, Kind};
use crate::terminal::interrupt::Interrupted;
use crate::terminal::text::{hide, printable, printable_json};
use crate::terminal::width;
use crate::view::uses;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug, Default)]
struct Inner {
    kind: Kind,
    exit: Exit,
    message: String,
    error: Option<Error>,
    causes: Vec<String>,
    hint: Option<String>,
    /// Fields of the JSON, in the place of those of the error.
    fields: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(kind: impl Into<Kind>, message: impl Into<String>) -> Self {
        let kind = kind.into();
        let (exit, message) = (kind.exit(), message.into());
        Self(Box::new(Inner { kind, exit, message, ..Inner::default() }))
    }

    /// Options or arguments that are missing or contradict each other.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::ClosedPipe, ""),
            _ => Self::new(Kind::Io, "standard output cannot be written").with_cause(error),
        }
    }

    /// Puts the place of a bad value before the message.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.0.message.insert_str(0, place);
        self
    }

    pub(crate) fn with_kind(mut self, kind: Kind) -> Self {
        (self.0.kind, self.0.exit) = (kind, kind.exit());
        self
    }

    /// Says what was asked instead of which operation failed, and what the library cannot
    /// know.
    pub(crate) fn during(mut self, asked: &Asked) -> Self {
        let inner = &mut *self.0;
        if let Some(error) = inner.error.as_ref() {
            let own = shown(&error.to_string());
            let rest = own.split_once(": ").filter(|_| error.operation().is_some());
            if let Some((_, rest)) = rest {
                inner.message = match inner.message.strip_prefix(&own) {
                    Some(more) => format!("{}: {rest}{more}", asked.words),
                    None => inner.message.replacen(&own, rest, 1),
                };
            }
            let usual = Error::new(error.kind()).to_string();
            if let (Some(advice), Some((_, usual))) =
                (advice::advice(error, asked), usual.split_once("; "))
            {
                inner.message = inner.message.replace(usual, advice);
            }
            if let Some(place) = advice::place(error, &inner.causes, asked) {
                inner.message.push_str(&format!("; {place}"));
            }
            let hint = advice::hint(error, &inner.causes);
            inner.hint = hint.map(str::to_owned).or(inner.hint.take());
        }
        inner.message = hide(&inner.message, &asked.tokens);
        let body = json!(inner.error);
        if let Some(detail) = body["detail"].as_str() {
            inner.fields.insert("detail".to_owned(), json!(hide(detail, &asked.tokens)));
        }
        for text in inner.causes.iter_mut().chain(&mut inner.hint) {
            *text = hide(text, &asked.tokens);
        }
        self
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.0.exit = exit;
        self
    }

    pub(crate) fn with_cause(mut self, cause: impl ToString) -> Self {
        self.0.causes.push(cause.to_string());
        self
    }

    /// Adds what to do about it on this command line.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets a field of the JSON.
    pub(crate) fn with(mut self, field: &str, value: impl Serialize) -> Self {
        self.0.fields.insert(field.to_owned(), json!(value));
        self
    }

    pub(crate) fn about(self, id: &CertificateId) -> Self {
        self.with("certificate_id", id)
    }

    /// Adds what uses the certificate that cannot be deleted, and what to do about it.
    pub(crate) fn with_uses(mut self, id: &CertificateId, usage: Option<&Usage>) -> Self {
        if let Some(usage) = usage {
            let error = self.0.error.as_ref();
            if error.is_none_or(|error| error.associations().is_empty()) {
                self = self.with("associations", &usage.associations);
            }
            self = self.with("zones", &usage.zones).with("unreadable_zones", &usage.unread.zones);
            self = self.with("holders", uses::holders_to_json(&usage.holders));
            self = self.with("unreadable_products", &usage.unread.products);
        }
        self.about(id).with_hint(uses::remedy(id, usage))
    }

    /// Adds what `release` or `rotate` did before.
    pub(crate) fn with_steps(self, steps: &[Step]) -> Self {
        let detached = steps.iter().filter_map(|step| match step {
            Step::Detached { zone, .. } => Some(zone),
            _ => None,
        });
        let detached: Vec<_> = detached.collect();
        self.with("detached", detached).with("steps", steps)
    }

    /// Adds to the message what was done before.
    pub(crate) fn with_done(mut self, done: impl std::fmt::Display) -> Self {
        self.0.message.push_str(&format!("; before that: {done}"));
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.kind == Kind::ClosedPipe
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(error.kind(), shown(&error.to_string()));
        if error.may_have_taken_effect() {
            failure.0.exit = Exit::Unknown;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            failure.0.causes.push(printable(&cause.to_string()));
            source = cause.source();
        }
        failure.0.error = Some(error);
        failure
    }
}

impl From<cf_mtls_lifecycle::Error> for Failure {
    fn from(error: cf_mtls_lifecycle::Error) -> Self {
        let (kind, message) = (error.kind(), shown(&format!("{error:#}")));
        let mut failure = match error.operation_error().cloned() {
            Some(source) => Self::from(source),
            None => Self::new(kind, ""),
        };
        failure.0.message = message;
        // The job's, and those of the operation's error.
        let own = ["kind", "message", "causes"];
        let fields = json!(error).as_object().cloned().unwrap_or_default().into_iter();
        failure.0.fields = fields.filter(|(name, _)| !own.contains(&&**name)).collect();
        let failure = failure.with("certificate_id", error.certificate_id());
        failure.with("holders", uses::holders_to_json(error.holders()))
    }
}

impl From<Interrupted> for Failure {
    fn from(interrupted: Interrupted) -> Self {
        let message = match interrupted.was_sent {
            false => "interrupted; nothing was changed",
            true => {
                "interrupted after a change was sent; reads may show it only after a while, so \
                 check before you run the command again"
            }
        };
        let failure = Self::new(Kind::Interrupted, message);
        failure.with("may_have_taken_effect", interrupted.was_sent)
    }
}

/// An error in JSON: that of the library, with fields of this command line. They are
/// documented: some may be added, none is removed or changes its meaning.
impl Serialize for Failure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &self.0;
        let blank = Error::new(ErrorKind::Configuration);
        let usual = json!({ "zones": [], "holders": [], "detached": [], "steps": [] });
        let body = json!(inner.error.as_ref().unwrap_or(&blank));
        let own = json!({
            "kind": inner.kind, "message": inner.message, "exit_code": inner.exit as u8,
            "hint": inner.hint, "causes": inner.causes,
        });
        let all = [usual, body, own, json!(inner.fields)].into_iter();
        let fields = all.filter_map(|value| value.as_object().cloned()).flatten();
        fields.collect::<Map<String, Value>>().serialize(serializer)
    }
}

/// Reports how the command ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reporter {
    pub(crate) is_json: bool,
    /// Whether to add the causes.
    pub(crate) verbose: bool,
}

impl Reporter {
    pub(crate) fn finish(self, outcome: Result<(), Failure>) -> ExitCode {
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                self.report(&failure);
                ExitCode::from(failure.exit() as u8)
            }
        }
    }

    /// Writes the failure as the last line of standard error.
    pub(crate) fn report(self, failure: &Failure) {
        if failure.is_closed_pipe() || failure.kind() == Kind::Found {
            return;
        }
        let mut stderr = anstream::stderr().lock();
        if self.is_json {
            let json = serde_json::to_string(failure).unwrap_or_default();
            let _ = writeln!(stderr, "{}", printable_json(&json));
            return;
        }
        let mut message = printable(failure.message());
        if self.verbose {
            let operation = failure.0.error.as_ref().and_then(|error| error.operation());
            if let Some(operation) = operation {
                let (method, path) = (operation.method(), operation.url_template());
                message.push_str(&format!("; request: {method} {path}"));
            }
            for cause in &failure.0.causes {
                message.push_str(&format!("; because: {}", printable(cause)));
            }
        }
        let hint = failure.0.hint.as_ref().map(|hint| ("hint:", AnsiColor::Cyan, printable(hint)));
        for (label, color, text) in [("error:", AnsiColor::Red, message)].into_iter().chain(hint) {
            let style = color.on_default().bold();
            let text = fit(&text, label.len() + 1);
            let _ = writeln!(stderr, "{style}{label}{style:#} {text}");
        }
    }
}

/// The text of an error, in which codes of the simulator are marked: nobody knows the
/// real ones.
fn shown(text: &str) -> String {
    let mark = |text: String, code: u32| {
        let code = format!("(code {code}");
        text.replace(&code, &format!("{code}, made up by the simulator"))
    };
    (99_001..99_010).fold(printable(text), mark)
}

/// A message that does not fit a line of the terminal, with each part on lines of its
/// own, broken at words.
pub(crate) fn fit(message: &str, used: usize) -> String {
    let Some(width) = width::stderr().filter(|width| *width < used + message.len()) else {
        return message.to_owned();
    };
    let options = textwrap::Options::new(width.max(20))
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent("  ")
        .subsequent_indent("  ");
    // A command is not broken, so that it can be copied.
    let part = |(at, part): (usize, &str)| match at % 2 {
        1 => part.replace(' ', "\u{a0}"),
        _ => part.replace("; ", "\n"),
    };
    let parts: Vec<String> = message.split('`').enumerate().map(part).collect();
    let text = " ".repeat(used - 2) + &parts.join("`");
    textwrap::fill(&text, options).split_off(used).replace('\u{a0}', " ")
}
