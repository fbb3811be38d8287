//! Why a job failed, and what it had done by then.

use std::borrow::Borrow as _;
use std::error::Error as StdError;
use std::fmt;

use cf_mtls::text::list;
use cf_mtls::{Association, CertificateId, ErrorKind, Holder, ZoneHostnames};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::unread::Unread;

/// Why a job failed, and what it had done by then.
///
/// Programs decide by the [`kind`](Self::kind). If an operation of [`cf_mtls`] failed,
/// its error is the [source](Self::operation_error); `{:#}` shows both on one line. The
/// JSON is that of [`cf_mtls::Error`], with `{:#}` as its message and what the job adds.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Error {
    /// The error of the operation that failed, or of the job itself.
    #[serde(flatten)]
    error: cf_mtls::Error,
    #[serde(flatten)]
    job: Box<Job>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
struct Job {
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
    #[serde(flatten)]
    unread: Unread,
}

impl Error {
    /// An error of a job, such as for a test.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut error = Self::from(cf_mtls::Error::new(kind).with_detail(detail.clone()));
        error.job.job_detail = Some(detail);
        error
    }

    /// What a caller can do next.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// The certificate that the job was about.
    pub fn certificate_id(&self) -> Option<&CertificateId> {
        self.job.job_certificate_id.as_ref().or_else(|| self.error.certificate_id())
    }

    /// The error of the operation that failed, if one did: it has the HTTP status, the
    /// codes and messages of the service, and `cf-ray`.
    pub fn operation_error(&self) -> Option<&cf_mtls::Error> {
        Some(&self.error).filter(|_| !self.is_of_job())
    }

    /// Whether no operation failed.
    fn is_of_job(&self) -> bool {
        self.error.operation().is_none() && self.job.job_detail.is_some()
    }

    /// Whether the operation that failed may have taken effect. What the job had done
    /// before is in [`detached`](Self::detached) and [`uploaded`](Self::uploaded).
    pub fn may_have_taken_effect(&self) -> bool {
        self.error.may_have_taken_effect()
    }

    /// What uses the certificate, for [`ErrorKind::InUse`].
    pub fn associations(&self) -> &[Association] {
        self.error.associations()
    }

    /// Sets the job, in place of a part of it.
    pub(crate) fn during(mut self, job: &'static str, id: &CertificateId) -> Self {
        if self.is_of_job() {
            self.error = self.error.with_certificate_id(id.clone());
        }
        self.job.job = Some(job.to_owned());
        self.job.job_certificate_id = Some(id.clone());
        self
    }

    /// Adds to the explanation.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        if self.is_of_job() {
            self.error = self.error.with_detail(detail.clone());
        }
        self.job.job_detail = Some(match self.job.job_detail.take() {
            Some(before) => format!("{before}; {detail}"),
            None => detail,
        });
        self
    }

    pub(crate) fn with_advice(mut self, advice: &'static str) -> Self {
        self.job.advice = Some(advice.to_owned());
        self
    }

    /// Adds associations that are safe to show.
    pub(crate) fn with_associations(mut self, rows: Vec<Association>) -> Self {
        self.error = self.error.with_associations(rows);
        self
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $result:ty = $get:ident, $setter:ident($type:ty);)*) => {
        impl Error {$(
            $(#[$doc])*
            pub fn $name(&self) -> $result {
                self.job.$name.$get()
            }

            #[doc = concat!("Sets [`", stringify!($name), "`](Self::", stringify!($name), ").")]
            #[must_use]
            pub fn $setter(mut self, value: $type) -> Self {
                self.job.$name = value;
                self
            }
        )*}
    };
}

fields! {
    /// The hostnames that were detached from the certificate before.
    detached: &[ZoneHostnames] = as_ref, with_detached(Vec<ZoneHostnames>);
    /// The successor that a rotation had uploaded before.
    uploaded: Option<&CertificateId> = as_ref, with_uploaded(Option<CertificateId>);
    /// The Workers, Hyperdrive configurations and others that hold the certificate, for
    /// [`ErrorKind::InUse`].
    holders: &[Holder] = as_ref, with_holders(Vec<Holder>);
    /// What could not be read, and may use the certificate, too.
    unread: &Unread = borrow, with_unread(Unread);
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = serde_json::to_value(&self.error).map_err(S::Error::custom)?;
        error["message"] = format!("{self:#}").into();
        let job = serde_json::to_value(&self.job).map_err(S::Error::custom)?;
        serializer.collect_map([&error, &job].into_iter().filter_map(Value::as_object).flatten())
    }
}

/// The error of the operation that failed, or what is known of the job's own.
impl AsRef<cf_mtls::Error> for Error {
    fn as_ref(&self) -> &cf_mtls::Error {
        &self.error
    }
}

impl From<cf_mtls::Error> for Error {
    fn from(error: cf_mtls::Error) -> Self {
        Self { error, job: Box::default() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_ZONES: usize = 3;
        let inner = &*self.job;
        if let (Some(job), Some(id)) = (&inner.job, &inner.job_certificate_id) {
            write!(f, "{job} {id}: ")?;
        }
        if !self.is_of_job() && f.alternate() {
            if let Some(detail) = &inner.job_detail {
                write!(f, "{detail}: ")?;
            }
            write!(f, "{}", self.error)?;
        } else {
            write!(f, "{}", self.kind())?;
            if self.is_of_job() && !self.associations().is_empty() {
                write!(f, " by {}", list(self.associations(), usize::MAX, ", "))?;
            }
            if let Some(detail) = &inner.job_detail {
                write!(f, ": {detail}")?;
            }
        }
        f.write_str(&inner.unread.suffix())?;
        if !inner.detached.is_empty() {
            let detached = list(&inner.detached, MAX_ZONES, "; ");
            write!(f, "; detached already: {detached}")?;
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

impl fmt::Debug for Error {
    /// The message first: it is what a failed `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("message", &format!("{self:#}"))
            .field("error", &self.error)
            .field("job", &self.job)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.operation_error().map(|error| error as _)
    }
}
