//! Each operation: what is sent, and what becomes of the answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use cf_mtls::{
    AssociationStatus, Certificate, CertificateFilter, CertificateType, ClientCa, Error, ErrorKind,
    Upload, ZoneFilter,
};
use cf_mtls_testkit::{DOCUMENTED_CA, MockServerExt as _};
use common::{account, builder, certificate, certificates, failure, id, path, success, zone};
use httpmock::Method::{DELETE, GET, POST, PUT};
use httpmock::MockServer;
use serde_json::{Value, json};

#[tokio::test]
async fn delete_sends_no_body_and_takes_success_as_the_evidence() {
    let full = certificate(common::ID);
    let rows: [(&str, Value, bool); 9] = [
        ("the certificate", success(full.clone()), true),
        ("its id", success(json!({"id": common::ID})), true),
        ("null", success(Value::Null), false),
        ("an empty object", success(json!({})), false),
        ("an empty text", success(json!("")), false),
        ("an empty list", success(json!([])), false),
        ("no result", json!({"success": true, "errors": [], "messages": []}), false),
        (
            "no lists",
            json!({"success": true, "errors": null, "messages": null, "result": null}),
            false,
        ),
        ("only success", json!({"success": true}), false),
    ];
    for (form, answer, details) in rows {
        let server = MockServer::start_async().await;
        let mock = server.mock(|when, then| {
            when.method(DELETE)
                .path(path(&format!("/{}", common::ID)))
                .header("authorization", format!("Bearer {}", common::TOKEN))
                .header_missing("content-type")
                .header_missing("api-version")
                .body("");
            then.status(200).json_body(answer);
        });
        let deleted = certificates(&server).delete(&id()).await.unwrap();
        assert_eq!(deleted.certificate().is_some(), details, "{form}");
        assert!(deleted.is_confirmed(), "{form}");
        assert_eq!(mock.calls(), 1, "{form}");
    }
}

#[tokio::test]
async fn delete_accepts_any_2xx_envelope() {
    for status in [200, 201, 202] {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(DELETE);
            then.status(status).json_body(success(Value::Null));
        });
        assert!(certificates(&server).delete(&id()).await.unwrap().is_confirmed(), "{status}");
    }
}

