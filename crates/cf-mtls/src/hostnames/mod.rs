//! The hostnames of a zone that ask their clients for a certificate, by CA.

mod change;
mod edit;
mod write;

use cf_mtls_api::requests::ListHostnameAssociations;
use cf_mtls_api::{ClientCa, ZoneId};

pub use change::HostnameChange;

use crate::error::{Error, Operation, SubjectRef};
use crate::transport::{Call, Client, handle_limits, limit_setters};

/// The hostnames of a zone that are tied to CA certificates. Cheap to clone.
///
/// Made by [`Client::hostnames`].
///
/// ```no_run
/// use cf_mtls::{CertificateId, Client, ClientCa, Error, ZoneId};
///
/// async fn tour(client: &Client, zone: &ZoneId, ca: &CertificateId) -> Result<(), Error> {
///     let (hostnames, ca) = (client.hostnames(zone), ClientCa::from(ca));
///     let change = hostnames.add(&ca, ["api.example.com", "www.example.com"]).await?;
///     println!("added {:?}", change.added);
///     hostnames.remove(&ca, ["www.example.com"]).await?;
///     // Exactly these; sends nothing if that is so already.
///     let change = hostnames.ensure(&ca, ["api.example.com"]).await?;
///     assert!(change.is_unchanged());
///     assert_eq!(hostnames.list(&ca).await?, ["api.example.com"]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Hostnames {
    client: Client,
    zone: ZoneId,
}

impl Client {
    /// The hostnames of a zone that are tied to CA certificates.
    pub fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        Hostnames { client: self.clone(), zone: zone.clone() }
    }
}

impl Hostnames {
    limit_setters!("each operation of this handle", client.limits);
    handle_limits!();

    /// The hostnames of a CA. Retried as [`Retry`](crate::Retry) allows.
    ///
    /// For a while after a change the service may show the list before it.
    ///
    /// # Errors
    ///
    /// As in the [table of the crate](crate#errors).
    pub async fn list(&self, ca: &ClientCa) -> Result<Vec<String>, Error> {
        let mut call = self.call(Operation::ListHostnames, ca);
        let request = ListHostnameAssociations {
            zone_id: &self.zone,
            mtls_certificate_id: ca.certificate_id(),
        };
        call.span()
            .run(async {
                // The list is written back by `add` and `remove`, so no result is not an
                // empty list.
                match call.read(request).await?.result {
                    Some(result) => Ok(result.hostnames.unwrap_or_default()),
                    None => Err(call.invalid_result("the response has no list of hostnames")),
                }
            })
            .await
    }

    fn subject<'a>(&'a self, ca: &'a ClientCa) -> SubjectRef<'a> {
        let (zone_id, certificate_id) = (Some(&self.zone), ca.certificate_id());
        SubjectRef { zone_id, certificate_id, account_id: None }
    }

    fn call<'a>(&'a self, operation: Operation, ca: &'a ClientCa) -> Call<'a> {
        Call::new(&self.client, operation, self.subject(ca))
    }
}
