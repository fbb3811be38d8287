//! What the simulator refuses: uploads, ids, credentials, too many requests.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Refusal, Seed};
use reqwest::Method;
use serde_json::json;

use super::support::{Caller, DOCUMENTED_CA, ca, hostname_path, leaf, receive};

type Fields = &'static [(&'static str, &'static str)];

const SOME_UUID: &str = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";
const SOME_HEX: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn refuses_uploads_as_the_service_does() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let (ca, leaf, other) = (ca(), leaf(), leaf());
    let unsupported = with_unknown_algorithm(&ca.pem);
    let broken = DOCUMENTED_CA.replace("MIID", "MIIE");
    let cut = &DOCUMENTED_CA[..400];
    let with_key = format!("{}{}", leaf.key, leaf.pem);
    let encrypted = leaf.key.replace("PRIVATE", "ENCRYPTED PRIVATE") + &ca.pem;
    let mixed = format!("{}{}", ca.pem, leaf.pem);
    let table = [
        ("no PEM", json!({ "ca": true, "certificates": "MIID" }), 99003),
        ("empty", json!({ "ca": true, "certificates": "" }), 99003),
        ("broken DER", json!({ "ca": true, "certificates": broken }), 99003),
        ("cut short", json!({ "ca": true, "certificates": cut }), 99003),
        ("key inside", json!({ "ca": false, "certificates": with_key }), 99003),
        ("encrypted key inside", json!({ "ca": true, "certificates": encrypted }), 99003),
        ("only a key", json!({ "ca": true, "certificates": leaf.key }), 99003),
        ("leaf as CA", json!({ "ca": true, "certificates": leaf.pem }), 1411),
        ("leaf in a CA bundle", json!({ "ca": true, "certificates": mixed }), 1411),
        ("leaf without key", json!({ "ca": false, "certificates": leaf.pem }), 99003),
        (
            "key of another",
            json!({ "ca": false, "certificates": leaf.pem, "private_key": other.key }),
            99003,
        ),
        (
            "matching certificate not first",
            json!({ "ca": false, "certificates": mixed, "private_key": leaf.key }),
            99003,
        ),
        (
            "unreadable key",
            json!({ "ca": false, "certificates": leaf.pem, "private_key": "secret" }),
            99003,
        ),
        ("algorithm", json!({ "ca": true, "certificates": unsupported }), 99003),
        ("no ca", json!({ "certificates": ca.pem }), 99003),
        ("ca of another type", json!({ "ca": "true", "certificates": ca.pem }), 99003),
        ("no certificates", json!({ "ca": true }), 99003),
        ("not an object", json!("text"), 99003),
    ];
    for (what, body, code) in table {
        let response = caller.upload(body).await;
        assert_eq!((response.status.as_u16(), response.codes()), (400, vec![code]), "{what}");
    }
    let too_large = "x".repeat(1 << 20);
    let response = caller.upload(json!({ "ca": true, "certificates": too_large })).await;
    assert_eq!(response.status.as_u16(), 413);
    assert!(simulator.certificates().is_empty(), "nothing refused is stored");
    assert_eq!(simulator.effects().stored, 0);
}

