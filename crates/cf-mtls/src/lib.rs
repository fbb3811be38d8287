#![doc = include_str!("../README.md")]

mod association;
mod associations;
mod blocker;
mod builder;
mod call;
mod certificate;
mod certificates;
mod classify;
mod client;
mod credentials;
mod delete;
mod delete_many;
mod edit;
mod envelope;
mod error;
mod error_json;
mod find;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod get_many;
mod hostnames;
mod jobs;
mod letting_go;
mod limits;
mod listing;
mod open_enum;
mod operation;
mod outcomes;
mod pem;
mod printable;
mod prune;
mod rate_limit;
mod release;
mod requests;
mod retry;
mod rotate;
mod safe_text;
mod step;
mod store;
mod upload;
mod usage;
mod wait;
mod zones;

pub use association::{Association, AssociationStatus};
pub use blocker::Blocker;
pub use builder::{ClientBuilder, account_id_from_env};
pub use certificate::{Certificate, CertificateType};
pub use certificates::{CertificateFilter, Certificates};
pub use cf_mtls_api::{AccountId, CertificateId, InvalidId, Secret, ZoneId};
pub use client::Client;
pub use credentials::Credentials;
pub use delete::Deleted;
pub use delete_many::DeleteOutcome;
pub use error::{Error, ErrorKind, ServiceMessage};
pub use get_many::GetOutcome;
pub use hostnames::{ClientCa, Hostnames};
pub use listing::Listing;
pub use operation::Operation;
pub use outcomes::Outcomes;
pub use pem::CertificateChain;
pub use prune::{Candidate, Prune, Reason};
pub use release::{Release, ReleasePlan, Released};
pub use retry::Retry;
pub use rotate::{Rotate, RotatePlan, Rotated};
pub use step::Step;
pub use upload::Upload;
pub use usage::{UnreadableZone, Usage, ZoneHostnames, ZoneUse};
pub use zones::{Zone, ZoneFilter};

/// The examples of the project's own README are compiled, too. The package does
/// not hold it, and nobody tests the package.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod project {}
