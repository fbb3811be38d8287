//! The operations, and the ids that they are about.

use std::fmt;

use cf_mtls_api::{AccountId, CertificateId, ZoneId};
use serde::{Deserialize, Serialize};

/// An operation of the API.
///
/// <https://developers.cloudflare.com/api/resources/mtls_certificates/>
///
/// Serializes to its name in snake case, such as `delete_certificate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
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
    /// `GET /accounts/{account_id}/workers/scripts`
    ListWorkersScripts,
    /// `GET /accounts/{account_id}/workers/scripts/{script_name}/settings`
    GetWorkersSettings,
    /// `GET /accounts/{account_id}/hyperdrive/configs`
    ListHyperdriveConfigs,
    /// `GET /accounts/{account_id}/gateway/certificates`
    ListGatewayCertificates,
}

impl Operation {
    /// Method, path below the base URL, and name.
    const fn parts(self) -> (&'static str, &'static str, &'static str) {
        const ALL: &str = "/accounts/{account_id}/mtls_certificates";
        const ONE: &str = "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}";
        const USES: &str =
            "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}/associations";
        const HOSTNAMES: &str = "/zones/{zone_id}/certificate_authorities/hostname_associations";
        const WORKERS: &str = "/accounts/{account_id}/workers/scripts";
        const SETTINGS: &str = "/accounts/{account_id}/workers/scripts/{script_name}/settings";
        const HYPERDRIVE: &str = "/accounts/{account_id}/hyperdrive/configs";
        const GATEWAY: &str = "/accounts/{account_id}/gateway/certificates";
        match self {
            Self::ListCertificates => ("GET", ALL, "list certificates"),
            Self::UploadCertificate => ("POST", ALL, "upload certificate"),
            Self::GetCertificate => ("GET", ONE, "get certificate"),
            Self::DeleteCertificate => ("DELETE", ONE, "delete certificate"),
            Self::ListAssociations => ("GET", USES, "list associations of certificate"),
            Self::ListHostnames => ("GET", HOSTNAMES, "list hostnames"),
            Self::ReplaceHostnames => ("PUT", HOSTNAMES, "replace hostnames"),
            Self::ListZones => ("GET", "/zones", "list zones"),
            Self::ListWorkersScripts => ("GET", WORKERS, "list Workers"),
            Self::GetWorkersSettings => ("GET", SETTINGS, "read the settings of a Worker"),
            Self::ListHyperdriveConfigs => ("GET", HYPERDRIVE, "list Hyperdrive configurations"),
            Self::ListGatewayCertificates => ("GET", GATEWAY, "list Gateway certificates"),
        }
    }

    /// The HTTP method.
    pub fn method(self) -> &'static str {
        self.parts().0
    }

    /// The path below the base URL, with names in the place of ids.
    pub fn url_template(self) -> &'static str {
        self.parts().1
    }

    /// Whether the operation can change anything.
    pub(crate) fn is_write(self) -> bool {
        self.method() != "GET"
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.parts().2)
    }
}

/// The ids that an operation is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) account: Option<AccountId>,
    pub(crate) zone: Option<ZoneId>,
    pub(crate) certificate: Option<CertificateId>,
}

impl fmt::Display for Subject {
    /// The most specific id, if there is one.
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
