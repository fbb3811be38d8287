//! Finds the certificates that can be deleted.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use cf_mtls::{
    Association, Certificate, CertificateFilter, CertificateId, CertificateType, Certificates,
    ErrorKind, Product,
};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

use crate::error::Error;
use crate::holder::Found;
use crate::many::{Outcomes, patient};
use crate::services::managed_type;

const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(24);

/// Which certificates to delete: those that meet all criteria.
///
/// A missing field meets no criterion: a certificate without an expiry date never
/// counts as expired. Certificates that Cloudflare manages are left out unless their
/// [`certificate_type`](Self::certificate_type) is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Prune {
    expired_at: Option<Timestamp>,
    expires_before: Option<Timestamp>,
    uploaded_before: Option<Timestamp>,
    name_prefix: Option<String>,
    unused: bool,
    ca: bool,
    leaf: bool,
    types: Vec<CertificateType>,
}

record! {
    /// A certificate that meets the criteria.
    pub struct Candidate {
        /// The id.
        pub id: CertificateId,
        /// The certificate.
        pub certificate: Certificate,
        /// The criteria that it meets, which are all that were set.
        pub reasons: Vec<Reason>,
    }
}

variants! {
    /// A criterion that a certificate meets.
    #[serde(tag = "reason", rename_all = "snake_case")]
    pub enum Reason {
        /// It has expired.
        Expired = expired {
            /// When it expired.
            #[cfg_attr(feature = "schemars", schemars(with = "String"))]
            on: Timestamp,
        },
        /// It expires before the given time.
        ExpiresBefore = expires_before {
            /// When it expires.
            #[cfg_attr(feature = "schemars", schemars(with = "String"))]
            on: Timestamp,
        },
        /// It was uploaded before the given time.
        UploadedBefore = uploaded_before {
            /// When it was uploaded.
            #[cfg_attr(feature = "schemars", schemars(with = "String"))]
            on: Timestamp,
        },
        /// Its name begins with the given prefix.
        NamePrefix = name_prefix {
            /// The prefix.
            prefix: String,
        },
        /// No use was found. Zones were not read.
        Unused = unused {},
    }
}

impl Prune {
    /// Without criteria, which selects nothing.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// It has expired.
        expired(self) { self.expired_at = Some(Timestamp::now()) }

        /// It has expired at `now`.
        expired_at(self, now: Timestamp) { self.expired_at = Some(now) }

        /// It expires, or expired, before this time.
        expires_before(self, moment: Timestamp) { self.expires_before = Some(moment) }

        /// It was uploaded before this time.
        uploaded_before(self, moment: Timestamp) { self.uploaded_before = Some(moment) }

        /// Its name begins with this prefix.
        name_prefix(self, prefix: impl Into<String>) { self.name_prefix = Some(prefix.into()) }

        /// No service is shown to use it, and no Worker, Hyperdrive configuration or Gateway, which
        /// are read once for all certificates. Where one cannot be read, its certificates come as
        /// errors that name the permission, and are no candidates. Each certificate that meets the
        /// other criteria costs one request more. Zones are not read: if it is used, the service
        /// keeps it.
        unused(self) { self.unused = true }

        /// It is a CA. Not a criterion alone.
        ca(self) { self.ca = true }

        /// It is a leaf. Not a criterion alone.
        leaf(self) { self.leaf = true }

