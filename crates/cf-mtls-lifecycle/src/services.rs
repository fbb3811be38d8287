//! Products, and what the name of a service or the type of a certificate says about a use.

use cf_mtls::{Certificate, CertificateType, Product};

/// The type of a certificate that another product manages. Older responses have no type,
/// and no managed certificates.
pub(crate) fn managed_type(certificate: &Certificate) -> Option<CertificateType> {
    certificate.certificate_type().filter(|kind| *kind != CertificateType::Custom)
}

/// Whether a service of an association is a product.
pub(crate) fn is_product(name: &str, product: Product) -> bool {
    name.to_ascii_lowercase().contains(product.as_str().trim_end_matches('s'))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Hostnames,
    Other,
    Unknown,
}

/// Whether a use may end when hostnames are detached.
pub(crate) fn may_be_hostnames(name: &str, hostname_services: &[String]) -> bool {
    service(name, hostname_services) != Service::Other
}

pub(crate) fn service(name: &str, hostname_services: &[String]) -> Service {
    // Names vary in case and separators.
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let name = plain(name);
    let is_other = |other: &str| name.contains(other);
    if name == "apishield" || hostname_services.iter().any(|known| plain(known) == name) {
        Service::Hostnames
    } else if ["gateway", "worker", "hyperdrive", "access"].into_iter().any(is_other) {
        Service::Other
    } else {
        Service::Unknown
    }
}
