//! The settings, as plain data.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::simulator::rate_limit::Policy;
use crate::simulator::record::RequestRecord;
use crate::simulator::refusal::Refusals;

/// The `result` of a successful delete; all of these have been seen or
/// documented.
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

/// What happens to a hostname that another CA of its zone has already. The
/// service documents the first; the others are for tests of a client's care.
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

/// How the PEM of an upload is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemForm {
    /// In the service's own form: lines of 64 characters, a final line end,
    /// nothing between the certificates, duplicates dropped.
    #[default]
    Normalized,
    /// The same, and the chain in reverse order: the service may change it.
    Reversed,
    /// The text as it was sent.
    AsSent,
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

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// How long each kind of change takes to show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lags {
    /// Associations stay pending, after they began and after they ended.
    pub(crate) propagation: Duration,
    /// A read of hostnames shows the list before a change.
    pub(crate) hostnames: Duration,
    /// The list of certificates shows the account as it was.
    pub(crate) list: Duration,
    /// A deleted certificate can still be read.
    pub(crate) delete: Duration,
    /// Deletes are refused after the associations are gone.
    pub(crate) in_use: Duration,
}

impl Lags {
    /// From the end of the last use until a delete works.
    pub(crate) fn release(&self) -> Duration {
        self.propagation.saturating_add(self.in_use)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) account_id: String,
    pub(crate) ca_quota: usize,
    pub(crate) lags: Lags,
    pub(crate) rate_limit: Option<Policy>,
    pub(crate) refusals: Refusals,
    pub(crate) without_made_up_codes: bool,
    pub(crate) accept_duplicates: bool,
    pub(crate) delete_result: DeleteResult,
    pub(crate) null_lists: bool,
    pub(crate) null_empty_results: bool,
    pub(crate) pem_form: PemForm,
    pub(crate) hostname_rule: HostnameRule,
    pub(crate) hostname_service: String,
    pub(crate) products_hidden: bool,
    pub(crate) recorded_requests: usize,
    pub(crate) max_silence: Duration,
    pub(crate) observer: Option<Observer>,
    pub(crate) start_time: Option<SystemTime>,
    pub(crate) clock_stands_still: bool,
    pub(crate) clock_step: Duration,
}
