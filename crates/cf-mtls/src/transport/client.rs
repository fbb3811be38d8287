//! The client, which all handles share.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cf_mtls_api::text::Sanitizer;
use cf_mtls_api::{ResponseHead, headers};
use http::header;
use jiff::{SignedDuration, Timestamp};
use tower::retry::budget::TpsBudget;

use super::connections::Connections;
use super::credentials::Credentials;
use super::deadline::{Limits, limit_setters};
use super::rate_limit::RateLimit;
use crate::hostname_writes::HostnameWrites;

/// A client of the API, cheap to clone.
///
/// Clones share the connections, the rate limit and the retry budget, so make
/// one client and clone it. See the [crate](crate) for an example.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Inner>,
    pub(crate) limits: Limits,
}

/// What all clones share.
pub(crate) struct Inner {
    pub(crate) connections: Connections,
    pub(crate) credentials: Credentials,
    /// Hides the credentials.
    pub(crate) sanitizer: Sanitizer,
    pub(crate) rate_limit: RateLimit,
    pub(crate) budget: TpsBudget,
    pub(crate) pending_writes: AtomicUsize,
    /// `Date` of the last response, and when it came.
    pub(crate) last_date: Mutex<(Vec<u8>, Timestamp)>,
    pub(crate) hostname_writes: HostnameWrites,
    /// Whether a request with these credentials has succeeded.
    pub(crate) has_succeeded: AtomicBool,
}

/// A write whose outcome was not returned yet, until this is dropped.
pub(crate) struct PendingWrite<'a>(&'a AtomicUsize);

impl Drop for PendingWrite<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Client {
    limit_setters!("each operation of this client", limits);

    /// Whether this client or a clone has sent a write whose outcome was not returned yet.
    ///
    /// While it is `false`, futures of this client can be dropped without an unknown
    /// outcome. To stop safely, keep polling them until it is `false`.
    pub fn has_pending_write(&self) -> bool {
        0 < self.shared.pending_writes.load(Ordering::SeqCst)
    }

    /// How far the local clock is ahead of the service's, by `Date` of the last
    /// response, which has whole seconds. `None` before one with a date.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        let last = self.shared.last_date.lock().unwrap_or_else(PoisonError::into_inner);
        let date = headers::date(str::from_utf8(&last.0).ok()?)?;
        Some(last.1.duration_since(date))
    }

    pub(crate) fn observe_date(&self, head: &ResponseHead) {
        if let Some(date) = head.headers.get(header::DATE) {
            let mut last = self.shared.last_date.lock().unwrap_or_else(PoisonError::into_inner);
            // Copied, because a header value keeps the buffer of its response.
            last.0.clear();
            last.0.extend_from_slice(date.as_bytes());
            last.1 = Timestamp::now();
        }
    }

    /// Makes a text from outside safe to show and to log: one line of at most 600
    /// characters, without [harmful characters](crate::text::is_harmful) and
    /// without any part of this client's secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        const MAX_CHARS: usize = 600;
        self.shared.sanitizer.clean(text, MAX_CHARS)
    }

    pub(crate) fn new(shared: Inner, limits: Limits) -> Self {
        Self { shared: Arc::new(shared), limits }
    }

    pub(crate) fn begin_write(&self) -> PendingWrite<'_> {
        self.shared.pending_writes.fetch_add(1, Ordering::SeqCst);
        PendingWrite(&self.shared.pending_writes)
    }

    pub(crate) fn shared(&self) -> &Inner {
        &self.shared
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.shared.connections.base_url())
            .field("tls", &self.shared.connections.tls())
            .field("credentials", &self.shared.credentials)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
