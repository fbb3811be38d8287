//! What is no evidence must not pass for any: answers in the service's form that
//! lack, damage or contradict what they should say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use cf_mtls::{CertificateFilter, ClientCa, ErrorKind, Upload, ZoneFilter};
use common::{builder, certificate, certificates, failure, id, success, zone};
use httpmock::Method::{DELETE, GET, POST, PUT};
use httpmock::MockServer;
use serde_json::{Value, json};

#[tokio::test]
async fn a_damaged_list_of_hostnames_is_not_an_empty_one() {
    let damaged = [
        success(json!({"hostnames": ["a.example.com", "b.example.com", null]})),
        success(json!({"hostnames": [{"hostname": "a.example.com"}]})),
        success(json!({"hostnames": "a.example.com"})),
        success(json!(["a.example.com"])),
        // Without the field: it may have another name, or be another object.
        success(json!({})),
        success(json!({"hosts": ["a.example.com"]})),
        success(json!([null])),
        success(Value::Null),
        json!({"success": true}),
    ];
    for answer in damaged {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(GET);
            then.status(200).json_body(answer.clone());
        });
        let written = server.mock(|when, then| {
            when.method(PUT);
            then.status(200).json_body(success(json!({"hostnames": []})));
        });
        let hostnames = builder(&server).build().unwrap().hostnames(&zone());
        let ca = ClientCa::from(&id());
        let error = hostnames.list(&ca).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{answer}");
        // Above all, nothing is written back.
        hostnames.add(&ca, ["new.example.com"]).await.unwrap_err();
        hostnames.remove(&ca, ["a.example.com"]).await.unwrap_err();
        assert_eq!(written.calls(), 0, "{answer}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_not_replaced() {
    let server = MockServer::start_async().await;
    let put = server.mock(|when, then| {
        when.method(PUT);
        then.status(502).body("<html>bad gateway</html>");
    });
    server.mock(|when, then| {
        when.method(GET);
        then.status(200).json_body(success(Value::Null));
    });
    let hostnames = builder(&server).build().unwrap().hostnames(&zone());
    let none: [&str; 0] = [];
    let error = hostnames.replace(&ClientCa::from(&id()), none).await.unwrap_err();
    assert!(!error.may_have_taken_effect(), "{error}");
    assert_eq!(put.calls(), 0);
}

#[tokio::test]
async fn what_is_no_list_is_not_an_empty_one() {
    let rows = [
        (json!({"success": true}), false),
        (success(Value::Null), true),
        (success(json!({"a": 1})), false),
        (success(json!("oops")), false),
        (json!({"success": true, "result": null, "result_info": {"total_count": 120}}), false),
        (json!({"success": true, "result": null, "result_info": {"total_count": 0}}), true),
        (success(json!([])), true),
    ];
    for (answer, empty) in rows {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(GET);
            then.status(200).json_body(answer.clone());
        });
        let certificates = certificates(&server);
        let lists = [
            certificates.list(CertificateFilter::all()).collect().await.map(|list| list.len()),
            certificates.associations(&id()).await.map(|list| list.len()),
            builder(&server)
                .build()
                .unwrap()
                .zones(ZoneFilter::all())
                .collect()
                .await
                .map(|list| list.len()),
        ];
        for list in lists {
            match list {
                Ok(length) => assert!(empty && length == 0, "{answer}"),
                Err(error) => assert!(
                    !empty && error.kind() == ErrorKind::InvalidResponse,
                    "{answer}: {error}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn two_words_about_success_are_none() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(DELETE);
        then.status(200)
            .body(r#"{"success":false,"errors":[{"code":1,"message":"in use"}],"success":true}"#);
    });
    server.mock(|when, then| {
        when.method(GET);
        then.status(200).json_body(success(certificate(common::ID)));
    });
    let error = certificates(&server).delete(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
}

#[tokio::test]
async fn an_empty_or_another_certificate_is_no_sign_that_it_is_still_there() {
    for seen in [json!({}), certificate("another"), Value::Null] {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(DELETE);
            then.status(200).body("<html></html>");
        });
        server.mock(|when, then| {
            when.method(GET);
            then.status(200).json_body(success(seen.clone()));
        });
        let certificates = certificates(&server);
        assert_eq!(
            certificates.get(&id()).await.unwrap_err().kind(),
            ErrorKind::InvalidResponse,
            "{seen}"
        );
        let error = certificates.delete(&id()).await.unwrap_err();
        assert!(error.may_have_taken_effect(), "{seen}: {error}");
    }
}

