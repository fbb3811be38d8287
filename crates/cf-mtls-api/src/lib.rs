#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code names the types below by the crate's own name, so that the
// mocks generated for another crate name them the same way.
extern crate self as cf_mtls_api;

mod association;
mod base;
mod body;
mod client_ca;
mod exchange;
#[rustfmt::skip]
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::unwrap_used,
    reason = "the generator decides on its form"
)]
mod generated;
pub mod headers;
mod hostname;
mod ids;
mod message;
mod object;
mod product;
mod request;
pub mod text;
mod token;
mod values;
mod words;
mod zone;

pub use association::Association;
pub use body::is_body_limit;
pub use client_ca::ClientCa;
pub use exchange::{Exchange, ResponseHead};
pub use generated::{Client, ClientInfo, Error, ResponseValue, requests, types};
pub use hostname::{Hostname, InvalidHostname};
pub use ids::{AccountId, CertificateId, InvalidId, ScriptName, ZoneId};
pub use message::ServiceMessage;
pub use object::UniqueMembers;
pub use product::{Holder, Product, ProductUse, product_use};
pub use request::{Request, Sent};
pub use token::{ApiToken, Verification};
pub use values::{Secret, SecretField, Timestamp, whole_seconds};
pub use words::{AssociationStatus, CertificateType, TokenStatus, UnknownWord};
pub use zone::{Zone, ZoneHostnames};
