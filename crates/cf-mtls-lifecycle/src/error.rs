//! Why a job failed, and what it had done by then.

use std::error::Error as StdError;
use std::fmt;

use cf_mtls::text::{printable, shorten};
use cf_mtls::{Association, CertificateId, Client, ErrorKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::holder::Holder;
use crate::zone_hostnames::ZoneHostnames;

/// Why a job failed, and what it had done by then.
///
/// Programs decide by the [`kind`](Self::kind). If an operation of [`cf_mtls`] failed,
/// its error is the [source](Self::operation_error); `{:#}` shows both on one line.
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "ErrorBody"))]
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    /// What was being done, such as `release`, and to which certificate.
    job: Option<(String, CertificateId)>,
    detail: Option<String>,
    associations: Vec<Association>,
    detached: Vec<ZoneHostnames>,
    uploaded: Option<CertificateId>,
    holders: Vec<Holder>,
    /// What to do next.
    advice: Option<String>,
    source: Option<cf_mtls::Error>,
}

impl Error {
    /// An error of a job, such as for a test.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::of_kind(kind, Some(detail.into()), None)
    }

    fn of_kind(kind: ErrorKind, detail: Option<String>, source: Option<cf_mtls::Error>) -> Self {
        Self(Box::new(Inner {
            kind,
            job: None,
            detail,
            associations: Vec::new(),
            detached: Vec::new(),
            uploaded: None,
            holders: Vec::new(),
            advice: None,
            source,
        }))
    }

    /// What a caller can do next.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The certificate that the job was about.
    pub fn certificate_id(&self) -> Option<&CertificateId> {
        let job = self.0.job.as_ref().map(|(_, id)| id);
        job.or_else(|| self.operation_error()?.certificate_id())
    }

    /// The error of the operation that failed, if one did: it has the HTTP status, the
    /// codes and messages of the service, and `cf-ray`.
    pub fn operation_error(&self) -> Option<&cf_mtls::Error> {
        self.0.source.as_ref()
    }

    /// The error of the operation that failed, alone.
    pub fn into_operation_error(self) -> Option<cf_mtls::Error> {
        self.0.source
    }

    /// Whether the operation that failed may have taken effect. What the job had done
    /// before is in [`detached`](Self::detached) and [`uploaded`](Self::uploaded).
    pub fn may_have_taken_effect(&self) -> bool {
        let error = self.operation_error();
        error.is_some_and(cf_mtls::Error::may_have_taken_effect)
    }

    /// What uses the certificate, for [`ErrorKind::InUse`].
    pub fn associations(&self) -> &[Association] {
        match self.operation_error() {
            Some(error) if self.0.associations.is_empty() => error.associations(),
            _ => &self.0.associations,
        }
    }

    /// The hostnames that were detached from the certificate before.
    pub fn detached(&self) -> &[ZoneHostnames] {
        &self.0.detached
    }

    /// The successor that a rotation had uploaded before.
    pub fn uploaded(&self) -> Option<&CertificateId> {
        self.0.uploaded.as_ref()
    }

    /// The Workers, Hyperdrive configurations and others that hold the certificate, for
    /// [`ErrorKind::InUse`].
    pub fn holders(&self) -> &[Holder] {
        &self.0.holders
    }

    /// Sets the job, in place of a part of it.
    pub(crate) fn during(mut self, job: &'static str, id: &CertificateId) -> Self {
        self.0.job = Some((job.to_owned(), id.clone()));
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

    pub(crate) fn with_advice(mut self, advice: &'static str) -> Self {
        self.0.advice = Some(advice.to_owned());
        self
    }

    /// Adds associations, made safe to show.
    pub(crate) fn with_associations<'a>(
        mut self,
        client: &Client,
        rows: impl Iterator<Item = &'a Association>,
    ) -> Self {
        const MAX_ASSOCIATIONS: usize = 64;
        let rows = rows.take(MAX_ASSOCIATIONS).cloned();
        let clean = rows.map(|mut row| {
            row.service = client.redact(&row.service);
            row.status = client.redact(row.status.as_str()).into();
            row
        });
        self.0.associations = clean.collect();
        self
    }

    /// Sets what [holds the certificate](Self::holders).
    #[must_use]
    pub fn with_holders(mut self, holders: Vec<Holder>) -> Self {
        self.0.holders = holders;
        self
    }

    /// Sets what was [detached](Self::detached) before.
    #[must_use]
    pub fn with_detached(mut self, detached: Vec<ZoneHostnames>) -> Self {
        self.0.detached = detached;
        self
    }

    /// Sets what was [uploaded](Self::uploaded) before.
    #[must_use]
    pub fn with_uploaded(mut self, id: Option<CertificateId>) -> Self {
        self.0.uploaded = id;
        self
    }
}

