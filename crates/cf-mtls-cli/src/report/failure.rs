//! How a command fails, and how that is told.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use cf_mtls::{Association, CertificateId, Error, Step, ZoneHostnames};
use serde::Serialize;

use crate::options::{Format, Global};
use crate::report::exit::Exit;
use crate::terminal::text::{printable, printable_json};

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    exit: Exit,
    kind: &'static str,
    message: String,
    error: Option<Error>,
    causes: Vec<String>,
    hint: Option<String>,
    /// What it is about, where no error of the library tells.
    id: Option<CertificateId>,
    /// What uses it, likewise.
    associations: Vec<Association>,
    steps: Vec<Step>,
    /// Nobody reads any more, so nothing is to be said.
    silent: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            exit,
            kind,
            message: message.into(),
            error: None,
            causes: Vec::new(),
            hint: None,
            id: None,
            associations: Vec::new(),
            steps: Vec::new(),
            silent: false,
        }))
    }

    /// Arguments that do not fit together, or lack something.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, "usage", message)
    }

    /// Something given by the caller that cannot be used.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, "invalid_input", message)
    }

    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, "interrupted", message)
    }

    /// Interrupted before anything was sent that changes something.
    pub(crate) fn not_begun() -> Self {
        Self::interrupted("interrupted; nothing was changed")
    }

    pub(crate) fn with_cause(mut self, cause: impl ToString) -> Self {
        self.0.causes.push(cause.to_string());
        self
    }

    /// What to do about it on this command line.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Which certificate it is about.
    pub(crate) fn about(mut self, id: &CertificateId) -> Self {
        self.0.id = Some(id.clone());
        self
    }

    /// What uses the certificate.
    pub(crate) fn with_associations(mut self, associations: &[Association]) -> Self {
        self.0.associations = associations.to_vec();
        self
    }

    pub(crate) fn associations(&self) -> &[Association] {
        match &self.0.error {
            Some(error) => error.associations(),
            None => &self.0.associations,
        }
    }

    /// What had been done before.
    pub(crate) fn with_steps(mut self, steps: Vec<Step>) -> Self {
        self.0.steps = steps;
        self
    }

    /// Says what had been done when the output failed.
    pub(crate) fn after(mut self, done: impl std::fmt::Display) -> Self {
        self.0.message.push_str(&format!("; before that: {done}"));
        self
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    pub(crate) fn certificate_id(&self) -> Option<&CertificateId> {
        let told = self.0.error.as_ref().and_then(Error::certificate_id);
        told.or(self.0.id.as_ref())
    }

    /// The hostnames that were detached before, by zone.
    pub(crate) fn detached(&self) -> Vec<&ZoneHostnames> {
        match &self.0.error {
            Some(error) => error.detached().iter().collect(),
            None => {
                let steps = self.0.steps.iter();
                let detached = steps.filter_map(|step| match step {
                    Step::Detached { zone, .. } => Some(zone),
                    _ => None,
                });
                detached.collect()
            }
        }
    }

    /// Standard output that cannot be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            // Like `head`: who closes a pipe has seen enough.
            let mut failure = Self::new(Exit::Success, "closed_pipe", "");
            failure.0.silent = true;
            return failure;
        }
        Self::new(Exit::Other, "io", "standard output cannot be written").with_cause(error)
    }

    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.silent
    }

    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.0.kind
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        self.0.error.as_ref()
    }

    pub(crate) fn causes(&self) -> &[String] {
        &self.0.causes
    }
}

/// The sources of an error, the nearest first.
pub(crate) fn causes(error: &Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(printable(&cause.to_string()));
        source = cause.source();
    }
    causes
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(
            Exit::of(&error),
            error.kind().as_str(),
            printable(&error.to_string()),
        );
        failure.0.causes = causes(&error);
        failure.0.error = Some(error);
        failure
    }
}

/// Tells the end of the process to whoever watches it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    format: Format,
    verbose: bool,
}

impl Report {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            format: global.output,
            verbose: 0 < global.verbose,
        }
    }

    pub(crate) fn with_format(format: Format) -> Self {
        Self {
            format,
            verbose: false,
        }
    }

    pub(crate) fn finish(self, outcome: Result<(), Failure>) -> ExitCode {
        match outcome {
            Ok(()) => Exit::Success.into(),
            Err(failure) => {
                self.tell(&failure);
                failure.exit().into()
            }
        }
    }

    /// The last line of standard error is the error.
    pub(crate) fn tell(self, failure: &Failure) {
        if failure.0.silent {
            return;
        }
        let mut stderr = anstream::stderr().lock();
        if let (Some(hint), Format::Table) = (&failure.0.hint, self.format) {
            let style = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
            let _ = writeln!(stderr, "{style}hint:{style:#} {hint}");
        }
        let _ = match self.format {
            Format::Json | Format::Ndjson => {
                let json = serde_json::to_string(&ErrorForm::of(failure)).unwrap_or_default();
                writeln!(stderr, "{}", printable_json(&json))
            }
            Format::Table => {
                let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
                let mut line = printable(failure.message());
                if self.verbose {
                    for cause in failure.causes() {
                        line.push_str("; because: ");
                        line.push_str(&printable(cause));
                    }
                }
                writeln!(stderr, "{style}error:{style:#} {line}")
            }
        };
    }
}

/// An error in JSON.
#[derive(Serialize)]
struct ErrorForm<'a> {
    kind: &'a str,
    message: &'a str,
    status: Option<u16>,
    codes: Vec<i64>,
    ray_id: Option<&'a str>,
    exit_code: u8,
    certificate_id: Option<&'a str>,
    zone_id: Option<&'a str>,
    attempts: u32,
    retry_after_seconds: Option<u64>,
    may_have_taken_effect: bool,
    associations: &'a [Association],
    candidates: &'a [CertificateId],
    detached: Vec<&'a ZoneHostnames>,
    /// What `release` and `rotate` had done before.
    steps: &'a [Step],
    causes: &'a [String],
}

impl<'a> ErrorForm<'a> {
    fn of(failure: &'a Failure) -> Self {
        let error = failure.error();
        let wait = error.and_then(|error| error.retry_after());
        Self {
            kind: failure.kind(),
            message: failure.message(),
            status: error
                .and_then(|error| error.status())
                .map(|status| status.as_u16()),
            codes: error
                .map(|error| error.codes().collect())
                .unwrap_or_default(),
            ray_id: error.and_then(|error| error.ray_id()),
            exit_code: failure.exit().code(),
            certificate_id: failure.certificate_id().map(CertificateId::as_str),
            zone_id: error
                .and_then(|error| error.zone_id())
                .map(|id| id.as_str()),
            attempts: error.map(|error| error.attempts()).unwrap_or_default(),
            retry_after_seconds: wait.map(|wait| wait.as_secs_f64().ceil() as u64),
            may_have_taken_effect: error.is_some_and(|error| error.may_have_taken_effect()),
            associations: failure.associations(),
            candidates: error.map(|error| error.candidates()).unwrap_or_default(),
            detached: failure.detached(),
            steps: failure.steps(),
            causes: failure.causes(),
        }
    }
}

impl Serialize for Failure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ErrorForm::of(self).serialize(serializer)
    }
}
