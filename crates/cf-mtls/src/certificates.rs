//! The mTLS certificates of an account.

use std::time::Duration;

use cf_mtls_api::{AccountId, CertificateId, ZoneId};

use crate::association::Association;
use crate::call::{Call, traced};
use crate::certificate::{Certificate, CertificateType};
use crate::client::Client;
use crate::delete::Deleted;
use crate::error::Error;
use crate::hostnames::Hostnames;
use crate::limits::{Limits, Time, limit_setters};
use crate::listing::{Listing, PER_PAGE, Page};
use crate::operation::{Operation, Subject};
use crate::requests::{GetCertificate, ListCertificates};
use crate::safe_text::Sanitizer;
use crate::upload::Upload;
use crate::{associations, delete, store};

/// The mTLS certificates of an account. Cheap to clone.
///
/// Made by [`Client::certificates`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Certificates {
    client: Client,
    account: AccountId,
    limits: Limits,
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

impl Certificates {
    pub(crate) fn new(client: Client, account: AccountId, limits: Limits) -> Self {
        Self {
            client,
            account,
            limits,
        }
    }

    limit_setters!("each operation of this handle");

    /// Deletes a certificate.
    ///
    /// `Ok` means that it is gone: the service said so, or, after an attempt
    /// with an unclear outcome, it was seen to be gone. An attempt that may have
    /// arrived is repeated, since deleting twice does no harm; where no attempt
    /// got a clear answer, the client looks before it answers.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InUse`](crate::ErrorKind::InUse) while a service uses it,
    ///   with [`Error::associations`]
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account
    ///   holds no such certificate
    /// - others as in the [table of the crate](crate#errors);
    ///   [`Error::may_have_taken_effect`] tells whether it may be gone all the same
    pub async fn delete(&self, id: &CertificateId) -> Result<Deleted, Error> {
        let mut call = self.call(Operation::DeleteCertificate, Some(id));
        traced(call.span(), delete::delete(self, &mut call, id)).await
    }

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

    /// Uploads a certificate.
    ///
    /// It is not sent again once it may have arrived, because that might store
    /// it twice. After an attempt with an unclear outcome the client looks for
    /// the same certificate under the same name in the list, and takes the
    /// newest for the one that was stored.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::QuotaExceeded`](crate::ErrorKind::QuotaExceeded) if the
    ///   account has no room for another CA
    /// - [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) if the
    ///   service refuses the certificate
    /// - others as in the [table of the crate](crate#errors);
    ///   [`Error::may_have_taken_effect`] tells whether it may be stored all the same
    pub async fn upload(&self, upload: &Upload) -> Result<Certificate, Error> {
        upload.check()?;
        let call = self
            .call(Operation::UploadCertificate, None)
            .hide(upload.private_key());
        traced(call.span(), store::store(self, call, upload)).await
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

    /// What uses a certificate. Repeated as often as it takes.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account
    ///   holds no such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn associations(&self, id: &CertificateId) -> Result<Vec<Association>, Error> {
        associations::list(self, id).await
    }

    /// Says how many requests of a job of many may be under way at a time: of
    /// deletions, or of looks at zones and certificates (8 unless set).
    pub fn with_concurrency(mut self, most: usize) -> Self {
        self.limits.concurrency = most.max(1);
        self
    }

    /// Says how long a request of a job of many may wait beyond its deadline
    /// where the service asks for it: for the rate limit's window to end, or for
    /// the time of a `Retry-After` (15 minutes unless set). A wait for the rate
    /// limit that would take longer is
    /// [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited) at once. Waits
    /// for an answer are never longer than the deadline.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.limits.patience = patience;
        self
    }

    /// The client of this handle.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// This handle, for the requests of a job of many.
    pub(crate) fn patient(&self) -> Self {
        self.within(Time {
            waits: self.limits.patience,
            ..self.limits.time
        })
    }

    /// The hostnames of a zone, with the limits of this handle.
    pub(crate) fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        let hostnames = Hostnames::new(self.client.clone(), zone.clone(), self.limits.clone());
        // A job looks at the lists later, too.
        hostnames.with_settling(Duration::ZERO)
    }

    /// A text that holds words of the service, for a person.
    pub(crate) fn presentable(&self, text: &str) -> String {
        const LONGEST: usize = 600; // characters
        Sanitizer::new(self.client.secrets()).clean(text, LONGEST)
    }

    pub(crate) fn subject(&self, certificate: Option<&CertificateId>) -> Subject {
        Subject {
            account: Some(self.account.clone()),
            certificate: certificate.cloned(),
            zone: None,
        }
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.account
    }

    /// This handle, for what must be done in the time that is left.
    pub(crate) fn within(&self, left: Time) -> Self {
        let mut this = self.clone();
        this.limits.time = left;
        this
    }

    pub(crate) fn call(
        &self,
        operation: Operation,
        certificate: Option<&CertificateId>,
    ) -> Call<'_> {
        let subject = self.subject(certificate);
        Call::new(&self.client, &self.limits, operation, subject)
    }
}

/// Ids are there in practice; the rest tells damaged entries apart.
fn key(certificate: &Certificate) -> Option<&str> {
    let id = certificate.id().map(CertificateId::as_str);
    id.or(certificate.serial_number()).or(certificate.name())
}
