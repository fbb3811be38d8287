#![doc = include_str!("../README.md")]

mod builder;
mod certificates;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hostnames;
mod model;
mod products;
pub mod text;
mod transport;
mod zones;

pub use builder::{ClientBuilder, account_id_from_env};
pub use certificates::{
    Certificate, CertificateChain, CertificateFilter, CertificateType, Certificates, Deleted,
    Ensured, Upload,
};
pub use cf_mtls_api::{AccountId, CertificateId, InvalidId, ScriptName, Secret, ZoneId};
pub use error::{Error, ErrorKind, Operation, ServiceMessage};
pub use hostnames::{ClientCa, HostnameChange, Hostnames};
pub use model::{Association, AssociationStatus, Hostname, UnknownWord};
pub use products::ProductUse;
pub use transport::{Client, Credentials, Listing, Retry};
pub use zones::{Zone, ZoneFilter};

/// The examples of the project's README are compiled, too. It is not part of the
/// package.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod project {}
