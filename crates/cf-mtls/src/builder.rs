//! Sets a client up, and refuses what would not be safe.

use std::env;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use cf_mtls_api::{AccountId, Exchange};
use http::HeaderValue;
use http::header::USER_AGENT;
use reqwest::Url;

use crate::error::Error;
use crate::transport::rate_limit::RateLimit;
use crate::transport::{Budget, Client, Credentials, Inner, Limits, limit_setters};

/// Where the service is.
const BASE_URL: &str = "https://api.cloudflare.com/client/v4";
/// What this crate calls itself.
const NAME: &str = concat!("cf-mtls/", env!("CARGO_PKG_VERSION"));
/// Shorter than an attempt, so that a host that is not there is told as that.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sets a [`Client`] up. Everything is checked in [`build`](Self::build).
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    credentials: Credentials,
    base_url: String,
    http: Option<reqwest::Client>,
    user_agent: Option<String>,
    body_limit: Option<usize>,
    root_certificate: Option<String>,
    plain_http: bool,
    limits: Limits,
}

impl ClientBuilder {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            base_url: BASE_URL.to_owned(),
            http: None,
            user_agent: None,
            body_limit: None,
            root_certificate: None,
            plain_http: false,
            limits: Limits::default(),
        }
    }

    /// Begins a client with what [`Client::from_env`] reads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when a
    /// variable is missing, or is not text.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(variable)
    }

    /// Begins a client with what [`Client::from_env`] reads, out of another
    /// source than the environment of the process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when a
    /// variable is missing; and what `variable` returns.
    pub fn from_variables(
        variable: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        // An empty variable is how scripts unset one.
        let set = |name: &str| Ok::<_, Error>(variable(name)?.filter(|value| !value.is_empty()));
        let credentials = match set("CLOUDFLARE_API_TOKEN")? {
            Some(token) => Credentials::token(token),
            None => match (set("CLOUDFLARE_EMAIL")?, set("CLOUDFLARE_API_KEY")?) {
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
        Ok(match set("CLOUDFLARE_BASE_URL")? {
            Some(base_url) => builder.with_base_url(base_url),
            None => builder,
        })
    }

    /// Talks to another server, such as a simulator. It must be https, or plain
    /// http on the loopback interface.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Sends requests through an HTTP client of the caller's own.
    ///
    /// Build it with `redirect::Policy::none()`: an answer that came by a
    /// redirect is refused as no evidence, but by then a client that follows
    /// them has sent the credentials along. A proxy and TLS are its business.
    pub fn with_http_client(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets the `User-Agent`; this crate's name and version follow it.
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Bounds the body of an answer, in bytes, as it is after decompression
    /// (16 MiB unless set).
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Trusts the certificates of this PEM text beside the platform's own, for
    /// a network that inspects TLS.
    pub fn with_root_certificate(mut self, pem: impl Into<String>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Allows plain http to hosts other than loopback, which shows the
    /// credentials to everybody on the way.
    pub fn with_plain_http_allowed(mut self) -> Self {
        self.plain_http = true;
        self
    }

    limit_setters!("each operation");

    fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// Checks the settings, and makes the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when the
    /// credentials, the base URL, the user agent or the root certificate cannot
    /// be used, or there is no TLS.
    pub fn build(self) -> Result<Client, Error> {
        let base = self.checked_base_url()?;
        let user_agent = match (&self.user_agent, &self.http) {
            (Some(name), _) => Some(format!("{name} {NAME}")),
            (None, None) => Some(NAME.to_owned()),
            (None, Some(_)) => None, // the caller's client has one, or wants none
        };
        let http = match self.http.clone() {
            Some(http) => http,
            None => self.own_http(&base)?,
        };
        let credentials = self.credentials.checked()?;
        let mut exchange = credentials.apply(Exchange::default())?;
        if let Some(user_agent) = user_agent {
            let value = HeaderValue::from_str(&user_agent).map_err(|_| {
                Error::configuration("the user agent cannot stand in an HTTP header")
            })?;
            exchange = exchange.with_header(USER_AGENT, value);
        }
        if let Some(bytes) = self.body_limit {
            exchange = exchange.with_body_limit(bytes);
        }
        let shared = Inner {
            base_url: base.as_str().trim_end_matches('/').to_owned(),
            http,
            exchange,
            credentials,
            rate_limit: RateLimit::default(),
            budget: Budget::new(),
            changes: AtomicUsize::new(0),
        };
        Ok(Client::new(shared, self.limits))
    }

    fn checked_base_url(&self) -> Result<Url, Error> {
        let refuse = |why: &str| Error::configuration(format!("the base URL {why}"));
        let url = Url::parse(self.base_url.trim()).map_err(|error| {
            refuse("cannot be read; expected one like https://api.cloudflare.com/client/v4")
                .with_source(error)
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(
                "holds a user name or a password; credentials are set apart",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(
                "holds a query or a fragment; only a path can follow the host",
            ));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.plain_http || is_loopback(&url) => Ok(url),
            "http" => Err(refuse(
                "is plain http, which shows the credentials to everybody on the way; use https",
            )),
            _ => Err(refuse("is neither https nor http")),
        }
    }

    fn own_http(&self, base: &Url) -> Result<reqwest::Client, Error> {
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT);
        if base.scheme() == "http" {
            // A proxy would get the credentials in clear text.
            http = http.no_proxy();
        } else {
            http = self.tls(http.https_only(true))?;
        }
        http.build().map_err(|error| {
            Error::configuration("the HTTP client cannot be made").with_source(error)
        })
    }

    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    fn tls(&self, http: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
        let Some(pem) = &self.root_certificate else {
            return Ok(http);
        };
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|error| {
                Error::configuration("the root certificate cannot be read").with_source(error)
            })
            .and_then(|certificates| match certificates.is_empty() {
                true => Err(Error::configuration(
                    "the root certificate's PEM text holds no certificate",
                )),
                false => Ok(certificates),
            })?;
        Ok(http.tls_certs_merge(certificates))
    }

    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    fn tls(&self, _: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
        Err(Error::configuration(
            "cf-mtls was built without TLS; switch on its feature rustls or native-tls, or pass an \
             HTTP client of your own",
        ))
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
}

/// Reads `CLOUDFLARE_ACCOUNT_ID`, as other clients of Cloudflare do.
///
/// # Errors
///
/// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when it is not
/// set, or is no account id.
pub fn account_id_from_env() -> Result<AccountId, Error> {
    const NAME: &str = "CLOUDFLARE_ACCOUNT_ID";
    let value = variable(NAME)?.filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| Error::configuration(format!("{NAME} is not set")))?;
    let id = value.trim().parse::<AccountId>();
    id.map_err(|error| Error::configuration(format!("{NAME} is no account id: {error}")))
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

/// `localhost` is taken at its word: who can change what it means has the machine.
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}
