//! From the service's answers to kinds of errors: the table in the crate's README, row
//! by row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use std::time::Duration;

use cf_mtls::{Error, ErrorKind, ServiceMessage};
use common::{builder, certificates, failure, id};
use httpmock::MockServer;
use serde_json::{Value, json};

/// What `get` makes of an answer. It has no second thoughts, unlike `delete`.
async fn error_of(status: u16, body: Value) -> Error {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.any_request();
        then.status(status).header("cf-ray", "8f1e2d3c4b5a6978-FRA").json_body(body);
    });
    certificates(&server).get(&id()).await.unwrap_err()
}

#[tokio::test]
async fn status_and_code_give_the_kind() {
    use ErrorKind::*;
    let rows = [
        // A code that is known decides, whatever the status is.
        (400, 971, RateLimited),
        (429, 971, RateLimited),
        (400, 1411, InvalidRequest),
        (400, 1471, AlreadyExists),
        (409, 1471, AlreadyExists),
        (400, 1472, NotFound),
        (404, 1472, NotFound),
        (400, 1489, QuotaExceeded),
        (403, 1489, QuotaExceeded),
        (409, 1489, QuotaExceeded),
        (400, 6003, Authentication),
        (400, 6103, Authentication),
        (400, 6111, Authentication),
        (400, 7000, InvalidRequest),
        (404, 7000, InvalidRequest),
        (404, 7003, InvalidRequest),
        (400, 9103, Authentication),
        (403, 9106, Authentication),
        (400, 9109, Authentication),
        (401, 9109, Authentication),
        (403, 9109, Permission),
        (401, 10000, Authentication),
        (403, 10000, Permission),
        (200, 10000, Authentication),
        (400, 10001, Authentication),
        (403, 10001, Authentication),
        // It means different things on different APIs, and nothing on this one.
        (400, 1406, InvalidRequest),
        // Otherwise the status does.
        (200, 1, InvalidRequest),
        (400, 1, InvalidRequest),
        (401, 1, Authentication),
        (403, 1, Permission),
        (404, 1, NotFound),
        (405, 1, InvalidRequest),
        (408, 1, Timeout),
        (409, 1, Conflict),
        (410, 1, NotFound),
        (418, 1, InvalidRequest),
        (423, 1, Conflict),
        (429, 1, RateLimited),
        (500, 1, ServiceUnavailable),
        (502, 1, ServiceUnavailable),
        (530, 1, ServiceUnavailable),
    ];
    for (status, code, want) in rows {
        let error = error_of(status, failure(code, "so it is")).await;
        assert_eq!(error.kind(), want, "{status} {code}: {error}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.codes().collect::<Vec<_>>(), [code]);
        assert_eq!(error.ray_id(), Some("8f1e2d3c4b5a6978-FRA"));
        assert!(!error.may_have_taken_effect(), "a read has no effect");
        let text = error.to_string();
        for part in
            ["get certificate", common::ID, "so it is", &code.to_string(), "8f1e2d3c4b5a6978-FRA"]
        {
            assert!(text.contains(part), "{part:?} is missing from: {text}");
        }
    }
}

#[tokio::test]
async fn the_message_tells_apart_what_shares_a_code() {
    use ErrorKind::*;
    let rows = [
        (403, 9109, "Invalid access token", Authentication, "have not expired"),
        (
            403,
            9109,
            "Cannot use the access token from location: 192.0.2.1",
            Permission,
            "IP filter",
        ),
        (
            403,
            9109,
            "Unauthorized to access requested resource",
            Permission,
            "SSL and Certificates",
        ),
        (403, 10000, "Authentication error", Permission, "ids are right"),
        (400, 10001, "Unable to authenticate request", Authentication, "complete"),
        (400, 10001, "Method not allowed for token", Permission, "SSL and Certificates"),
        (400, 10001, "Internal error", ServiceUnavailable, "try again later"),
        (400, 6103, "Invalid format for X-Auth-Key header", Authentication, "CLOUDFLARE_API_TOKEN"),
    ];
    for (status, code, message, kind, advice) in rows {
        let error = error_of(status, failure(code, message)).await;
        assert_eq!(error.kind(), kind, "{code} {message}: {error}");
        assert!(error.to_string().contains(advice), "{code}: {error}");
    }
}

#[tokio::test]
async fn everything_that_the_service_says_is_kept() {
    let error = error_of(
        400,
        json!({
            "success": false,
            "errors": [
                {
                    "code": 6003,
                    "message": "Invalid request headers",
                    "documentation_url": "https://developers.cloudflare.com/api",
                    "source": {"pointer": "/headers"},
                    "error_chain": [{"code": 6111, "message": "Invalid format for Authorization header"}],
                },
                {"code": 1000, "message": "another"},
            ],
            "messages": null,
        }),
    )
    .await;
    assert_eq!(error.codes().collect::<Vec<_>>(), [6003, 6111, 1000]);
    let first = &error.messages()[0];
    assert_eq!(first.message, "Invalid request headers");
    assert_eq!(first.documentation_url.as_deref(), Some("https://developers.cloudflare.com/api"));
    assert_eq!(first.pointer.as_deref(), Some("/headers"));
    assert_eq!(
        first.causes,
        [ServiceMessage::new(6111, "Invalid format for Authorization header")]
    );
    let text = error.to_string();
    for part in ["/headers", "6111", "Invalid format for Authorization header", "another"] {
        assert!(text.contains(part), "{part:?} is missing from: {text}");
    }
}

#[tokio::test]
async fn an_unknown_code_before_a_known_one_does_not_hide_it() {
    let both = json!({"success": false, "errors": [
        {"code": 1, "message": "odd"}, {"code": 1489, "message": "full"},
    ]});
    assert_eq!(error_of(400, both).await.kind(), ErrorKind::QuotaExceeded);
}

#[tokio::test]
async fn damaged_error_envelopes_are_still_envelopes() {
    use ErrorKind::*;
    let rows: [(Value, ErrorKind, &[i64]); 9] = [
        (
            json!({"success": false, "errors": null, "messages": null, "result": null}),
            NotFound,
            &[],
        ),
        (json!({"success": false}), NotFound, &[]),
        (json!({"success": false, "errors": []}), NotFound, &[]),
        (
            json!({"success": false, "errors": [{"code": "10000", "message": "as text"}]}),
            Authentication,
            &[10000],
        ),
        (json!({"success": false, "errors": [{"message": "no code"}]}), NotFound, &[]),
        (json!({"success": false, "errors": ["a bare text"]}), NotFound, &[]),
        (
            json!({"success": false, "errors": {"code": 971, "message": "no list"}}),
            RateLimited,
            &[971],
        ),
        (json!({"success": false, "errors": [{"code": 1.5, "message": 7}]}), NotFound, &[]),
        (
            json!({"success": false, "errors": [{"code": 6003, "error_chain": [{"code": "6111"}, 5]}]}),
            Authentication,
            &[6003, 6111],
        ),
    ];
    for (body, kind, codes) in rows {
        let error = error_of(404, body.clone()).await;
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert_eq!(error.codes().collect::<Vec<_>>(), codes, "{body}");
        assert!(!error.to_string().contains("code 0"), "{error}");
    }
}

#[tokio::test]
async fn an_error_reads_back_from_its_json() {
    let body = json!({"success": false, "errors": [
        {"code": 971, "message": "slow down", "error_chain": [{"code": 1, "message": "why"}]},
        {"message": "no code"},
    ]});
    let error = error_of(429, body).await.with_retry_after(Duration::from_millis(6500));
    let json = serde_json::to_value(&error).unwrap();
    for (field, want) in [
        ("kind", json!("rate_limited")),
        ("message", json!(error.to_string())),
        ("operation", json!("get_certificate")),
        ("certificate_id", json!(common::ID)),
        ("status", json!(429)),
        ("codes", json!([971, 1])),
        ("ray_id", json!("8f1e2d3c4b5a6978-FRA")),
        ("may_have_taken_effect", json!(false)),
        ("retry_after_seconds", json!(7)),
    ] {
        assert_eq!(json[field], want, "{field}");
    }
    let read: Error = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), json);
    assert_eq!(read.clone().to_string(), read.to_string());
}

