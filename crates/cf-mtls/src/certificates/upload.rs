//! Uploads a certificate, or finds it.

use std::fmt;
use std::pin::pin;

use cf_mtls_api::requests::UploadCertificate;
use cf_mtls_api::{Secret, SecretField, types};
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::pem::{self, Bundle, CertificateChain};
use super::{CertificateFilter, Certificates};
use crate::error::{Error, ErrorKind, Operation};
use crate::transport::{Call, Effect, FailedCall, Looks};

/// In bytes.
const MAX_NAME_LENGTH: usize = 255;

/// A certificate to upload: a CA, or a leaf with its private key.
///
/// The PEM is checked when the value is made. The private key is wiped from memory
/// when it is dropped, and `Debug` does not show it.
///
/// ```
/// use cf_mtls::{Error, Upload};
///
/// fn uploads(ca: &[u8], leaf_and_key: &[u8]) -> Result<[Upload; 2], Error> {
///     Ok([Upload::ca(ca)?.with_name("devices"), Upload::leaf_bundle(leaf_and_key)?])
/// }
/// ```
#[derive(Clone)]
pub struct Upload {
    ca: bool,
    chain: CertificateChain,
    certificates: String,
    private_key: Option<Secret>,
    name: Option<String>,
}

impl Upload {
    /// A CA certificate, or a chain of them, in PEM, or one in DER.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the text contains anything
    /// but certificates: a CA's key stays with its owner.
    pub fn ca(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self::new(true, Bundle::without_key(pem.as_ref())?, None))
    }

    /// A leaf certificate in PEM, followed by its intermediates, and its private key in PEM.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the first text contains
    /// anything but certificates, or the second but one unencrypted private key.
    pub fn leaf(
        certificates: impl AsRef<[u8]>,
        private_key: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        let bundle = Bundle::without_key(certificates.as_ref())?;
        Self::new(false, bundle, None).with_private_key(private_key)
    }

    /// A leaf certificate and its private key from one PEM file, in any order.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the text lacks one of them,
    /// or contains anything else.
    pub fn leaf_bundle(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let mut bundle = Bundle::split(pem.as_ref())?;
        let Some(key) = bundle.key.take() else {
            return Err(Error::invalid_input(
                "the PEM contains a leaf certificate without its private key; pass the key, too, \
                 or upload it as a CA if it is one",
            ));
        };
        Ok(Self::new(false, bundle, Some(key)))
    }

    fn new(ca: bool, bundle: Bundle, private_key: Option<Secret>) -> Self {
        Self { ca, chain: bundle.chain, certificates: bundle.certificates, private_key, name: None }
    }

    /// Names the certificate.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds the private key in PEM. A CA needs it only if Zero Trust signs its block page with it.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the text is anything but
    /// one unencrypted private key.
    pub fn with_private_key(mut self, private_key: impl AsRef<[u8]>) -> Result<Self, Error> {
        self.private_key = Some(pem::private_key(private_key.as_ref())?);
        Ok(self)
    }

    /// Whether this is a CA rather than a leaf.
    pub fn is_ca(&self) -> bool {
        self.ca
    }

    /// The certificates.
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }

    /// The name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Checks the name, as [`Certificates::upload`](crate::Certificates::upload)
    /// does before it sends anything.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name is empty, longer
    /// than 255 bytes, or contains control characters.
    pub fn check(&self) -> Result<(), Error> {
        let is_valid = |name: &str| {
            (1..=MAX_NAME_LENGTH).contains(&name.len()) && !name.contains(char::is_control)
        };
        match self.name().is_none_or(is_valid) {
            true => Ok(()),
            false => Err(Error::invalid_input(format!(
                "the name of a certificate has 1 to {MAX_NAME_LENGTH} bytes and no control characters"
            ))),
        }
    }

    /// Whether a certificate of the account is this one, with the same use, whatever its
    /// name and the form of its PEM.
    #[must_use]
    pub fn is_same(&self, held: &Certificate) -> bool {
        held.is_ca().is_none_or(|ca| ca == self.ca) && self.has_content_of(held)
    }

    /// The service keeps PEM in a form of its own, so the DER is compared.
    fn has_content_of(&self, held: &Certificate) -> bool {
        held.pem() == Some(self.certificates.as_str())
            || held.chain().is_ok_and(|chain| chain == self.chain)
    }

    /// The body of the request. Its copy of the key is wiped, too.
    pub(crate) fn to_wire(&self) -> types::UploadRequest {
        let mut request = types::UploadRequest::default();
        request.ca = self.ca;
        request.certificates.clone_from(&self.certificates);
        request.name.clone_from(&self.name);
        request.private_key = self.private_key.clone().map(SecretField);
        request
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("ca", &self.ca)
            .field("chain", &self.chain)
            .field("name", &self.name)
            .field("private_key", &self.private_key)
            .finish_non_exhaustive()
    }
}

