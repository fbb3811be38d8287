//! The error of every operation.

mod display;
mod json;
mod message;
mod operation;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cf_mtls_api::{AccountId, CertificateId, InvalidId, ZoneId};
use http::StatusCode;
use serde::{Deserialize, Serialize};

pub use message::ServiceMessage;
pub use operation::Operation;
pub(crate) use operation::Subject;

use crate::model::Association;

/// Why an operation failed.
///
/// Programs decide by the [`kind`](Self::kind); the message tells people what
/// happened, why, and what to do. Neither contains a token, key, header or PEM.
///
/// It serializes to [a stable form](crate#errors-as-json) and reads back from it,
/// and it can be made, so that code that handles errors is tested without a server:
///
/// ```
/// use std::time::Duration;
/// use cf_mtls::{Error, ErrorKind};
///
/// /// When to try again; `None` if a person has to act.
/// fn requeue(error: &Error) -> Option<Duration> {
///     match error.kind() {
///         ErrorKind::RateLimited => error.retry_after().or(Some(Duration::from_secs(300))),
///         ErrorKind::Timeout | ErrorKind::Connection | ErrorKind::ServiceUnavailable => {
///             Some(Duration::from_secs(10))
///         }
///         _ => None,
///     }
/// }
///
/// let limited = Error::new(ErrorKind::RateLimited).with_retry_after(Duration::from_secs(7));
/// assert_eq!(requeue(&limited), Some(Duration::from_secs(7)));
/// assert_eq!(requeue(&Error::new(ErrorKind::Permission)), None);
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "json::Body"))]
pub struct Error(Box<Inner>);

/// What is known of an error, as in its [JSON](json::Body).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
struct Inner {
    /// What a caller can do next, as one word.
    kind: ErrorKind,
    /// The operation that failed.
    operation: Option<Operation>,
    #[serde(flatten)]
    subject: Subject,
    /// HTTP status of the last response.
    status: Option<u16>,
    /// What the service said.
    #[serde(default)]
    messages: Vec<ServiceMessage>,
    /// `cf-ray` of the last response.
    ray_id: Option<String>,
    /// How long the service asks to wait, in whole seconds, rounded up.
    #[serde(default, rename = "retry_after_seconds", with = "json::seconds")]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<u64>"))]
    retry_after: Option<Duration>,
    /// How many times the request was sent.
    #[serde(default)]
    attempts: u32,
    /// Whether the operation may have taken effect all the same.
    #[serde(default)]
    may_have_taken_effect: bool,
    /// What uses the certificate, for `in_use`.
    #[serde(default)]
    associations: Vec<Association>,
    /// The certificates that match, for `ambiguous`.
    #[serde(default)]
    candidates: Vec<CertificateId>,
    /// The stored certificate, for `already_exists`.
    existing_certificate_id: Option<CertificateId>,
    /// What the message says beside the other fields.
    detail: Option<String>,
    #[serde(skip)]
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Kinds of errors, by what a caller can do next.
///
/// The [table of the crate](crate#errors) shows which codes and statuses of the
/// service give which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The certificate is in use, by [`Error::associations`].
    InUse,
    /// There is no such certificate or zone.
    NotFound,
    /// The account already holds this certificate, whatever its name:
    /// [`Error::existing_certificate`].
    AlreadyExists,
    /// The service rejected the credentials.
    Authentication,
    /// The credentials lack a permission, or the id is of somebody else's account or
    /// zone: the service does not tell these apart.
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

impl Error {
    /// An error of which only the kind is known.
    pub fn new(kind: ErrorKind) -> Self {
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
            existing_certificate_id: None,
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
        self.0.subject.account_id.as_ref()
    }

    /// The zone that the operation was about.
    pub fn zone_id(&self) -> Option<&ZoneId> {
        self.0.subject.zone_id.as_ref()
    }

    /// The certificate that the operation was about.
    pub fn certificate_id(&self) -> Option<&CertificateId> {
        self.0.subject.certificate_id.as_ref()
    }

    /// The HTTP status of the last response.
    pub fn status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.0.status?).ok()
    }

    /// The messages of the service, in its order.
    pub fn messages(&self) -> &[ServiceMessage] {
        &self.0.messages
    }

    /// The service's codes, causes included, in its order.
    pub fn codes(&self) -> impl Iterator<Item = i64> + '_ {
        let messages = self.0.messages.iter();
        let all = messages.flat_map(|message| std::iter::once(message).chain(&message.causes));
        all.filter_map(|message| message.code)
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

    /// The id under which the account holds the certificate, for
    /// [`ErrorKind::AlreadyExists`]; `None` if the list does not show it yet.
    pub fn existing_certificate(&self) -> Option<&CertificateId> {
        self.0.existing_certificate_id.as_ref()
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets the [HTTP status](Self::status).
    #[must_use]
    pub fn with_status(mut self, status: impl Into<Option<StatusCode>>) -> Self {
        self.0.status = status.into().map(|status| status.as_u16());
        self
    }

    /// Adds to the explanation.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
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

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
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

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($type:ty) $($field:ident).+;)*) => {
        impl Error {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, value: impl Into<$type>) -> Self {
                self.0.$($field).+ = value.into();
                self
            }
        )*}
    };
}

setters! {
    /// Sets the [operation](Self::operation) that failed.
    with_operation(Option<Operation>) operation;
    /// Sets the [account](Self::account_id).
    with_account_id(Option<AccountId>) subject.account_id;
    /// Sets the [zone](Self::zone_id).
    with_zone_id(Option<ZoneId>) subject.zone_id;
    /// Sets the [certificate](Self::certificate_id).
    with_certificate_id(Option<CertificateId>) subject.certificate_id;
    /// Sets the [messages](Self::messages) of the service.
    with_messages(Vec<ServiceMessage>) messages;
    /// Sets [`cf-ray`](Self::ray_id).
    with_ray_id(Option<String>) ray_id;
    /// Sets [how long to wait](Self::retry_after).
    with_retry_after(Option<Duration>) retry_after;
    /// Sets [how often](Self::attempts) the request was sent.
    with_attempts(u32) attempts;
    /// Sets whether it [may have taken effect](Self::may_have_taken_effect).
    with_effect(bool) may_have_taken_effect;
    /// Sets [what uses the certificate](Self::associations).
    with_associations(Vec<Association>) associations;
    /// Sets the [certificates that match](Self::candidates).
    with_candidates(Vec<CertificateId>) candidates;
    /// Sets the id of the [stored certificate](Self::existing_certificate).
    with_existing_certificate(Option<CertificateId>) existing_certificate_id;
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