impl From<cf_mtls::Error> for Error {
    fn from(source: cf_mtls::Error) -> Self {
        Self::of_kind(source.kind(), None, Some(source))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_ZONES: usize = 3;
        let inner = &*self.0;
        if let Some((job, id)) = &inner.job {
            write!(f, "{job} {id}: ")?;
        }
        match &inner.source {
            Some(source) if f.alternate() => {
                if let Some(detail) = &inner.detail {
                    write!(f, "{detail}: ")?;
                }
                write!(f, "{source}")?;
            }
            _ => {
                write!(f, "{}", inner.kind)?;
                if !inner.associations.is_empty() {
                    write!(f, " by {}", list(&inner.associations, usize::MAX, ", "))?;
                }
                if let Some(detail) = &inner.detail {
                    write!(f, ": {detail}")?;
                }
            }
        }
        if !inner.detached.is_empty() {
            let detached = list(&inner.detached, MAX_ZONES, "; ");
            write!(f, "; detached already: {detached}")?;
        }
        if let Some(more @ 1..) = inner.detached.len().checked_sub(MAX_ZONES) {
            write!(f, "; and {more} more zones")?;
        }
        if let Some(id) = &inner.uploaded {
            write!(f, "; uploaded already: {id}")?;
        }
        match &inner.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// The first items, each once, on one line of a length that people read.
fn list<T: fmt::Display>(items: &[T], max: usize, separator: &str) -> String {
    const MAX_BYTES: usize = 600;
    let mut texts: Vec<String> = Vec::new();
    for text in items.iter().take(max).map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let mut line = printable(&texts.join(separator));
    shorten(&mut line, MAX_BYTES);
    line
}

impl fmt::Debug for Error {
    /// The message first: it is what a failed `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("message", &format!("{self:#}"))
            .field("details", &self.0)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

/// The JSON form of [`Error`]: that of [`cf_mtls::Error`] and what the job had done.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
struct ErrorBody {
    /// The error of the operation that failed, or of the job itself.
    #[serde(flatten)]
    error: cf_mtls::Error,
    /// The job, such as `release`.
    job: Option<String>,
    /// The certificate that the job is about.
    job_certificate_id: Option<CertificateId>,
    /// What the job adds to the error of the operation.
    job_detail: Option<String>,
    /// What to do next.
    advice: Option<String>,
    /// The hostnames that were detached before.
    #[serde(default)]
    detached: Vec<ZoneHostnames>,
    /// The successor that was uploaded before.
    uploaded: Option<CertificateId>,
    /// What holds the certificate.
    #[serde(default)]
    holders: Vec<Holder>,
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = (*self.0).clone();
        let (job, job_certificate_id) = inner.job.unzip();
        let error = inner.source.unwrap_or_else(|| {
            let error = cf_mtls::Error::new(inner.kind).with_associations(inner.associations);
            let error = error.with_certificate_id(job_certificate_id.clone());
            match &inner.detail {
                Some(detail) => error.with_detail(detail),
                None => error,
            }
        });
        let body = ErrorBody {
            error,
            job,
            job_certificate_id,
            job_detail: inner.detail,
            advice: inner.advice,
            detached: inner.detached,
            uploaded: inner.uploaded,
            holders: inner.holders,
        };
        body.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = ErrorBody::deserialize(deserializer)?;
        let (kind, associations) = (body.error.kind(), body.error.associations().to_vec());
        // The error of an operation names it.
        let source = body.error.operation().is_some().then_some(body.error);
        let mut error = Self::of_kind(kind, body.job_detail, source);
        let inner = &mut *error.0;
        inner.job = body.job.zip(body.job_certificate_id);
        inner.associations = associations;
        (inner.detached, inner.uploaded) = (body.detached, body.uploaded);
        (inner.holders, inner.advice) = (body.holders, body.advice);
        Ok(error)
    }
}
