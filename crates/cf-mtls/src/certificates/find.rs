//! Finds a certificate by its name.

use cf_mtls_api::CertificateId;

use super::certificate::Certificate;
use super::{CertificateFilter, Certificates};
use crate::error::{Error, ErrorKind, Operation};

/// Who has more certificates of one name than this is not helped by a list.
const MOST_CANDIDATES: usize = 100;
/// Enough for a message; the rest is in [`Error::candidates`].
const SHOWN: usize = 5;

impl Certificates {
    /// The one certificate of exactly this name; `None` if there is none.
    /// Names need not be unique. Pages are repeated like those of
    /// [`list`](Self::list), and have one deadline together.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Ambiguous`](crate::ErrorKind::Ambiguous) if several have
    ///   the name, with [`Error::candidates`]
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the
    ///   name is empty
    /// - others as in the [table of the crate](crate#errors)
    pub async fn find(&self, name: &str) -> Result<Option<Certificate>, Error> {
        by_name(self, name).await
    }
}

async fn by_name(certificates: &Certificates, name: &str) -> Result<Option<Certificate>, Error> {
    if name.is_empty() {
        // To the service an empty parameter is none, and every name fits.
        return Err(Error::invalid_input("the name to look for is empty"));
    }
    let subject = certificates.subject(None);
    let failed = |kind| Error::new(kind).of(Operation::ListCertificates, &subject);
    let look = all_of_name(certificates, name);
    let mut found =
        match tokio::time::timeout(certificates.client.limits().time.total(), look).await {
            Ok(found) => found?,
            Err(_) => return Err(failed(ErrorKind::Timeout)),
        };
    if found.len() < 2 {
        return Ok(found.pop());
    }
    let ids: Vec<CertificateId> = found.iter().filter_map(|one| one.id().cloned()).collect();
    let shown: Vec<&str> = ids.iter().map(CertificateId::as_str).collect();
    let (told, more) = shown.split_at(shown.len().min(SHOWN));
    let mut detail = format!("{name:?} is the name of {}", told.join(", "));
    if !more.is_empty() {
        detail.push_str(&format!(" and {} or more others", more.len()));
    }
    Err(failed(ErrorKind::Ambiguous)
        .with_detail(detail)
        .with_candidates(ids))
}

async fn all_of_name(certificates: &Certificates, name: &str) -> Result<Vec<Certificate>, Error> {
    let mut list = certificates.list(CertificateFilter::all().name(name));
    let mut found: Vec<Certificate> = Vec::new();
    while let Some(certificate) = list.next().await {
        let certificate = certificate?;
        // The filter lets pass what has no name, and pages that move show
        // certificates twice.
        let other = |one: &Certificate| one.id() != certificate.id();
        if certificate.name() == Some(name) && found.iter().all(other) {
            found.push(certificate);
            if found.len() == MOST_CANDIDATES {
                break;
            }
        }
    }
    Ok(found)
}