#[tokio::test]
async fn delete_looks_when_the_answer_is_no_evidence() {
    let answers: [(&str, u16, &str, &str); 9] = [
        ("an empty body", 200, "application/json", ""),
        ("no content", 204, "application/json", ""),
        ("a page of a proxy", 200, "text/html", "<html>Please log in</html>"),
        ("a cut off body", 200, "application/json", r#"{"success":tr"#),
        ("no word of success", 200, "application/json", r#"{"result":null,"errors":[]}"#),
        ("success as text", 200, "application/json", r#"{"success":"true"}"#),
        ("another body altogether", 200, "application/json", "[1, 2, 3]"),
        ("another certificate", 200, "application/json", r#"{"success":true,"result":{"id":"1"}}"#),
        (
            "an error, too",
            200,
            "application/json",
            r#"{"success":true,"errors":[{"message":"no"}]}"#,
        ),
    ];
    for (form, status, content_type, body) in answers {
        for (then_gone, looked) in [(true, 404), (false, 200)] {
            let server = MockServer::start_async().await;
            server.mock(|when, then| {
                when.method(DELETE);
                then.status(status).header("content-type", content_type).body(body);
            });
            let look = server.mock(|when, then| {
                when.method(GET).path(path(&format!("/{}", common::ID)));
                let answer = match looked {
                    404 => failure(1551, "not found"),
                    _ => success(certificate(common::ID)),
                };
                then.status(looked).json_body(answer);
            });
            let outcome = certificates(&server).delete(&id()).await;
            assert_eq!(look.calls(), 1, "{form}");
            if then_gone {
                assert!(!outcome.unwrap().is_confirmed(), "{form}");
            } else {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{form}: {error}");
                assert!(error.may_have_taken_effect(), "{form}: {error}");
                assert!(error.to_string().contains("still showed"), "{form}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn delete_says_unknown_when_it_cannot_find_out() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(DELETE);
        then.status(200).body("");
    });
    server.mock(|when, then| {
        when.method(GET);
        then.status(502).header("content-type", "text/html").body("<html>bad gateway</html>");
    });
    let error = certificates(&server).delete(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.may_have_taken_effect());
    assert!(error.to_string().contains("unknown"), "{error}");
}

#[tokio::test]
async fn a_refused_delete_names_what_uses_the_certificate() {
    // The code of that refusal is not published, so none may be relied upon.
    let refusals = [(400, 1234), (409, 99), (405, 0), (422, 1012), (200, 1550)];
    for (status, code) in refusals {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(DELETE);
            then.status(status)
                .header("cf-ray", "8f1e2d3c-FRA")
                .json_body(failure(code, "refused"));
        });
        server.list_certificate_associations(|when, then| {
            let answer = json!([
                {"service": "gateway", "status": "active"},
                {"service": "a new one", "status": "half_done"},
            ]);
            when.account_id(&account()).mtls_certificate_id(&id());
            then.ok(&serde_json::from_value(success(answer)).unwrap());
        });
        let error = certificates(&server).delete(&id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{status} {code}: {error}");
        let services: Vec<_> = error.associations().iter().map(|a| a.service.as_str()).collect();
        assert_eq!(services, ["gateway", "a new one"]);
        assert_eq!(error.associations()[0].status, AssociationStatus::Active);
        assert_eq!(error.associations()[1].status, "half_done".parse().unwrap());
        assert_eq!(
            (error.status().unwrap().as_u16(), error.ray_id()),
            (status, Some("8f1e2d3c-FRA"))
        );
        assert_eq!(error.codes().collect::<Vec<_>>(), [code]);
        assert_eq!(error.certificate_id(), Some(&id()));
        for part in
            ["gateway (active)", "a new one (half_done)", "detach", "8f1e2d3c-FRA", common::ID]
        {
            assert!(error.to_string().contains(part), "{part:?} is missing from: {error}");
        }
    }
}

#[tokio::test]
async fn a_refused_delete_of_an_unused_certificate_stays_what_it_is() {
    let rows = [
        (json!([]), 200, "no service is known to use it"),
        (Value::Null, 500, "looking it up afterwards failed"),
    ];
    for (associations, status, told) in rows {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(DELETE);
            then.status(400).json_body(failure(1234, "refused"));
        });
        server.mock(|when, then| {
            when.method(GET).path(path(&format!("/{}/associations", common::ID)));
            then.status(status).json_body(success(associations));
        });
        let error = certificates(&server).delete(&id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(!error.may_have_taken_effect());
        assert!(error.to_string().contains(told), "{error}");
    }
}

/// A managed certificate is refused like credentials without the permission.
#[tokio::test]
async fn a_delete_that_is_refused_as_unauthorized_names_both_causes() {
    use ErrorKind::{Authentication, Permission};
    let denied = "Unauthorized to access requested resource";
    let rows = [
        (401, 10000, "Unauthorized", Authentication, true),
        (403, 10000, "Authentication error", Permission, true),
        (401, 9109, "Unauthorized", Authentication, true),
        (403, 9109, denied, Permission, true),
        (403, 9109, "Invalid access token", Authentication, false),
        (403, 9109, "Cannot use the access token from location: 192.0.2.1", Permission, false),
        (400, 10001, "Unable to authenticate request", Authentication, false),
        (400, 6103, "Invalid format for X-Auth-Key header", Authentication, false),
    ];
    for (status, code, message, kind, both) in rows {
        let server = MockServer::start_async().await;
        let mock = server.mock(|when, then| {
            when.any_request();
            then.status(status).json_body(failure(code, message));
        });
        let error = certificates(&server).delete(&id()).await.unwrap_err();
        assert_eq!(mock.calls(), 1, "{status} {code}");
        assert_eq!(error.kind(), kind, "{status} {code}: {error}");
        let text = error.to_string();
        for part in ["credentials", "SSL and Certificates", "Gateway or Access", "Zero Trust"] {
            assert!(!both || text.contains(part), "{status} {code}: {part}: {text}");
        }
        assert_eq!(text.contains("Zero Trust"), both, "{status} {code}: {text}");
        let error = certificates(&server).get(&id()).await.unwrap_err();
        assert!(!error.to_string().contains("Zero Trust"), "{status} {code}: {error}");
    }
}

#[tokio::test]
async fn get_reads_every_field() {
    let server = MockServer::start_async().await;
    server.get_certificate(|when, then| {
        when.account_id(&account()).mtls_certificate_id(&id());
        then.ok(&serde_json::from_value(success(certificate(common::ID))).unwrap());
    });
    let certificate = certificates(&server).get(&id()).await.unwrap();
    assert_eq!(certificate.id(), &id());
    assert_eq!(certificate.is_ca(), Some(true));
    assert_eq!(certificate.name(), Some("example_ca_cert"));
    assert_eq!(certificate.issuer(), Some("O=Example Inc.,L=California,ST=San Francisco,C=US"));
    assert_eq!(
        certificate.serial_number(),
        Some("235217144297995885180570755458463043449861756659")
    );
    assert_eq!(certificate.signature(), Some("SHA256WithRSA"));
    assert_eq!(certificate.certificate_type(), Some(CertificateType::Custom));
    assert_eq!(certificate.expires_on().unwrap().to_string(), "2122-10-29T16:59:47Z");
    assert_eq!(certificate.uploaded_on().unwrap().to_string(), "2022-11-22T17:32:30.467938Z");
    assert_eq!(certificate.updated_at(), None);
    assert_eq!(certificate.pem(), Some(DOCUMENTED_CA));
    assert_eq!(certificate.chain().unwrap(), *Upload::ca(DOCUMENTED_CA).unwrap().chain());
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(certificate.is_expired_at(now), Some(false));
}

#[tokio::test]
async fn get_without_a_certificate_is_an_error() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET);
        then.status(200).json_body(success(Value::Null));
    });
    let error = certificates(&server).get(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
}

#[tokio::test]
async fn an_unknown_type_and_damaged_fields_cost_only_themselves() {
    let server = MockServer::start_async().await;
    let mut odd = certificate(common::ID);
    odd["type"] = json!("moon_managed");
    odd["expires_on"] = json!("the day after tomorrow");
    odd["ca"] = json!("yes");
    odd["name"] = Value::Null;
    server.mock(|when, then| {
        when.method(GET);
        then.status(200).json_body(success(odd));
    });
    let certificate = certificates(&server).get(&id()).await.unwrap();
    assert_eq!(certificate.certificate_type(), Some("moon_managed".parse().unwrap()));
    assert_eq!(
        (certificate.expires_on(), certificate.is_ca(), certificate.name()),
        (None, None, None)
    );
    assert_eq!(certificate.id(), &id());
    assert!(certificate.serial_number().is_some());
}

#[tokio::test]
async fn upload_sends_what_the_service_takes() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.method(POST).path(path("")).header("content-type", "application/json").json_body(
            json!({"ca": true, "certificates": DOCUMENTED_CA, "name": "example_ca_cert"}),
        );
        let mut answer = certificate(common::ID);
        answer["updated_at"] = json!("2022-11-22T17:32:30.467938Z");
        then.status(200).json_body(success(answer));
    });
    // Other line ends, a comment and white space around it are not sent along.
    let pem = format!("Subject: somebody\r\n{}\r\n\r\n", DOCUMENTED_CA.replace('\n', "\r\n"));
    let upload = Upload::ca(&pem).unwrap().with_name("example_ca_cert");
    let stored = certificates(&server).upload(&upload).await.unwrap();
    mock.assert();
    assert_eq!(stored.id(), &id());
    assert!(stored.updated_at().is_some());
}

