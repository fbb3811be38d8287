//! What people write when they take no client: reqwest, serde, and structs with
//! the same fields.

use anyhow::ensure;
use serde::Deserialize;

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

/// A client with the account's URL.
#[derive(Clone)]
pub(crate) struct Bare {
    http: reqwest::Client,
    url: String,
    token: &'static str,
}

impl Bare {
    pub(crate) fn new(base_url: &str, account: &str, token: &'static str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, url: format!("{base_url}/accounts/{account}/mtls_certificates"), token })
    }

    pub(crate) async fn delete(&self, id: &str) -> anyhow::Result<Option<Certificate>> {
        let request = self.http.delete(format!("{}/{id}", self.url)).bearer_auth(self.token);
        let envelope: Envelope<Certificate> =
            request.send().await?.error_for_status()?.json().await?;
        ensure!(envelope.success, "{:?}", envelope.errors);
        Ok(envelope.result)
    }

    pub(crate) async fn page(
        &self,
        name: &str,
        page: usize,
    ) -> anyhow::Result<Envelope<Vec<Certificate>>> {
        let query = [("name", name), ("page", &page.to_string()), ("per_page", "50")];
        let request = self.http.get(&self.url).query(&query).bearer_auth(self.token);
        let envelope: Envelope<Vec<Certificate>> =
            request.send().await?.error_for_status()?.json().await?;
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
