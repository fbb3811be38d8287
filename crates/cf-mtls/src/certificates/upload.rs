//! Uploads a certificate once, and finds out the outcome.

use std::fmt;

use cf_mtls_api::{Secret, SecretField, types};

use super::certificate::Certificate;
use super::pem::{self, Bundle, CertificateChain};
use super::{CertificateFilter, Certificates};
use crate::error::{Error, Operation};
use crate::transport::requests::UploadCertificate;
use crate::transport::{Call, Effect, FailedCall, Idempotency, traced};

/// In bytes.
const MAX_NAME_LENGTH: usize = 255;

/// A certificate to upload: a CA, or a leaf with its private key.
///
/// The PEM is checked when the value is made. The private key is wiped from memory
/// when it is dropped, and `Debug` does not show it.
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
        Self::certificates_only(true, pem.as_ref())
    }

    /// A leaf certificate in PEM, followed by its intermediates, and its
    /// private key in PEM.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the first text contains
    /// anything but certificates, or the second but one unencrypted private key.
    pub fn leaf(
        certificates: impl AsRef<[u8]>,
        private_key: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        Self::certificates_only(false, certificates.as_ref())?.with_private_key(private_key)
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

    fn certificates_only(ca: bool, pem: &[u8]) -> Result<Self, Error> {
        let bundle = Bundle::split(pem)?;
        if bundle.key.is_some() {
            return Err(Error::invalid_input(if ca {
                "the PEM contains a private key beside the CA certificate; pass the certificate \
                 alone, and the key only if Gateway needs it"
            } else {
                "the PEM contains a private key beside the certificates; pass no other key with it"
            }));
        }
        Ok(Self::new(ca, bundle, None))
    }

    fn new(ca: bool, bundle: Bundle, private_key: Option<Secret>) -> Self {
        Self {
            ca,
            chain: bundle.chain,
            certificates: bundle.certificates,
            private_key,
            name: None,
        }
    }

    /// Names the certificate.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds the private key in PEM. A CA needs it only if Zero Trust signs its block
    /// page with it.
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

    pub(crate) fn private_key(&self) -> Option<&Secret> {
        self.private_key.as_ref()
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

impl Certificates {
    /// Uploads a certificate.
    ///
    /// It is not sent again once it may have arrived, because that might store
    /// it twice. After an attempt with an unclear outcome the client looks in the
    /// list for the same certificate with the same name, and returns the newest.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::QuotaExceeded`](crate::ErrorKind::QuotaExceeded) if the
    ///   account has no room for another CA
    /// - [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) if the
    ///   service refuses the certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn upload(&self, upload: &Upload) -> Result<Certificate, Error> {
        upload.check()?;
        let call = self
            .call(Operation::UploadCertificate, None)
            .hide(upload.private_key());
        traced(call.span(), self.send_upload(call, upload)).await
    }

    async fn send_upload(&self, mut call: Call<'_>, upload: &Upload) -> Result<Certificate, Error> {
        let request = UploadCertificate {
            account: &self.account,
            body: &upload.to_wire(),
        };
        match call.write(Idempotency::Once, request).await {
            Ok(envelope) => {
                let stored = envelope.result.map(Certificate::from);
                let stored = stored.unwrap_or_else(Certificate::blank);
                if stored.id().is_some() {
                    return Ok(stored);
                }
                // It is stored; its id is worth a look, but no error.
                let found = Box::pin(self.in_rest_of(&call).find_upload(upload)).await;
                Ok(found.ok().flatten().unwrap_or(stored))
            }
            Err(failed) if failed.effect == Effect::None => Err(failed.error),
            Err(FailedCall { error, .. }) => match self.in_rest_of(&call).find_upload(upload).await
            {
                Ok(Some(certificate)) => Ok(certificate),
                Ok(None) => Err(error.with_detail("it was not in the list afterwards")),
                Err(unknown) => Err(error.with_failed_lookup(&unknown)),
            },
        }
    }

    /// The newest certificate that is the same and has the same name. The service
    /// stores PEM with other line ends, so the DER is compared.
    async fn find_upload(&self, upload: &Upload) -> Result<Option<Certificate>, Error> {
        let filter = match upload.name() {
            Some(name) => CertificateFilter::all().name(name),
            None => CertificateFilter::all(),
        };
        let is_same = |one: &Certificate| {
            one.name().unwrap_or_default() == upload.name().unwrap_or_default()
                && one.is_ca().is_none_or(|ca| ca == upload.is_ca())
                && one.chain().is_ok_and(|chain| chain == *upload.chain())
        };
        let found = self.search(filter, usize::MAX, is_same).await?;
        Ok(found.into_iter().max_by_key(Certificate::uploaded_on))
    }
}