        /// It is of this type, or of another that is set; of the type `custom` unless
        /// any is. Not a criterion alone.
        certificate_type(self, kind: CertificateType) { self.types.push(kind) }
    }

    fn has_time(&self) -> bool {
        [self.expired_at, self.expires_before, self.uploaded_before].iter().any(Option::is_some)
    }

    /// Times come from the local clock, which may be wrong by years.
    fn check_clock(&self, certificates: &Certificates) -> Result<(), Error> {
        let skew = certificates.client().clock_skew().unwrap_or_default();
        if !self.has_time() || skew.abs() <= MAX_CLOCK_SKEW {
            return Ok(());
        }
        let side = if skew.is_positive() { "ahead of" } else { "behind" };
        let hours = skew.abs().as_hours();
        let detail =
            format!("the local clock is {hours} hours {side} the service; correct it first");
        Err(Error::new(ErrorKind::Configuration, detail))
    }

    fn check(&self) -> Result<(), Error> {
        let problem = match self.name_prefix.as_deref() {
            _ if self.ca && self.leaf => "no certificate is both a CA and a leaf",
            _ if self.types.iter().any(|kind| kind.as_str().is_empty()) => "the type is empty",
            Some("") => "the name prefix is empty, and would match every name",
            None if !self.has_time() && !self.unused => {
                "no criterion selects certificates: set a time, a name prefix, or `unused`"
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::InvalidInput, problem))
    }

    /// The criteria that a certificate meets, but for its use; `None` unless all.
    fn reasons(&self, certificate: &Certificate) -> Option<Vec<Reason>> {
        let kind = managed_type(certificate).unwrap_or(CertificateType::Custom);
        let is_wanted = match self.types.as_slice() {
            [] => kind == CertificateType::Custom,
            types => types.contains(&kind),
        };
        let is_kind = !(self.ca || self.leaf) || certificate.is_ca() == Some(self.ca);
        if !(is_wanted && is_kind) {
            return None;
        }
        let (expiry, upload) = (certificate.expires_on(), certificate.uploaded_on());
        let mut reasons = Vec::new();
        if let Some(now) = self.expired_at {
            reasons.push(Reason::expired(expiry.filter(|end| *end <= now)?));
        }
        if let Some(moment) = self.expires_before {
            reasons.push(Reason::expires_before(expiry.filter(|end| *end < moment)?));
        }
        if let Some(moment) = self.uploaded_before {
            reasons.push(Reason::uploaded_before(upload.filter(|on| *on < moment)?));
        }
        if let Some(prefix) = &self.name_prefix {
            certificate.name().filter(|name| name.starts_with(prefix))?;
            reasons.push(Reason::name_prefix(prefix.clone()));
        }
        Some(reasons)
    }
}

pub(crate) fn candidates(
    certificates: &Certificates,
    criteria: Prune,
) -> Result<Outcomes<Result<Candidate, Error>>, Error> {
    criteria.check()?;
    let certificates = patient(certificates);
    let max = certificates.concurrency();
    let filter = CertificateFilter::all();
    let filter = if criteria.ca { filter.ca() } else { filter };
    let filter = if criteria.leaf { filter.leaf() } else { filter };
    let list = certificates.list(filter);
    let products = Product::ALL.map(|product| (product, OnceCell::new()));
    let search = Arc::new(Search { certificates, criteria, products });
    let looks = list.map(move |certificate| {
        let search = Arc::clone(&search);
        async move { search.look(certificate?).await }
    });
    // In the order of the list.
    let found = looks.buffered(max).filter_map(|one| ready(one.transpose()));
    Ok(Outcomes::new("prune candidates", found))
}

struct Search {
    certificates: Certificates,
    criteria: Prune,
    /// Each is read once, when it is first needed.
    products: [(Product, OnceCell<Found>); 3],
}

impl Search {
    async fn look(&self, certificate: Certificate) -> Result<Option<Candidate>, Error> {
        self.criteria.check_clock(&self.certificates)?;
        let Some(mut reasons) = self.criteria.reasons(&certificate) else { return Ok(None) };
        let id = certificate.id().clone();
        if self.criteria.unused {
            match self.certificates.associations(&id).await {
                Ok(uses) if uses.iter().all(Association::has_ended) => {
                    reasons.push(Reason::unused())
                }
                Ok(_) => return Ok(None),
                // Gone since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            if self.is_held(&id, certificate.is_ca()).await? {
                return Ok(None);
            }
        }
        Ok(Some(Candidate { id, certificate, reasons }))
    }

    /// Whether a product holds a certificate; an error if that is not known.
    async fn is_held(&self, id: &CertificateId, is_ca: Option<bool>) -> Result<bool, Error> {
        let mut unreadable = None;
        for (product, cell) in self.products.iter().filter(|(one, _)| one.can_hold(is_ca)) {
            let read = async || {
                let mut found = Found::default();
                found.read(&self.certificates, *product, &mut |_, _| ()).await;
                found
            };
            let found = cell.get_or_init(read).await;
            if !found.of(id).is_empty() {
                return Ok(true);
            }
            unreadable = unreadable.or(found.unreadable.first());
        }
        unreadable.map_or(Ok(false), |part| {
            let error = Error::from(part.error.clone().with_certificate_id(id.clone()));
            Err(error.with_detail(format!("whether {id} is unused is not known: {part}")))
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { on } => write!(f, "expired {on}"),
            Self::ExpiresBefore { on } => write!(f, "expires {on}"),
            Self::UploadedBefore { on } => write!(f, "uploaded {on}"),
            Self::NamePrefix { prefix } => write!(f, "name begins with {prefix:?}"),
            Self::Unused {} => f.write_str("unused"),
        }
    }
}
