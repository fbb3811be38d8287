//! Why a job failed, and what it had done by then.

use std::error::Error as StdError;
use std::fmt;

use cf_mtls::text::{printable, shorten};
use cf_mtls::{Association, CertificateId, Client, ErrorKind};
use serde::{Serialize, Serializer};

use crate::zone_hostnames::ZoneHostnames;

/// Why a job failed, and what it had done by then.
///
/// Programs decide by the [`kind`](Self::kind). If an operation of [`cf_mtls`] failed,
/// its error is the [source](Self::operation_error); `{:#}` shows both on one line.
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "cf_mtls::Error"))]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    /// What was being done, such as `release`, and to which certificate.
    job: Option<(&'static str, CertificateId)>,
    detail: Option<String>,
    associations: Vec<Association>,
    detached: Vec<ZoneHostnames>,
    uploaded: Option<CertificateId>,
    /// What to do next.
    advice: Option<&'static str>,
    source: Option<cf_mtls::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
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

    /// Sets the job, in place of a part of it.
    pub(crate) fn during(mut self, job: &'static str, id: &CertificateId) -> Self {
        self.0.job = Some((job, id.clone()));
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
        self.0.advice = Some(advice);
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

    pub(crate) fn with_detached(mut self, detached: Vec<ZoneHostnames>) -> Self {
        self.0.detached = detached;
        self
    }

    pub(crate) fn with_uploaded(mut self, id: Option<CertificateId>) -> Self {
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
        match inner.advice {
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

/// Serializes to an object with `kind`, `message`, `status`, `codes` and `ray_id`,
/// like [`cf_mtls::Error`].
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct ErrorBody<'a> {
            kind: ErrorKind,
            message: String,
            status: Option<u16>,
            codes: Vec<i64>,
            ray_id: Option<&'a str>,
        }

        let source = self.operation_error();
        let body = ErrorBody {
            kind: self.kind(),
            message: format!("{self:#}"),
            status: source.and_then(|error| Some(error.status()?.as_u16())),
            codes: source.map_or_else(Vec::new, |error| error.codes().collect()),
            ray_id: source.and_then(cf_mtls::Error::ray_id),
        };
        body.serialize(serializer)
    }
}
