//! Why a command failed, and how that is reported.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anstyle::AnsiColor;
use cf_mtls::{Association, CertificateId, Error, ErrorKind};
use cf_mtls_lifecycle::{Holder, Step, ZoneHostnames};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::report::exit::{Exit, Kind};
use crate::terminal::interrupt::Interrupted;
use crate::terminal::text::{hide, printable, printable_json};
use crate::terminal::width;
use crate::view::uses::{Uses, holders_to_json};

pub(crate) struct Asked {
    /// The command and what it is about.
    pub(crate) words: String,
    /// Arguments that may be a token, and are not shown.
    pub(crate) tokens: Vec<String>,
}

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
    id: Option<CertificateId>,
    associations: Vec<Association>,
    zones: Vec<ZoneHostnames>,
    holders: Vec<Holder>,
    candidates: Vec<CertificateId>,
    steps: Vec<Step>,
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

    /// Says what was asked instead of which operation failed, and why there was no
    /// connection.
    pub(crate) fn during(mut self, asked: &Asked, server: &str) -> Self {
        let inner = &mut *self.0;
        if let Some(error) = inner.error.as_ref() {
            let own = printable(&error.to_string());
            let rest = own.split_once(": ").filter(|_| error.operation().is_some());
            if let Some((_, rest)) = rest {
                inner.message = match inner.message.strip_prefix(&own) {
                    Some(more) => format!("{}: {rest}{more}", asked.words),
                    None => inner.message.replacen(&own, rest, 1),
                };
            }
            let cause = inner.causes.last().map_or("", String::as_str);
            if error.kind() == ErrorKind::Connection {
                inner.message.push_str(&format!("; {server}: {cause}"));
            }
            let is_refused_by_proxy = error.status().is_some_and(|status| status == 407)
                || cause.contains("proxy authorization required");
            let hint = if is_refused_by_proxy {
                "the proxy wants a user and a password (407): set them in HTTPS_PROXY, as in \
                 http://USER:PASSWORD@HOST:PORT"
            } else if cause.contains("UnknownIssuer") {
                "if the server or a proxy has a CA of its own, set SSL_CERT_FILE to its PEM file"
            } else {
                ""
            };
            if !hint.is_empty() {
                inner.hint = Some(hint.to_owned());
            }
        }
        inner.message = hide(&inner.message, &asked.tokens);
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

    pub(crate) fn about(mut self, id: &CertificateId) -> Self {
        self.0.id = Some(id.clone());
        self
    }

    /// Adds what uses the certificate that cannot be deleted, and what to do about it.
    pub(crate) fn with_uses(mut self, id: &CertificateId, uses: &Uses) -> Self {
        let inner = &mut *self.0;
        if inner.associations.is_empty() {
            inner.associations.clone_from(&uses.services);
        }
        (inner.zones, inner.holders) = (uses.zones().to_vec(), uses.holders().to_vec());
        inner.hint = Some(uses.remedy(id));
        self.about(id)
    }

    pub(crate) fn with_candidates(mut self, candidates: &[CertificateId]) -> Self {
        self.0.candidates = candidates.to_vec();
        self
    }

    pub(crate) fn with_steps(mut self, steps: Vec<Step>) -> Self {
        self.0.steps = steps;
        self
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

    fn is_silent(&self) -> bool {
        self.is_closed_pipe() || self.0.kind == Kind::Found
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(error.kind(), printable(&error.to_string()));
        if error.may_have_taken_effect() {
            failure.0.exit = Exit::Unknown;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            failure.0.causes.push(printable(&cause.to_string()));
            source = cause.source();
        }
        failure.0.id = error.certificate_id().cloned();
        failure.0.associations = error.associations().to_vec();
        failure.0.candidates = error.candidates().to_vec();
        failure.0.error = Some(error);
        failure
    }
}

impl From<cf_mtls_lifecycle::Error> for Failure {
    fn from(error: cf_mtls_lifecycle::Error) -> Self {
        let (kind, message) = (error.kind(), printable(&format!("{error:#}")));
        let id = error.certificate_id().cloned();
        let associations = error.associations().to_vec();
        let holders = error.holders().to_vec();
        let mut failure = match error.operation_error().cloned() {
            Some(source) => Self::from(source),
            None => Self::new(kind, ""),
        };
        let inner = &mut *failure.0;
        (inner.message, inner.id) = (message, id);
        (inner.associations, inner.holders) = (associations, holders);
        failure
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
        Self::new(Kind::Interrupted, message)
    }
}

/// An error in JSON: that of the library, with fields of this command line. They are
/// documented: some may be added, none is removed or changes its meaning.
#[derive(Serialize)]
struct ErrorBody<'a> {
    kind: Kind,
    message: &'a str,
    exit_code: u8,
    hint: Option<&'a str>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Serialize for Failure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &self.0;
        let detached = inner.steps.iter().filter_map(|step| match step {
            Step::Detached { zone, .. } => Some(zone),
            _ => None,
        });
        let blank = Error::new(ErrorKind::Configuration);
        let body = json!(inner.error.as_ref().unwrap_or(&blank));
        let own = json!({
            "certificate_id": inner.id,
            "associations": inner.associations,
            "zones": inner.zones,
            "holders": holders_to_json(&inner.holders),
            "candidates": inner.candidates,
            "detached": detached.collect::<Vec<_>>(),
            "steps": inner.steps,
            "causes": inner.causes,
        });
        let fields = [body, own].into_iter().filter_map(|value| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        });
        // The message has the detail, and tokens in a wrong place are hidden there.
        let is_other = |name: &str| !["kind", "message", "detail"].contains(&name);
        let fields = fields.flatten().filter(|(name, _)| is_other(name));
        let body = ErrorBody {
            kind: inner.kind,
            message: &inner.message,
            exit_code: inner.exit as u8,
            hint: inner.hint.as_deref(),
            rest: fields.collect(),
        };
        body.serialize(serializer)
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
            Ok(()) => Exit::Success.into(),
            Err(failure) => {
                self.report(&failure);
                failure.exit().into()
            }
        }
    }

    /// Writes the failure as the last line of standard error.
    pub(crate) fn report(self, failure: &Failure) {
        if failure.is_silent() {
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
                message.push_str("; because: ");
                message.push_str(&printable(cause));
            }
        }
        let style = AnsiColor::Red.on_default().bold();
        let text = fit(&message, "error: ".len());
        let _ = writeln!(stderr, "{style}error:{style:#} {text}");
        if let Some(hint) = &failure.0.hint {
            let style = AnsiColor::Cyan.on_default();
            let text = fit(&printable(hint), "hint: ".len());
            let _ = writeln!(stderr, "{style}hint:{style:#} {text}");
        }
    }
}

/// A message that does not fit a line of the terminal, with each part on lines of its
/// own, broken at words.
fn fit(message: &str, used: usize) -> String {
    let Some(width) = width::stderr().filter(|width| *width < used + message.len()) else {
        return message.to_owned();
    };
    let options = textwrap::Options::new(width.max(20))
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent("  ")
        .subsequent_indent("  ");
    let mut text = " ".repeat(used - 2) + &message.replace("; ", "\n");
    text = textwrap::fill(&text, options);
    text.split_off(used)
}
