//! The connections that all clones of a client share.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use cf_mtls_api::{self as api, ClientInfo as _, Exchange};
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::error::Error;

/// Shorter than an attempt, so that an unreachable host is reported as such.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_PING_INTERVAL: Duration = Duration::from_secs(5);

/// The HTTP client, which is replaced when a connection goes silent: over HTTP/2 all
/// requests share one, and an attempt that times out does not close it.
pub(crate) struct Connections {
    current: RwLock<Generation>,
    /// `None` for a client of the caller, which cannot be replaced.
    settings: Option<HttpSettings>,
}

struct Generation {
    number: u64,
    bindings: api::Client,
}

/// What the HTTP client is made of.
pub(crate) struct HttpSettings {
    pub(crate) base: Uri,
    /// In DER.
    pub(crate) root_certificates: Vec<Vec<u8>>,
    pub(crate) proxy: Option<reqwest::Proxy>,
    pub(crate) attempt_timeout: Duration,
}

impl Connections {
    pub(crate) fn new(bindings: api::Client, settings: Option<HttpSettings>) -> Self {
        Self { current: RwLock::new(Generation { number: 0, bindings }), settings }
    }

    /// The bindings for one attempt, and the number of their HTTP client.
    pub(crate) fn for_attempt(&self, timeout: Duration) -> (api::Client, u64) {
        let current = self.current();
        let mut exchange = current.bindings.inner().clone();
        let own = self.settings.as_ref().map(|own| own.attempt_timeout);
        if own != Some(timeout) {
            exchange = exchange.with_timeout(timeout);
        }
        (current.bindings.with_exchange(exchange), current.number)
    }

    /// Replaces the HTTP client with this number, unless another attempt did so.
    pub(crate) fn replace(&self, number: u64) {
        if self.current().number != number {
            return;
        }
        // Without another one, the old one remains.
        let Some(Ok(http)) = self.settings.as_ref().map(HttpSettings::connect) else { return };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.number == number {
            let exchange: Exchange = current.bindings.inner().clone();
            let base_url = current.bindings.baseurl();
            current.bindings = api::Client::new_with_client(base_url, http, exchange);
            current.number += 1;
        }
    }

    fn current(&self) -> RwLockReadGuard<'_, Generation> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn base_url(&self) -> String {
        self.current().bindings.baseurl().to_owned()
    }

    /// The TLS in use, as [`Debug`](std::fmt::Debug) shows it.
    pub(crate) fn tls(&self) -> &'static str {
        match &self.settings {
            None => "the caller's",
            Some(own) if own.is_plain() => "none",
            _ if cfg!(feature = "native-tls") => "native-tls",
            _ => "rustls",
        }
    }
}

impl HttpSettings {
    /// Makes an HTTP client, with connections of its own.
    pub(crate) fn connect(&self) -> Result<reqwest::Client, Error> {
        // Together shorter than an attempt, so that another one follows.
        let ping = (self.attempt_timeout / 4).clamp(Duration::from_millis(1), MAX_PING_INTERVAL);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(self.attempt_timeout)
            .http2_keep_alive_interval(ping)
            .http2_keep_alive_timeout(ping);
        let http = if self.is_plain() {
            // Reading root certificates takes longer than everything else.
            #[cfg(any(feature = "rustls", feature = "native-tls"))]
            let http = http.tls_certs_only([]);
            // OpenSSL reads them all the same.
            #[cfg(feature = "rustls")]
            let http = http.tls_backend_rustls();
            // A proxy would get the credentials in clear text.
            if self.proxy.is_some() {
                return Err(Error::configuration("the base URL is plain http; use no proxy"));
            }
            http.no_proxy()
        } else {
            let http = match &self.proxy {
                Some(proxy) => http.proxy(proxy.clone()),
                None => check_proxy(&self.base).map(|()| http)?,
            };
            self.tls(http.https_only(true))?
        };
        http.build().map_err(|error| {
            Error::configuration("the HTTP client cannot be built").with_source(error)
        })
    }

    fn is_plain(&self) -> bool {
        self.base.scheme_str() == Some("http")
    }

    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    fn tls(&self, http: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
        let roots = self.root_certificates.iter().map(|der| reqwest::Certificate::from_der(der));
        let roots = roots.collect::<Result<Vec<_>, _>>().map_err(|error| {
            Error::configuration("the root certificate cannot be used").with_source(error)
        })?;
        Ok(if roots.is_empty() { http } else { http.tls_certs_merge(roots) })
    }

    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    fn tls(&self, _: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
        let _ = &self.root_certificates;
        Err(Error::configuration(
            "cf-mtls was built without TLS; enable its feature rustls or native-tls, or pass an \
             HTTP client",
        ))
    }
}

/// Rejects a proxy of the environment that reqwest would ignore, or speak to as an
/// HTTP proxy. The value is not shown: it may contain a password.
fn check_proxy(base: &Uri) -> Result<(), Error> {
    let first = |names: [&'static str; 2]| {
        let mut set = names.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
        set.next().filter(|(_, value)| !value.is_empty())
    };
    let https = first(["HTTPS_PROXY", "https_proxy"]);
    let Some((name, value)) = https.or_else(|| first(["ALL_PROXY", "all_proxy"])) else {
        return Ok(());
    };
    let (_, except) = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let proxy = |value: &str| {
        let matcher = Matcher::builder().all(value.to_owned()).no(except.clone());
        matcher.build().intercept(base)
    };
    let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
    let is_usable = proxy(&value).is_some_and(|proxy| is_http(proxy.uri()));
    match is_usable || proxy("http://proxy.invalid").is_none() {
        true => Ok(()),
        false => Err(Error::configuration(format!(
            "{name} is not the URL of an HTTP proxy; other kinds of proxies are not supported; \
             correct or unset it"
        ))),
    }
}
