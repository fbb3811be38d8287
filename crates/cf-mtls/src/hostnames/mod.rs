//! The hostnames of a zone that ask their clients for a certificate, by CA.

mod edit;
mod name;

use std::time::Duration;

use cf_mtls_api::{CertificateId, ZoneId, types};

pub use edit::Edited;
use name::{ascii_set, normalize_all};

use crate::error::{Error, Operation, Subject};
use crate::transport::requests::{ListHostnames, ReplaceHostnames};
use crate::transport::{
    Call, Client, Effect, FailedCall, Idempotency, Retry, handle_limits, limit_setters, traced,
};

const DEFAULT_SETTLE_TIME: Duration = Duration::from_secs(1);

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
}

/// The CA that a list of hostnames belongs to.
///
/// A zone has one list for each uploaded CA, and one for the CA that Cloudflare
/// manages. The service takes a missing id for the latter, so one forgotten field
/// can switch off mTLS for a zone; here there is no default.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClientCa {
    /// A CA certificate that was uploaded to the account.
    Uploaded(CertificateId),
    /// The CA that Cloudflare manages for the zone.
    CloudflareManaged,
}

impl ClientCa {
    fn id(&self) -> Option<&CertificateId> {
        match self {
            Self::Uploaded(id) => Some(id),
            Self::CloudflareManaged => None,
        }
    }
}

impl From<CertificateId> for ClientCa {
    fn from(id: CertificateId) -> Self {
        Self::Uploaded(id)
    }
}

impl From<&CertificateId> for ClientCa {
    fn from(id: &CertificateId) -> Self {
        Self::Uploaded(id.clone())
    }
}

impl Client {
    /// The hostnames of a zone that are tied to CA certificates.
    pub fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        Hostnames {
            client: self.clone(),
            zone: zone.clone(),
            settle_time: DEFAULT_SETTLE_TIME,
        }
    }
}

impl Hostnames {
    limit_setters!("each operation of this handle");
    handle_limits!();

    /// Sets how long [`add`](Self::add) and [`remove`](Self::remove) wait at least
    /// before they check that the list is still as they left it (1 second unless set).
    pub fn with_settling(mut self, time: Duration) -> Self {
        self.settle_time = time;
        self
    }

    /// The hostnames of a CA. Retried as [`Retry`] allows.
    ///
    /// # Errors
    ///
    /// As in the [table of the crate](crate#errors).
    pub async fn list(&self, ca: &ClientCa) -> Result<Vec<String>, Error> {
        let mut call = self.call(Operation::ListHostnames, ca);
        let request = ListHostnames {
            zone: &self.zone,
            ca: ca.id(),
        };
        traced(call.span(), async {
            // The list is written back by `add` and `remove`, so no result is not an
            // empty list.
            match call.read(request).await?.result {
                Some(result) => Ok(result.hostnames.unwrap_or_default()),
                None => Err(call.empty_result("the response has no list of hostnames")),
            }
        })
        .await
    }

    /// Replaces all hostnames of a CA, and returns them as they are then. An empty
    /// list removes every hostname. Each is sent once, in
    /// [one spelling](Self::normalize).
    ///
    /// Retried as [`Retry`] allows, since replacing twice does no harm. If no
    /// attempt has a clear outcome, the client reads the list.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if one is not a
    ///   hostname
    /// - others as in the [table of the crate](crate#errors); the list may be
    ///   replaced all the same if [`Error::may_have_taken_effect`]
    pub async fn replace<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<Vec<String>, Error> {
        let wanted = normalize_all(hostnames)?;
        let call = self.call(Operation::ReplaceHostnames, ca);
        traced(call.span(), self.send_replace(call, ca, wanted)).await
    }

    async fn send_replace(
        &self,
        mut call: Call<'_>,
        ca: &ClientCa,
        wanted: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let body = body(ca, wanted.clone());
        let request = ReplaceHostnames {
            zone: &self.zone,
            body: &body,
        };
        let FailedCall { error, effect, .. } =
            match call.write(Idempotency::Idempotent, request).await {
                Ok(envelope) => {
                    let list = envelope.result.and_then(|result| result.hostnames);
                    return Ok(list.unwrap_or(wanted));
                }
                Err(failed) if failed.effect == Effect::None => return Err(failed.error),
                Err(failed) => failed,
            };
        match self.in_rest_of(&call).list(ca).await {
            Ok(now) if ascii_set(&now) == ascii_set(&wanted) => Ok(now),
            Ok(_) => Err(error
                .with_effect(effect == Effect::Pending)
                .with_detail("the list was not the new one afterwards")),
            Err(unknown) => Err(error.with_failed_lookup(&unknown)),
        }
    }

    /// Replaces the list once, and not if that has to wait: another one may be
    /// there by then.
    async fn replace_once(&self, ca: &ClientCa, list: Vec<String>) -> Result<(), FailedCall> {
        let this = self.clone().with_retry(Retry::off());
        let call = this.call(Operation::ReplaceHostnames, ca);
        let mut call = call.fail_if_limited();
        let body = body(ca, list);
        let request = ReplaceHostnames {
            zone: &this.zone,
            body: &body,
        };
        let replaced = traced(call.span(), call.write(Idempotency::Idempotent, request));
        replaced.await.map(drop)
    }

    fn subject(&self, ca: &ClientCa) -> Subject {
        Subject {
            account: None,
            zone: Some(self.zone.clone()),
            certificate: ca.id().cloned(),
        }
    }

    fn call(&self, operation: Operation, ca: &ClientCa) -> Call<'_> {
        Call::new(&self.client, operation, self.subject(ca))
    }
}

fn body(ca: &ClientCa, hostnames: Vec<String>) -> types::ReplaceHostnamesRequest {
    let mut body = types::ReplaceHostnamesRequest::default();
    body.hostnames = hostnames;
    body.mtls_certificate_id = ca.id().cloned();
    body
}
