//! Why a command failed, and how that is reported.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anstyle::AnsiColor;
use cf_mtls::{Association, CertificateId, Error, ErrorKind};
use cf_mtls_lifecycle::{Step, ZoneHostnames};
use serde::Serialize;

use crate::report::exit::{Exit, Kind};
use crate::terminal::interrupt::Interrupted;
use crate::terminal::text::{printable, printable_json};
use crate::terminal::width;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    exit: Exit,
    message: String,
    error: Option<Error>,
    causes: Vec<String>,
    hint: Option<String>,
    id: Option<CertificateId>,
    associations: Vec<Association>,
    candidates: Vec<CertificateId>,
    steps: Vec<Step>,
}

impl Failure {
    pub(crate) fn new(kind: impl Into<Kind>, message: impl Into<String>) -> Self {
        let kind = kind.into();
        Self(Box::new(Inner {
            kind,
            exit: kind.exit(),
            message: message.into(),
            error: None,
            causes: Vec::new(),
            hint: None,
            id: None,
            associations: Vec::new(),
            candidates: Vec::new(),
            steps: Vec::new(),
        }))
    }

    /// Options or arguments that are missing or contradict each other.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A value from the caller that cannot be used.
    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Standard output that cannot be written.
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
    pub(crate) fn during(mut self, asked: &str, server: &str) -> Self {
        let inner = &mut *self.0;
        let Some(error) = inner.error.as_ref() else {
            return self;
        };
        let own = printable(&error.to_string());
        let rest = own.split_once(": ").filter(|_| error.operation().is_some());
        if let Some((_, rest)) = rest {
            inner.message = match inner.message.strip_prefix(&own) {
                Some(more) => format!("{asked}: {rest}{more}"),
                None => inner.message.replacen(&own, rest, 1),
            };
        }
        if error.kind() == ErrorKind::Connection {
            let cause = inner.causes.last().map_or("", String::as_str);
            inner.message.push_str(&format!("; {server}: {cause}"));
            if cause.contains("UnknownIssuer") {
                inner.hint = Some(
                    "if the server or a proxy has a CA of its own, set SSL_CERT_FILE to its PEM \
                     file"
                        .to_owned(),
                );
            }
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

    /// Adds the certificate that it is about.
    pub(crate) fn about(mut self, id: &CertificateId) -> Self {
        self.0.id = Some(id.clone());
        self
    }

    pub(crate) fn with_associations(mut self, associations: &[Association]) -> Self {
        self.0.associations = associations.to_vec();
        self
    }

    pub(crate) fn with_candidates(mut self, candidates: &[CertificateId]) -> Self {
        self.0.candidates = candidates.to_vec();
        self
    }

    /// Adds the steps that were done before.
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

    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.kind == Kind::ClosedPipe
    }

    /// Whether there is nothing to report.
    fn is_silent(&self) -> bool {
        self.is_closed_pipe() || self.0.kind == Kind::Found
    }

    pub(crate) fn certificate_id(&self) -> Option<&CertificateId> {
        self.0.id.as_ref()
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
        let mut failure = match error.into_operation_error() {
            Some(source) => Self::from(source),
            None => Self::new(kind, ""),
        };
        failure.0.message = message;
        failure.0.id = id;
        failure.0.associations = associations;
        failure
    }
}

impl From<Interrupted> for Failure {
    fn from(_: Interrupted) -> Self {
        Self::new(Kind::Interrupted, "interrupted; nothing was changed")
    }
}

/// An error in JSON. Its fields are documented: some may be added, none is
/// removed or changes its meaning.
#[derive(Serialize)]
struct ErrorBody<'a> {
    kind: &'a str,
    message: &'a str,
    status: Option<u16>,
    codes: Vec<i64>,
    ray_id: Option<&'a str>,
    exit_code: u8,
    certificate_id: Option<&'a CertificateId>,
    zone_id: Option<&'a str>,
    attempts: u32,
    retry_after_seconds: Option<u64>,
    may_have_taken_effect: bool,
    associations: &'a [Association],
    candidates: &'a [CertificateId],
    detached: Vec<&'a ZoneHostnames>,
    steps: &'a [Step],
    causes: &'a [String],
    hint: Option<&'a str>,
}

impl Serialize for Failure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &self.0;
        let error = inner.error.as_ref();
        let status = error.and_then(|error| error.status());
        let wait = error.and_then(|error| error.retry_after());
        let detached = inner.steps.iter().filter_map(|step| match step {
            Step::Detached { zone, .. } => Some(zone),
            _ => None,
        });
        let body = ErrorBody {
            kind: inner.kind.as_str(),
            message: &inner.message,
            status: status.map(|status| status.as_u16()),
            codes: error.map_or(Vec::new(), |error| error.codes().collect()),
            ray_id: error.and_then(|error| error.ray_id()),
            exit_code: inner.exit.code(),
            certificate_id: inner.id.as_ref(),
            zone_id: error.and_then(|error| error.zone_id()?.as_str().into()),
            attempts: error.map_or(0, |error| error.attempts()),
            retry_after_seconds: wait.map(|wait| wait.as_secs_f64().ceil() as u64),
            may_have_taken_effect: error.is_some_and(|error| error.may_have_taken_effect()),
            associations: &inner.associations,
            candidates: &inner.candidates,
            detached: detached.collect(),
            steps: &inner.steps,
            causes: &inner.causes,
            hint: inner.hint.as_deref(),
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
