//! Lists in pages: complete, and never endless.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cf_mtls::{CertificateFilter, Error, ErrorKind, Listing, Operation};
use common::{certificate, certificates, success};
use httpmock::{HttpMockRequest, HttpMockResponse, MockServer};
use serde_json::{Value, json};

/// A server that answers the n-th request for page p with `page(n, p)`.
async fn server_of(
    page: impl Fn(usize, u64) -> Value + Send + Sync + 'static,
) -> (MockServer, Arc<AtomicUsize>) {
    let server = MockServer::start_async().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    server.mock(|when, then| {
        when.any_request();
        then.respond_with(move |request: &HttpMockRequest| {
            let asked = request
                .query_params()
                .iter()
                .find(|(name, _)| name == "page")
                .map(|(_, value)| value.clone());
            let call = counter.fetch_add(1, Ordering::Relaxed) + 1;
            let body = page(call, asked.unwrap().parse().unwrap());
            HttpMockResponse::builder().status(200).body(body.to_string()).build()
        });
    });
    (server, calls)
}

fn list(server: &MockServer) -> Listing<cf_mtls::Certificate> {
    certificates(server).list(CertificateFilter::all())
}

fn page(ids: impl Iterator<Item = u64>, info: Value) -> Value {
    let items: Vec<_> = ids.map(|id| certificate(&format!("id-{id}"))).collect();
    let mut answer = success(json!(items));
    answer["result_info"] = info;
    answer
}

#[tokio::test]
async fn three_pages_are_read_as_one_list() {
    let infos: [fn(u64) -> Value; 4] = [
        |page| json!({"count": 50, "page": page, "per_page": 50, "total_count": 120, "total_pages": 3}),
        |page| json!({"page": page, "total_pages": 3}),
        |page| json!({"page": page, "per_page": 50, "total_count": 120}),
        // Nothing is said, so the list is read until a page is empty.
        |_| Value::Null,
    ];
    for (row, info) in infos.into_iter().enumerate() {
        let (server, calls) = server_of(move |_, number| {
            let ids = (number - 1) * 50..(number * 50).min(120);
            page(ids, info(number))
        })
        .await;
        let found = list(&server).collect().await.unwrap();
        let distinct: BTreeSet<_> = found.iter().map(|c| c.id().to_string()).collect();
        assert_eq!((found.len(), distinct.len()), (120, 120), "row {row}");
        let needed = if row == 3 { 4 } else { 3 };
        assert_eq!(calls.load(Ordering::Relaxed), needed, "row {row}");
    }
}

#[tokio::test]
async fn a_smaller_page_than_asked_for_is_not_the_end() {
    // The service may cap the page below what was asked for.
    let (server, _) =
        server_of(|_, number| page((number - 1) * 10..(number * 10).min(35), Value::Null)).await;
    assert_eq!(list(&server).collect().await.unwrap().len(), 35);
}

