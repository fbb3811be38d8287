//! The client, which the handles of all resources share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cf_mtls_api::{AccountId, Exchange, Secret, ZoneId};

use crate::builder::ClientBuilder;
use crate::certificates::Certificates;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::hostnames::Hostnames;
use crate::limits::Limits;
use crate::listing::Listing;
use crate::rate_limit::RateLimit;
use crate::retry::Budget;
use crate::zones::{self, Zone, ZoneFilter};

/// A client of the API, cheap to clone.
///
/// Clones share the connections, the rate limit and the retry budget, so make
/// one client and clone it. See the [crate](crate) for an example.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) exchange: Exchange,
    pub(crate) credentials: Credentials,
    pub(crate) rate_limit: RateLimit,
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
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
    /// Begins a client with an API token, or other [`Credentials`].
    pub fn builder(credentials: impl Into<Credentials>) -> ClientBuilder {
        ClientBuilder::new(credentials.into())
    }

    /// Makes a client from the environment variables that other clients of
    /// Cloudflare use: `CLOUDFLARE_API_TOKEN`, or `CLOUDFLARE_EMAIL` with
    /// `CLOUDFLARE_API_KEY`; and `CLOUDFLARE_BASE_URL` where it is set.
    ///
    /// [`account_id_from_env`](crate::account_id_from_env) reads
    /// `CLOUDFLARE_ACCOUNT_ID`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when a
    /// variable is missing or unusable.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// The mTLS certificates of an account.
    pub fn certificates(&self, account: &AccountId) -> Certificates {
        Certificates::new(self.clone(), account.clone(), self.0.limits.clone())
    }

    /// The hostnames that are tied to CA certificates in a zone.
    pub fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        Hostnames::new(self.clone(), zone.clone(), self.0.limits.clone())
    }

    /// The zones that the credentials can see, a page at a time.
    ///
    /// Each page is read again after a failure, as often as the client's limits
    /// allow.
    pub fn zones(&self, filter: ZoneFilter) -> Listing<Zone> {
        zones::list(self.clone(), filter, self.0.limits.clone())
    }

    /// Whether anything that changes something has been sent, by this client or a
    /// clone, whose outcome was not returned yet.
    ///
    /// While it is `false`, futures of this client can be dropped with nothing
    /// left unknown: what waits for the rate limit, reads, or pauses before the
    /// next step of a job changes nothing. So who has to stop polls until then:
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: cf_mtls::Client,
    /// #     release: cf_mtls::Release,
    /// #     stop: impl Future<Output = ()> + Unpin,
    /// # ) {
    /// use std::{pin::pin, time::Duration};
    ///
    /// let mut job = pin!(release.run(|step| println!("{step}")));
    /// tokio::select! {
    ///     _ = &mut job => return,
    ///     () = stop => {}
    /// }
    /// while client.has_change_under_way() {
    ///     let polled = tokio::time::timeout(Duration::from_millis(50), &mut job);
    ///     if polled.await.is_ok() {
    ///         return;
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn has_change_under_way(&self) -> bool {
        0 < self.0.changes.load(Ordering::SeqCst)
    }

    pub(crate) fn begin_change(&self) -> Change<'_> {
        self.0.changes.fetch_add(1, Ordering::SeqCst);
        Change(&self.0.changes)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.0.base_url
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.0.exchange
    }

    pub(crate) fn rate_limit(&self) -> &RateLimit {
        &self.0.rate_limit
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(self.0.credentials.secret())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.0.base_url)
            .field("credentials", &self.0.credentials)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}
