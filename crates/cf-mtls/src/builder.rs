//! Builds a client, and rejects unsafe settings.

use std::env;
use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize},
};

use cf_mtls_api::text::Sanitizer;
use cf_mtls_api::{self as api, AccountId, Exchange, Secret};
use http::header::USER_AGENT;
use http::{HeaderValue, Uri};
use reqwest::Url;

use crate::certificates::CertificateChain;
use crate::error::{Error, ErrorKind};
use crate::hostname_writes::HostnameWrites;
use crate::transport::rate_limit::RateLimit;
use crate::transport::{
    Client, Connections, Credentials, HttpSettings, Inner, Limits, budget, limit_setters,
};

const DEFAULT_BASE_URL: &str = "https://api.cloudflare.com/client/v4";
const NAME_AND_VERSION: &str = concat!("cf-mtls/", env!("CARGO_PKG_VERSION"));

impl Client {
    /// Starts a client with an API token, or other [`Credentials`].
    pub fn builder(credentials: impl Into<Credentials>) -> ClientBuilder {
        ClientBuilder::new(credentials.into())
    }

    /// Builds a client from the environment variables that Cloudflare's other
    /// clients use: `CLOUDFLARE_API_TOKEN`, or `CLOUDFLARE_EMAIL` and
    /// `CLOUDFLARE_API_KEY`; and `CLOUDFLARE_BASE_URL` if it is set.
    ///
    /// [`account_id_from_env`] reads `CLOUDFLARE_ACCOUNT_ID`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when a
    /// variable is missing or unusable.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }
}

/// Builds a [`Client`]. Settings are checked in [`build`](Self::build).
///
/// A limit of the builder holds for every operation. Clones of the client and its handles
/// have the same setters, for the operations of one handle or for one call:
///
/// ```
/// use std::time::Duration;
/// use cf_mtls::{AccountId, Certificates, Client, Error, Retry};
///
/// fn handle(token: &str, account: &AccountId) -> Result<Certificates, Error> {
///     let client = Client::builder(token)
///         .with_user_agent("inventory/1.0")
///         .with_retry(Retry::exponential(6, Duration::from_secs(1), Duration::from_secs(30)))
///         .with_patience(Duration::from_secs(300))
///         .build()?;
///     Ok(client.certificates(account).with_deadline(Duration::from_secs(20)))
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    credentials: Credentials,
    base_url: String,
    http: Option<reqwest::Client>,
    user_agent: Option<String>,
    body_limit: Option<usize>,
    /// In DER.
    root_certificates: Vec<Vec<u8>>,
    /// The URL may contain a password.
    proxy: Option<Secret>,
    plain_http: bool,
    limits: Limits,
}

