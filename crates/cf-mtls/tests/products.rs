//! The lists of products: whole, or an error, as what is missing would pass for "not used".

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cf_mtls::{Error, ErrorKind, Holder, ScriptName};
use common::{account, builder, success};
use httpmock::{HttpMockRequest, HttpMockResponse, MockServer};
use serde_json::{Value, json};

const LISTS: [&str; 3] = ["workers/scripts", "hyperdrive/configs", "gateway/certificates"];

/// Row `number` of each of the lists.
fn row(list: &str, number: u64) -> Value {
    match list {
        "workers/scripts" => json!({"id": format!("worker-{number}")}),
        "hyperdrive/configs" => json!({
            "id": format!("config-{number}"),
            "mtls": {"mtls_certificate_id": format!("certificate-{number}")},
        }),
        _ => json!({"id": format!("certificate-{number}"), "in_use": true}),
    }
}

/// What the client finds in a list whose page p is `page(p)`: rows, and what is said of
/// them. Page 0 is the one without a number. Also how often it asks.
async fn found(
    list: &'static str,
    page: impl Fn(u64) -> (std::ops::Range<u64>, Value) + Send + Sync + 'static,
) -> (Result<Vec<String>, Error>, u64) {
    let server = MockServer::start_async().await;
    let calls = Arc::new(AtomicU64::new(0));
    let counter = calls.clone();
    server.mock(|when, then| {
        when.path(format!("/accounts/{}/{list}", common::ACCOUNT));
        then.respond_with(move |request: &HttpMockRequest| {
            counter.fetch_add(1, Ordering::Relaxed);
            let query = request.query_params();
            let number = query.iter().find(|(name, _)| name == "page");
            let number = number.map_or(0, |(_, number)| number.parse().unwrap());
            assert_eq!(query.len(), usize::from(number != 0), "{query:?}");
            let (rows, info) = page(number);
            let rows: Vec<_> = rows.map(|number| row(list, number)).collect();
            let mut body = success(json!(rows));
            body["result_info"] = info;
            HttpMockResponse::builder().status(200).body(body.to_string()).build()
        });
    });
    let (client, account) = (builder(&server).build().unwrap(), account());
    let texts = match list {
        "workers/scripts" => client.workers_scripts(&account).await.map(|scripts| {
            let scripts = scripts.into_iter().map(|script| script.unwrap().to_string());
            scripts.map(|name| name.replace("worker", "certificate")).collect()
        }),
        "hyperdrive/configs" => client.hyperdrive_certificates(&account).await.map(ids),
        _ => client.gateway_certificates(&account).await.map(ids),
    };
    (texts, calls.load(Ordering::Relaxed))
}

fn ids(uses: Vec<cf_mtls::ProductUse>) -> Vec<String> {
    uses.into_iter().map(|one| one.certificate_id).collect()
}

#[tokio::test]
async fn a_list_is_read_as_far_as_the_service_counts() {
    type Page = fn(u64) -> (std::ops::Range<u64>, Value);
    // (what, pages, how many are found or what the error says, requests)
    let table: [(&str, Page, Result<usize, &str>, u64); 12] = [
        ("nothing is counted", |_| (0..60, Value::Null), Ok(60), 1),
        ("more than a page holds", |_| (0..1_200, Value::Null), Ok(1_200), 1),
        ("an empty count", |_| (0..60, json!({})), Ok(60), 1),
        ("no rows", |_| (0..0, Value::Null), Ok(0), 1),
        ("all of it", |_| (0..60, json!({"total_count": 60, "total_pages": 1})), Ok(60), 1),
        ("fewer are counted", |_| (0..60, json!({"total_count": 0})), Ok(60), 1),
        (
            "two pages",
            |number| {
                let rows = if number == 2 { 50..60 } else { 0..50 };
                (rows, json!({"page": number.max(1), "total_count": 60, "total_pages": 2}))
            },
            Ok(60),
            2,
        ),
        (
            "two pages, by the count of rows",
            |number| (if number == 2 { 50..60 } else { 0..50 }, json!({"total_count": 60})),
            Ok(60),
            2,
        ),
        (
            "two pages, by the count of pages",
            |number| (if number == 2 { 50..60 } else { 0..50 }, json!({"total_pages": 2})),
            Ok(60),
            2,
        ),
        (
            "the number of the page is ignored",
            |_| (0..50, json!({"total_count": 100, "total_pages": 2})),
            Err("page 2 repeats an earlier page"),
            2,
        ),
        (
            "one page, which lacks rows",
            |_| (0..50, json!({"total_count": 60, "total_pages": 1})),
            Err("it ends after 50, and the service counts more"),
            2,
        ),
        (
            "the second page is empty",
            |number| (if number == 2 { 0..0 } else { 0..50 }, json!({"total_count": 60})),
            Err("it ends after 50, and the service counts more"),
            3,
        ),
    ];
    for (what, page, want, requests) in table {
        for list in LISTS {
            let row = format!("{list}: {what}");
            let (found, calls) = found(list, page).await;
            assert_eq!(calls, requests, "{row}: {found:?}");
            match want {
                Ok(count) => {
                    let found = found.unwrap_or_else(|error| panic!("{row}: {error}"));
                    assert_eq!(found.len(), count, "{row}");
                    let last = count.checked_sub(1).map(|number| format!("certificate-{number}"));
                    assert_eq!(found.last(), last.as_ref(), "{row}");
                }
                Err(why) => {
                    let error = found.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{row}: {error}");
                    let text = error.to_string();
                    assert!(text.contains(why) && text.contains("dashboard"), "{row}: {text}");
                    assert!(!text.contains("base URL"), "{row}: {text}");
                }
            }
        }
    }
}

/// The service refuses such names, but a list may have them all the same.
#[tokio::test]
async fn a_worker_with_a_name_that_cannot_be_read_costs_only_itself() {
    for name in ["dot.ted", "ünï", "sp ace", "a/b", "..", ""] {
        let server = MockServer::start_async().await;
        server.mock(|when, then| {
            when.path(format!("/accounts/{}/workers/scripts", common::ACCOUNT));
            then.json_body(success(json!([{"id": "one"}, {"id": name}, {"id": "two"}])));
        });
        let client = builder(&server).build().unwrap();
        let scripts = client.workers_scripts(&account()).await.unwrap();
        let name_of = |script: &Option<ScriptName>| script.as_ref().map(ToString::to_string);
        let names: Vec<_> = scripts.iter().map(name_of).collect();
        assert_eq!(names, [Some("one".to_owned()), None, Some("two".to_owned())], "{name:?}");
    }
}

#[tokio::test]
async fn a_configuration_names_both_of_its_certificates() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.path(format!("/accounts/{}/hyperdrive/configs", common::ACCOUNT));
        then.json_body(success(json!([
            {"id": "1", "name": "plain"},
            {"id": "2", "name": "both", "mtls": {"mtls_certificate_id": "a", "ca_certificate_id": "b"}},
            {"id": "3", "mtls": {"mtls_certificate_id": "", "ca_certificate_id": null}},
        ])));
    });
    let uses = builder(&server).build().unwrap().hyperdrive_certificates(&account()).await.unwrap();
    let held = uses.into_iter().map(|one| (one.certificate_id, one.holder));
    let holder = |is_ca| Holder::hyperdrive("both", is_ca);
    let want = [("a".to_owned(), holder(false)), ("b".to_owned(), holder(true))];
    assert_eq!(held.collect::<Vec<_>>(), want);
}
