//! Which certificates to list.

use cf_mtls_api::CertificateType;

use super::certificate::Certificate;
use crate::error::Error;

/// Which certificates to list.
///
/// A list fails if nothing can match, or a word is empty, which means "any" to the service.
///
/// ```
/// use cf_mtls::{CertificateFilter, CertificateType};
///
/// let uploaded_cas = CertificateFilter::all().ca().certificate_type(CertificateType::Custom);
/// let devices = CertificateFilter::all().name("devices");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CertificateFilter {
    types: Vec<CertificateType>,
    ca: bool,
    leaf: bool,
    pub(super) name: Option<String>,
}

impl CertificateFilter {
    /// All certificates.
    pub fn all() -> Self {
        Self::default()
    }

    setters! {
        /// Certificates of this type, beside those of other calls; of every type unless set.
        certificate_type(self, certificate_type: CertificateType) {
            self.types.push(certificate_type)
        }

        /// CA certificates only.
        ca(self) { self.ca = true }

        /// Leaf certificates only.
        leaf(self) { self.leaf = true }

        /// Certificates with exactly this name only.
        name(self, name: impl Into<String>) { self.name = Some(name.into()) }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let types = self.types.iter().map(CertificateType::as_str);
        let mut words = types.chain(self.name.as_deref());
        if words.any(str::is_empty) {
            return Err(Error::invalid_input("the name or type to look for is empty"));
        }
        match self.ca && self.leaf {
            true => Err(Error::invalid_input("no certificate is both a CA and a leaf")),
            false => Ok(()),
        }
    }

    /// Not all of the service's parameters are documented, so this filters again.
    /// A certificate passes if the field is missing.
    pub(super) fn admits(&self, certificate: &Certificate) -> bool {
        let name = || certificate.has_name(self.name.as_deref()?);
        let ca = || Some(self.is_ca()? == certificate.is_ca()?);
        // Most lists have no type in the filter, and need none parsed.
        let has_type = |kind| self.types.contains(&kind);
        let kind = || self.types.is_empty() || certificate.certificate_type().is_none_or(has_type);
        name() != Some(false) && ca() != Some(false) && kind()
    }

    pub(super) fn is_ca(&self) -> Option<bool> {
        (self.ca || self.leaf).then_some(self.ca)
    }

    pub(super) fn types(&self) -> Option<String> {
        let words: Vec<_> = self.types.iter().map(CertificateType::as_str).collect();
        (!words.is_empty()).then(|| words.join(","))
    }
}
