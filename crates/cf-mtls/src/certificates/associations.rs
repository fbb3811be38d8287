//! Lists what uses a certificate.

use cf_mtls_api::Association;
use cf_mtls_api::requests::ListCertificateAssociations;
use cf_mtls_api::{CertificateId, types};
use tokio::time::Instant;

use super::Certificates;
use crate::error::{Error, Operation};
use crate::transport::{PER_PAGE, Page, Progress};

impl Certificates {
    /// The services that use a certificate. Retried as [`Retry`](crate::Retry) allows.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn associations(&self, id: &CertificateId) -> Result<Vec<Association>, Error> {
        let begun = Instant::now();
        let read = |page| {
            // One deadline for all pages.
            let this = self.after(begun.elapsed());
            async move {
                let mut call = this.call(Operation::ListAssociations, Some(id));
                let request = ListCertificateAssociations {
                    account_id: &this.account,
                    mtls_certificate_id: id,
                    page: Some(page),
                    per_page: Some(PER_PAGE),
                };
                let envelope = call.span().run(call.read(request)).await?;
                let from = |wire: types::Association| Some(wire.into_value());
                Page::new(envelope.result, envelope.result_info, from)
            }
        };
        // A service is listed once for each zone, so a page may equal an earlier one.
        Progress::new(true).all(read, |row: &Association| &row.service).await
    }
}
