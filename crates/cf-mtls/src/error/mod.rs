//! The error of every operation.

mod json;
mod operation;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use cf_mtls_api::{AccountId, CertificateId, InvalidId, ZoneId};
use http::StatusCode;

pub use operation::Operation;
pub(crate) use operation::Subject;

use crate::model::Association;
use crate::text::shorten;

/// What went wrong, with everything that is known about it.
///
/// [`kind`](Self::kind) says what a caller can do next; the message says it to
/// a person. No token, key, header or PEM text enters an error.
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    operation: Option<Operation>,
    subject: Subject,
    status: Option<StatusCode>,
    messages: Vec<ServiceMessage>,
    ray_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    may_have_taken_effect: bool,
    associations: Vec<Association>,
    candidates: Vec<CertificateId>,
    detail: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Kinds of errors, by what a caller can do next.
///
/// Which status and code of the service give which kind is told in the
/// [table of the crate](crate#errors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The certificate is in use. [`Error::associations`] tells by what.
    InUse,
    /// There is no such certificate, or zone.
    NotFound,
    /// The service does not accept the credentials.
    Authentication,
    /// The credentials are valid, but lack the permission.
    Permission,
    /// Too many requests. [`Error::retry_after`] tells how long to wait.
    RateLimited,
    /// The account has no room for another certificate.
    QuotaExceeded,
    /// The service refused what was asked.
    InvalidRequest,
    /// Something else stands in the way, such as a change under way.
    Conflict,
    /// The service, or the edge in front of it, failed.
    ServiceUnavailable,
    /// No answer came in time.
    Timeout,
    /// There was no connection, or it broke.
    Connection,
    /// The answer is not what the service sends.
    InvalidResponse,
    /// More than one certificate fits. [`Error::candidates`] tells which.
    Ambiguous,
    /// An argument is not valid. Nothing was changed.
    InvalidInput,
    /// The client is not set up rightly. Nothing was sent.
    Configuration,
}

impl ErrorKind {
    /// The kind as one word in lower case, for logs and scripts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "in_use",
            Self::NotFound => "not_found",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::RateLimited => "rate_limited",
            Self::QuotaExceeded => "quota_exceeded",
            Self::InvalidRequest => "invalid_request",
            Self::Conflict => "conflict",
            Self::ServiceUnavailable => "service_unavailable",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::InvalidResponse => "invalid_response",
            Self::Ambiguous => "ambiguous",
            Self::InvalidInput => "invalid_input",
            Self::Configuration => "configuration",
        }
    }

    /// What happened, and what to do about it.
    fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::InUse => (
                "it is in use",
                "detach it there, wait until it is no longer in use, and try again",
            ),
            Self::NotFound => (
                "no such id",
                "check the id and the account; it may have been deleted already",
            ),
            Self::Authentication => (
                "the credentials were rejected",
                "check that the credentials are complete, have not expired, and belong to this account",
            ),
            Self::Permission => (
                "access denied",
                "check that the token is valid and may be used from this address, and that it has the permission \"SSL and Certificates\" on the account, and for hostnames on the zone",
            ),
            Self::RateLimited => ("too many requests", "wait before the next request"),
            Self::QuotaExceeded => (
                "the account has no room for another CA certificate",
                "delete one that is not used (`prune --unused`); API Shield, Workers and Gateway share the quota",
            ),
            Self::InvalidRequest => (
                "the service refused the request",
                "see what the service says",
            ),
            Self::Conflict => (
                "it conflicts with another change",
                "wait until the other change is finished, and try again",
            ),
            Self::ServiceUnavailable => ("the service failed", "try again later"),
            Self::Timeout => ("no answer came in time", "try again, or allow more time"),
            Self::Connection => (
                "the connection failed",
                "check the base URL, the network and the proxy, and try again",
            ),
            Self::InvalidResponse => (
                "the response did not come from the Cloudflare API",
                "check the base URL, and any proxy in between",
            ),
            Self::Ambiguous => (
                "several certificates match",
                "pass the id of the one you mean",
            ),
            Self::InvalidInput => ("invalid input", "nothing was changed"),
            Self::Configuration => ("configuration error", "nothing was sent"),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.advice().0)
    }
}

