//! Finds a certificate by its name.

use cf_mtls_api::CertificateId;

use super::certificate::Certificate;
use super::{CertificateFilter, Certificates};
use crate::error::{Error, ErrorKind, Operation};

const MAX_CANDIDATES: usize = 100;
/// Enough for a message; the rest is in [`Error::candidates`].
const MAX_SHOWN: usize = 5;

impl Certificates {
    /// The one certificate with exactly this name; `None` if there is none.
    /// Names need not be unique. Pages are retried like those of
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
        let filter = CertificateFilter::all().name(name);
        let has_name = |one: &Certificate| one.name() == Some(name);
        let mut found = self.search(filter, MAX_CANDIDATES, has_name).await?;
        if found.len() < 2 {
            return Ok(found.pop());
        }
        let ids: Vec<CertificateId> = found.iter().map(|one| one.id().clone()).collect();
        let shown: Vec<&str> = ids.iter().map(CertificateId::as_str).collect();
        let (shown, more) = shown.split_at(shown.len().min(MAX_SHOWN));
        let mut detail = format!("{name:?} is the name of {}", shown.join(", "));
        if !more.is_empty() {
            detail.push_str(&format!(" and at least {} others", more.len()));
        }
        Err(Error::new(ErrorKind::Ambiguous)
            .during(Operation::ListCertificates, self.subject(None))
            .with_detail(detail)
            .with_candidates(ids))
    }
}
