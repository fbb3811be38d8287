//! Lists what uses a certificate.

use cf_mtls_api::Association;
use cf_mtls_api::requests::ListCertificateAssociations;
use cf_mtls_api::{CertificateId, types};
use tokio::time::Instant;

use super::Certificates;
use crate::error::{Error, Operation};
use crate::transport::{Listing, PER_PAGE, Page};

/// An association, and what tells its page from others.
struct Row {
    key: String,
    association: Association,
}

impl Certificates {
    /// The services that use a certificate. Retried as [`Retry`](crate::Retry)
    /// allows.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no
    ///   such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn associations(&self, id: &CertificateId) -> Result<Vec<Association>, Error> {
        let (this, id, begun) = (self.clone(), id.clone(), Instant::now());
        let read = move |page| {
            // One deadline for all pages.
            let (this, id) = (this.after(begun.elapsed()), id.clone());
            async move {
                let mut call = this.call(Operation::ListAssociations, Some(&id));
                let request = ListCertificateAssociations {
                    account_id: &this.account,
                    mtls_certificate_id: &id,
                    page: Some(page),
                    per_page: Some(PER_PAGE),
                };
                let envelope = call.span().run(call.read(request)).await?;
                let info = envelope.result_info;
                // A service is listed once for each zone, so a page may equal an
                // earlier one. If the service counts pages, that does not mean that
                // it ignores the page number.
                let counts = |info: &types::ResultInfo| info.total_count.or(info.total_pages);
                let is_counted = info.as_ref().and_then(counts).is_some();
                let page = if is_counted { page.get() } else { 0 };
                Page::new(envelope.result, info, |association: types::Association| {
                    let service = association.service.as_deref().unwrap_or_default();
                    let key = format!("{page} {service}");
                    Some(Row { key, association: from_wire(association) })
                })
            }
        };
        let rows = Listing::new(read, |row: &Row| &row.key);
        let rows = rows.collect().await?.into_iter();
        Ok(rows.map(|row| row.association).collect())
    }
}

pub(crate) fn from_wire(wire: types::Association) -> Association {
    Association::new(wire.service.unwrap_or_default(), wire.status.unwrap_or_default().into())
}
