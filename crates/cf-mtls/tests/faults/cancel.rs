//! A future that is dropped at any await leaves nothing locked.

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cf_mtls::{Client, ErrorKind};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};

use crate::support::{account_of, ca, ca_upload, own_builder, unknown_id};

/// Polls a future at most `times` times, letting others run in between, and
/// then drops it. Whether it came to its end.
async fn poll_and_drop<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = Box::pin(future);
    for _ in 0..times {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        // Sockets make progress only while this waits.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    None
}

async fn works(client: &Client, simulator: &Simulator, when: &str) {
    let certificates = client.certificates(&account_of(simulator));
    let id = unknown_id();
    let next = certificates.get(&id);
    let next = tokio::time::timeout(Duration::from_secs(20), next).await;
    let error = next.expect("the next call hangs").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{when}: {error}");
}

#[tokio::test]
async fn the_next_call_works_wherever_the_last_was_dropped() {
    let simulator = Simulator::builder().no_rate_limit().ca_quota(10_000);
    let simulator = simulator.start().await.unwrap();
    // Attempts, waits and looks all come up; each is dropped somewhere.
    simulator.inject(Fault::html(503).on(Operation::Delete).after_effect());
    simulator.inject(Fault::truncated().on(Operation::Upload).after_effect());
    simulator.inject(Fault::delay(Duration::from_millis(3)));
    let client = own_builder(simulator.base_url(), simulator.token())
        .with_retry(cf_mtls::Retry::with_delays(2, |_| Duration::from_millis(2)))
        .build()
        .unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    let upload = ca_upload("dropped");
    let (mut ended, mut dropped) = (0, 0);
    for times in 0..40 {
        let id = simulator.seed(Seed::ca(ca().pem)).unwrap().parse().unwrap();
        let delete = poll_and_drop(certificates.delete(&id), times).await.is_some();
        works(&client, &simulator, &format!("delete, {times} polls")).await;
        let store = poll_and_drop(certificates.upload(&upload), times).await.is_some();
        works(&client, &simulator, &format!("upload, {times} polls")).await;
        let list = certificates.list(cf_mtls::CertificateFilter::all());
        let list = poll_and_drop(list.collect(), times).await.is_some();
        works(&client, &simulator, &format!("list, {times} polls")).await;
        for done in [delete, store, list] {
            ended += usize::from(done);
            dropped += usize::from(!done);
        }
    }
    assert!(10 < ended && 10 < dropped, "{ended} ended, {dropped} dropped");
}

#[tokio::test]
async fn a_list_that_is_dropped_between_items_asks_for_no_more() {
    let simulator = Simulator::start().await.unwrap();
    for _ in 0..60 {
        simulator.seed(Seed::ca(ca().pem)).unwrap();
    }
    let client = own_builder(simulator.base_url(), simulator.token()).build().unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    let mut list = certificates.list(cf_mtls::CertificateFilter::all());
    for _ in 0..50 {
        list.next().await.unwrap().unwrap();
    }
    drop(list);
    assert_eq!(simulator.request_count(Operation::List), 1);
    works(&client, &simulator, "list").await;
}
