//! The mTLS certificates of an account.

mod associations;
mod certificate;
mod delete;
mod filter;
mod pem;
mod upload;
mod verify;

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;

use cf_mtls_api::requests::{GetCertificate, ListCertificates};
use cf_mtls_api::{AccountId, CertificateId, ZoneId};
use tokio::time::Instant;

pub use certificate::Certificate;
pub use delete::Deleted;
pub use filter::CertificateFilter;
pub use pem::CertificateChain;
pub use upload::{Ensured, Upload};

use crate::error::{Error, ErrorKind, Operation, SubjectRef};
use crate::hostnames::Hostnames;
use crate::transport::{
    Call, Client, Listing, Looks, PER_PAGE, Page, handle_limits, limit_setters,
};

/// How many certificates of one name an error lists.
const MAX_CANDIDATES: usize = 100;

/// The mTLS certificates of an account. Cheap to clone.
///
/// Made by [`Client::certificates`].
///
/// ```no_run
/// use cf_mtls::{AccountId, CertificateFilter, Certificates, Client, Error, Upload};
///
/// async fn tour(client: &Client, account: &AccountId) -> Result<(), Error> {
///     let certificates: Certificates = client.certificates(account);
///     let upload = Upload::ca("-----BEGIN CERTIFICATE-----\n…")?.with_name("devices");
///     let ca = certificates.ensure(&upload).await?.certificate; // or `upload(&upload)`
///     println!("{ca}, used by {:?}", certificates.associations(ca.id()).await?);
///     for leaf in certificates.list(CertificateFilter::all().leaf()).collect().await? {
///         println!("{leaf}");
///     }
///     if let Some(old) = certificates.find("old").await? {
///         let old = certificates.get(old.id()).await?;
///         let _ = certificates.delete(old.id()).await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Certificates {
    client: Client,
    account: Arc<AccountId>,
}

impl Client {
    /// The mTLS certificates of an account.
    pub fn certificates(&self, account: &AccountId) -> Certificates {
        Certificates { client: self.clone(), account: Arc::new(account.clone()) }
    }
}

impl Certificates {
    limit_setters!("each operation of this handle", client.limits);
    handle_limits!();

    /// Reads a certificate. Retried as [`Retry`](crate::Retry) allows.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn get(&self, id: &CertificateId) -> Result<Certificate, Error> {
        let mut call = self.call(Operation::GetCertificate, Some(id));
        let request = GetCertificate { account_id: &self.account, mtls_certificate_id: id };
        let span = call.span();
        let get = async {
            let envelope = call.read(request).await?;
            match envelope.result.and_then(Certificate::from_wire) {
                Some(certificate) if certificate.id() == id => Ok(certificate),
                Some(_) => Err(call.invalid_result("the response is about another certificate")),
                None => Err(call.invalid_result("the response has no certificate with an id")),
            }
        };
        span.run(pin!(get)).await
    }

    /// The certificates of the account, a page at a time. Each page is retried as
    /// [`Retry`](crate::Retry) allows.
    pub fn list(&self, filter: CertificateFilter) -> Listing<Certificate> {
        self.pages(filter, PER_PAGE, None)
    }

    /// All pages have one deadline together if they are a part of what has `begun`.
    fn pages(
        &self,
        filter: CertificateFilter,
        per_page: NonZeroU32,
        begun: Option<Instant>,
    ) -> Listing<Certificate> {
        let this = self.clone();
        let query = filter.clone();
        let read = move |page| {
            let this = begun.map_or_else(|| this.clone(), |begun| this.after(begun.elapsed()));
            let filter = query.clone();
            async move {
                filter.check()?;
                let mut call = this.call(Operation::ListCertificates, None);
                let types = filter.types();
                let request = ListCertificates {
                    account_id: &this.account,
                    ca: filter.is_ca(),
                    name: filter.name.as_deref(),
                    page: Some(page),
                    per_page: Some(per_page),
                    type_: types.as_deref(),
                };
                let envelope = call.span().run(pin!(call.read(request))).await?;
                Page::new(envelope.result, envelope.result_info, Certificate::from_wire)
            }
        };
        let wanted = move |certificate: &Certificate| filter.admits(certificate);
        Listing::new(read, |certificate| certificate.id().as_str(), wanted)
    }

    /// The one certificate with exactly this name; `None` if there is none.
    /// Names need not be unique. Pages are retried like those of
    /// [`list`](Self::list), and have one deadline together.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Ambiguous`](crate::ErrorKind::Ambiguous) if several have
    ///   the name, with [`Error::candidates`]
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the name is empty
    /// - others as in the [table of the crate](crate#errors)
    pub async fn find(&self, name: &str) -> Result<Option<Certificate>, Error> {
        let filter = CertificateFilter::all().name(name);
        let has_name = |one: &Certificate| one.name() == Some(name);
        let mut found = self.search(filter, MAX_CANDIDATES, has_name).await?;
        if found.len() < 2 {
            return Ok(found.pop());
        }
        let ids = found.iter().map(|one| one.id().clone());
        Err(Error::new(ErrorKind::Ambiguous)
            .during(Operation::ListCertificates, self.subject(None))
            .with_detail(format!("named {name:?}"))
            .with_candidates(ids.collect::<Vec<_>>()))
    }

    /// The first `max` certificates of a list that `matches` selects, each once:
    /// pages that shift show some twice. All pages have one deadline together.
    async fn search(
        &self,
        filter: CertificateFilter,
        max: usize,
        matches: impl Fn(&Certificate) -> bool,
    ) -> Result<Vec<Certificate>, Error> {
        let mut list = self.pages(filter, PER_PAGE, Some(Instant::now()));
        let mut found: Vec<Certificate> = Vec::new();
        while found.len() < max
            && let Some(certificate) = list.next().await.transpose()?
        {
            if matches(&certificate) && found.iter().all(|one| one.id() != certificate.id()) {
                found.push(certificate);
            }
        }
        Ok(found)
    }

    /// How many requests a job over many certificates or zones may send at a time.
    pub fn concurrency(&self) -> usize {
        self.client.limits.concurrency
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

    fn subject<'a>(&'a self, id: Option<&'a CertificateId>) -> SubjectRef<'a> {
        SubjectRef { certificate_id: id, ..self.account_id().into() }
    }

    fn call<'a>(&'a self, operation: Operation, id: Option<&'a CertificateId>) -> Call<'a> {
        Call::new(&self.client, operation, self.subject(id))
    }
}