#[tokio::test]
async fn upload_splits_a_file_with_certificate_and_key() {
    let (leaf, key) = leaf();
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.method(POST).path(path("")).json_body(json!({
            "ca": false, "certificates": leaf, "private_key": key,
        }));
        then.status(200).json_body(success(json!({
            "id": common::ID, "ca": false, "certificates": leaf,
        })));
    });
    let forms = [
        Upload::leaf(&leaf, key.clone()),
        Upload::leaf_bundle(format!("{leaf}{key}")),
        Upload::leaf_bundle(format!("{key}\n\n{leaf}")),
    ];
    for upload in forms {
        certificates(&server).upload(&upload.unwrap()).await.unwrap();
    }
    assert_eq!(mock.calls(), 3);
}

#[tokio::test]
async fn list_sends_its_filters() {
    let server = MockServer::start_async().await;
    let mock = server.list_certificates(|when, then| {
        when.account_id(&account())
            .type_("custom,gateway_managed")
            .ca(true)
            .name("example_ca_cert")
            .page(std::num::NonZeroU32::MIN)
            .per_page(std::num::NonZeroU32::new(50));
        let info =
            json!({"count": 1, "page": 1, "per_page": 50, "total_count": 1, "total_pages": 1});
        let mut answer = success(json!([certificate(common::ID)]));
        answer["result_info"] = info;
        then.ok(&serde_json::from_value(answer).unwrap());
    });
    let filter = CertificateFilter::all()
        .certificate_type(CertificateType::Custom)
        .certificate_type(CertificateType::GatewayManaged)
        .ca()
        .name("example_ca_cert");
    let found = certificates(&server).list(filter).collect().await.unwrap();
    mock.assert();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn list_filters_what_the_service_does_not() {
    let server = MockServer::start_async().await;
    let leaf = json!({"id": "a", "ca": false, "name": "other", "type": "custom"});
    let managed =
        json!({"id": "b", "ca": true, "name": "example_ca_cert", "type": "access_managed"});
    let nameless = json!({"id": "d", "ca": true, "name": "", "type": "custom"});
    server.mock(|when, then| {
        when.method(GET);
        let mut answer = success(json!([leaf, managed, certificate("c"), nameless]));
        answer["result_info"] = json!({"page": 1, "total_pages": 1});
        then.status(200).json_body(answer);
    });
    let all = CertificateFilter::all;
    let rows = [
        (all(), "a b c d"),
        (all().ca(), "b c d"),
        (all().leaf(), "a"),
        (all().name("example_ca_cert"), "b c"),
        (all().certificate_type(CertificateType::Custom), "a c d"),
        (all().name("nobody"), ""),
    ];
    for (filter, want) in rows {
        let found = certificates(&server).list(filter.clone()).collect().await.unwrap();
        let ids: Vec<_> = found.iter().map(|c| c.id().as_str()).collect();
        assert_eq!(ids.join(" "), want, "{filter:?}");
    }
}

#[tokio::test]
async fn hostnames_name_their_ca_or_say_that_it_is_the_managed_one() {
    let server = MockServer::start_async().await;
    let place = format!("/zones/{}/certificate_authorities/hostname_associations", common::ZONE);
    let uploaded = server.mock(|when, then| {
        when.method(GET).path(&place).query_param("mtls_certificate_id", common::ID);
        then.status(200).json_body(success(json!({"hostnames": ["a.example.com"]})));
    });
    let managed = server.mock(|when, then| {
        when.method(GET).path(&place).query_param_missing("mtls_certificate_id");
        then.status(200).json_body(success(json!({"hostnames": null})));
    });
    let hostnames = builder(&server).build().unwrap().hostnames(&zone());
    assert_eq!(hostnames.list(&ClientCa::from(id())).await.unwrap(), ["a.example.com"]);
    assert!(hostnames.list(&ClientCa::CloudflareManaged).await.unwrap().is_empty());
    assert_eq!((uploaded.calls(), managed.calls()), (1, 1));
}

#[tokio::test]
async fn replacing_hostnames_sends_the_whole_list_even_when_it_is_empty() {
    let uploaded = ClientCa::from(&id());
    let rows: [(&ClientCa, &[&str], Value); 3] = [
        (
            &uploaded,
            &["a.example.com", "*.example.com"],
            json!({"hostnames": ["a.example.com", "*.example.com"], "mtls_certificate_id": common::ID}),
        ),
        (&uploaded, &[], json!({"hostnames": [], "mtls_certificate_id": common::ID})),
        (&ClientCa::CloudflareManaged, &["a.example.com"], json!({"hostnames": ["a.example.com"]})),
    ];
    for (ca, wanted, body) in rows {
        let server = MockServer::start_async().await;
        let mock = server.mock(|when, then| {
            when.method(PUT)
                .path(format!(
                    "/zones/{}/certificate_authorities/hostname_associations",
                    common::ZONE
                ))
                .json_body(body.clone());
            then.status(200).json_body(success(json!({"hostnames": wanted})));
        });
        server.mock(|when, then| {
            when.method(GET);
            then.status(200).json_body(success(json!({"hostnames": ["old.example.com"]})));
        });
        let hostnames = builder(&server).build().unwrap().hostnames(&zone());
        let hostnames = hostnames.with_visibility_timeout(std::time::Duration::ZERO);
        assert_eq!(hostnames.replace(ca, wanted).await.unwrap().hostnames, wanted, "{body}");
        mock.assert();
    }
}

#[tokio::test]
async fn zones_are_listed_for_an_account() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET)
            .path("/zones")
            .query_param("account.id", common::ACCOUNT)
            .query_param("name", "example.com");
        let mut answer =
            success(json!([{"id": common::ZONE, "name": "example.com", "status": "active"}]));
        answer["result_info"] = json!({"page": 1, "total_count": 1});
        then.status(200).json_body(answer);
    });
    let filter = ZoneFilter::all().account(&account()).name("example.com");
    let zones = builder(&server).build().unwrap().zones(filter).collect().await.unwrap();
    assert_eq!((zones.len(), zones[0].id.clone()), (1, zone()));
    // The service takes an empty name for any.
    let zones = builder(&server).build().unwrap().zones(ZoneFilter::all().name(""));
    assert_eq!(zones.collect().await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn email_and_key_are_sent_as_headers() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET)
            .header("x-auth-email", "me@example.com")
            .header("x-auth-key", "0123456789abcdef0123456789abcdef01234")
            .header_missing("authorization")
            .header_matches("user-agent", "^mine/1 cf-mtls/[0-9.]+$");
        then.status(200).json_body(success(certificate(common::ID)));
    });
    let credentials = cf_mtls::Credentials::email_and_key(
        "me@example.com",
        "0123456789abcdef0123456789abcdef01234",
    );
    let client = cf_mtls::Client::builder(credentials)
        .with_base_url(server.base_url())
        .with_user_agent("mine/1")
        .build()
        .unwrap();
    client.certificates(&account()).get(&id()).await.unwrap();
}

