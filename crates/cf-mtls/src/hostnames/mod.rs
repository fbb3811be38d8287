//! Which hostnames of a zone ask their clients for a certificate of which CA.

mod edit;

use std::time::Duration;

use cf_mtls_api::{CertificateId, ZoneId, types};

pub use edit::Edited;

use crate::error::{Error, Operation, Subject};
use crate::transport::requests::{ListHostnames, ReplaceHostnames};
use crate::transport::{
    Call, Client, Failed, Replay, Retry, Time, handle_limits, limit_setters, traced,
};

/// The hostnames of a zone that are tied to CA certificates. Cheap to clone.
///
/// Made by [`Client::hostnames`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Hostnames {
    client: Client,
    zone: ZoneId,
    /// How long others may take to replace a list that they have read.
    settling: Duration,
}

/// Which CA a list of hostnames belongs to.
///
/// A zone has one list for each uploaded CA, and one for the CA that Cloudflare
/// manages. To the service, leaving the id out means the latter, so that one
/// forgotten field switches off mTLS for a zone; here it must be said.
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
    /// The hostnames that are tied to CA certificates in a zone.
    pub fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        Hostnames {
            client: self.clone(),
            zone: zone.clone(),
            settling: Duration::from_secs(1),
        }
    }
}

impl Hostnames {
    limit_setters!("each operation of this handle");
    handle_limits!();

    /// Says how long [`add`](Self::add) and [`remove`](Self::remove) wait at least
    /// before they look whether the list stayed as they left it (1 second unless
    /// set): as long as others take to replace a list that they have read.
    pub fn with_settling(mut self, time: Duration) -> Self {
        self.settling = time;
        self
    }

    /// The hostnames that are tied to a CA. Repeated as often as it takes.
    ///
    /// # Errors
    ///
    /// As in the [table of the crate](crate#errors).
    pub async fn list(&self, ca: &ClientCa) -> Result<Vec<String>, Error> {
        let mut call = self.call(Operation::ListHostnames, ca);
        let span = call.span();
        traced(span, async {
            let envelope = call
                .read(ListHostnames {
                    zone: &self.zone,
                    ca: ca.id(),
                })
                .await?;
            // Only a result that says so is an empty list: what is read here
            // is written back by `add` and `remove`.
            match envelope.result {
                Some(result) => Ok(result.hostnames.unwrap_or_default()),
                None => Err(call.nothing("list of hostnames")),
            }
        })
        .await
    }

    /// Replaces the whole list of hostnames that are tied to a CA, and returns
    /// the list as it is then. An empty list removes every hostname. Each is
    /// sent once, in [one spelling](Self::normalize).
    ///
    /// Repeated as often as it takes: replacing twice does no harm. Where no
    /// attempt got a clear answer, the client looks before it answers.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if a
    ///   hostname is none
    /// - others as in the [table of the crate](crate#errors);
    ///   [`Error::may_have_taken_effect`] tells whether the list may be replaced
    ///   all the same
    pub async fn replace<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<Vec<String>, Error> {
        let wanted = checked_all(hostnames)?;
        let call = self.call(Operation::ReplaceHostnames, ca);
        traced(call.span(), self.replace_checked(call, ca, wanted)).await
    }

    async fn replace_checked(
        &self,
        mut call: Call<'_>,
        ca: &ClientCa,
        wanted: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let body = body(wanted.clone(), ca);
        let request = ReplaceHostnames {
            zone: &self.zone,
            body: &body,
        };
        match call.write(Replay::Safe, request).await {
            Ok(envelope) => Ok(hostnames(envelope.result).unwrap_or(wanted)),
            Err(Failed {
                error,
                ambiguous: false,
                ..
            }) => Err(error),
            Err(Failed {
                error, unanswered, ..
            }) => match self.in_time(call.left()).list(ca).await {
                Ok(now) if same(&now, &wanted) => Ok(now),
                Ok(_) => Err(error
                    .with_effect(unanswered)
                    .with_detail("the list was not the new one when looked up afterwards")),
                Err(unknown) => {
                    let detail = format!("looking it up afterwards failed too: {}", unknown.kind());
                    Err(error.with_detail(detail))
                }
            },
        }
    }

    /// Replaces the list, unless that has to wait: by then another one may be there.
    async fn replace_once(&self, ca: &ClientCa, list: Vec<String>) -> Result<(), Failed> {
        let this = self.clone().with_retry(Retry::off());
        let mut call = this.call(Operation::ReplaceHostnames, ca).fail_if_limited();
        let body = body(list, ca);
        let request = ReplaceHostnames {
            zone: &this.zone,
            body: &body,
        };
        let span = call.span();
        let replaced = traced(span, call.write(Replay::Safe, request)).await;
        replaced.map(drop)
    }

    /// The one spelling of a hostname, in which this handle sends it: in lower
    /// case, and without a dot at the end. To DNS it is the same in any.
    ///
    /// ```
    /// # fn main() -> Result<(), cf_mtls::Error> {
    /// let host = cf_mtls::Hostnames::normalize("API.Example.com.")?;
    /// assert_eq!(host, "api.example.com");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if it is no
    /// hostname at all. The service knows the rest, such as whether it is one
    /// of the zone's.
    pub fn normalize(host: &str) -> Result<String, Error> {
        let normal = normal(host);
        let sound = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '*');
        let label = |label: &str| !label.is_empty() && label.chars().all(sound);
        if 253 < normal.len() || !normal.split('.').all(label) {
            let shown: String = host.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(Error::invalid_input(format!(
                "{shown:?} is no hostname; expected one like api.example.com, without scheme, port and path"
            )));
        }
        Ok(normal)
    }

    /// Whether two spellings are those of one hostname, such as that of a
    /// person and that of the service.
    #[must_use]
    pub fn is_same(a: &str, b: &str) -> bool {
        normal(a) == normal(b)
    }

    /// This handle, for what must be done in the time that is left of an operation.
    fn in_time(&self, left: Time) -> Self {
        Self {
            client: self.client.within(left),
            ..self.clone()
        }
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

fn body(hostnames: Vec<String>, ca: &ClientCa) -> types::ReplaceHostnamesRequest {
    let mut body = types::ReplaceHostnamesRequest::default();
    body.hostnames = hostnames;
    body.mtls_certificate_id = ca.id().cloned();
    body
}

fn hostnames(wire: Option<types::Hostnames>) -> Option<Vec<String>> {
    wire?.hostnames
}

/// Whether two lists hold the same hostnames, in whatever order and spelling.
fn same(a: &[String], b: &[String]) -> bool {
    let sorted = |list: &[String]| {
        let mut list: Vec<_> = list.iter().map(|host| normal(host)).collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    sorted(a) == sorted(b)
}

/// The one spelling of a hostname, whoever wrote it: in lower case, and without
/// the dot of the root.
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_lowercase()
}

/// Each hostname once, in the order given.
fn checked_all<H: AsRef<str>>(
    hostnames: impl IntoIterator<Item = H>,
) -> Result<Vec<String>, Error> {
    let mut all: Vec<String> = Vec::new();
    for host in hostnames {
        let host = Hostnames::normalize(host.as_ref())?;
        if !all.contains(&host) {
            all.push(host);
        }
    }
    Ok(all)
}
