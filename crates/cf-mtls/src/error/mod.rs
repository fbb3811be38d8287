//! The error of every operation.

mod display;
mod json;
mod operation;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use cf_mtls_api::{AccountId, CertificateId, InvalidId, ZoneId};
use http::StatusCode;
use serde::Serialize;

pub use operation::Operation;
pub(crate) use operation::Subject;

use crate::model::Association;

/// Why an operation failed.
///
/// Programs decide by the [`kind`](Self::kind); the message tells people what
/// happened, why, and what to do. It holds no token, key, header or PEM.
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "json::ErrorBody"))]
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
/// The [table of the crate](crate#errors) shows which codes and statuses of the
/// service give which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The certificate is in use, by [`Error::associations`].
    InUse,
    /// There is no such certificate or zone.
    NotFound,
    /// The service rejected the credentials.
    Authentication,
    /// The credentials are valid, but lack the permission.
    Permission,
    /// Too many requests. Wait for [`Error::retry_after`].
    RateLimited,
    /// The account has no room for another certificate.
    QuotaExceeded,
    /// The service refused the request.
    InvalidRequest,
    /// It conflicts with another change.
    Conflict,
    /// The service, or the edge in front of it, failed.
    ServiceUnavailable,
    /// No response came in time.
    Timeout,
    /// No connection was made, or it closed.
    Connection,
    /// The response is not one of the service.
    InvalidResponse,
    /// Several certificates match: [`Error::candidates`].
    Ambiguous,
    /// An argument is not valid. Nothing was changed.
    InvalidInput,
    /// The client is misconfigured. Nothing was sent.
    Configuration,
}

/// An error message of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceMessage {
    /// The code.
    pub code: i64,
    /// The text, without control characters, and shortened.
    pub message: String,
    /// A page that explains it.
    pub documentation_url: Option<String>,
    /// JSON pointer to the field of the request that it is about.
    pub pointer: Option<String>,
    /// The causes, outermost first, as code and message.
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
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed; `None` if none was begun.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The account that the operation was about.
    pub fn account_id(&self) -> Option<&AccountId> {
        self.0.subject.account.as_ref()
    }

    /// The zone that the operation was about.
    pub fn zone_id(&self) -> Option<&ZoneId> {
        self.0.subject.zone.as_ref()
    }

    /// The certificate that the operation was about.
    pub fn certificate_id(&self) -> Option<&CertificateId> {
        self.0.subject.certificate.as_ref()
    }

    /// The HTTP status of the last response.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The messages of the service, in its order.
    pub fn messages(&self) -> &[ServiceMessage] {
        &self.0.messages
    }

    /// The service's codes, causes included, in its order.
    pub fn codes(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.messages.iter().flat_map(|message| {
            std::iter::once(message.code).chain(message.causes.iter().map(|(code, _)| *code))
        })
    }

    /// `cf-ray` of the last response, which Cloudflare's support asks for.
    pub fn ray_id(&self) -> Option<&str> {
        self.0.ray_id.as_deref()
    }

    /// How long the service asks to wait before the next request.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How often the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the operation may have taken effect despite this error.
    ///
    /// `false` is certain: the service refused it, was never reached, or showed that
    /// nothing changed. With `true`, the client tried to find out, and could not.
    pub fn may_have_taken_effect(&self) -> bool {
        self.0.may_have_taken_effect
    }

    /// What uses the certificate, for [`ErrorKind::InUse`].
    pub fn associations(&self) -> &[Association] {
        &self.0.associations
    }

    /// The certificates that match, for [`ErrorKind::Ambiguous`]: at most the
    /// first hundred.
    pub fn candidates(&self) -> &[CertificateId] {
        &self.0.candidates
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Adds the status and the `cf-ray` of the response.
    pub(crate) fn with_response(mut self, status: StatusCode, ray_id: Option<String>) -> Self {
        self.0.status = Some(status);
        self.0.ray_id = ray_id;
        self
    }

    pub(crate) fn with_messages(mut self, messages: Vec<ServiceMessage>) -> Self {
        self.0.messages = messages;
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

    /// Adds to the explanation.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        self.0.detail = Some(match self.0.detail.take() {
            Some(before) => format!("{before}; {detail}"),
            None => detail,
        });
        self
    }

    /// Adds that looking up the outcome failed.
    pub(crate) fn with_failed_lookup(self, error: &Self) -> Self {
        self.with_detail(format!("looking it up afterwards failed: {}", error.kind()))
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the operation that failed, unless an inner one is there already.
    pub(crate) fn during(mut self, operation: Operation, subject: &Subject) -> Self {
        self.0.operation.get_or_insert_with(|| {
            self.0.subject = subject.clone();
            operation
        });
        self
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
