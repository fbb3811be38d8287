//! Every malformed answer makes an error that is short, on one line, and safe
//! to print; and decoding lenient where that does no harm.

use cf_mtls::{CertificateFilter, Certificates, ErrorKind};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};

use crate::support::raw::{Act, End, Raw, json};
use crate::support::{ACCOUNT, account_of, assert_presentable, builder, ca_upload, unknown_id};

fn certificates(base_url: &str) -> Certificates {
    let client = builder(base_url, "token-of-this-test").with_body_limit(4 << 20);
    let client = client.with_retry(cf_mtls::Retry::off()).build().unwrap();
    client.certificates(&ACCOUNT.parse().unwrap())
}

/// JSON with so many arrays inside of each other.
fn deep(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn errors(error: &str, count: usize) -> String {
    let all = vec![error; count].join(",");
    format!(r#"{{"success":false,"errors":[{all}],"messages":[],"result":null}}"#)
}

/// Bodies that are no answer of the service, and what of them must be shown.
fn malformed() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let html = "<!DOCTYPE html>\n<html>\n<body>\n<h1>Sign in</h1>";
    vec![
        ("nothing", text(""), "an empty body"),
        ("white space", text(" \r\n\t "), "an empty body"),
        ("HTML", text(html), "Sign in"),
        ("cut off", text(r#"{"success":true,"errors":[],"res"#), "success"),
        ("NUL bytes", vec![0; 4096], "an empty body"),
        ("NUL bytes within", text("{\"success\0\":true}"), "success"),
        (
            "UTF-16",
            text("{\"success\":true}").into_iter().flat_map(|b| [b, 0]).collect(),
            "s u c c",
        ),
        ("Latin-1", b"{\"success\":tr\xfce}".to_vec(), "success"),
        ("a byte order mark", text("\u{feff}{\"success\":true}"), "success"),
        ("a colour and a bell", text("\u{1b}[31mred\u{7}\u{9b}31m"), "[31mred"),
        ("text from right to left", text("a\u{202e}b\u{2066}c\u{200f}d"), "a b c d"),
        ("line ends of all kinds", text("a\rb\nc\u{85}d\u{2028}e\u{2029}f"), "a b c d e f"),
        ("quotes", text(r#"""""\\\""#), "body"),
        ("a megabyte of text", vec![b'a'; 1 << 20], "aaaa"),
        ("a megabyte of emoji", "\u{1F511}".repeat(1 << 18).into_bytes(), "\u{1F511}"),
        ("a megabyte of accents", "\u{301}".repeat(1 << 19).into_bytes(), "body"),
        ("arrays in arrays", text(&deep(100_000)), "[[[["),
        (
            "deep where a certificate belongs",
            text(&format!(r#"{{"success":true,"result":{}}}"#, deep(100_000))),
            "success",
        ),
        (
            "deep where errors belong",
            text(&format!(r#"{{"success":false,"errors":[{}]}}"#, deep(100_000))),
            "success",
        ),
        ("a number too large", text(r#"{"success":1e999}"#), "success"),
        (
            "a lone surrogate",
            text(r#"{"success":true,"errors":[{"code":1,"message":"\ud800"}]}"#),
            "success",
        ),
        ("other JSON", text("[true]"), "[true]"),
        ("no word of success", text(r#"{"result":null}"#), "result"),
        ("two answers", text(r#"{"success":true}{"success":true}"#), "success"),
        (
            "a megabyte where a flag belongs",
            text(&format!(r#"{{"success":"{}"}}"#, "x".repeat(1 << 20))),
            "success",
        ),
    ]
}

#[tokio::test]
async fn a_malformed_answer_is_quoted_shortly() {
    for (name, body, shown) in malformed() {
        for status in ["200 OK", "403 Forbidden", "500 Internal Server Error"] {
            let answer = json(status, &body);
            let server = Raw::saying(answer).await;
            let certificates = certificates(&server.base_url());
            let list = certificates.list(CertificateFilter::all());
            let failures = [
                certificates.get(&unknown_id()).await.map(drop).unwrap_err(),
                certificates.delete(&unknown_id()).await.map(drop).unwrap_err(),
                certificates.upload(&ca_upload("x")).await.map(drop).unwrap_err(),
                list.collect().await.map(drop).unwrap_err(),
            ];
            for error in failures {
                // An error that reports success is none of the service.
                let contradicts = error.to_string().contains("reports success");
                let want = match status {
                    "500 Internal Server Error" if !contradicts => ErrorKind::ServiceUnavailable,
                    _ => ErrorKind::InvalidResponse,
                };
                assert_eq!(error.kind(), want, "{name}, {status}: {error}");
                assert!(error.to_string().contains(shown), "{name}: {error}");
                assert_presentable(&error, name);
            }
        }
    }
}

#[tokio::test]
async fn an_error_of_the_service_is_quoted_shortly_however_much_it_says() {
    let long = "x".repeat(100_000);
    let causes = vec![format!(r#"{{"code":2,"message":"{long}"}}"#); 1000].join(",");
    let rows = [
        ("10,000 errors", errors(r#"{"code":1,"message":"m"}"#, 10_000)),
        ("10,000 errors of another form", errors(r#""m""#, 10_000)),
        ("10,000 empty errors", errors("{}", 10_000)),
        ("10,000 nulls", errors("null", 10_000)),
        ("a long message", errors(&format!(r#"{{"code":1,"message":"{long}"}}"#), 3)),
        (
            "a long message of wide characters",
            errors(&format!(r#"{{"code":1,"message":"{}"}}"#, "\u{1F511}".repeat(10_000)), 3),
        ),
        (
            "long everything",
            errors(
                &format!(
                    r#"{{"code":1,"message":"{long}","documentation_url":"{long}","source":{{"pointer":"{long}"}}}}"#
                ),
                3,
            ),
        ),
        (
            "1,000 long causes",
            errors(
                &format!(
                    r#"{{"code":1,"message":"m","error_chain":[{}]}}"#,
                    &causes[..3_000_000 / 100_014 * 100_014]
                ),
                1,
            ),
        ),
        (
            "control characters",
            errors(
                r#"{"code":1,"message":"a\u0000b\u001b[31mc\r\nd\u2028e\u202ef","source":{"pointer":"/a\nb"}}"#,
                3,
            ),
        ),
    ];
    for (name, body) in rows {
        let server = Raw::saying(json("400 Bad Request", &body)).await;
        let error = certificates(&server.base_url()).get(&unknown_id()).await.unwrap_err();
        assert_presentable(&error, name);
        assert!(error.messages().len() <= 16, "{name}");
        for message in error.messages() {
            assert!(message.message.chars().count() <= 401, "{name}");
            let line = message.to_string();
            assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
        }
    }
}

#[tokio::test]
async fn services_that_use_a_certificate_are_named_shortly() {
    let long = "x".repeat(10_000);
    let rows: Vec<_> = (0..50)
        .map(|n| format!(r#"{{"service":"{n}\u001b[31m\n{long}","status":"{long}"}}"#))
        .collect();
    let list =
        format!(r#"{{"success":true,"errors":[],"messages":[],"result":[{}]}}"#, rows.join(","));
    let server = Raw::start(move |request, _| {
        let bytes = match request.method() {
            "DELETE" => json("409 Conflict", errors(r#"{"code":99001,"message":"no"}"#, 1)),
            _ => json("200 OK", &list),
        };
        Act::Say(bytes, End::Close)
    })
    .await;
    let error = certificates(&server.base_url()).delete(&unknown_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert_eq!(error.associations().len(), 50);
    assert_presentable(&error, "in use");
}

#[tokio::test]
async fn depth_where_nobody_looks_costs_nothing() {
    // `success` is the evidence, whatever stands beside it.
    let body = format!(r#"{{"success":true,"errors":[],"new":{}}}"#, deep(200_000));
    let simulator = Simulator::start().await.unwrap();
    simulator.inject(Fault::raw(200, "application/json", body).on(Operation::Delete));
    let client = builder(simulator.base_url(), simulator.token()).build().unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    assert!(certificates.delete(&unknown_id()).await.unwrap().is_confirmed());
}
