//! The hostnames of a zone that ask their clients for a certificate, by CA.

mod change;
mod edit;
mod write;

use std::time::Duration;

use cf_mtls_api::requests::ListHostnameAssociations;
use cf_mtls_api::{ClientCa, ZoneId};

pub use change::HostnameChange;

use crate::error::{Error, Operation, SubjectRef};
use crate::transport::{Call, Client, handle_limits, limit_setters};

const DEFAULT_SETTLE_TIME: Duration = Duration::from_secs(1);
const DEFAULT_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(90);

/// The hostnames of a zone that are tied to CA certificates. Cheap to clone.
///
/// Made by [`Client::hostnames`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Hostnames {
    client: Client,
    zone: ZoneId,
    /// How long others may need to replace a list that they have read.
    settle_time: Duration,
    visibility_timeout: Duration,
}

impl Client {
    /// The hostnames of a zone that are tied to CA certificates.
    pub fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        Hostnames {
            client: self.clone(),
            zone: zone.clone(),
            settle_time: DEFAULT_SETTLE_TIME,
            visibility_timeout: DEFAULT_VISIBILITY_TIMEOUT,
        }
    }
}

impl Hostnames {
    limit_setters!("each operation of this handle", client.limits);
    handle_limits!();

    /// Sets how long a change waits at least before it reads the list again (1 second
    /// unless set).
    pub fn with_settling(mut self, time: Duration) -> Self {
        self.settle_time = time;
        self
    }

    /// Sets how long a change waits, beyond the deadline, until reads show it
    /// (90 seconds unless set). Zero returns after the response to the change, and
    /// does not notice that another client changed the list at the same time.
    pub fn with_visibility_timeout(mut self, timeout: Duration) -> Self {
        self.visibility_timeout = timeout;
        self
    }

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
