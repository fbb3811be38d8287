//! The contents of the certificates in a file, read before anything is sent.

use cf_mtls::CertificateChain;
use jiff::Timestamp;
use serde::Serialize;

use crate::terminal::text::printable;
use crate::view::times;

/// A certificate of a file. A field is `None` if it could not be read, or if this
/// build has no parser.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Contents {
    subject: Option<String>,
    expires_on: Option<Timestamp>,
    #[serde(skip)]
    is_ca: Option<bool>,
}

/// Reads each certificate of a file. The service judges those that are malformed.
pub(crate) fn read(chain: &CertificateChain) -> Vec<Contents> {
    chain
        .der()
        .map(|der| parse(der).unwrap_or_default())
        .collect()
}

/// The first certificate that is known to be no CA, with its number from one.
pub(crate) fn first_leaf(chain: &CertificateChain) -> Option<(usize, Contents)> {
    let mut numbered = (1..).zip(read(chain));
    numbered.find(|(_, contents)| contents.is_ca == Some(false))
}

impl Contents {
    /// Whether it is known to have expired.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_on.is_some_and(|end| end <= now)
    }

    /// The subject and the expiry, in words.
    pub(crate) fn summary(&self, now: Timestamp) -> String {
        let subject = self.subject();
        match self.expires_on.map(|end| times::expiry(end, now)) {
            Some(past) if past.starts_with("expired") => format!("{subject}, {past}"),
            Some(future) => format!("{subject}, expires {future}"),
            None => format!("{subject}, expiry unknown"),
        }
    }

    pub(crate) fn subject(&self) -> String {
        match self.subject.as_deref() {
            Some("") => "no subject".to_owned(),
            Some(subject) => printable(subject),
            None => "unknown subject".to_owned(),
        }
    }
}

#[cfg(feature = "x509")]
fn parse(der: &[u8]) -> Option<Contents> {
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let end = certificate.validity().not_after.timestamp();
    let constraints = certificate.basic_constraints().ok();
    Some(Contents {
        subject: Some(certificate.subject().to_string()),
        expires_on: Timestamp::from_second(end).ok(),
        is_ca: constraints.map(|found| found.is_some_and(|found| found.value.ca)),
    })
}

#[cfg(not(feature = "x509"))]
fn parse(_der: &[u8]) -> Option<Contents> {
    None
}
