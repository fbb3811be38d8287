//! `GET .../associations`, all pages.

use cf_mtls_api::CertificateId;
use tokio::time::Instant;

use super::Certificates;
use crate::error::{Error, Operation};
use crate::model::Association;
use crate::transport::requests::ListAssociations;
use crate::transport::{Listing, PER_PAGE, Page, traced};

impl Certificates {
    /// What uses a certificate. Repeated as often as it takes.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account
    ///   holds no such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn associations(&self, id: &CertificateId) -> Result<Vec<Association>, Error> {
        list(self, id).await
    }
}

async fn list(certificates: &Certificates, id: &CertificateId) -> Result<Vec<Association>, Error> {
    let (this, id, begun) = (certificates.clone(), id.clone(), Instant::now());
    let read = move |page| {
        // One deadline for all pages.
        let this = this.in_time(this.client.limits().time.after(begun.elapsed()));
        let id = id.clone();
        async move {
            let mut call = this.call(Operation::ListAssociations, Some(&id));
            let account = &this.account;
            let request = ListAssociations {
                account,
                id: &id,
                page,
                per_page: PER_PAGE,
            };
            let span = call.span();
            let envelope = traced(span, call.read(request)).await?;
            let info = envelope.result_info;
            // A service appears once for each zone, so a page may hold what an
            // earlier one held. Where the service tells how many pages there
            // are, that is no sign of a server that knows none.
            let counted = info
                .as_ref()
                .is_some_and(|info| info.total_count.is_some() || info.total_pages.is_some());
            let of_page = if counted { page.get() } else { 0 };
            let rows = call.items(envelope.result, info.as_ref())?.into_iter();
            let rows = rows.map(Association::from).map(|row| Row {
                key: format!("{of_page} {}", row.service),
                row,
            });
            Ok(Page {
                items: rows.collect(),
                info,
            })
        }
    };
    let rows = Listing::new(read, |row: &Row| Some(&row.key))
        .collect()
        .await?;
    Ok(rows.into_iter().map(|row| row.row).collect())
}

struct Row {
    key: String,
    row: Association,
}
