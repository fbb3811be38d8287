//! Deletes many certificates, each on its own.

use cf_mtls_api::CertificateId;
use futures_core::Stream;

use crate::certificates::Certificates;
use crate::delete::Deleted;
use crate::error::Error;
use crate::outcomes::Outcomes;

/// What became of one certificate among many.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeleteOutcome {
    /// The certificate.
    pub id: CertificateId,
    /// What [`Certificates::delete`] says of it.
    pub result: Result<Deleted, Error>,
}

pub(crate) fn delete_many(
    certificates: &Certificates,
    ids: impl Stream<Item = CertificateId> + Send + 'static,
) -> Outcomes<DeleteOutcome> {
    Outcomes::of_each(certificates, ids, |this, id| async move {
        let result = this.delete(&id).await;
        DeleteOutcome { id, result }
    })
}
