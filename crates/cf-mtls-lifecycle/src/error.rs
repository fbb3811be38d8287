//! How a job fails, and what it had done by then.

use std::error::Error as StdError;
use std::fmt;

use cf_mtls::text::{printable, shorten};
use cf_mtls::{Association, CertificateId, Client, ErrorKind};
use serde::{Serialize, Serializer};

use crate::zone_hostnames::ZoneHostnames;

/// Why a job did not finish, with what it had done before.
///
/// [`kind`](Self::kind) says what a caller can do next. Where an operation of
/// [`cf_mtls`] failed, its error is the [source](Self::operation_error); the
/// alternate form, `{:#}`, shows both on one line.
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
        Self(Box::new(Inner {
            kind,
            job: None,
            detail: Some(detail.into()),
            associations: Vec::new(),
            detached: Vec::new(),
            uploaded: None,
            advice: None,
            source: None,
        }))
    }

    /// What a caller can do next.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The certificate that the job was about, or the operation that failed.
    #[must_use]
    pub fn certificate_id(&self) -> Option<&CertificateId> {
        let job = self.0.job.as_ref().map(|(_, id)| id);
        job.or_else(|| self.operation_error()?.certificate_id())
    }

    /// The error of the operation that failed, where it was one: it has the HTTP
    /// status, the service's codes and messages, and `cf-ray`.
    #[must_use]
    pub fn operation_error(&self) -> Option<&cf_mtls::Error> {
        self.0.source.as_ref()
    }

    /// The error of the operation that failed, alone.
    #[must_use]
    pub fn into_operation_error(self) -> Option<cf_mtls::Error> {
        self.0.source
    }

    /// Whether the operation that failed may have taken effect all the same. What
    /// the job had done before is in [`detached`](Self::detached) and
    /// [`uploaded`](Self::uploaded).
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        self.operation_error()
            .is_some_and(cf_mtls::Error::may_have_taken_effect)
    }

    /// What uses the certificate, for [`ErrorKind::InUse`].
    #[must_use]
    pub fn associations(&self) -> &[Association] {
        match self.operation_error() {
            Some(error) if self.0.associations.is_empty() => error.associations(),
            _ => &self.0.associations,
        }
    }

    /// The hostnames that were detached from the certificate before. Run the job
    /// again to go on.
    #[must_use]
    pub fn detached(&self) -> &[ZoneHostnames] {
        &self.0.detached
    }

    /// The successor that a rotation had uploaded before. Run it again with the
    /// same certificate to go on.
    #[must_use]
    pub fn uploaded(&self) -> Option<&CertificateId> {
        self.0.uploaded.as_ref()
    }

    /// Sets what was being done, unless that is set.
    pub(crate) fn during(mut self, job: &'static str, id: &CertificateId) -> Self {
        self.0.job.get_or_insert_with(|| (job, id.clone()));
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

    /// Adds associations, safe to show.
    pub(crate) fn with_associations(mut self, client: &Client, rows: &[Association]) -> Self {
        const MAX_ASSOCIATIONS: usize = 64;
        let rows = rows.iter().take(MAX_ASSOCIATIONS).cloned();
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
        Self(Box::new(Inner {
            kind: source.kind(),
            job: None,
            detail: None,
            associations: Vec::new(),
            detached: Vec::new(),
            uploaded: None,
            advice: None,
            source: Some(source),
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            const MAX_ZONES: usize = 3;
            write!(
                f,
                "; detached already: {}",
                list(&inner.detached, MAX_ZONES, "; ")
            )?;
            if MAX_ZONES < inner.detached.len() {
                write!(f, "; and {} more zones", inner.detached.len() - MAX_ZONES)?;
            }
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

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Error {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        cf_mtls::Error::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        cf_mtls::Error::json_schema(generator)
    }
}
