#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Declares methods that change a value and return it.
macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident($self:ident $(, $value:ident: $type:ty)?) $change:block)*) => {
        $($(#[$meta])*
        pub fn $name(mut $self $(, $value: $type)?) -> Self {
            $change
            $self
        })*
    };
}

mod builder;
mod certificates;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hostname_writes;
mod hostnames;
mod products;
mod transport;
mod zones;

pub use builder::{ClientBuilder, account_id_from_env};
pub use certificates::{
    Certificate, CertificateChain, CertificateFilter, Certificates, Deleted, Ensured, Upload,
};
#[doc(inline)]
pub use cf_mtls_api::{
    AccountId, ApiToken, Association, AssociationStatus, CertificateId, CertificateType, ClientCa,
    Holder, Hostname, InvalidHostname, InvalidId, Product, ProductUse, ScriptName, Secret,
    ServiceMessage, TokenStatus, UnknownWord, Verification, Zone, ZoneHostnames, ZoneId,
};
pub use error::{Error, ErrorKind, Operation};
pub use hostnames::{HostnameChange, Hostnames};
/// For [`Error::status`].
pub use http;
/// For [`Certificate::expires_on`] and other times.
pub use jiff;
/// For [`ClientBuilder::with_http_client`].
pub use reqwest;
pub use transport::{Client, Credentials, Listing, Retry};
pub use zones::ZoneFilter;

/// Text from outside, made safe to show.
pub mod text {
    #[doc(inline)]
    pub use cf_mtls_api::text::{is_harmful, list, printable, shorten};
}

/// The examples of the project's README are compiled, too. It is not part of the package.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod project {}
