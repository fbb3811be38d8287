//! What people write when they take no client: reqwest, serde, and structs with
//! the same fields.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The service's envelope.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) success: bool,
    pub(crate) errors: Option<Vec<Message>>,
    #[allow(dead_code, reason = "decoded, as a client would")]
    pub(crate) messages: Option<Vec<Message>>,
    pub(crate) result: Option<T>,
    pub(crate) result_info: Option<Info>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoded, as a client would")]
pub(crate) struct Message {
    code: i64,
    message: String,
}

#[derive(Deserialize)]
pub(crate) struct Info {
    pub(crate) total_pages: Option<i64>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded, as a client would")]
pub(crate) struct Certificate {
    pub(crate) id: Option<String>,
    ca: Option<bool>,
    certificates: Option<String>,
    pub(crate) expires_on: Option<String>,
    issuer: Option<String>,
    name: Option<String>,
    serial_number: Option<String>,
    signature: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    uploaded_on: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded, as a client would")]
pub(crate) struct Association {
    service: Option<String>,
    status: Option<String>,
}

#[derive(Serialize)]
struct Upload<'a> {
    ca: bool,
    certificates: &'a str,
    name: &'a str,
}

/// A client with the account's URL.
#[derive(Clone)]
pub(crate) struct Bare {
    http: reqwest::Client,
    url: String,
    token: &'static str,
}

impl Bare {
    pub(crate) fn new(base_url: &str, account: &str, token: &'static str) -> anyhow::Result<Self> {
        // Ours has a timeout, and a careful engineer sets one.
        let timeout = Duration::from_secs(20);
        let http = reqwest::Client::builder().no_proxy().timeout(timeout).build()?;
        Ok(Self { http, url: format!("{base_url}/accounts/{account}/mtls_certificates"), token })
    }

    /// Deletes or reads a certificate.
    pub(crate) async fn item(
        &self,
        method: Method,
        id: &str,
    ) -> anyhow::Result<Option<Certificate>> {
        let request = self.http.request(method, format!("{}/{id}", self.url));
        let envelope: Envelope<Certificate> = self.send(request).await?;
        ensure!(envelope.success, "{:?}", envelope.errors);
        Ok(envelope.result)
    }

    pub(crate) async fn upload(&self, pem: &str, name: &str) -> anyhow::Result<Certificate> {
        let body = Upload { ca: true, certificates: pem, name };
        let envelope: Envelope<Certificate> =
            self.send(self.http.post(&self.url).json(&body)).await?;
        ensure!(envelope.success, "{:?}", envelope.errors);
        envelope.result.context("no certificate")
    }

    /// Deletes a certificate that is in use, and reads by what.
    pub(crate) async fn refused(&self, id: &str) -> anyhow::Result<Vec<Association>> {
        let request = self.http.delete(format!("{}/{id}", self.url)).bearer_auth(self.token);
        let refusal: Envelope<Certificate> = request.send().await?.json().await?;
        ensure!(!refusal.success && refusal.errors.is_some(), "it was deleted");
        let request = self.http.get(format!("{}/{id}/associations", self.url));
        let query = [("page", "1"), ("per_page", "50")];
        let envelope: Envelope<Vec<Association>> = self.send(request.query(&query)).await?;
        ensure!(envelope.success, "{:?}", envelope.errors);
        envelope.result.context("no list")
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = request.bearer_auth(self.token).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    pub(crate) async fn page(
        &self,
        name: &str,
        page: usize,
    ) -> anyhow::Result<Envelope<Vec<Certificate>>> {
        let query = [("name", name), ("page", &page.to_string()), ("per_page", "50")];
        let envelope: Envelope<Vec<Certificate>> =
            self.send(self.http.get(&self.url).query(&query)).await?;
        ensure!(envelope.success, "{:?}", envelope.errors);
        Ok(envelope)
    }

    /// Reads so many pages, and hands over each certificate.
    pub(crate) async fn list(
        &self,
        pages: usize,
        mut each: impl FnMut(Certificate) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for number in 1.. {
            let page = self.page(&pages.to_string(), number).await?;
            page.result.unwrap_or_default().into_iter().try_for_each(&mut each)?;
            let last = page.result_info.and_then(|info| info.total_pages);
            if last.is_none_or(|last| last <= number as i64) {
                break;
            }
        }
        Ok(())
    }
}
