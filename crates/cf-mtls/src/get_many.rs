//! Reads many certificates, each on its own.

use cf_mtls_api::CertificateId;
use futures_core::Stream;

use crate::certificate::Certificate;
use crate::certificates::Certificates;
use crate::error::Error;
use crate::outcomes::Outcomes;

/// What was found of one certificate among many.
#[derive(Debug)]
#[non_exhaustive]
pub struct GetOutcome {
    /// The certificate that was asked for.
    pub id: CertificateId,
    /// What [`Certificates::get`] says of it.
    pub result: Result<Certificate, Error>,
}

pub(crate) fn get_many(
    certificates: &Certificates,
    ids: impl Stream<Item = CertificateId> + Send + 'static,
) -> Outcomes<GetOutcome> {
    Outcomes::of_each(certificates, ids, |this, id| async move {
        let result = this.get(&id).await;
        GetOutcome { id, result }
    })
}
