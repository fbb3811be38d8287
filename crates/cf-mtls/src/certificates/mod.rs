//! The mTLS certificates of an account.

mod associations;
mod certificate;
mod delete;
mod filter;
mod find;
mod pem;
mod upload;

use cf_mtls_api::{AccountId, CertificateId, ZoneId};

pub use certificate::{Certificate, CertificateType};
pub use delete::Deleted;
pub use filter::CertificateFilter;
pub use pem::CertificateChain;
pub use upload::{Ensured, Upload};

use crate::error::{Error, ErrorKind, Operation, Subject};
use crate::hostnames::Hostnames;
use crate::transport::requests::{GetCertificate, ListCertificates};
use crate::transport::{
    Call, Client, Listing, Looks, PER_PAGE, Page, handle_limits, limit_setters, traced,
};

const DEFAULT_CONCURRENCY: usize = 8;

/// The mTLS certificates of an account. Cheap to clone.
///
/// Made by [`Client::certificates`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Certificates {
    client: Client,
    account: AccountId,
    concurrency: usize,
}

impl Client {
    /// The mTLS certificates of an account.
    pub fn certificates(&self, account: &AccountId) -> Certificates {
        Certificates {
            client: self.clone(),
            account: account.clone(),
            concurrency: DEFAULT_CONCURRENCY,
        }
    }
}

impl Certificates {
    limit_setters!("each operation of this handle");
    handle_limits!();

    /// Reads a certificate. Retried as [`Retry`](crate::Retry) allows.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no
    ///   such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn get(&self, id: &CertificateId) -> Result<Certificate, Error> {
        let mut call = self.call(Operation::GetCertificate, Some(id));
        let account = &self.account;
        traced(call.span(), async {
            let envelope = call.read(GetCertificate { account, id }).await?;
            let certificate = envelope.result.map(Certificate::from);
            match certificate.filter(|certificate| !certificate.is_blank()) {
                Some(certificate) if certificate.id().is_some_and(|other| other != id) => {
                    Err(call.empty_result("the response is about another certificate"))
                }
                Some(certificate) => Ok(certificate),
                None => Err(call.empty_result("the response has no certificate")),
            }
        })
        .await
    }

    /// The certificates of the account, a page at a time. Each page is retried as
    /// [`Retry`](crate::Retry) allows.
    pub fn list(&self, filter: CertificateFilter) -> Listing<Certificate> {
        let this = self.clone();
        let query = filter.clone();
        let read = move |page| {
            let (this, filter) = (this.clone(), query.clone());
            async move {
                let mut call = this.call(Operation::ListCertificates, None);
                let types = filter.types();
                let request = ListCertificates {
                    account: &this.account,
                    ca: filter.ca,
                    name: filter.name.as_deref(),
                    page,
                    per_page: PER_PAGE,
                    types: types.as_deref(),
                };
                let envelope = traced(call.span(), call.read(request)).await?;
                Ok(Page::new(envelope.result, envelope.result_info, Certificate::from))
            }
        };
        Listing::new(read, key).keep(move |certificate| filter.admits(certificate))
    }

    /// The first `max` certificates of a list that `matches` selects, each once:
    /// pages that shift show some twice. All pages have one deadline together.
    async fn search(
        &self,
        filter: CertificateFilter,
        max: usize,
        matches: impl Fn(&Certificate) -> bool,
    ) -> Result<Vec<Certificate>, Error> {
        let mut list = self.list(filter);
        let mut found: Vec<Certificate> = Vec::new();
        let search = async {
            while found.len() < max
                && let Some(certificate) = list.next().await
            {
                let certificate = certificate?;
                let is_new = found.iter().all(|one| one.id() != certificate.id());
                if is_new && matches(&certificate) {
                    found.push(certificate);
                }
            }
            Ok(found)
        };
        let found = tokio::time::timeout(self.client.limits().total(), search).await;
        found.unwrap_or_else(|_| {
            let error = Error::new(ErrorKind::Timeout);
            Err(error.during(Operation::ListCertificates, &self.subject(None)))
        })
    }

    /// Sets how many requests a job over many certificates may send at a time (8
    /// unless set).
    pub fn with_concurrency(mut self, max: usize) -> Self {
        self.concurrency = max.max(1);
        self
    }

    /// How many requests a job over many certificates may send at a time.
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The account.
    pub fn account_id(&self) -> &AccountId {
        &self.account
    }

    /// The hostnames of a zone, with the limits of this handle.
    pub fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        self.client.hostnames(zone)
    }

    /// This handle, for a look in the time that a call has left. Only the first is let
    /// through when the rate limit is used up.
    fn in_rest_of(&self, call: &Call<'_>, looks: &Looks) -> Self {
        let mut limits = call.remaining_limits();
        limits.is_look = looks.is_first();
        self.clone().with_limits(limits)
    }

    fn subject(&self, certificate: Option<&CertificateId>) -> Subject {
        Subject {
            account: Some(self.account.clone()),
            certificate: certificate.cloned(),
            zone: None,
        }
    }

    fn call(&self, operation: Operation, certificate: Option<&CertificateId>) -> Call<'_> {
        Call::new(&self.client, operation, self.subject(certificate))
    }
}

/// What tells certificates apart: the id, and without one whatever is there.
fn key(certificate: &Certificate) -> Option<&str> {
    let id = certificate.id().map(CertificateId::as_str);
    id.or(certificate.serial_number()).or(certificate.name())
}
