//! Certificates made for a test: CAs, leaves, and chains of them.
//!
//! ```
//! use cf_mtls_testkit::certificates::{ca, leaf};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let root = ca("devices").self_signed()?;
//! let device = leaf("device-1").signed_by(&root)?;
//! assert!(device.pem().starts_with("-----BEGIN CERTIFICATE-----"));
//! assert!(device.key_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
//! # Ok(())
//! # }
//! # example().unwrap();
//! ```

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, RsaKeySize,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A kind of key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on the curve P-256.
    #[default]
    EcdsaP256,
    /// ECDSA on the curve P-384.
    EcdsaP384,
    /// RSA with 2,048 bits.
    Rsa2048,
    /// Ed25519, with which Cloudflare takes a CA but verifies nobody.
    Ed25519,
}

/// A certificate to be made; begin with [`ca`] or [`leaf`].
#[derive(Clone, Debug)]
#[must_use = "a template is no certificate until it is signed"]
pub struct Template {
    name: String,
    is_ca: bool,
    algorithm: Algorithm,
    not_before: SystemTime,
    not_after: SystemTime,
}

/// A CA with this common name, valid from yesterday for ten years.
pub fn ca(name: impl Into<String>) -> Template {
    let now = SystemTime::now();
    Template {
        name: name.into(),
        is_ca: true,
        algorithm: Algorithm::default(),
        not_before: now - DAY,
        not_after: now + DAY * 3653,
    }
}

/// A leaf certificate with this common name, valid from yesterday for ten years.
pub fn leaf(name: impl Into<String>) -> Template {
    Template { is_ca: false, ..ca(name) }
}

/// A certificate that was made, and its key.
#[derive(Clone)]
pub struct Certificate {
    template: Template,
    pem: String,
    key_pem: String,
}

/// A certificate could not be made.
#[derive(Debug)]
pub struct CertificateError(rcgen::Error);

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate cannot be made: {}", self.0)
    }
}

impl std::error::Error for CertificateError {}

impl From<rcgen::Error> for CertificateError {
    fn from(error: rcgen::Error) -> Self {
        Self(error)
    }
}

impl Template {
    /// The kind of key; ECDSA on P-256 by default.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// From when to when it is valid.
    pub fn valid(mut self, from: SystemTime, to: SystemTime) -> Self {
        (self.not_before, self.not_after) = (from, to);
        self
    }

    /// Makes it, signed with its own key.
    ///
    /// # Errors
    ///
    /// If the name cannot stand in a certificate.
    pub fn self_signed(self) -> Result<Certificate, CertificateError> {
        let key = self.key()?;
        let pem = self.params().self_signed(&key)?.pem();
        Ok(Certificate::new(self, pem, &key))
    }

    /// Makes it, signed with the key of a CA.
    ///
    /// # Errors
    ///
    /// If the name cannot stand in a certificate.
    pub fn signed_by(self, ca: &Certificate) -> Result<Certificate, CertificateError> {
        let key = self.key()?;
        let issuer = Issuer::new(ca.template.params(), KeyPair::from_pem(&ca.key_pem)?);
        let pem = self.params().signed_by(&key, &issuer)?.pem();
        Ok(Certificate::new(self, pem, &key))
    }

    fn key(&self) -> Result<KeyPair, rcgen::Error> {
        match self.algorithm {
            Algorithm::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Algorithm::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Algorithm::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            Algorithm::Rsa2048 => {
                KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)
            }
        }
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let name = self.name.as_str();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
        if self.is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        }
        params
    }
}

impl Certificate {
    fn new(template: Template, pem: String, key: &KeyPair) -> Self {
        // One kind of line end, whatever the platform.
        let pem = pem.replace('\r', "");
        let key_pem = key.serialize_pem().replace('\r', "");
        Self { template, pem, key_pem }
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its private key in PEM.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Certificate");
        shown.field("name", &self.template.name);
        shown.finish_non_exhaustive()
    }
}
