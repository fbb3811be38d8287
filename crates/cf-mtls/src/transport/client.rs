//! The client, which the handles of all resources share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cf_mtls_api::{Exchange, Secret};

use super::credentials::Credentials;
use super::limits::{Limits, Time, limit_setters};
use super::rate_limit::RateLimit;
use super::retry::Budget;
use crate::text::Sanitizer;

/// A client of the API, cheap to clone.
///
/// Clones share the connections, the rate limit and the retry budget, so make
/// one client and clone it. See the [crate](crate) for an example.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Inner>,
    limits: Limits,
}

/// What all clones share.
pub(crate) struct Inner {
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) exchange: Exchange,
    pub(crate) credentials: Credentials,
    pub(crate) rate_limit: RateLimit,
    pub(crate) budget: Budget,
    /// How many changes are under way.
    pub(crate) changes: AtomicUsize,
}

/// A change under way, until it is dropped.
pub(crate) struct Change<'a>(&'a AtomicUsize);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Client {
    limit_setters!("each operation of this client");

    /// Whether anything that changes something has been sent, by this client or a
    /// clone, whose outcome was not returned yet.
    ///
    /// While it is `false`, futures of this client can be dropped with nothing
    /// left unknown: waits for the rate limit, reads, and pauses between the steps
    /// of a longer job change nothing. To stop safely, keep polling until it is
    /// `false`:
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: cf_mtls::Client,
    /// #     certificates: cf_mtls::Certificates,
    /// #     id: cf_mtls::CertificateId,
    /// #     stop: impl Future<Output = ()> + Unpin,
    /// # ) {
    /// use std::{pin::pin, time::Duration};
    ///
    /// let mut delete = pin!(certificates.delete(&id));
    /// tokio::select! {
    ///     _ = &mut delete => return,
    ///     () = stop => {}
    /// }
    /// while client.has_change_under_way() {
    ///     let polled = tokio::time::timeout(Duration::from_millis(50), &mut delete);
    ///     if polled.await.is_ok() {
    ///         return;
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn has_change_under_way(&self) -> bool {
        0 < self.shared.changes.load(Ordering::SeqCst)
    }

    /// A text from outside that is safe to show and to log: on one line, at most
    /// 600 characters, without control characters and without any part of this
    /// client's secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        const MAX_CHARS: usize = 600;
        Sanitizer::new(self.secrets()).clean(text, MAX_CHARS)
    }

    pub(crate) fn new(shared: Inner, limits: Limits) -> Self {
        let shared = Arc::new(shared);
        Self { shared, limits }
    }

    /// This client, for what must be done in the time that is left.
    pub(crate) fn within(&self, time: Time) -> Self {
        let mut this = self.clone();
        this.limits.time = time;
        this
    }

    pub(crate) fn begin_change(&self) -> Change<'_> {
        self.shared.changes.fetch_add(1, Ordering::SeqCst);
        Change(&self.shared.changes)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.shared.exchange
    }

    pub(crate) fn rate_limit(&self) -> &RateLimit {
        &self.shared.rate_limit
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(self.shared.credentials.secret())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.shared.base_url)
            .field("credentials", &self.shared.credentials)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What every handle of a resource tells and bounds beside.
macro_rules! handle_limits {
    () => {
        /// The patience of this handle, where it is set.
        pub fn patience(&self) -> Option<std::time::Duration> {
            self.client.limits().time.patience
        }

        /// This handle with at most `left` for each operation, as the last step of
        /// something longer; but never less than one attempt may take.
        pub fn within(mut self, left: std::time::Duration) -> Self {
            self.limits_mut().shortened(left);
            self
        }

        /// The client of this handle, with the limits of this handle.
        pub fn client(&self) -> &$crate::transport::Client {
            &self.client
        }

        fn limits_mut(&mut self) -> &mut $crate::transport::Limits {
            self.client.limits_mut()
        }
    };
}

pub(crate) use handle_limits;
