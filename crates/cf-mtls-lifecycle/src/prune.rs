//! Finds the certificates that may go.

use std::fmt;
use std::future::ready;

use cf_mtls::{
    Association, Certificate, CertificateFilter, CertificateId, CertificateType, Certificates,
    ErrorKind,
};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::Error;
use crate::many::{Outcomes, patient};

/// Which certificates may go: those that meet all criteria.
///
/// What is not known of a certificate meets no criterion: one without a date of
/// expiry never counts as expired. What Cloudflare manages is left out unless
/// its [`certificate_type`](Self::certificate_type) is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Prune {
    expired_at: Option<Timestamp>,
    expires_before: Option<Timestamp>,
    uploaded_before: Option<Timestamp>,
    name_prefix: Option<String>,
    unused: bool,
    kind: Option<bool>,
    types: Vec<CertificateType>,
}

/// A certificate that may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Candidate {
    /// The id, to delete it by.
    pub id: CertificateId,
    /// The certificate.
    pub certificate: Certificate,
    /// Which criteria it meets: all that were asked for.
    pub reasons: Vec<Reason>,
}

/// A criterion that a certificate meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It expired.
    Expired {
        /// When it did.
        #[cfg_attr(feature = "schemars", schemars(with = "String"))]
        #[serde(serialize_with = "text")]
        on: Timestamp,
    },
    /// It expires before the moment that was asked for.
    ExpiresBefore {
        /// When it does.
        #[cfg_attr(feature = "schemars", schemars(with = "String"))]
        #[serde(serialize_with = "text")]
        on: Timestamp,
    },
    /// It was uploaded before the moment that was asked for.
    UploadedBefore {
        /// When it was.
        #[cfg_attr(feature = "schemars", schemars(with = "String"))]
        #[serde(serialize_with = "text")]
        on: Timestamp,
    },
    /// Its name begins as was asked for.
    NamePrefix {
        /// The beginning.
        prefix: String,
    },
    /// No service uses it.
    Unused,
}

impl Prune {
    /// No criteria yet, which selects nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has expired by now.
    pub fn expired(self) -> Self {
        self.expired_at(Timestamp::now())
    }

    /// Has expired by this moment, which somebody takes for now.
    pub fn expired_at(mut self, now: Timestamp) -> Self {
        self.expired_at = Some(now);
        self
    }

    /// Expires, or expired, before this moment.
    pub fn expires_before(mut self, moment: Timestamp) -> Self {
        self.expires_before = Some(moment);
        self
    }

    /// Was uploaded before this moment.
    pub fn uploaded_before(mut self, moment: Timestamp) -> Self {
        self.uploaded_before = Some(moment);
        self
    }

    /// Has a name that begins so.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = Some(prefix.into());
        self
    }

    /// Is used by no service, for which each certificate that meets the other
    /// criteria is one request. One that ceases to be unused before it is
    /// deleted is kept by the service.
    pub fn unused(mut self) -> Self {
        self.unused = true;
        self
    }

    /// Is a CA. Not a criterion alone.
    pub fn ca(mut self) -> Self {
        self.kind = Some(true);
        self
    }

    /// Is a leaf. Not a criterion alone.
    pub fn leaf(mut self) -> Self {
        self.kind = Some(false);
        self
    }

    /// Is of this type too; only of the type `custom` unless set. Not a
    /// criterion alone.
    pub fn certificate_type(mut self, certificate_type: CertificateType) -> Self {
        self.types.push(certificate_type);
        self
    }

    fn check(&self) -> Result<(), Error> {
        if self.name_prefix.as_deref() == Some("") {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "every name begins with an empty prefix; leave it out, or say how names begin",
            ));
        }
        let times = [self.expired_at, self.expires_before, self.uploaded_before];
        if times.iter().all(Option::is_none) && self.name_prefix.is_none() && !self.unused {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "no criterion is given that selects certificates: expiry, date of upload, prefix of \
                 the name, or not being used",
            ));
        }
        Ok(())
    }

    /// Leaves to the service what it can do.
    fn filter(&self) -> CertificateFilter {
        let all = CertificateFilter::all();
        match self.kind {
            Some(true) => all.ca(),
            Some(false) => all.leaf(),
            None => all,
        }
    }

    /// The reasons that the certificate itself gives; `None` unless it meets all
    /// criteria but that of use.
    fn reasons(&self, certificate: &Certificate) -> Option<Vec<Reason>> {
        let custom = [CertificateType::Custom];
        let types = match self.types.as_slice() {
            [] => &custom[..],
            types => types,
        };
        // Older answers have no type, and no managed certificates.
        let of_type = certificate
            .certificate_type()
            .unwrap_or(CertificateType::Custom);
        if !types.contains(&of_type) {
            return None;
        }
        if self.kind.is_some_and(|ca| certificate.is_ca() != Some(ca)) {
            return None;
        }
        let mut reasons = Vec::new();
        if let Some(now) = self.expired_at {
            let on = certificate.expires_on().filter(|end| *end <= now)?;
            reasons.push(Reason::Expired { on });
        }
        if let Some(moment) = self.expires_before {
            let on = certificate.expires_on().filter(|end| *end < moment)?;
            reasons.push(Reason::ExpiresBefore { on });
        }
        if let Some(moment) = self.uploaded_before {
            let on = certificate.uploaded_on().filter(|on| *on < moment)?;
            reasons.push(Reason::UploadedBefore { on });
        }
        if let Some(prefix) = &self.name_prefix {
            certificate.name().filter(|name| name.starts_with(prefix))?;
            let prefix = prefix.clone();
            reasons.push(Reason::NamePrefix { prefix });
        }
        Some(reasons)
    }
}

pub(crate) fn candidates(
    certificates: &Certificates,
    criteria: Prune,
) -> Result<Outcomes<Result<Candidate, Error>>, Error> {
    criteria.check()?;
    let this = patient(certificates);
    let max = this.concurrency();
    let list = this.list(criteria.filter());
    let looks = list.map(move |certificate| {
        let (this, criteria) = (this.clone(), criteria.clone());
        async move {
            match certificate {
                Ok(certificate) => candidate(&this, &criteria, certificate).await.transpose(),
                Err(error) => Some(Err(error.into())),
            }
        }
    });
    // In the order of the list, and without what stays.
    Ok(Outcomes::new(looks.buffered(max).filter_map(ready)))
}

async fn candidate(
    certificates: &Certificates,
    criteria: &Prune,
    certificate: Certificate,
) -> Result<Option<Candidate>, Error> {
    let Some(mut reasons) = criteria.reasons(&certificate) else {
        return Ok(None);
    };
    let Some(id) = certificate.id().cloned() else {
        let detail = "a certificate that meets the criteria is listed without its id";
        return Err(Error::new(ErrorKind::InvalidResponse, detail));
    };
    if criteria.unused {
        match certificates.associations(&id).await {
            Ok(uses) if uses.iter().all(Association::has_ended) => reasons.push(Reason::Unused),
            Ok(_) => return Ok(None),
            // Gone since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(Candidate {
        id,
        certificate,
        reasons,
    }))
}

fn text<S: serde::Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { on } => write!(f, "expired {on}"),
            Self::ExpiresBefore { on } => write!(f, "expires {on}"),
            Self::UploadedBefore { on } => write!(f, "uploaded {on}"),
            Self::NamePrefix { prefix } => write!(f, "name begins with {prefix:?}"),
            Self::Unused => f.write_str("unused"),
        }
    }
}