#[tokio::test]
async fn an_upload_is_not_taken_for_another_certificate() {
    let upload = Upload::ca(cf_mtls_testkit::CAS[0]).unwrap().with_name("mine");
    let mut mine = certificate(common::ID);
    mine["certificates"] = json!(cf_mtls_testkit::CAS[0]);
    mine["name"] = json!("mine");
    let mut without_id = mine.clone();
    without_id.as_object_mut().unwrap().remove("id");
    let rows = [
        (certificate("another"), json!([mine]), true),
        (certificate("another"), json!([]), false),
        (without_id.clone(), json!([mine]), true),
        (without_id, json!([]), false),
        // Without its PEM.
        (json!({"id": "another"}), json!([mine]), true),
        (json!({"id": common::ID}), json!([]), false),
    ];
    for (response, listed, is_found) in rows {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(POST);
            then.status(200).json_body(success(response.clone()));
        });
        server.mock(|when, then| {
            when.method(GET);
            then.status(200).json_body(success(listed.clone()));
        });
        match certificates(&server).upload(&upload).await {
            Ok(stored) => assert!(is_found && stored.id() == &id(), "{stored:?}"),
            Err(error) => {
                assert!(!is_found && error.may_have_taken_effect(), "{error}");
                assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
            }
        }
    }
}

#[tokio::test]
async fn associations_that_are_not_found_make_a_certificate_gone() {
    let server = MockServer::start_async().await;
    let mut unclear = server.mock(|when, then| {
        when.method(DELETE);
        then.status(503).body("<html></html>");
    });
    server.mock(|when, then| {
        when.method(GET).path_suffix("/associations");
        then.status(404).json_body(failure(9, "no associations"));
    });
    let looked = server.mock(|when, then| {
        when.method(GET).path_suffix(common::ID);
        then.status(200).json_body(success(certificate(common::ID)));
    });
    let retry = cf_mtls::Retry::with_delays(2, |_| std::time::Duration::from_millis(300));
    let client = builder(&server).with_retry(retry).build().unwrap();
    let deleting =
        tokio::spawn(async move { client.certificates(&common::account()).delete(&id()).await });
    while unclear.calls() == 0 {
        tokio::task::yield_now().await;
    }
    unclear.delete();
    server.mock(|when, then| {
        when.method(DELETE);
        then.status(400).json_body(failure(1777, "refused"));
    });
    assert!(!deleting.await.unwrap().unwrap().is_confirmed());
    assert_eq!(looked.calls(), 0, "the associations say enough");
}

#[tokio::test]
async fn a_use_that_has_ended_is_none_and_any_status_may_tell_of_one() {
    let rows = [
        (400, "refused", "deleted", ErrorKind::InvalidRequest),
        (400, "refused", "active", ErrorKind::InUse),
        (403, "refused", "active", ErrorKind::InUse),
        (403, "refused", "deleted", ErrorKind::Permission),
        // The refusal itself says so; associations only say by what.
        (400, "Certificate cannot be deleted while in use.", "deleted", ErrorKind::InUse),
        (400, "Certificate cannot be deleted while in use.", "active", ErrorKind::InUse),
        // It is gone, in whatever words and with whatever status.
        (400, "Certificate is already deleted.", "active", ErrorKind::NotFound),
        (400, "The certificate has already been deleted", "active", ErrorKind::NotFound),
        (409, "Already marked as deleted", "active", ErrorKind::NotFound),
        (409, "certificate has already been deleted", "active", ErrorKind::NotFound),
        (410, "Has already been deleted", "active", ErrorKind::NotFound),
        (409, "Certificate already exists", "deleted", ErrorKind::Conflict),
        (409, "A deleted certificate is in the way", "deleted", ErrorKind::Conflict),
        (500, "already deleted", "active", ErrorKind::ServiceUnavailable),
    ];
    for (status, message, used, kind) in rows {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.method(DELETE);
            then.status(status).json_body(failure(1777, message));
        });
        server.mock(|when, then| {
            when.method(GET);
            let mut answer = success(json!([{"service": "gateway", "status": used}]));
            answer["result_info"] = json!({"total_pages": 1});
            then.status(200).json_body(answer);
        });
        let error = certificates(&server).delete(&id()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {used}: {error}");
    }
}