#[tokio::test]
async fn both_forms_of_certificate_id_reach_their_own_url() {
    for id in ["2458ce5a-0c35-4c7f-82c7-8e9487d3ff60", "023e105f4ecef8ad9ca31a8372d0c353"] {
        let server = MockServer::start_async().await;
        let mock = server.mock(|when, then| {
            when.method(DELETE).path(path(&format!("/{id}")));
            then.status(200).json_body(success(Value::Null));
        });
        let _ = certificates(&server).delete(&id.parse().unwrap()).await.unwrap();
        mock.assert();
    }
}

#[tokio::test]
async fn a_clients_own_http_client_may_not_vouch_for_a_redirect() {
    let elsewhere = MockServer::start_async().await;
    elsewhere.mock(|when, then| {
        when.any_request();
        then.status(200).json_body(success(Value::Null));
    });
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(DELETE);
        then.status(307).header("location", elsewhere.url("/there"));
    });
    server.mock(|when, then| {
        when.method(GET);
        then.status(200).json_body(success(certificate(common::ID)));
    });
    let follows = reqwest::Client::new();
    let client = builder(&server).with_http_client(follows).build().unwrap();
    let error = client.certificates(&account()).delete(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
    assert!(error.to_string().contains("redirect"), "{error}");
}

#[test]
fn certificates_compare_by_what_their_pem_holds() {
    let parse = |value: Value| serde_json::from_value::<Certificate>(value).unwrap();
    let mut other = certificate(common::ID);
    other["certificates"] =
        json!(format!("{}\r\n\r\n", DOCUMENTED_CA.trim().replace('\n', "\r\n")));
    assert_eq!(parse(certificate(common::ID)), parse(other.clone()));
    other["certificates"] = json!(leaf().0);
    assert_ne!(parse(certificate(common::ID)), parse(other));
    assert_ne!(parse(certificate(common::ID)), parse(certificate("another")));
    // The service's own JSON, in and out.
    let parsed = parse(certificate(common::ID));
    assert_eq!(serde_json::to_value(&parsed).unwrap(), certificate(common::ID));
}

#[test]
fn futures_and_clients_travel_between_threads() {
    fn sent<T: Send>(_: T) {}
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    let client = cf_mtls::Client::builder(common::TOKEN);
    let client = client.with_base_url("http://localhost").build().unwrap();
    let handle = client.certificates(&account());
    let upload = Upload::ca(DOCUMENTED_CA).unwrap();
    shared(&client);
    shared(&handle);
    error::<Error>();
    sent(handle.delete(&id()));
    sent(handle.get(&id()));
    sent(handle.upload(&upload));
    sent(handle.associations(&id()));
    sent(handle.list(CertificateFilter::all()));
    sent(client.hostnames(&zone()).replace(&ClientCa::CloudflareManaged, ["a"]));
}

/// A fresh leaf and its key, in PEM.
fn leaf() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["leaf.example.com".to_owned()]).unwrap();
    (made.cert.pem().replace("\r\n", "\n"), made.signing_key.serialize_pem().replace("\r\n", "\n"))
}
