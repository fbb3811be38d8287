//! What is asked of the service, and of which thing.

use std::fmt;

use cf_mtls_api::{AccountId, CertificateId, ZoneId};

/// An operation of the API.
///
/// <https://developers.cloudflare.com/api/resources/mtls_certificates/>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `GET /accounts/{account_id}/mtls_certificates`
    ListCertificates,
    /// `POST /accounts/{account_id}/mtls_certificates`
    UploadCertificate,
    /// `GET /accounts/{account_id}/mtls_certificates/{mtls_certificate_id}`
    GetCertificate,
    /// `DELETE /accounts/{account_id}/mtls_certificates/{mtls_certificate_id}`
    DeleteCertificate,
    /// `GET /accounts/{account_id}/mtls_certificates/{mtls_certificate_id}/associations`
    ListAssociations,
    /// `GET /zones/{zone_id}/certificate_authorities/hostname_associations`
    ListHostnames,
    /// `PUT /zones/{zone_id}/certificate_authorities/hostname_associations`
    ReplaceHostnames,
    /// `GET /zones`
    ListZones,
}

impl Operation {
    /// The HTTP method.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::UploadCertificate => "POST",
            Self::DeleteCertificate => "DELETE",
            Self::ReplaceHostnames => "PUT",
            _ => "GET",
        }
    }

    /// The path below the base URL, with names in the place of ids.
    #[must_use]
    pub fn url_template(self) -> &'static str {
        match self {
            Self::ListCertificates | Self::UploadCertificate => {
                "/accounts/{account_id}/mtls_certificates"
            }
            Self::GetCertificate | Self::DeleteCertificate => {
                "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}"
            }
            Self::ListAssociations => {
                "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}/associations"
            }
            Self::ListHostnames | Self::ReplaceHostnames => {
                "/zones/{zone_id}/certificate_authorities/hostname_associations"
            }
            Self::ListZones => "/zones",
        }
    }

    /// Whether the operation changes anything.
    pub(crate) fn is_write(self) -> bool {
        self.method() != "GET"
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ListCertificates => "list certificates",
            Self::UploadCertificate => "upload certificate",
            Self::GetCertificate => "get certificate",
            Self::DeleteCertificate => "delete certificate",
            Self::ListAssociations => "list associations of certificate",
            Self::ListHostnames => "list hostnames",
            Self::ReplaceHostnames => "replace hostnames",
            Self::ListZones => "list zones",
        })
    }
}

/// The ids that an operation was asked about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) account: Option<AccountId>,
    pub(crate) zone: Option<ZoneId>,
    pub(crate) certificate: Option<CertificateId>,
}

impl fmt::Display for Subject {
    /// The most specific id, where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.certificate, &self.zone, &self.account) {
            (Some(id), Some(zone), _) => write!(f, " of certificate {id} in zone {zone}"),
            (Some(id), None, _) => write!(f, " {id}"),
            (None, Some(zone), _) => write!(f, " in zone {zone}"),
            (None, None, Some(account)) => write!(f, " in account {account}"),
            (None, None, None) => Ok(()),
        }
    }
}