/// An error or a notice of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceMessage {
    /// The service's number for it.
    pub code: i64,
    /// What the service says, without control characters and cut to a sane length.
    pub message: String,
    /// Where the service explains it.
    pub documentation_url: Option<String>,
    /// JSON pointer to what it is about in the request.
    pub pointer: Option<String>,
    /// The causes that the service names, outermost first, as code and message.
    pub causes: Vec<(i64, String)>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            subject: Subject::default(),
            status: None,
            messages: Vec::new(),
            ray_id: None,
            retry_after: None,
            attempts: 0,
            may_have_taken_effect: false,
            associations: Vec::new(),
            candidates: Vec::new(),
            detail: None,
            source: None,
        }))
    }

    pub(crate) fn invalid_input(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput).with_detail(detail)
    }

    pub(crate) fn configuration(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration).with_detail(detail)
    }

    /// What a caller can do next.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed; `None` where none was begun.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The account that the operation was about.
    #[must_use]
    pub fn account_id(&self) -> Option<&AccountId> {
        self.0.subject.account.as_ref()
    }

    /// The zone that the operation was about.
    #[must_use]
    pub fn zone_id(&self) -> Option<&ZoneId> {
        self.0.subject.zone.as_ref()
    }

    /// The certificate that the operation was about.
    #[must_use]
    pub fn certificate_id(&self) -> Option<&CertificateId> {
        self.0.subject.certificate.as_ref()
    }

    /// The HTTP status of the last answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// What the service said, in its order.
    #[must_use]
    pub fn messages(&self) -> &[ServiceMessage] {
        &self.0.messages
    }

    /// The service's codes, causes included, in its order.
    pub fn codes(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.messages.iter().flat_map(|message| {
            std::iter::once(message.code).chain(message.causes.iter().map(|(code, _)| *code))
        })
    }

    /// `cf-ray` of the last answer, which Cloudflare's support asks for.
    #[must_use]
    pub fn ray_id(&self) -> Option<&str> {
        self.0.ray_id.as_deref()
    }

    /// How long the service asks to wait before the next request.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many times the request was tried.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the operation may have done what was asked in spite of this error.
    ///
    /// `false` is certain: the service refused, was never reached, or was seen
    /// to be unchanged. `true` means that an attempt was made to find out, and
    /// that the outcome is unknown.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        self.0.may_have_taken_effect
    }

    /// What uses the certificate, for [`ErrorKind::InUse`].
    #[must_use]
    pub fn associations(&self) -> &[Association] {
        &self.0.associations
    }

    /// The certificates that fit, for [`ErrorKind::Ambiguous`]; not more than
    /// the first hundred.
    #[must_use]
    pub fn candidates(&self) -> &[CertificateId] {
        &self.0.candidates
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_messages(mut self, messages: Vec<ServiceMessage>) -> Self {
        self.0.messages = messages;
        self
    }

    pub(crate) fn with_ray_id(mut self, ray_id: Option<String>) -> Self {
        self.0.ray_id = ray_id;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_effect(mut self, may_have_taken_effect: bool) -> Self {
        self.0.may_have_taken_effect = may_have_taken_effect;
        self
    }

    pub(crate) fn with_associations(mut self, associations: Vec<Association>) -> Self {
        self.0.associations = associations;
        self
    }

    pub(crate) fn with_candidates(mut self, candidates: Vec<CertificateId>) -> Self {
        self.0.candidates = candidates;
        self
    }

    /// Adds to what is told about this error.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        self.0.detail = Some(match self.0.detail.take() {
            Some(before) => format!("{before}; {detail}"),
            None => detail,
        });
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Tells what was asked, unless an inner operation has told already.
    pub(crate) fn of(mut self, operation: Operation, subject: &Subject) -> Self {
        self.0.operation.get_or_insert_with(|| {
            self.0.subject = subject.clone();
            operation
        });
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Enough for a person; all of them are in [`Error::messages`].
        const SHOWN: usize = 3;

        let inner = &*self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}{}: ", inner.subject)?;
        }
        let (what, next) = inner.kind.advice();
        f.write_str(what)?;
        if !inner.associations.is_empty() {
            // There may be one for each zone.
            let mut all: Vec<String> = Vec::new();
            for association in &inner.associations {
                let text = association.to_string();
                if !all.contains(&text) {
                    all.push(text);
                }
            }
            write!(f, " by {}", quote(&all.join(", ")))?;
        }
        if let Some(detail) = &inner.detail {
            write!(f, ": {detail}")?;
        }
        if !inner.messages.is_empty() {
            let shown = inner.messages.iter().take(SHOWN);
            let shown: Vec<_> = shown.map(ToString::to_string).collect();
            write!(f, "; Cloudflare says {}", quote(&shown.join(", ")))?;
        }
        if SHOWN < inner.messages.len() {
            write!(f, " and {} more", inner.messages.len() - SHOWN)?;
        }
        write!(f, "; {}", next)?;
        if inner.may_have_taken_effect {
            f.write_str("; it is unknown whether it took effect, so check before trying again")?;
        }
        if let Some(wait) = inner.retry_after {
            write!(f, "; wait {} s", wait.as_secs_f64().ceil())?;
        }
        let mut context = Vec::new();
        if let Some(status) = inner.status {
            context.push(format!("HTTP {}", status.as_u16()));
        }
        if 1 < inner.attempts {
            context.push(format!("{} attempts", inner.attempts));
        }
        if let Some(ray_id) = &inner.ray_id {
            context.push(format!("ray {ray_id}"));
        }
        if !context.is_empty() {
            write!(f, " ({})", context.join(", "))?;
        }
        Ok(()) // The source stays in the chain, so reports do not repeat it.
    }
}

/// What somebody else said, on one line of a length that people read.
fn quote(text: &str) -> String {
    const LONGEST: usize = 600; // bytes
    let mut line: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    shorten(&mut line, LONGEST);
    line
}

impl fmt::Display for ServiceMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (code {})", self.message, self.code)?;
        if let Some(pointer) = &self.pointer {
            write!(f, " at {pointer}")?;
        }
        for (code, message) in &self.causes {
            write!(f, ", because {message:?} (code {code})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    /// The message first: it is what a failed `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("message", &self.to_string())
            .field("details", &self.0)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<InvalidId> for Error {
    fn from(invalid: InvalidId) -> Self {
        Self::invalid_input(format!("not an identifier: {invalid}"))
    }
}
