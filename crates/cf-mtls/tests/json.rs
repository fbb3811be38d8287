//! Whatever is JSON reads back from its JSON, and is the same then.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use std::any::type_name;
use std::collections::BTreeSet;
use std::time::Duration;

use cf_mtls::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{from_value, json, to_value};

/// Reads a value back, and returns the name of its type.
fn reads_back<T: Serialize + DeserializeOwned>(values: impl IntoIterator<Item = T>) -> String {
    for value in values {
        let written = to_value(&value).unwrap();
        let read: T = from_value(written.clone()).unwrap();
        assert_eq!(to_value(&read).unwrap(), written);
    }
    type_name::<T>().rsplit("::").next().unwrap().to_owned()
}

/// An error with everything that it can have, made as a consumer makes it.
fn error() -> Error {
    let mut message = ServiceMessage::new(1000, "no");
    message.causes = vec![ServiceMessage::new(None, "why")];
    Error::new(ErrorKind::InUse)
        .with_operation(Operation::DeleteCertificate)
        .with_account_id(common::account())
        .with_zone_id(common::zone())
        .with_certificate_id(common::id())
        .with_messages(vec![message])
        .with_ray_id("8f1e2d3c4b5a6978-FRA".to_owned())
        .with_retry_after(Duration::from_secs(7))
        .with_attempts(3_u32)
        .with_may_have_taken_effect(true)
        .with_associations(vec![Association::new("gateway", AssociationStatus::Active)])
        .with_candidates(vec![common::id()])
        .with_existing_certificate(common::id())
        .with_detail("more")
        .with_source("cause")
}

#[test]
fn whatever_is_json_reads_back() {
    let certificate: Certificate = from_value(common::certificate(common::ID)).unwrap();
    let bare: Certificate = from_value(json!({"id": common::ID})).unwrap();
    let mut token = ApiToken::new("1f", TokenStatus::Active);
    token.expires_on = Some(jiff::Timestamp::UNIX_EPOCH);
    let verified = Verification::new(Some(token.clone()));
    let ensured = json!({"certificate": certificate, "uploaded": true});
    let mut change = HostnameChange::default();
    change.added = vec!["a.example".to_owned()];
    let mut zone = Zone::new(common::zone());
    zone.name = Some("a.example".to_owned());
    let script: ScriptName = "my-worker".parse().unwrap();
    let worker = json!({"holder": "worker", "script": script, "binding": "CERT"});
    let holders = [worker, json!({"holder": "hyperdrive", "name": "db", "is_ca": true})];
    let known = ["in_use", "configuration"].map(|word| word.parse::<ErrorKind>().unwrap());
    let covered = [
        reads_back([common::account()]),
        reads_back([token]),
        reads_back([Association::new("", AssociationStatus::Deleted)]),
        reads_back([AssociationStatus::Active, "new".to_owned().into()]),
        reads_back([certificate.clone(), bare]),
        reads_back([common::id()]),
        reads_back([CertificateType::Custom, "new".to_owned().into()]),
        reads_back([ClientCa::CloudflareManaged, ClientCa::from(&common::id())]),
        reads_back([Deleted::new(Some(certificate), true), Deleted::new(None, false)]),
        reads_back([from_value::<Ensured>(ensured).unwrap()]),
        reads_back([error(), Error::new(ErrorKind::Configuration)]),
        reads_back(known),
        reads_back(holders.map(|holder| from_value::<Holder>(holder).unwrap())),
        reads_back(["Bücher.example.".parse::<Hostname>().unwrap()]),
        reads_back([change]),
        reads_back([Operation::VerifyAccountToken]),
        reads_back(Product::ALL),
        reads_back([ProductUse::new(common::ID, Holder::Gateway)]),
        reads_back([script]),
        reads_back([ServiceMessage::new(None, "no")]),
        reads_back([TokenStatus::Expired, "new".to_owned().into()]),
        reads_back([verified, Verification::default()]),
        reads_back([zone]),
        reads_back([ZoneHostnames::new(common::zone(), None, vec!["a.example".to_owned()])]),
        reads_back([common::zone()]),
    ];
    let listed = include_str!("../../../docs/public-api.txt").lines();
    let listed =
        listed.filter_map(|line| line.strip_prefix("cf_mtls::")?.strip_suffix(": Serialize"));
    let covered = covered.iter().map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(covered, listed.collect(), "a type that serializes belongs into this table");
}

