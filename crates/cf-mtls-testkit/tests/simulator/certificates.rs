//! Certificates: upload, list, get, delete.

use std::time::{Duration, SystemTime};

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{DeleteResult, PemForm, Seed, SeedError};
use rcgen::{KeyPair, RsaKeySize};
use reqwest::StatusCode;
use serde_json::json;

use super::support::{Caller, DOCUMENTED_CA, ca, leaf, make, make_with};

#[tokio::test]
async fn documented_certificate_gives_the_documented_values() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_669_138_350_467_938_000);
    let builder = Simulator::builder().start_time(start).clock_stands_still();
    let simulator = builder.start().await.unwrap();
    let caller = Caller::new(&simulator);

    let uploaded = caller.upload_ca(DOCUMENTED_CA, "example_ca_cert").await;
    let id = uploaded.id();
    let want = json!({
        "id": id,
        "ca": true,
        "certificates": DOCUMENTED_CA,
        "expires_on": "2122-10-29T16:59:47Z",
        "issuer": "O=Example Inc.,L=California,ST=San Francisco,C=US",
        "name": "example_ca_cert",
        "serial_number": "235217144297995885180570755458463043449861756659",
        "signature": "SHA256WithRSA",
        "type": "custom",
        "uploaded_on": "2022-11-22T17:32:30.467938Z",
    });
    let mut with_update = want.clone();
    with_update["updated_at"] = json!("2022-11-22T17:32:30.467938Z");
    assert_eq!(uploaded.result(), with_update);
    assert_eq!(caller.get(&caller.certificates(&format!("/{id}"))).await.result(), want);
    assert_eq!(caller.list("").await.result(), json!([want]));
    assert_eq!(caller.delete(&id).await.result(), want);
    assert_eq!(caller.delete(&id).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn responses_have_the_envelope_and_headers_of_the_service() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let uploaded = caller.upload_ca(&ca().pem, "one").await;
    let envelope = uploaded.json();
    assert_eq!(envelope["success"], true);
    assert_eq!((&envelope["errors"], &envelope["messages"]), (&json!([]), &json!([])));
    assert_eq!(uploaded.header("content-type"), "application/json");
    assert_eq!(uploaded.header("ratelimit"), "\"default\";r=1199;t=300");
    assert_eq!(uploaded.header("ratelimit-policy"), "\"default\";q=1200;w=300");
    let id = uploaded.id();
    let dashes: Vec<_> = id.match_indices('-').map(|(at, _)| at).collect();
    assert_eq!((id.len(), dashes), (36, vec![8, 13, 18, 23]), "{id}");

    let second = caller.list("").await;
    assert!(!second.header("cf-ray").is_empty());
    assert_ne!(second.header("cf-ray"), uploaded.header("cf-ray"));
}

#[tokio::test]
async fn takes_every_kind_of_key() {
    let simulator = Simulator::builder().ca_quota(100).start().await.unwrap();
    let caller = Caller::new(&simulator);
    let rsa = |algorithm| KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048).unwrap();
    let table = [
        (make(true, &rcgen::PKCS_ECDSA_P256_SHA256), true, "ECDSAWithSHA256"),
        (make(true, &rcgen::PKCS_ECDSA_P384_SHA384), true, "ECDSAWithSHA384"),
        (make(false, &rcgen::PKCS_ECDSA_P256_SHA256), false, "ECDSAWithSHA256"),
        (make(false, &rcgen::PKCS_ECDSA_P384_SHA384), false, "ECDSAWithSHA384"),
        (make_with(true, &rsa(&rcgen::PKCS_RSA_SHA256)), true, "SHA256WithRSA"),
        (make_with(false, &rsa(&rcgen::PKCS_RSA_SHA384)), false, "SHA384WithRSA"),
        (make_with(false, &rsa(&rcgen::PKCS_RSA_SHA512)), false, "SHA512WithRSA"),
    ];
    for (made, ca, signature) in table {
        let body = json!({ "ca": ca, "certificates": made.pem, "private_key": made.key });
        let result = caller.upload(body).await.result();
        assert_eq!((&result["signature"], &result["ca"]), (&json!(signature), &json!(ca)));
        assert_eq!(result["name"], "", "no name was given");
    }
}

/// Nothing between the certificates, each of them once, a final line end.
#[tokio::test]
async fn pem_is_stored_in_the_form_of_the_service() {
    let (first, second) = (ca().pem.replace('\r', ""), ca().pem.replace('\r', ""));
    let unwrapped = second.trim().replace('\n', "\r\n");
    let sent = format!("a remark\r\n{first}\n\n{unwrapped}\n{}", first.trim());
    let table = [
        (PemForm::Normalized, format!("{first}{second}")),
        (PemForm::Reversed, format!("{second}{first}")),
        (PemForm::AsSent, sent.clone()),
    ];
    for (form, want) in table {
        let simulator = Simulator::builder().pem_form(form);
        let simulator = simulator.start().await.unwrap();
        let stored = Caller::new(&simulator).upload_ca(&sent, "").await.result();
        assert_eq!(stored["certificates"], want, "{form:?}");
    }
}

