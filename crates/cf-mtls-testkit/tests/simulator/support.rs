//! A bare HTTP client for the simulator, and certificates made for tests.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use cf_mtls_testkit::Simulator;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, SignatureAlgorithm};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// The certificate which the service's documentation shows as a response.
pub(crate) const DOCUMENTED_CA: &str = cf_mtls_testkit::DOCUMENTED_CA;

/// A bare HTTP client: no retries, no types, nothing that hides a mistake.
#[derive(Clone)]
pub(crate) struct Caller {
    http: Client,
    base_url: String,
    token: String,
    account: String,
}

pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn result(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()["result"].clone()
    }

    pub(crate) fn id(&self) -> String {
        self.result()["id"].as_str().unwrap().to_owned()
    }

    /// The codes of an error, those of its chain behind it.
    pub(crate) fn codes(&self) -> Vec<u64> {
        let json = self.json();
        assert_eq!(json["success"], false, "{}", self.text);
        assert_eq!(json["result"], Value::Null);
        let errors = json["errors"].as_array().unwrap();
        let chain = |error: &Value| error["error_chain"].as_array().cloned().unwrap_or_default();
        let errors = errors.iter().filter(|error| error.get("code").is_some());
        let all = errors.flat_map(|error| [vec![error.clone()], chain(error)].concat());
        all.map(|error| error["code"].as_u64().unwrap()).collect()
    }

    /// The message of the first error.
    pub(crate) fn message(&self) -> String {
        let json = self.json();
        json["errors"][0]["message"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn hostnames(&self) -> Vec<String> {
        strings(&self.result()["hostnames"])
    }

    /// `service status` of each association.
    pub(crate) fn associations(&self) -> Vec<String> {
        let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
        let row = |row: &Value| format!("{} {}", text(row, "service"), text(row, "status"));
        self.result().as_array().unwrap().iter().map(row).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        strings(&self.result().as_array().unwrap().iter().map(|row| row["name"].clone()).collect())
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

impl Caller {
    pub(crate) fn new(simulator: &Simulator) -> Self {
        Self::with(simulator, Client::builder())
    }

    /// Many requests at once on a single connection.
    pub(crate) fn over_http2(simulator: &Simulator) -> Self {
        Self::with(simulator, Client::builder().http2_prior_knowledge())
    }

    fn with(simulator: &Simulator, http: reqwest::ClientBuilder) -> Self {
        let http = http
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            base_url: simulator.base_url().to_owned(),
            token: simulator.token().to_owned(),
            account: simulator.account_id().to_owned(),
        }
    }

    /// The path of the certificates, with whatever follows.
    pub(crate) fn certificates(&self, rest: &str) -> String {
        format!("/accounts/{}/mtls_certificates{rest}", self.account)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url))
    }

    pub(crate) async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let mut request = self.request(method, path).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        receive(request).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.try_call(method, path, body).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn list(&self, query: &str) -> Response {
        self.get(&self.certificates(query)).await
    }

    /// The same caller with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        let token = token.to_owned();
        Self { token, ..self.clone() }
    }

    /// The same caller with another account.
    pub(crate) fn with_account(&self, account: &str) -> Self {
        let account = account.to_owned();
        Self { account, ..self.clone() }
    }

    pub(crate) async fn upload(&self, body: Value) -> Response {
        self.call(Method::POST, &self.certificates(""), Some(body)).await
    }

    pub(crate) async fn upload_ca(&self, pem: &str, name: &str) -> Response {
        self.upload(json!({ "ca": true, "certificates": pem, "name": name })).await
    }

    pub(crate) async fn certificate(&self, id: &str) -> Response {
        self.get(&self.certificates(&format!("/{id}"))).await
    }

    pub(crate) async fn hostnames(&self, zone: &str, owner: &str) -> Vec<String> {
        let path = format!("{}?mtls_certificate_id={owner}", hostname_path(zone));
        self.get(&path).await.hostnames()
    }

    pub(crate) async fn delete(&self, id: &str) -> Response {
        self.call(Method::DELETE, &self.certificates(&format!("/{id}")), None).await
    }

    pub(crate) async fn associations(&self, id: &str) -> Vec<String> {
        self.get(&self.certificates(&format!("/{id}/associations"))).await.associations()
    }

    pub(crate) async fn put_hostnames(
        &self,
        zone: &str,
        owner: Option<&str>,
        list: &[&str],
    ) -> Response {
        let mut body = json!({ "hostnames": list });
        if let Some(owner) = owner {
            body["mtls_certificate_id"] = json!(owner);
        }
        self.call(Method::PUT, &hostname_path(zone), Some(body)).await
    }
}

pub(crate) async fn receive(request: reqwest::RequestBuilder) -> reqwest::Result<Response> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await?;
    Ok(Response { status, headers, text })
}

pub(crate) fn hostname_path(zone: &str) -> String {
    format!("/zones/{zone}/certificate_authorities/hostname_associations")
}

/// A certificate made for one test, and its key.
pub(crate) struct Made {
    pub(crate) pem: String,
    pub(crate) key: String,
}

pub(crate) fn make(ca: bool, algorithm: &'static SignatureAlgorithm) -> Made {
    make_with(ca, &KeyPair::generate_for(algorithm).unwrap())
}

pub(crate) fn make_with(ca: bool, key: &KeyPair) -> Made {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "made by a test");
    if ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    Made { pem: params.self_signed(key).unwrap().pem(), key: key.serialize_pem() }
}

pub(crate) fn ca() -> Made {
    make(true, &rcgen::PKCS_ECDSA_P256_SHA256)
}

pub(crate) fn leaf() -> Made {
    make(false, &rcgen::PKCS_ECDSA_P256_SHA256)
}