/// What the JSON of an error says is what a program would ask the error.
#[test]
fn an_error_that_is_read_back_is_the_same() {
    let read: Error = from_value(to_value(error()).unwrap()).unwrap();
    assert_eq!(read, error());
    assert_ne!(read, error().with_detail("still more"));
    assert_ne!(Error::new(ErrorKind::Timeout), Error::new(ErrorKind::Connection));
    assert!(read.may_have_taken_effect());
    assert_eq!(read.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(std::error::Error::source(&read).unwrap().to_string(), "cause");
}

#[cfg(feature = "schemars")]
#[test]
fn schemas_say_what_has_to_be_there() {
    let schema = |schema: schemars::Schema| to_value(schema).unwrap();
    let certificate = schema(schemars::schema_for!(Certificate));
    assert_eq!(certificate["required"], json!(["id"]));
    assert!(from_value::<Certificate>(json!({})).is_err());
    let known = schema(schemars::schema_for!(CertificateType));
    assert!(known["examples"].to_string().contains("gateway_managed"));
    assert_eq!(certificate["properties"]["type"]["examples"], known["examples"]);
    let error = schema(schemars::schema_for!(Error));
    assert_eq!(error["required"], json!(["kind", "may_have_taken_effect"]));
    assert!(!error["description"].to_string().contains("```"), "{error}");
    assert_eq!(schema(schemars::schema_for!(ClientCa))["type"], "string");
}

/// A name that the service leaves empty is none.
#[test]
fn a_certificate_without_a_name_has_none() {
    for (name, want) in [(json!("a"), Some("a")), (json!(""), None), (json!(null), None)] {
        let json = json!({"id": common::ID, "name": name});
        let certificate: Certificate = from_value(json.clone()).unwrap();
        assert_eq!(certificate.name(), want);
        assert_eq!(certificate.to_string().contains('"'), want.is_some());
    }
}

/// Kinds whose advice is that nothing happened do not say so of what may have.
#[test]
fn no_error_claims_both() {
    for kind in [ErrorKind::InvalidInput, ErrorKind::Configuration] {
        let certain = Error::new(kind).to_string();
        assert!(certain.contains("nothing was"), "{certain}");
        let unknown = Error::new(kind).with_may_have_taken_effect(true).to_string();
        assert!(!unknown.contains("nothing was") && unknown.contains("unknown"), "{unknown}");
    }
}

#[test]
fn an_upload_knows_its_certificate_again() {
    let upload = Upload::ca(cf_mtls_testkit::DOCUMENTED_CA).unwrap().with_name("another name");
    let mut held = common::certificate(common::ID);
    let is_same = |held: &serde_json::Value| upload.is_same(&from_value(held.clone()).unwrap());
    assert!(is_same(&held));
    held["certificates"] = json!(format!("\n{}\r\n", cf_mtls_testkit::DOCUMENTED_CA.trim()));
    assert!(is_same(&held));
    held["ca"] = json!(false);
    assert!(!is_same(&held), "another use");
    held["ca"] = json!(true);
    held["certificates"] = json!(cf_mtls_testkit::CAS[0]);
    assert!(!is_same(&held));
    assert!(!is_same(&json!({"id": common::ID})), "without its PEM nothing says so");
}

/// What is missing is not taken for something known.
#[test]
fn an_error_without_its_effect_is_refused() {
    let read = |json| from_value::<Error>(json);
    assert!(read(json!({"kind": "timeout", "may_have_taken_effect": true})).is_ok());
    assert!(read(json!({"kind": "timeout"})).is_err());
}

#[test]
fn a_slip_of_the_managed_ca_is_no_id() {
    for text in ["cloudflare_managed", "cloudflare-managed"] {
        assert_eq!(text.parse(), Ok(ClientCa::CloudflareManaged));
    }
}