/// The last byte of an algorithm's identifier changed, in all its places.
fn with_unknown_algorithm(pem: &str) -> String {
    let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let known: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let mut der = parsed.contents;
    let places: Vec<_> =
        (0..der.len() - known.len()).filter(|at| der[*at..].starts_with(known)).collect();
    for place in places {
        der[place + known.len() - 1] = 0x7f;
    }
    let text = data_encoding::BASE64.encode(&der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[tokio::test]
async fn quota_counts_uploaded_cas_only() {
    let simulator = Simulator::builder().ca_quota(2).start().await.unwrap();
    let caller = Caller::new(&simulator);
    simulator.seed(Seed::ca(ca().pem).kind("gateway_managed")).unwrap();
    let first = caller.upload_ca(&ca().pem, "1").await.id();
    caller.upload_ca(&ca().pem, "2").await.id();
    let refused = caller.upload_ca(&ca().pem, "3").await;
    assert_eq!(refused.codes(), [1489]);
    let leaf = leaf();
    let body = json!({ "ca": false, "certificates": leaf.pem, "private_key": leaf.key });
    caller.upload(body).await.id();
    caller.delete(&first).await.result();
    caller.upload_ca(&ca().pem, "3").await.id();
}

#[tokio::test]
async fn refusals_are_settable() {
    let simulator = Simulator::builder()
        .refusal(Refusal::InUse, 409, Some(1234), "busy")
        .refusal(Refusal::NotFound, 410, None, "gone")
        .start()
        .await
        .unwrap();
    let caller = Caller::new(&simulator);
    let id = caller.upload_ca(DOCUMENTED_CA, "").await.id();
    simulator.attach_service(&id, "gateway", "active").unwrap();
    let table = [
        (caller.delete(&id).await, 409, vec![1234], "busy"),
        (caller.delete(SOME_UUID).await, 410, vec![], "gone"),
        (caller.upload_ca("", "").await, 400, vec![99003], "unable to parse certificate"),
    ];
    for (response, status, codes, message) in table {
        assert_eq!((response.status.as_u16(), response.codes()), (status, codes));
        assert_eq!(response.message(), message);
    }
}

#[tokio::test]
async fn leads_unknown_paths_and_ids_nowhere() {
    let simulator = Simulator::start().await.unwrap();
    let zone = simulator.add_zone("example.com");
    let caller = Caller::new(&simulator);
    let foreign = format!("/accounts/{SOME_HEX}/mtls_certificates");
    let hosts = hostname_path(&zone);
    let leaf_id = simulator.seed(Seed::leaf(leaf().pem)).unwrap();
    let table = [
        (Method::GET, "/nothing".to_owned(), 404, vec![7003, 7000]),
        (Method::GET, "/accounts/short/mtls_certificates".to_owned(), 404, vec![7003, 7000]),
        (Method::GET, caller.certificates("/not-an-id"), 404, vec![7003, 7000]),
        (Method::DELETE, caller.certificates("/%2e%2e"), 404, vec![7003, 7000]),
        (Method::GET, hostname_path("zone"), 404, vec![7003, 7000]),
        (Method::DELETE, caller.certificates(""), 405, vec![7001]),
        (Method::DELETE, caller.certificates("/"), 405, vec![7001]),
        (Method::PATCH, hosts.clone(), 405, vec![7001]),
        (Method::GET, foreign, 403, vec![10000]),
        (Method::GET, hostname_path(SOME_HEX), 403, vec![10000]),
        (Method::GET, caller.certificates(&format!("/{SOME_UUID}")), 404, vec![1472]),
        (Method::GET, caller.certificates(&format!("/{SOME_HEX}")), 404, vec![1472]),
        (Method::DELETE, caller.certificates(&format!("/{SOME_UUID}")), 404, vec![1472]),
        (Method::GET, caller.certificates(&format!("/{SOME_UUID}/associations")), 404, vec![1472]),
        (Method::GET, format!("{hosts}?mtls_certificate_id={SOME_UUID}"), 404, vec![1472]),
        (Method::GET, format!("{hosts}?mtls_certificate_id={SOME_HEX}"), 404, vec![1472]),
        (Method::GET, format!("{hosts}?mtls_certificate_id="), 400, vec![99003]),
        (Method::PUT, hosts.clone(), 400, vec![99003]),
    ];
    for (method, path, status, codes) in table {
        let response = caller.call(method.clone(), &path, None).await;
        let got = (response.status.as_u16(), response.codes());
        assert_eq!(got, (status, codes), "{method} {path}");
    }
    let bodies = [
        (json!({ "hostnames": ["a"], "mtls_certificate_id": leaf_id }), 400, 99003),
        (json!({ "hostnames": ["a"], "mtls_certificate_id": SOME_UUID }), 404, 1472),
        (json!({ "hostnames": ["a"], "mtls_certificate_id": "" }), 400, 99003),
        (json!({ "hostnames": [""] }), 400, 99003),
        (json!({ "mtls_certificate_id": leaf_id }), 400, 99003),
    ];
    for (body, status, code) in bodies {
        let response = caller.call(Method::PUT, &hosts, Some(body.clone())).await;
        assert_eq!((response.status.as_u16(), response.codes()), (status, vec![code]), "{body}");
    }
    assert_eq!(simulator.effects().hostnames_replaced, 0);
    // An empty id becomes a final slash, and that is the list.
    assert!(caller.get(&caller.certificates("/")).await.result().is_array());
}

#[tokio::test]
async fn checks_both_forms_of_credentials() {
    let builder = Simulator::builder().token("right").email_and_key("me@example.com", "k3y");
    let simulator = builder.rate_limit(100, Duration::from_secs(300)).start().await.unwrap();
    let caller = Caller::new(&simulator);
    let table: [(Fields, u16, &[u64]); 13] = [
        (&[("authorization", "Bearer right")], 200, &[]),
        (&[("x-auth-email", "me@example.com"), ("x-auth-key", "k3y")], 200, &[]),
        (&[("authorization", "Bearer right"), ("x-auth-key", "?")], 200, &[]),
        (&[], 400, &[10001]),
        (&[("authorization", "Bearer wrong")], 403, &[9109]),
        (&[("authorization", "Bearer right2")], 403, &[9109]),
        (&[("authorization", "Bearer ")], 400, &[6003, 6111]),
        (&[("authorization", "Bearer a b")], 400, &[6003, 6111]),
        (&[("authorization", "right")], 400, &[6003, 6111]),
        (&[("x-auth-email", "me@example.com"), ("x-auth-key", "wrong")], 400, &[9103]),
        (&[("x-auth-email", "me@example.com"), ("x-auth-key", "k y")], 400, &[6003, 6103]),
        (&[("x-auth-email", "me@example.com")], 400, &[6003, 6103]),
        (&[("x-auth-key", "k3y")], 400, &[6003, 6102]),
    ];
    for (headers, status, codes) in table {
        let request = caller.request(Method::GET, "/zones");
        let request = headers.iter().fold(request, |request, (k, v)| request.header(*k, *v));
        let response = receive(request).await.unwrap();
        assert_eq!(response.status.as_u16(), status, "{headers:?}");
        assert!(!response.header("ratelimit").is_empty(), "{headers:?}");
        if status != 200 {
            assert_eq!(response.codes(), codes, "{headers:?}");
        }
    }
    let after = caller.get("/zones").await;
    assert_eq!(after.header("ratelimit"), "\"default\";r=96;t=300", "refused ones are free");
}

#[tokio::test]
async fn blocks_for_the_rest_of_the_window() {
    let simulator = Simulator::builder()
        .clock_stands_still()
        .rate_limit(3, Duration::from_secs(60))
        .start()
        .await
        .unwrap();
    let caller = Caller::new(&simulator);
    // (seconds to pass before, status, Ratelimit, Retry-After)
    let table = [
        (0, 200, "\"default\";r=2;t=60", ""),
        (10, 200, "\"default\";r=1;t=50", ""),
        (0, 200, "\"default\";r=0;t=50", ""),
        (0, 429, "\"default\";r=0;t=50", "50"),
        (49, 429, "\"default\";r=0;t=1", "1"),
        (1, 200, "\"default\";r=2;t=60", ""),
    ];
    for (row, (seconds, status, ratelimit, retry_after)) in table.into_iter().enumerate() {
        simulator.advance(Duration::from_secs(seconds));
        let response = caller.upload_ca(&ca().pem, "").await;
        assert_eq!(response.status.as_u16(), status, "row {row}");
        assert_eq!(response.header("ratelimit"), ratelimit, "row {row}");
        assert_eq!(response.header("retry-after"), retry_after, "row {row}");
        if status == 429 {
            assert_eq!(response.codes(), [971]);
        }
    }
    assert_eq!(simulator.effects().stored, 4, "a blocked upload is not stored");
}

#[tokio::test]
async fn settings_that_no_request_could_match_are_refused() {
    let builder = Simulator::builder;
    let table = [
        builder().account_id("short"),
        builder().token("two words"),
        builder().token(""),
        builder().email_and_key("no address", "key"),
    ];
    for builder in table {
        let error = builder.start().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
