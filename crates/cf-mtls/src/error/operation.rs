//! The operations, and the ids that they are about.

use std::fmt;

use cf_mtls_api::{AccountId, CertificateId, Product, ZoneId};
use serde::{Deserialize, Serialize};

macro_rules! operations {
    ($($name:ident = $method:literal $path:literal $text:literal)+) => {
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
            $(#[doc = concat!("`", $method, " ", $path, "`")] $name,)+
        }

        impl Operation {
            /// The HTTP method.
            pub fn method(self) -> &'static str {
                match self { $(Self::$name => $method,)+ }
            }

            /// The path below the base URL, with names in the place of ids.
            pub fn url_template(self) -> &'static str {
                match self { $(Self::$name => $path,)+ }
            }
        }

        impl fmt::Display for Operation {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)+ })
            }
        }
    };
}

#[rustfmt::skip]
operations! {
    ListCertificates = "GET" "/accounts/{account_id}/mtls_certificates" "list certificates"
    UploadCertificate = "POST" "/accounts/{account_id}/mtls_certificates" "upload certificate"
    GetCertificate = "GET" "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}" "get certificate"
    DeleteCertificate = "DELETE" "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}" "delete certificate"
    ListAssociations = "GET" "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}/associations" "list associations of certificate"
    ListHostnames = "GET" "/zones/{zone_id}/certificate_authorities/hostname_associations" "list hostnames"
    ReplaceHostnames = "PUT" "/zones/{zone_id}/certificate_authorities/hostname_associations" "replace hostnames"
    ListZones = "GET" "/zones" "list zones"
    ListWorkersScripts = "GET" "/accounts/{account_id}/workers/scripts" "list Workers"
    GetWorkersSettings = "GET" "/accounts/{account_id}/workers/scripts/{script_name}/settings" "read the settings of a Worker"
    ListHyperdriveConfigs = "GET" "/accounts/{account_id}/hyperdrive/configs" "list Hyperdrive configurations"
    ListGatewayCertificates = "GET" "/accounts/{account_id}/gateway/certificates" "list Gateway certificates"
    VerifyToken = "GET" "/user/tokens/verify" "verify API token"
    VerifyAccountToken = "GET" "/accounts/{account_id}/tokens/verify" "verify API token"
}

impl Operation {
    /// Whether the operation can change anything.
    pub(crate) fn is_write(self) -> bool {
        self.method() != "GET"
    }

    /// The product that it reads: the word after the account in its path.
    pub(super) fn product(self) -> Option<Product> {
        let word = self.url_template().split('/').nth(3);
        Product::ALL.into_iter().find(|product| Some(product.as_str()) == word)
    }
}

/// The ids that an operation is about, which are not copied unless it fails.
#[derive(Clone, Copy, Default)]
pub(crate) struct SubjectRef<'a> {
    pub(crate) account_id: Option<&'a AccountId>,
    pub(crate) zone_id: Option<&'a ZoneId>,
    pub(crate) certificate_id: Option<&'a CertificateId>,
}

impl<'a> SubjectRef<'a> {
    pub(crate) fn ids(self) -> impl Iterator<Item = &'a str> {
        let [account, zone] = [self.account_id.map(AsRef::as_ref), self.zone_id.map(AsRef::as_ref)];
        [account, zone, self.certificate_id.map(AsRef::as_ref)].into_iter().flatten()
    }
}

impl<'a> From<&'a AccountId> for SubjectRef<'a> {
    fn from(id: &'a AccountId) -> Self {
        Self { account_id: Some(id), ..Self::default() }
    }
}

impl fmt::Display for SubjectRef<'_> {
    /// The most specific id, if there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.certificate_id, self.zone_id, self.account_id) {
            (Some(id), Some(zone), _) => write!(f, " of certificate {id} in zone {zone}"),
            (Some(id), None, _) => write!(f, " {id}"),
            (None, Some(zone), _) => write!(f, " in zone {zone}"),
            (None, None, Some(account)) => write!(f, " in account {account}"),
            (None, None, None) => Ok(()),
        }
    }
}