#[tokio::test]
async fn lists_pages() {
    let simulator = Simulator::start().await.unwrap();
    let pem = ca().pem;
    for number in 0..120 {
        simulator.seed(Seed::ca(&pem).name(format!("n{number}"))).unwrap();
    }
    let caller = Caller::new(&simulator);
    // (query, first name, count, page, per page, pages)
    let table = [
        ("", Some("n0"), 50, 1, 50, 3),
        ("?page=2", Some("n50"), 50, 2, 50, 3),
        ("?page=3", Some("n100"), 20, 3, 50, 3),
        ("?page=4", None, 0, 4, 50, 3),
        ("?per_page=7&page=2", Some("n7"), 7, 2, 7, 18),
        ("?per_page=1000", Some("n0"), 50, 1, 50, 3),
        ("?per_page=0&page=0", Some("n0"), 50, 1, 50, 3),
    ];
    for (query, first, count, page, per_page, total_pages) in table {
        let response = caller.list(query).await;
        let want = json!({
            "count": count, "page": page, "per_page": per_page,
            "total_count": 120, "total_pages": total_pages,
        });
        assert_eq!(response.json()["result_info"], want, "{query}");
        let names = response.names();
        assert_eq!((names.len(), names.first().map(String::as_str)), (count, first), "{query}");
    }
}

#[tokio::test]
async fn lists_what_was_asked_for() {
    let simulator = Simulator::start().await.unwrap();
    let (ca, leaf) = (ca().pem, leaf().pem);
    simulator.seed(Seed::ca(&ca).name("root")).unwrap();
    simulator.seed(Seed::leaf(&leaf).name("leaf")).unwrap();
    simulator.seed(Seed::leaf(&leaf).name("a b&c")).unwrap();
    simulator.seed(Seed::ca(&ca).name("gate").kind("gateway_managed")).unwrap();
    simulator.seed(Seed::ca(&ca).name("access").kind("access_managed")).unwrap();
    let caller = Caller::new(&simulator);
    let table: [(&str, &[&str]); 10] = [
        ("", &["root", "leaf", "a b&c", "gate", "access"]),
        ("?ca=true", &["root", "gate", "access"]),
        ("?ca=false", &["leaf", "a b&c"]),
        ("?type=custom", &["root", "leaf", "a b&c"]),
        ("?type=gateway_managed,access_managed", &["gate", "access"]),
        ("?type=gateway_managed&type=access_managed", &["gate", "access"]),
        ("?type=custom%2Cgateway_managed&ca=true", &["root", "gate"]),
        ("?type=new_kind", &[]),
        ("?name=a+b%26c", &["a b&c"]),
        ("?name=roo", &[]),
    ];
    for (query, want) in table {
        let response = caller.list(query).await;
        assert_eq!(response.names(), want, "{query}");
        assert_eq!(response.json()["result_info"]["total_count"], want.len(), "{query}");
    }
}

#[tokio::test]
async fn seeds_have_the_values_they_were_given() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let id = "023e105f4ecef8ad9ca31a8372d0c353";
    let seed = Seed::ca(DOCUMENTED_CA)
        .id(id)
        .uploaded_on(SystemTime::UNIX_EPOCH)
        .expires_on(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400));
    assert_eq!(simulator.seed(seed).unwrap(), id);
    let stored = caller.get(&caller.certificates(&format!("/{id}"))).await.result();
    assert_eq!(stored["expires_on"], "1970-01-02T00:00:00Z");
    assert_eq!(stored["uploaded_on"], "1970-01-01T00:00:00.000000Z");
    let refused = simulator.seed(Seed::ca("no certificate"));
    assert_eq!(refused, Err(SeedError::UnreadablePem));
    let refused = simulator.seed(Seed::ca(DOCUMENTED_CA).account("nowhere")).unwrap_err();
    assert_eq!(refused.to_string(), r#"the simulator holds nothing with the id "nowhere""#);
    assert_eq!(simulator.effects().stored, 0, "seeds are no effects of requests");
}

#[tokio::test]
async fn delete_results_in_every_form() {
    use DeleteResult::*;
    let table = [
        (Null, false, 200, Some(json!(null))),
        (OnlyId, false, 200, Some(json!({ "id": "023e105f4ecef8ad9ca31a8372d0c353" }))),
        (EmptyObject, true, 200, Some(json!({}))),
        (EmptyBody, false, 200, None),
        (NoContent, false, 204, None),
    ];
    for (form, null_lists, status, want) in table {
        let builder = Simulator::builder().delete_result(form).null_lists(null_lists);
        let simulator = builder.start().await.unwrap();
        let id = "023e105f4ecef8ad9ca31a8372d0c353";
        simulator.seed(Seed::ca(DOCUMENTED_CA).id(id)).unwrap();
        let response = Caller::new(&simulator).delete(id).await;
        assert_eq!(response.status.as_u16(), status, "{form:?}");
        match want {
            Some(want) => {
                let lists = if null_lists { json!(null) } else { json!([]) };
                let envelope = json!({
                    "success": true, "errors": lists, "messages": lists, "result": want,
                });
                assert_eq!(response.json(), envelope, "{form:?}");
            }
            None => assert_eq!(response.text, "", "{form:?}"),
        }
        assert!(simulator.certificates().is_empty());
        assert_eq!(simulator.effects().deleted_as(id), 1);
    }
}