/// A certificate that the account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[must_use]
pub struct Ensured {
    /// The certificate.
    pub certificate: Certificate,
    /// Whether it was uploaded, and not held before.
    pub uploaded: bool,
}

impl Ensured {
    /// A certificate that was held before, or was uploaded.
    pub fn new(certificate: Certificate, uploaded: bool) -> Self {
        Self { certificate, uploaded }
    }
}

impl Certificates {
    /// Uploads a certificate.
    ///
    /// The service stores the same content once, whatever its name, so an attempt with an unclear
    /// outcome is retried. If the account then holds the certificate with this name, that is `Ok`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the account
    ///   holds it already, as [`Error::existing_certificate`]
    /// - [`ErrorKind::QuotaExceeded`](crate::ErrorKind::QuotaExceeded) if the
    ///   account has no room for another CA
    /// - [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) if the
    ///   service refuses the certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn upload(&self, upload: &Upload) -> Result<Certificate, Error> {
        upload.check()?;
        let call = self.call(Operation::UploadCertificate, None).hide(upload.private_key.as_ref());
        call.span().run(pin!(self.send_upload(call, upload))).await
    }

    /// Finds the certificate of an upload, or uploads it. Its name does not matter. The
    /// list may show one that was deleted moments ago; then only `upload` tells.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) while the list does
    ///   not show yet what was uploaded moments ago: try again later
    /// - those of [`find_same`](Self::find_same) and [`upload`](Self::upload)
    pub async fn ensure(&self, upload: &Upload) -> Result<Ensured, Error> {
        upload.check()?;
        if let Some(certificate) = self.find_same(upload).await? {
            return Ok(Ensured { certificate, uploaded: false });
        }
        let error = match self.upload(upload).await {
            Ok(certificate) => return Ok(Ensured { certificate, uploaded: true }),
            Err(error) => error,
        };
        // The list did not show it yet.
        let Some(id) = error.existing_certificate() else { return Err(error) };
        match self.get(id).await? {
            same if upload.is_same(&same) => Ok(Ensured { certificate: same, uploaded: false }),
            _ => Err(error),
        }
    }

    /// The certificate of the account with the same content as an upload, under any
    /// name. The list may not show one that was uploaded moments ago.
    ///
    /// # Errors
    ///
    /// As in the [table of the crate](crate#errors).
    pub async fn find_same(&self, upload: &Upload) -> Result<Option<Certificate>, Error> {
        self.find_content(|held| upload.is_same(held)).await
    }

    async fn send_upload(&self, mut call: Call<'_>, upload: &Upload) -> Result<Certificate, Error> {
        let request = UploadCertificate { account_id: &self.account, body: &upload.to_wire() };
        let failed = match call.send(request).await {
            Ok(envelope) => match envelope.result.and_then(Certificate::from_wire) {
                Some(stored) if upload.is_same(&stored) => return Ok(stored),
                // Or without its PEM, so that nothing says which one it is.
                Some(_) => call.unclear("the response is about another certificate"),
                None => call.unclear("the response has no certificate with an id"),
            },
            Err(failed) => failed,
        };
        let FailedCall { error, effect, .. } = failed;
        let exists = error.kind() == ErrorKind::AlreadyExists;
        if !exists && effect == Effect::None {
            return Err(error);
        }
        // Boxed, so that an upload that just works needs no room for it.
        let found = match Box::pin(self.look_for(&call, upload)).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(error.with_detail("the list did not show it afterwards")),
            Err(unknown) => return Err(error.with_failed_lookup(&unknown)),
        };
        let is_this = upload.is_same(&found)
            && found.name().unwrap_or_default() == upload.name().unwrap_or_default();
        if is_this && effect != Effect::None {
            return Ok(found);
        }
        Err(error
            .with_kind(ErrorKind::AlreadyExists)
            .with_existing_certificate(found.id().clone())
            .with_may_have_taken_effect(false))
    }

    /// Looks for the content of an upload, for a while: the list may lag.
    async fn look_for(
        &self,
        call: &Call<'_>,
        upload: &Upload,
    ) -> Result<Option<Certificate>, Error> {
        let mut looks = Looks::default();
        loop {
            let this = self.in_rest_of(call, &looks);
            let found = this.find_content(|held| upload.has_content_of(held)).await?;
            let limits = call.remaining_limits();
            match looks.next_delay(&limits.retry, limits.deadline) {
                Some(delay) if found.is_none() => tokio::time::sleep(delay).await,
                _ => return Ok(found),
            }
        }
    }

    /// The newest certificate that matches.
    async fn find_content(
        &self,
        matches: impl Fn(&Certificate) -> bool,
    ) -> Result<Option<Certificate>, Error> {
        let all = CertificateFilter::all();
        let found = self.search(all, usize::MAX, matches).await?;
        Ok(found.into_iter().max_by_key(Certificate::uploaded_on))
    }
}
