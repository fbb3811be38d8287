//! The error of every operation.

mod display;
mod json;
mod operation;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cf_mtls_api::{
    AccountId, Association, CertificateId, InvalidHostname, InvalidId, ServiceMessage, ZoneId,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

pub use operation::Operation;
pub(crate) use operation::SubjectRef;

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
#[cfg_attr(
    feature = "schemars",
    schemars(with = "json::Body", description = "Why an operation failed.")
)]
pub struct Error {
    kind: ErrorKind,
    facts: Box<Facts>,
}

/// What else is known of an error, as in its [JSON](json::Body).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
struct Facts {
    /// The operation that failed.
    operation: Option<Operation>,
    account_id: Option<AccountId>,
    zone_id: Option<ZoneId>,
    certificate_id: Option<CertificateId>,
    /// HTTP status of the last response.
    status: Option<u16>,
    /// What the service said.
    #[serde(default)]
    messages: Vec<ServiceMessage>,
    /// `cf-ray` of the last response.
    ray_id: Option<String>,
    /// How long the service asks to wait, in whole seconds, rounded up.
    #[serde(default, rename = "retry_after_seconds", with = "cf_mtls_api::whole_seconds")]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<u64>"))]
    retry_after: Option<Duration>,
    /// How many times the request was sent.
    #[serde(default)]
    attempts: u32,
    /// Whether the operation may have taken effect all the same.
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
    /// The response is not one of the service, or what it says does not add up.
    InvalidResponse,
    /// Several certificates match: [`Error::candidates`].
    Ambiguous,
    /// An argument is not valid. Nothing was changed.
    InvalidInput,
    /// The client is misconfigured. Nothing was sent.
    Configuration,
}

impl Error {
    /// An error of which only the kind is known, and which had no effect: say so if it
    /// [may have](Self::with_may_have_taken_effect).
    pub fn new(kind: ErrorKind) -> Self {
        Self { kind, facts: Box::default() }
    }

    pub(crate) fn invalid_input(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput).with_detail(detail)
    }

    pub(crate) fn configuration(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration).with_detail(detail)
    }

    /// What a caller can do next.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The HTTP status of the last response.
    pub fn status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.facts.status?).ok()
    }

    /// The service's codes, causes included, in its order.
    pub fn codes(&self) -> impl Iterator<Item = i64> + '_ {
        let messages = self.facts.messages.iter();
        let all = messages.flat_map(|message| std::iter::once(message).chain(&message.causes));
        all.filter_map(|message| message.code)
    }

    setters! {
        /// Sets the [HTTP status](Self::status).
        #[must_use]
        with_status(self, status: impl Into<Option<StatusCode>>) {
            self.facts.status = status.into().map(|status| status.as_u16())
        }

        /// Sets the cause.
        #[must_use]
        with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) {
            self.facts.source = Some(Arc::from(source.into()))
        }
    }

    pub(crate) fn with_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Adds to the explanation.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        self.facts.detail = Some(match self.facts.detail.take() {
            Some(before) => format!("{before}; {detail}"),
            None => detail,
        });
        self
    }

    /// Adds that looking up the outcome failed.
    pub(crate) fn with_failed_lookup(self, error: &Self) -> Self {
        self.with_detail(format!("looking it up afterwards failed: {}", error.kind()))
    }

    /// Adds the operation that failed, unless an inner one is there already.
    pub(crate) fn during(self, operation: Operation, subject: SubjectRef<'_>) -> Self {
        match self.facts.operation {
            Some(_) => self,
            None => self
                .with_operation(operation)
                .with_account_id(subject.account_id.cloned())
                .with_zone_id(subject.zone_id.cloned())
                .with_certificate_id(subject.certificate_id.cloned()),
        }
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $type:ty = |$facts:ident| $get:expr,
        $setter:ident($value:ty) $field:ident;)*) => {
        impl Error {$(
            $(#[$doc])*
            pub fn $name(&self) -> $type {
                let $facts = &*self.facts;
                $get
            }

            #[doc = concat!("Sets [`", stringify!($name), "`](Self::", stringify!($name), ").")]
            #[must_use]
            pub fn $setter(mut self, value: impl Into<$value>) -> Self {
                self.facts.$field = value.into();
                self
            }
        )*}
    };
}

fields! {
    /// The operation that failed; `None` if none was begun.
    operation: Option<Operation> = |it| it.operation,
        with_operation(Option<Operation>) operation;
    /// The account that the operation was about.
    account_id: Option<&AccountId> = |it| it.account_id.as_ref(),
        with_account_id(Option<AccountId>) account_id;
    /// The zone that the operation was about.
    zone_id: Option<&ZoneId> = |it| it.zone_id.as_ref(),
        with_zone_id(Option<ZoneId>) zone_id;
    /// The certificate that the operation was about.
    certificate_id: Option<&CertificateId> = |it| it.certificate_id.as_ref(),
        with_certificate_id(Option<CertificateId>) certificate_id;
    /// The messages of the service, in its order.
    messages: &[ServiceMessage] = |it| &it.messages,
        with_messages(Vec<ServiceMessage>) messages;
    /// `cf-ray` of the last response, which Cloudflare's support asks for.
    ray_id: Option<&str> = |it| it.ray_id.as_deref(),
        with_ray_id(Option<String>) ray_id;
    /// How long the service asks to wait before the next request.
    retry_after: Option<Duration> = |it| it.retry_after,
        with_retry_after(Option<Duration>) retry_after;
    /// How often the request was sent.
    attempts: u32 = |it| it.attempts,
        with_attempts(u32) attempts;
    /// Whether the operation may have taken effect despite this error.
    ///
    /// `false` is certain: the service refused it, was never reached, or showed that
    /// nothing changed. With `true`, the client tried to find out, and could not.
    may_have_taken_effect: bool = |it| it.may_have_taken_effect,
        with_may_have_taken_effect(bool) may_have_taken_effect;
    /// What uses the certificate, for [`ErrorKind::InUse`].
    associations: &[Association] = |it| &it.associations,
        with_associations(Vec<Association>) associations;
    /// The certificates that match, for [`ErrorKind::Ambiguous`]: at most the first hundred.
    candidates: &[CertificateId] = |it| &it.candidates,
        with_candidates(Vec<CertificateId>) candidates;
    /// The id under which the account holds the certificate, for
    /// [`ErrorKind::AlreadyExists`]; `None` if the list does not show it yet.
    existing_certificate: Option<&CertificateId> = |it| it.existing_certificate_id.as_ref(),
        with_existing_certificate(Option<CertificateId>) existing_certificate_id;
}

impl fmt::Debug for Error {
    /// The message first: it is what a failed `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("message", &self.to_string())
            .field("kind", &self.kind)
            .field("details", &self.facts)
            .finish()
    }
}

/// Errors are equal if their JSON is, whatever their causes.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let facts = |error: &Self| serde_json::to_value(&error.facts).ok();
        self.kind == other.kind && facts(self) == facts(other)
    }
}

impl Eq for Error {}

impl AsRef<Self> for Error {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.facts.source.as_deref().map(|source| source as _)
    }
}

impl From<InvalidHostname> for Error {
    fn from(invalid: InvalidHostname) -> Self {
        Self::invalid_input(invalid.to_string())
    }
}

impl From<InvalidId> for Error {
    fn from(invalid: InvalidId) -> Self {
        Self::invalid_input(format!("not an identifier: {invalid}"))
    }
}
