//! What to upload, checked before anything is sent.

use std::fmt;

use cf_mtls_api::{Secret, SecretField, types};

use super::pem::{self, Bundle, CertificateChain};
use crate::error::Error;

/// Names longer than this are refused before they are sent.
const LONGEST_NAME: usize = 255;

/// A certificate to upload: a CA, or a leaf with its private key.
///
/// The PEM is read and checked when the value is made. The private key is wiped
/// from memory when it is dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct Upload {
    ca: bool,
    chain: CertificateChain,
    certificates: String,
    private_key: Option<Secret>,
    name: Option<String>,
}

impl Upload {
    /// A CA certificate, or a chain of them, in PEM.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// text holds no certificate, or anything but certificates: the service
    /// refuses a file that holds the key too, and a CA's key stays with its
    /// owner.
    pub fn ca(pem: &str) -> Result<Self, Error> {
        Self::certificates_only(true, pem)
    }

    /// A leaf certificate in PEM, followed by its intermediates, and its
    /// private key in PEM.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// first text holds anything but certificates, or the second anything but
    /// one unencrypted private key.
    pub fn leaf(certificates: &str, private_key: impl Into<Secret>) -> Result<Self, Error> {
        Self::certificates_only(false, certificates)?.with_private_key(private_key)
    }

    /// A leaf certificate and its private key out of one PEM file, in any order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// text lacks one of them, or holds anything else.
    pub fn leaf_bundle(pem: impl Into<Secret>) -> Result<Self, Error> {
        let pem = pem.into();
        let bundle = Bundle::split(pem.expose())?;
        let Some(key) = bundle.key else {
            return Err(Error::invalid_input(
                "the PEM text holds a leaf certificate without its private key; pass the key too, \
                 or upload it as a CA if it is one",
            ));
        };
        let private_key = Some(key.into());
        Ok(Self {
            ca: false,
            chain: bundle.chain,
            certificates: bundle.certificates,
            private_key,
            name: None,
        })
    }

    fn certificates_only(ca: bool, pem: &str) -> Result<Self, Error> {
        let bundle = Bundle::split(pem)?;
        if bundle.key.is_some() {
            return Err(Error::invalid_input(if ca {
                "the PEM text holds a private key beside the CA certificate; take the key out, the \
                 service does not need it"
            } else {
                "the PEM text holds a private key beside the certificates; a file that holds both \
                 goes to `Upload::leaf_bundle`"
            }));
        }
        let Bundle {
            chain,
            certificates,
            ..
        } = bundle;
        Ok(Self {
            ca,
            chain,
            certificates,
            private_key: None,
            name: None,
        })
    }

    /// Gives the certificate a name for people to know it by.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds the private key in PEM. A CA needs it only where Zero Trust signs
    /// its block page with it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// text is anything but one unencrypted private key.
    pub fn with_private_key(mut self, private_key: impl Into<Secret>) -> Result<Self, Error> {
        let private_key = private_key.into();
        self.private_key = Some(pem::private_key(private_key.expose())?.into());
        Ok(self)
    }

    /// Whether this is a CA rather than a leaf.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.ca
    }

    /// The certificates.
    #[must_use]
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }

    /// The name.
    #[must_use]
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
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the name is
    /// empty, longer than 255 bytes, or holds control characters.
    pub fn check(&self) -> Result<(), Error> {
        let Some(name) = &self.name else {
            return Ok(());
        };
        if name.is_empty() || LONGEST_NAME < name.len() || name.chars().any(char::is_control) {
            return Err(Error::invalid_input(format!(
                "a certificate's name has 1 to {LONGEST_NAME} bytes and no control characters"
            )));
        }
        Ok(())
    }

    /// The request. Its copy of the key is wiped too.
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