#[tokio::test]
async fn an_answer_that_is_not_the_services_says_so() {
    use ErrorKind::*;
    let html = "<html><h1>Access denied</h1></html>";
    let rows = [
        (200, "text/html", html, InvalidResponse),
        (200, "application/json", "", InvalidResponse),
        (200, "application/json", "null", InvalidResponse),
        (200, "application/json", "{\"result\":{}}", InvalidResponse),
        (204, "application/json", "", InvalidResponse),
        (302, "text/html", html, InvalidResponse),
        (403, "text/html", html, InvalidResponse),
        (404, "text/html", html, InvalidResponse),
        (404, "application/json", "", InvalidResponse),
        (429, "text/html", html, RateLimited),
        (500, "text/plain", "", ServiceUnavailable),
        (502, "text/html", html, ServiceUnavailable),
        (520, "text/html", html, ServiceUnavailable),
        (530, "text/html", html, ServiceUnavailable),
        // An envelope that contradicts its status is no evidence either.
        (404, "application/json", "{\"success\":true}", InvalidResponse),
    ];
    for (status, content_type, body, want) in rows {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.any_request();
            then.status(status)
                .header("content-type", content_type)
                .header("cf-ray", "8f1e2d3c4b5a6978-FRA")
                .header("location", "/elsewhere")
                .body(body);
        });
        let error = certificates(&server).get(&id()).await.unwrap_err();
        assert_eq!(error.kind(), want, "{status} {body:?}: {error}");
        // What is known of the answer survives whatever its body is.
        assert_eq!(error.status().unwrap().as_u16(), status, "{body:?}");
        assert_eq!(error.ray_id(), Some("8f1e2d3c4b5a6978-FRA"), "{status} {body:?}");
        if body == html && status != 302 {
            assert!(error.to_string().contains("Access denied"), "{error}");
        }
    }
}

#[tokio::test]
async fn retry_after_survives_whatever_the_body_is() {
    for body in ["<html>slow down</html>", &failure(971, "slow down").to_string(), ""] {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.any_request();
            then.status(429).header("retry-after", "7").body(body);
        });
        let error = certificates(&server).get(&id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{body:?}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{body:?}");
        assert!(error.to_string().contains("wait 7 s"), "{error}");
    }
}

#[tokio::test]
async fn no_connection_and_no_answer_are_told_apart() {
    // A port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = cf_mtls::Client::builder(common::TOKEN)
        .with_base_url(format!("http://127.0.0.1:{port}"))
        .with_retry(cf_mtls::Retry::off())
        .build()
        .unwrap();
    let error = client.certificates(&common::account()).delete(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(!error.may_have_taken_effect(), "nothing was sent: {error}");
    assert!(std::error::Error::source(&error).is_some(), "the cause is kept");

    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.any_request();
        then.status(200).delay(Duration::from_secs(5));
    });
    let client = builder(&server).with_attempt_timeout(Duration::from_millis(50));
    let client = client.with_deadline(Duration::from_millis(400)).build().unwrap();
    let error = client.certificates(&common::account()).delete(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.may_have_taken_effect(), "it may have arrived: {error}");
}