#[tokio::test]
async fn a_page_is_read_only_when_it_is_needed() {
    let (server, calls) = server_of(|_, number| {
        page((number - 1) * 50..number * 50, json!({"page": number, "total_pages": 3}))
    })
    .await;
    let mut list = list(&server);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    for _ in 0..50 {
        list.next().await.unwrap().unwrap();
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_without_pages_gives_its_list_once() {
    let (server, _) = server_of(|_, _| page(0..50, Value::Null)).await;
    assert_eq!(list(&server).collect().await.unwrap().len(), 50);
}

#[tokio::test]
async fn pages_that_do_not_add_up_are_an_error() {
    type Pages = fn(usize, u64) -> Value;
    let rows: [(&str, Pages); 4] = [
        ("repeats a page but claims more", |_, number| {
            page(0..50, json!({"page": number, "total_pages": 3}))
        }),
        ("ignores the page, and says so", |_, _| page(0..50, json!({"page": 1, "total_pages": 3}))),
        ("goes round", |_, number| {
            let start = (number % 2) * 50;
            page(start..start + 50, json!({"page": number, "total_count": 100_000}))
        }),
        ("repeats a later page", |_, number| {
            let start = number.min(2) * 50;
            page(start..start + 50, json!({"page": number, "total_pages": 9}))
        }),
    ];
    for (what, pages) in rows {
        let (server, calls) = server_of(pages).await;
        let mut list = list(&server);
        let error = loop {
            match list.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("{what}: no error"),
            }
        };
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{what}: {error}");
        assert!(list.next().await.is_none(), "{what}: a list ends after an error");
        assert!(calls.load(Ordering::Relaxed) <= 4, "{what}");
    }
}

#[tokio::test]
async fn a_list_that_ends_early_is_read_once_more_and_never_whole() {
    type Pages = fn(u64) -> Value;
    let rows: [(&str, Pages); 7] = [
        ("page 2 of 10 is empty", |number| {
            let items = if number == 2 { 0..0 } else { 0..50 };
            page(items, json!({"page": number, "total_pages": 10, "total_count": 500}))
        }),
        ("page 2 of 2 is empty", |number| {
            let items = if number == 2 { 0..0 } else { 0..50 };
            page(items, json!({"page": number, "total_pages": 2}))
        }),
        ("the first page is empty", |_| page(0..0, json!({"total_count": 500}))),
        ("the first page is empty, and counts", |_| page(0..0, json!({"count": 3}))),
        ("one page, and more items", |_| {
            page(0..50, json!({"total_pages": 1, "total_count": 500}))
        }),
        ("a short last page", |number| {
            let items = if number == 2 { 50..60 } else { 0..50 };
            page(items, json!({"page": number, "total_pages": 2, "total_count": 100}))
        }),
        ("no list, and the service counts", |_| {
            let mut answer = success(Value::Null);
            answer["result_info"] = json!({"total_count": 3});
            answer
        }),
    ];
    for (what, pages) in rows {
        let (server, calls) = server_of(move |_, number| pages(number)).await;
        let error = list(&server).collect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{what}: {error}");
        assert!(error.to_string().contains("counts more"), "{what}: {error}");
        assert!(calls.load(Ordering::Relaxed) <= 3, "{what}");
        // A server that lagged behind for a moment does no harm.
        let (server, _) = server_of(move |call, number| match call {
            1 => pages(number),
            _ => {
                page((number - 1) * 50..number * 50, json!({"total_pages": 2, "total_count": 100}))
            }
        })
        .await;
        if what.contains("first") || what.contains("no list") {
            assert_eq!(list(&server).collect().await.unwrap().len(), 100, "{what}");
        }
    }
    let (server, _) = server_of(|_, _| page(0..0, Value::Null)).await;
    assert!(list(&server).collect().await.unwrap().is_empty());
}

#[tokio::test]
async fn pages_have_a_bound_on_items() {
    let (server, _) = server_of(|_, _| page(0..1_001, Value::Null)).await;
    let error = list(&server).collect().await.unwrap_err();
    assert!(error.to_string().contains("1001 items"), "{error}");
}

#[tokio::test]
async fn a_list_that_never_stops_counting_ends() {
    // Always one more page, each of new certificates.
    let (server, calls) = server_of(|_, number| {
        let answer = json!([{"id": format!("id-{number}")}]);
        let mut answer = success(answer);
        answer["result_info"] = json!({"page": number, "total_pages": number + 1});
        answer
    })
    .await;
    let mut list = list(&server);
    let mut read = 0;
    let error = loop {
        match list.next().await {
            Some(Ok(_)) => read += 1,
            Some(Err(error)) => break error,
            None => panic!("no error"),
        }
    };
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
    assert!(read < 200, "{read} pages were believed");
    assert!(calls.load(Ordering::Relaxed) < 200);
}

#[tokio::test]
async fn a_malformed_certificate_costs_its_fields_and_not_the_page() {
    let (server, _) = server_of(|_, _| {
        let mut odd = certificate("odd");
        odd["expires_on"] = json!(12345);
        odd["ca"] = json!({"no": "bool"});
        let mut answer = success(json!([certificate("a"), odd, certificate("b")]));
        answer["result_info"] = json!({"page": 1, "total_pages": 1});
        answer
    })
    .await;
    let found = list(&server).collect().await.unwrap();
    let ids: Vec<_> = found.iter().map(|c| c.id().as_str()).collect();
    assert_eq!(ids, ["a", "odd", "b"]);
    assert_eq!(found[1].name(), Some("example_ca_cert"), "sound fields are kept");
    assert_eq!((found[1].is_ca(), found[1].expires_on()), (None, None));
}

#[tokio::test]
async fn an_item_without_a_valid_id_is_no_item() {
    for item in [json!(null), json!(7), json!({}), json!({"id": "../../zones"})] {
        let (server, _) = server_of(move |_, _| success(json!([certificate("a"), item]))).await;
        let error = list(&server).collect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
        assert!(error.to_string().contains("no valid id"), "{error}");
    }
}

#[tokio::test]
async fn a_list_that_is_made_ends_after_an_error_like_others() {
    let items = [Ok(1), Err(Error::new(ErrorKind::Timeout)), Ok(2)];
    let mut list = Listing::from_iter(items);
    assert_eq!(list.next().await.unwrap().unwrap(), 1);
    assert_eq!(list.next().await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    assert!(list.next().await.is_none());
    assert_eq!(Listing::from_iter([Ok(3), Ok(4)]).collect().await.unwrap(), [3, 4]);
}

/// Far more pages than can be read in that time, each soon enough.
#[tokio::test]
async fn the_pages_of_a_search_have_one_deadline() {
    let (server, _) = server_of(|_, number| {
        page(number..number + 1, json!({"page": number, "total_pages": 10_000}))
    })
    .await;
    let certificates = certificates(&server).with_deadline(Duration::from_millis(300));
    let error = certificates.find("none").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(error.operation(), Some(Operation::ListCertificates));
}