impl ClientBuilder {
    fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            base_url: DEFAULT_BASE_URL.to_owned(),
            http: None,
            user_agent: None,
            body_limit: None,
            root_certificates: Vec::new(),
            proxy: None,
            plain_http: false,
            limits: Limits::default(),
        }
    }

    /// Starts a client with the variables of [`Client::from_env`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::from_env`].
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(variable)
    }

    /// Starts a client with the variables of [`Client::from_env`], from another
    /// source than the environment of the process.
    ///
    /// # Errors
    ///
    /// Those of [`Client::from_env`], and of `variable`.
    pub fn from_variables(
        variable: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        // Scripts unset a variable by making it empty.
        let get = |name: &str| Ok::<_, Error>(variable(name)?.filter(|value| !value.is_empty()));
        let credentials = match get("CLOUDFLARE_API_TOKEN")? {
            Some(token) => Credentials::token(token),
            None => match (get("CLOUDFLARE_EMAIL")?, get("CLOUDFLARE_API_KEY")?) {
                (Some(email), Some(key)) => Credentials::email_and_key(email, key),
                (None, Some(_)) => {
                    return Err(Error::configuration(
                        "CLOUDFLARE_API_KEY is set without CLOUDFLARE_EMAIL",
                    ));
                }
                (_, None) => {
                    return Err(Error::configuration(
                        "CLOUDFLARE_API_TOKEN is not set; make a token with the permission \"SSL \
                         and Certificates\" in the dashboard, under My Profile, API Tokens",
                    ));
                }
            },
        };
        let builder = Self::new(credentials);
        Ok(match get("CLOUDFLARE_BASE_URL")? {
            Some(base_url) => builder.with_base_url(base_url),
            None => builder,
        })
    }

    setters! {
        /// Uses another server, such as a simulator, over https, or over plain http on
        /// the loopback interface.
        with_base_url(self, base_url: impl Into<String>) { self.base_url = base_url.into() }

        /// Allows plain http to hosts other than loopback, which exposes the
        /// credentials to the network.
        with_plain_http_allowed(self) { self.plain_http = true }

        /// Uses an HTTP client of the caller, with its proxy and TLS settings.
        ///
        /// Build it with `redirect::Policy::none()`: responses after a redirect are rejected, but
        /// the credentials are sent along by then. Build it with `retry::never()`, or HTTP/2
        /// requests are sent more often than [`Retry`](crate::Retry) says. It is never replaced, so
        /// set `http2_keep_alive_interval`, or a silent HTTP/2 connection holds all clones.
        with_http_client(self, http: reqwest::Client) { self.http = Some(http) }

        /// Sets the `User-Agent`; this crate's name and version follow it.
        with_user_agent(self, name: impl Into<String>) { self.user_agent = Some(name.into()) }

        /// Bounds the body of a response, in bytes after decompression (16 MiB unless set).
        with_body_limit(self, bytes: usize) { self.body_limit = Some(bytes) }
    }

    /// Trusts the certificates in this PEM beside those of the platform.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if it contains
    /// anything but certificates.
    pub fn with_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let refuse = |error: Error| {
            error
                .with_kind(ErrorKind::Configuration)
                .with_detail("it was given as a root certificate")
        };
        let chain = CertificateChain::from_pem(pem).map_err(refuse)?;
        self.root_certificates.extend(chain.der().map(<[u8]>::to_vec));
        Ok(self)
    }

    /// Sends all requests through this HTTP proxy, and through none of the environment. The
    /// URL may contain a user name and a password.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if it is not the URL of
    /// an HTTP proxy.
    pub fn with_proxy(mut self, url: impl AsRef<str>) -> Result<Self, Error> {
        proxy(url.as_ref())?;
        self.proxy = Some(Secret::from(url.as_ref()));
        Ok(self)
    }

    limit_setters!("each operation", limits);

    /// Checks the settings, and builds the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when the
    /// credentials, the base URL, the user agent, a root certificate or the
    /// environment's proxy cannot be used, or there is no TLS.
    pub fn build(self) -> Result<Client, Error> {
        let base = self.checked_base_url()?;
        let (http, settings) = match &self.http {
            Some(_) if !self.root_certificates.is_empty() || self.proxy.is_some() => {
                return Err(Error::configuration(
                    "an HTTP client of the caller takes no root certificate and no proxy; set them \
                     where it is built",
                ));
            }
            Some(http) => (http.clone(), None),
            None => {
                let base = base.as_str().parse::<Uri>().map_err(|error| {
                    Error::configuration("the base URL cannot be used").with_source(error)
                })?;
                let settings = HttpSettings {
                    base,
                    root_certificates: self.root_certificates,
                    proxy: self.proxy.map(|url| proxy(url.expose())).transpose()?,
                    attempt_timeout: self.limits.attempt_timeout,
                };
                (settings.connect()?, Some(settings))
            }
        };
        let credentials = self.credentials.checked()?;
        let mut exchange = credentials.apply(Exchange::default())?;
        if settings.is_some() {
            exchange = exchange.without_redirects();
        }
        let user_agent = match self.user_agent {
            Some(name) => Some(format!("{name} {NAME_AND_VERSION}")),
            // The caller's client decides.
            None => self.http.is_none().then(|| NAME_AND_VERSION.to_owned()),
        };
        if let Some(user_agent) = user_agent {
            let refuse = "the user agent is not valid in an HTTP header";
            let value = HeaderValue::from_str(&user_agent);
            let value = value.map_err(|_| Error::configuration(refuse))?;
            exchange = exchange.with_header(USER_AGENT, value);
        }
        if let Some(bytes) = self.body_limit {
            exchange = exchange.with_body_limit(bytes);
        }
        let base_url = base.as_str().trim_end_matches('/');
        let bindings = api::Client::new_with_client(base_url, http, exchange);
        let shared = Inner {
            connections: Connections::new(bindings, settings),
            sanitizer: Sanitizer::new([credentials.secret()]),
            credentials,
            rate_limit: RateLimit::default(),
            budget: budget(),
            pending_writes: AtomicUsize::new(0),
            last_date: Mutex::default(),
            hostname_writes: HostnameWrites::default(),
            has_succeeded: AtomicBool::new(false),
        };
        Ok(Client::new(shared, self.limits))
    }

    fn checked_base_url(&self) -> Result<Url, Error> {
        let refuse = |why: &str| Error::configuration(format!("the base URL {why}"));
        let url = Url::parse(self.base_url.trim()).map_err(|error| {
            refuse("cannot be read; expected one like https://api.cloudflare.com/client/v4")
                .with_source(error)
        })?;
        let problem = if !url.username().is_empty() || url.password().is_some() {
            "contains a user name or a password; pass credentials separately"
        } else if url.query().is_some() || url.fragment().is_some() {
            "contains a query or a fragment; only a path can follow the host"
        } else {
            match url.scheme() {
                "https" => return Ok(url),
                "http" if self.plain_http || is_loopback(&url) => return Ok(url),
                "http" => "is plain http, which exposes the credentials; use https",
                _ => "is neither https nor http",
            }
        };
        Err(refuse(problem))
    }
}

/// Reads `CLOUDFLARE_ACCOUNT_ID`, like Cloudflare's other clients.
///
/// # Errors
///
/// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when it is not
/// set, or is not an account id.
pub fn account_id_from_env() -> Result<AccountId, Error> {
    const NAME: &str = "CLOUDFLARE_ACCOUNT_ID";
    let value = variable(NAME)?.filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| Error::configuration(format!("{NAME} is not set")))?;
    let id = value.trim().parse::<AccountId>();
    id.map_err(|error| Error::configuration(format!("{NAME} is not an account id: {error}")))
}

fn variable(name: &str) -> Result<Option<String>, Error> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Error::configuration(format!("{name} is not text")))
        }
    }
}

/// Whoever can change what `localhost` means controls the machine anyway.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|ip| ip.is_loopback())
}

fn proxy(url: &str) -> Result<reqwest::Proxy, Error> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    // No cause: it might quote a password.
    url.and_then(|url| reqwest::Proxy::all(url).ok()).ok_or_else(|| {
        Error::configuration("the proxy is not a URL like http://proxy.example.com:3128")
    })
}
