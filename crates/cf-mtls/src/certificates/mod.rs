//! The mTLS certificates of an account.

mod associations;
mod certificate;
mod delete;
mod find;
mod pem;
mod store;
mod upload;

use cf_mtls_api::{AccountId, CertificateId, ZoneId};

pub use certificate::{Certificate, CertificateType};
pub use delete::Deleted;
pub use pem::CertificateChain;
pub use upload::Upload;

use crate::error::{Error, Operation, Subject};
use crate::hostnames::Hostnames;
use crate::transport::requests::{GetCertificate, ListCertificates};
use crate::transport::{
    Call, Client, Listing, PER_PAGE, Page, Time, handle_limits, limit_setters, traced,
};

/// How many requests a job of many has under way at a time.
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

/// Which certificates to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CertificateFilter {
    types: Vec<CertificateType>,
    ca: Option<bool>,
    name: Option<String>,
}

impl CertificateFilter {
    /// All certificates.
    pub fn all() -> Self {
        Self::default()
    }

    /// Certificates of this type too; without any, those of every type.
    pub fn certificate_type(mut self, certificate_type: CertificateType) -> Self {
        self.types.push(certificate_type);
        self
    }

    /// CA certificates only.
    pub fn ca(mut self) -> Self {
        self.ca = Some(true);
        self
    }

    /// Leaf certificates only.
    pub fn leaf(mut self) -> Self {
        self.ca = Some(false);
        self
    }

    /// Certificates of exactly this name only.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The service's parameters are not all documented, so what it does not
    /// filter is filtered here. What is not known of a certificate lets it pass.
    fn admits(&self, certificate: &Certificate) -> bool {
        let same_name = |name: &String| certificate.name().is_none_or(|other| other == name);
        let same_type = || {
            // Most lists ask for no type, and need none made.
            let admitted = |kind| self.types.contains(&kind);
            self.types.is_empty() || certificate.certificate_type().is_none_or(admitted)
        };
        self.name.as_ref().is_none_or(same_name)
            && self
                .ca
                .is_none_or(|ca| certificate.is_ca().is_none_or(|other| other == ca))
            && same_type()
    }

    fn types(&self) -> Option<String> {
        let words: Vec<_> = self.types.iter().map(CertificateType::as_str).collect();
        (!words.is_empty()).then(|| words.join(","))
    }
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

    /// Reads one certificate. Repeated as often as it takes.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account
    ///   holds no such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn get(&self, id: &CertificateId) -> Result<Certificate, Error> {
        let mut call = self.call(Operation::GetCertificate, Some(id));
        let span = call.span();
        traced(span, async {
            let envelope = call
                .read(GetCertificate {
                    account: &self.account,
                    id,
                })
                .await?;
            let certificate = envelope.result.map(Certificate::from);
            match certificate.filter(|certificate| !certificate.is_blank()) {
                Some(certificate) if certificate.id().is_some_and(|other| other != id) => {
                    Err(call.nothing("certificate of that id, but another"))
                }
                Some(certificate) => Ok(certificate),
                None => Err(call.nothing("certificate")),
            }
        })
        .await
    }

    /// The certificates of the account, a page at a time.
    ///
    /// Each page is read again after a failure, as often as the limits allow.
    pub fn list(&self, filter: CertificateFilter) -> Listing<Certificate> {
        let this = self.clone();
        let query = filter.clone();
        let read = move |page| {
            let (this, filter) = (this.clone(), query.clone());
            async move {
                let mut call = this.call(Operation::ListCertificates, None);
                let (types, name) = (filter.types(), filter.name.as_deref());
                let request = ListCertificates {
                    account: &this.account,
                    ca: filter.ca,
                    name,
                    page,
                    per_page: PER_PAGE,
                    types: types.as_deref(),
                };
                let envelope = traced(call.span(), call.read(request)).await?;
                let items = call.items(envelope.result, envelope.result_info.as_ref())?;
                let items = items.into_iter().map(Certificate::from);
                Ok(Page {
                    items: items.collect(),
                    info: envelope.result_info,
                })
            }
        };
        Listing::new(read, key).keep(move |certificate| filter.admits(certificate))
    }

    /// Sets how many requests a job of many has under way at a time: deletions,
    /// or looks at zones and certificates (8 unless set).
    pub fn with_concurrency(mut self, max: usize) -> Self {
        self.concurrency = max.max(1);
        self
    }

    /// How many requests a job of many has under way at a time.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The account.
    #[must_use]
    pub fn account_id(&self) -> &AccountId {
        &self.account
    }

    /// The hostnames of a zone, with the limits of this handle.
    pub fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        self.client.hostnames(zone)
    }

    /// This handle, for what must be done in the time that is left of an operation.
    fn in_time(&self, left: Time) -> Self {
        Self {
            client: self.client.within(left),
            ..self.clone()
        }
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

/// Ids are there in practice; the rest tells damaged entries apart.
fn key(certificate: &Certificate) -> Option<&str> {
    let id = certificate.id().map(CertificateId::as_str);
    id.or(certificate.serial_number()).or(certificate.name())
}
