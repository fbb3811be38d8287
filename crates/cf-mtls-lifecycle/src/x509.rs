//! The contents of certificates, read before anything is sent.

use cf_mtls::CertificateChain;
use jiff::Timestamp;

/// What a certificate says about itself. A field is `None` if it could not be read, or
/// without the feature `x509`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateContents {
    /// The subject.
    pub subject: Option<String>,
    /// From when on it is valid.
    pub valid_from: Option<Timestamp>,
    /// When it expires.
    pub expires_on: Option<Timestamp>,
    /// Whether it is a CA.
    pub is_ca: Option<bool>,
    /// Whether its key is RSA or ECDSA: the service takes others, and then no client
    /// certificate ever verifies.
    pub has_supported_key: Option<bool>,
}

impl CertificateContents {
    /// Reads each certificate of a chain. The service judges those that are malformed.
    pub fn read(chain: &CertificateChain) -> Vec<Self> {
        chain.der().map(|der| parse(der).unwrap_or_default()).collect()
    }

    /// Why it verifies no client certificate at `now`, as far as is known.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        if let Some(end) = self.expires_on.filter(|end| *end <= now) {
            return Some(format!("it expired on {end}"));
        }
        if let Some(start) = self.valid_from.filter(|start| now < *start) {
            return Some(format!("it is not valid before {start}"));
        }
        (self.has_supported_key == Some(false))
            .then(|| "its key is neither RSA nor ECDSA".to_owned())
    }
}

#[cfg(feature = "x509")]
fn parse(der: &[u8]) -> Option<CertificateContents> {
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    // RSA, RSASSA-PSS, ECDSA.
    const SUPPORTED_KEYS: [&str; 3] =
        ["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"];
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    let time = |seconds| Timestamp::from_second(seconds).ok();
    let constraints = certificate.basic_constraints().ok();
    let key = certificate.public_key().algorithm.algorithm.to_id_string();
    Some(CertificateContents {
        subject: Some(certificate.subject().to_string()),
        valid_from: time(validity.not_before.timestamp()),
        // A date beyond the calendar is later than any other.
        expires_on: time(validity.not_after.timestamp()).or(Some(Timestamp::MAX)),
        is_ca: constraints.map(|found| found.is_some_and(|found| found.value.ca)),
        has_supported_key: Some(SUPPORTED_KEYS.contains(&key.as_str())),
    })
}

#[cfg(not(feature = "x509"))]
fn parse(_der: &[u8]) -> Option<CertificateContents> {
    None
}
