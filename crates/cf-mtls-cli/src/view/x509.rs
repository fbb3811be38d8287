//! The contents of the certificates in a file, read before anything is sent.

use cf_mtls::CertificateChain;
use cf_mtls_lifecycle::CertificateContents;
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
    valid_from: Option<Timestamp>,
    /// Whether Cloudflare can verify what its key signs.
    #[serde(skip)]
    has_usable_key: Option<bool>,
    #[serde(skip)]
    is_ca: Option<bool>,
}

/// Reads each certificate of a file. The service judges those that are malformed.
pub(crate) fn read(chain: &CertificateChain) -> Vec<Contents> {
    let read = CertificateContents::read(chain).into_iter();
    let contents = read.map(|one| Contents {
        subject: one.subject,
        expires_on: one.expires_on,
        valid_from: one.valid_from,
        has_usable_key: one.has_supported_key,
        is_ca: one.is_ca,
    });
    contents.collect()
}

/// The first certificate that is known to be no CA, with its number from one.
pub(crate) fn first_leaf(contents: &[Contents]) -> Option<(usize, &Contents)> {
    let mut numbered = (1..).zip(contents);
    numbered.find(|(_, contents)| contents.is_ca == Some(false))
}

impl Contents {
    pub(crate) fn is_ca(&self) -> Option<bool> {
        self.is_ca
    }

    /// Why clients with certificates of this CA may be rejected.
    pub(crate) fn problem(&self, now: Timestamp) -> Option<String> {
        if self.expires_on.is_some_and(|end| end <= now) {
            return Some(format!("has expired ({})", self.summary(now)));
        }
        let subject = self.subject();
        match self.valid_from.filter(|begin| now < *begin) {
            Some(begin) => Some(format!("is not valid before {begin} ({subject})")),
            None if self.has_usable_key == Some(false) => Some(format!(
                "has neither an RSA nor an ECDSA key, so Cloudflare verifies nothing with it \
                 ({subject})"
            )),
            None => None,
        }
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
