//! The settings, as plain data.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::simulator::auth::Keyring;
use crate::simulator::protocol::envelope::ServiceError;
use crate::simulator::rate_limit::Policy;
use crate::simulator::record::RequestRecord;

/// What the `result` of a successful delete looks like; all of these have been
/// seen or documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeleteResult {
    /// The whole certificate.
    #[default]
    Certificate,
    /// `null`.
    Null,
    /// An object with nothing but `id`.
    OnlyId,
    /// An object without fields.
    EmptyObject,
    /// HTTP 200 without a body.
    EmptyBody,
    /// HTTP 204.
    NoContent,
}

/// What happens to a hostname that another CA of its zone has already. Which
/// of these the real service does is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostnameRule {
    /// It may belong to several CAs at once.
    #[default]
    Shared,
    /// It moves, and disappears from the other list.
    Moves,
    /// The request is refused.
    Exclusive,
}

/// Which certificate ids the hostname operations take. Cloudflare's document
/// asks for exactly 36 characters there, and shows ids of 32 elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostnameIds {
    /// UUIDs only; others are refused with HTTP 400.
    #[default]
    Uuid,
    /// UUIDs and 32 hexadecimal digits, as in the paths of the other
    /// operations.
    UuidOrHex,
}

/// The callback that sees each request.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&RequestRecord) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observer: impl Fn(&RequestRecord) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }

    pub(crate) fn see(&self, record: &RequestRecord) {
        (self.0)(record);
    }
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) account_id: String,
    pub(crate) keyring: Keyring,
    pub(crate) ca_quota: usize,
    pub(crate) propagation: Duration,
    pub(crate) rate_limit: Option<Policy>,
    pub(crate) in_use: ServiceError,
    pub(crate) not_found: ServiceError,
    pub(crate) refusal_code: u32,
    pub(crate) delete_result: DeleteResult,
    pub(crate) null_lists: bool,
    pub(crate) normalise_pem: bool,
    pub(crate) hostname_rule: HostnameRule,
    pub(crate) hostname_service: String,
    pub(crate) hostname_ids: HostnameIds,
    pub(crate) recorded_requests: usize,
    pub(crate) observer: Option<Observer>,
    pub(crate) start_time: Option<SystemTime>,
    pub(crate) clock_stands_still: bool,
}

pub(crate) fn random_hex_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
