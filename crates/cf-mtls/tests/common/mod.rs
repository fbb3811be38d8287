//! What several tests need.

#![allow(dead_code, clippy::unwrap_used, reason = "not every test uses all of it")]

use cf_mtls::{AccountId, CertificateId, Certificates, Client, ClientBuilder, Retry, ZoneId};
use httpmock::MockServer;
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
pub(crate) const ZONE: &str = "9a7806061c88ada191ed06f989cc3dac";
pub(crate) const ID: &str = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";
pub(crate) const TOKEN: &str = "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY";

pub(crate) fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

pub(crate) fn zone() -> ZoneId {
    ZONE.parse().unwrap()
}

pub(crate) fn id() -> CertificateId {
    ID.parse().unwrap()
}

/// A client that tries once, unless told otherwise.
pub(crate) fn builder(server: &MockServer) -> ClientBuilder {
    Client::builder(TOKEN).with_base_url(server.base_url()).with_retry(Retry::off())
}

pub(crate) fn certificates(server: &MockServer) -> Certificates {
    builder(server).build().unwrap().certificates(&account())
}

pub(crate) fn path(rest: &str) -> String {
    format!("/accounts/{ACCOUNT}/mtls_certificates{rest}")
}

/// An envelope of the service that reports success.
pub(crate) fn success(result: Value) -> Value {
    json!({"success": true, "errors": [], "messages": [], "result": result})
}

/// An envelope of the service that reports an error.
pub(crate) fn failure(code: i64, message: &str) -> Value {
    json!({
        "success": false,
        "errors": [{"code": code, "message": message}],
        "messages": [],
        "result": null,
    })
}

/// The certificate of the service's documentation.
pub(crate) fn certificate(id: &str) -> Value {
    json!({
        "id": id,
        "ca": true,
        "certificates": cf_mtls_testkit::DOCUMENTED_CA,
        "expires_on": "2122-10-29T16:59:47Z",
        "issuer": "O=Example Inc.,L=California,ST=San Francisco,C=US",
        "name": "example_ca_cert",
        "serial_number": "235217144297995885180570755458463043449861756659",
        "signature": "SHA256WithRSA",
        "type": "custom",
        "uploaded_on": "2022-11-22T17:32:30.467938Z",
    })
}
