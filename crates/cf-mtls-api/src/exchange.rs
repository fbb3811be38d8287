//! What happens around each request: credentials, bounds, and the record of
//! the response.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, InvalidHeaderValue, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::ResponseBuilderExt as _;
use zeroize::Zeroizing;

use crate::body::{Bounded, MAX_UNCOUNTED};
use crate::{Client, Secret};

/// Far above any real response: a page of 50 chains of certificates stays under 1 MiB.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// What a call needs beside its arguments, and what is known of its response.
///
/// It is a part of the [`Client`]; a clone starts with an empty record. Tasks
/// that share one client share the record too, so let each have a clone where
/// [`head`](Self::head) matters.
pub struct Exchange {
    headers: Arc<HeaderMap>,
    body_limit: usize,
    timeout: Option<Duration>,
    follows_redirects: bool,
    head: Mutex<Option<ResponseHead>>,
}

/// What survives of a response, whatever its body is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: StatusCode,
    /// Whether the HTTP client followed a redirect to get it. Such a response
    /// is passed on as the redirect, without its body.
    pub redirected: bool,
    /// All of its headers. The record has them alone: those of a
    /// [`ResponseValue`](crate::ResponseValue) are empty, as copying them for
    /// each response costs more than anything else around the request.
    pub headers: HeaderMap,
}

impl ResponseHead {
    /// `cf-ray`: identifies the request for Cloudflare's support.
    #[must_use]
    pub fn cf_ray(&self) -> Option<&HeaderValue> {
        self.headers.get(&CF_RAY)
    }

    /// The lines of `Retry-After`: seconds, or an HTTP date.
    pub fn retry_after(&self) -> impl Iterator<Item = &HeaderValue> {
        self.headers.get_all(RETRY_AFTER).iter()
    }

    /// The lines of `Ratelimit`: what remains of the rate limit, and when it starts anew.
    pub fn ratelimit(&self) -> impl Iterator<Item = &HeaderValue> {
        self.headers.get_all(&RATELIMIT).iter()
    }

    /// The lines of `Ratelimit-Policy`: the rate limit.
    pub fn ratelimit_policy(&self) -> impl Iterator<Item = &HeaderValue> {
        self.headers.get_all(&RATELIMIT_POLICY).iter()
    }
}

impl Exchange {
    /// Sends an API token with each request.
    ///
    /// # Errors
    ///
    /// When the token cannot stand in a header.
    pub fn with_bearer_token(self, token: &Secret) -> Result<Self, InvalidHeaderValue> {
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        Ok(self.with_header(AUTHORIZATION, HeaderValue::from_str(&text)?))
    }

    /// Sends a user's e-mail address and API key with each request.
    ///
    /// # Errors
    ///
    /// When one of them cannot stand in a header.
    pub fn with_email_and_key(self, email: &str, key: &Secret) -> Result<Self, InvalidHeaderValue> {
        let email = HeaderValue::from_str(email)?;
        let key = HeaderValue::from_str(key.expose())?;
        Ok(self
            .with_header(HeaderName::from_static("x-auth-email"), email)
            .with_header(HeaderName::from_static("x-auth-key"), key))
    }

    /// Sends a header with each request. Its value is taken for a secret.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Arc::make_mut(&mut self.headers).insert(name, value);
        self
    }

    /// Bounds the body of a response, in bytes, as it is after decompression.
    /// The default is 16 MiB.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Bounds the time from the start of a request to the end of its response.
    /// By default it is what the HTTP client has.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Declares that the HTTP client follows no redirects, which saves comparing the
    /// URLs of request and response.
    #[must_use]
    pub fn without_redirects(mut self) -> Self {
        self.follows_redirects = false;
        self
    }

    /// What is known of the last response. `None` before the first one, and while
    /// a request is under way.
    #[must_use]
    pub fn head(&self) -> Option<ResponseHead> {
        self.record().clone()
    }

    /// Like [`head`](Self::head), but leaves none behind, and copies nothing.
    #[must_use]
    pub fn take_head(&self) -> Option<ResponseHead> {
        self.record().take()
    }

    fn record(&self) -> MutexGuard<'_, Option<ResponseHead>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            headers: Arc::default(),
            body_limit: BODY_LIMIT,
            timeout: None,
            follows_redirects: true,
            head: Mutex::default(),
        }
    }
}

impl Clone for Exchange {
    fn clone(&self) -> Self {
        Self {
            headers: self.headers.clone(),
            body_limit: self.body_limit,
            timeout: self.timeout,
            follows_redirects: self.follows_redirects,
            head: Mutex::default(),
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("headers", &self.headers) // the values are marked sensitive
            .field("body_limit", &self.body_limit)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

// Made once: making a name takes longer than looking it up.
const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl Client {
    /// The same client with another exchange, such as one for a single request.
    #[must_use]
    pub fn with_exchange(&self, exchange: Exchange) -> Self {
        Self { baseurl: self.baseurl.clone(), client: self.client.clone(), inner: exchange }
    }
}

impl ClientHooks<Exchange> for Client {
    async fn exec(
        &self,
        mut request: reqwest::Request,
        _operation: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        let exchange = self.inner();
        *exchange.record() = None;
        let headers = request.headers_mut();
        for (name, value) in exchange.headers.iter() {
            headers.insert(name.clone(), value.clone());
        }
        if exchange.timeout.is_some() {
            *request.timeout_mut() = exchange.timeout;
        }
        let asked = exchange.follows_redirects.then(|| request.url().clone());

        let mut response = self.client().execute(request).await?;

        let redirected = asked.as_ref().is_some_and(|asked| asked != response.url());
        // The body's end is known, and the HTTP client reads no further.
        let length = response.content_length();
        let limit = MAX_UNCOUNTED.min(exchange.body_limit as u64);
        let is_bounded = length.is_some_and(|length| length <= limit);
        *exchange.record() = Some(ResponseHead {
            status: response.status(),
            redirected,
            headers: mem::take(response.headers_mut()),
        });
        if let Some(asked) = asked.filter(|_| redirected) {
            // What another address says is no evidence of anything.
            let (mut parts, _) = http::Response::<reqwest::Body>::from(response).into_parts();
            parts.status = StatusCode::FOUND;
            return Ok(rebuilt(parts, reqwest::Body::default(), asked));
        }
        if is_bounded {
            return Ok(response);
        }
        let url = response.url().clone();
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let body = reqwest::Body::wrap(Bounded::new(body, exchange.body_limit));
        Ok(rebuilt(parts, body, url))
    }
}

/// A response with another body.
fn rebuilt(mut parts: Parts, body: reqwest::Body, url: reqwest::Url) -> reqwest::Response {
    // Without its URL, reqwest would parse one that stands for none.
    let with_url = http::Response::builder().url(url).body(());
    if let Ok(with_url) = with_url {
        parts.extensions.extend(with_url.into_parts().0.extensions);
    }
    http::Response::from_parts(parts, body).into()
}
