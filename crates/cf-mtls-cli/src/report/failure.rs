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
            candidates: error.map_or(&[], |error| error.candidates()),
            detached: detached.collect(),
            steps: &inner.steps,
            causes: &inner.causes,
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
        if failure.is_closed_pipe() {
            return;
        }
        let mut stderr = anstream::stderr().lock();
        if self.is_json {
            let json = serde_json::to_string(failure).unwrap_or_default();
            let _ = writeln!(stderr, "{}", printable_json(&json));
            return;
        }
        if let Some(hint) = &failure.0.hint {
            let style = AnsiColor::Cyan.on_default();
            let _ = writeln!(stderr, "{style}hint:{style:#} {hint}");
        }
        let mut line = printable(failure.message());
        if self.verbose {
            for cause in &failure.0.causes {
                line.push_str("; because: ");
                line.push_str(&printable(cause));
            }
        }
        let style = AnsiColor::Red.on_default().bold();
        let _ = writeln!(stderr, "{style}error:{style:#} {line}");
    }
}
