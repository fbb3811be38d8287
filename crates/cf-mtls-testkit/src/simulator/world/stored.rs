//! A certificate that the service holds.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::simulator::chain::Details;

/// The `type` of an upload.
pub(crate) const CUSTOM: &str = "custom";

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) ca: bool,
    pub(crate) pem: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: String,
    pub(crate) details: Details,
    /// The fingerprints of the chain.
    pub(crate) content: BTreeSet<String>,
    pub(crate) expires_on: Timestamp,
    pub(crate) uploaded_on: Timestamp,
    /// The moment from which on lists show it.
    pub(crate) listed: Duration,
}
