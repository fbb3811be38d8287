use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cf_mtls::{CertificateId, ErrorKind};
use cf_mtls_lifecycle::CertificatesExt as _;
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};

use super::support::{certificates, certificates_of, client, seed_ca};

#[tokio::test]
async fn deletes_1000_and_tells_each_outcome() {
    let simulator = Simulator::builder().no_rate_limit().recorded_requests(8000);
    let simulator = simulator.start().await.unwrap();
    let ids: Vec<CertificateId> = (0..1000)
        .map(|number| match number {
            number if number % 100 == 50 => {
                format!("{number:08}-0000-4000-8000-000000000000").parse().unwrap()
            }
            number => seed_ca(&simulator, &number.to_string()),
        })
        .collect();
    for id in ids.iter().step_by(100) {
        simulator.attach_service(id.as_str(), "gateway", "active").unwrap();
    }
    // Some lose the answer, which the client finds out.
    simulator.inject(Fault::reset().on(Operation::Delete).nth(7).times(5).after_effect());

    // Each id is counted when it is taken, so the stream is not read ahead.
    let (taken, told) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let input = ids.clone().into_iter().inspect(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let certificates = certificates(&simulator).with_concurrency(10);
    let mut outcomes = certificates.delete_stream(futures_util::stream::iter(input));
    let mut missing: Vec<_> = ids.clone();
    let (mut gone, mut in_use, mut not_found) = (0, 0, 0);
    while let Some(outcome) = outcomes.next().await {
        let told = told.fetch_add(1, Ordering::Relaxed);
        assert!(taken.load(Ordering::Relaxed) <= told + 10, "read ahead");
        missing.retain(|id| *id != outcome.id);
        match outcome.result.map_err(|error| error.kind()) {
            Ok(_) => gone += 1,
            Err(ErrorKind::InUse) => in_use += 1,
            Err(ErrorKind::NotFound) => not_found += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((gone, in_use, not_found), (980, 10, 10));
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(simulator.certificates().len(), 10);
    assert_eq!(simulator.effects().deleted, 980);
}

#[tokio::test]
async fn nothing_is_sent_unless_asked_for() {
    let simulator = Simulator::start().await.unwrap();
    let ids = vec![seed_ca(&simulator, "a"), seed_ca(&simulator, "b")];
    drop(certificates(&simulator).delete_many(ids));
    assert_eq!(simulator.request_count(None), 0);
}

#[tokio::test]
async fn an_id_that_is_given_twice_is_deleted_once() {
    let simulator = Simulator::start().await.unwrap();
    let (a, b) = (seed_ca(&simulator, "a"), seed_ca(&simulator, "b"));
    // Borrowed or owned, from an iterator that lives no longer than the call.
    let ids = [a.clone(), b, a.as_str().to_uppercase().parse().unwrap(), a];
    let outcomes = certificates(&simulator).delete_many(ids.iter().rev()).collect().await;
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
    assert_eq!(simulator.request_count(Operation::Delete), 2);
}

#[tokio::test]
async fn stays_within_the_rate_limit() {
    let simulator = Simulator::builder().rate_limit(100, Duration::from_secs(300));
    let simulator = simulator.start().await.unwrap();
    let ids: Vec<_> = (0..150).map(|number| seed_ca(&simulator, &number.to_string())).collect();
    let certificates = certificates_of(&simulator, client(&simulator));
    let certificates = certificates.with_patience(Duration::ZERO);
    let mut outcomes = certificates.delete_many(ids);
    let mut limited = 0;
    while let Some(outcome) = outcomes.next().await {
        if let Err(error) = outcome.result {
            assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
            assert!(!error.may_have_taken_effect() && error.retry_after().is_some());
            limited += 1;
        }
    }
    assert_eq!((limited, simulator.effects().deleted), (50, 100));
    assert_eq!(simulator.request_count(None), 100, "not one was sent to be refused");
}

/// With patience, what the window has no room for goes on in the next one.
#[tokio::test]
async fn goes_on_when_the_next_window_opens() {
    let simulator = Simulator::builder().rate_limit(20, Duration::from_millis(900));
    let simulator = simulator.start().await.unwrap();
    let ids: Vec<_> = (0..30).map(|number| seed_ca(&simulator, &number.to_string())).collect();
    let client = client(&simulator).with_deadline(Duration::from_millis(600));
    let mut outcomes = certificates_of(&simulator, client).delete_many(ids);
    while let Some(outcome) = outcomes.next().await {
        assert!(outcome.result.is_ok(), "{outcome:?}");
    }
    assert_eq!(simulator.effects().deleted, 30);
    assert_eq!(simulator.request_count(None), 30);
}

/// What cannot succeed is not tried two thousand times.
#[tokio::test]
async fn stops_at_a_refused_token_and_after_outages() {
    let blocked = || Fault::error(429, 971, "slow down").retry_after("0");
    let rows = [
        ("refused token", Fault::error(401, 10000, "no"), 11, 12),
        ("outage", Fault::error(503, 99003, "down"), 20, 21),
        ("a proxy's pages", Fault::html(403), 20, 21),
        ("refused again and again", blocked(), 20, 21),
        ("each refused for itself", Fault::error(400, 99003, "no"), 100, 100),
    ];
    for (name, fault, min, max) in rows {
        let simulator = Simulator::builder().no_rate_limit();
        let simulator = simulator.start().await.unwrap();
        let ids: Vec<_> = (0..100).map(|number| seed_ca(&simulator, &number.to_string())).collect();
        simulator.inject(fault.on(Operation::Delete).nth(11).times(1_000));
        let client = client(&simulator).with_retry(cf_mtls::Retry::off());
        let certificates = certificates_of(&simulator, client).with_concurrency(2);
        let mut outcomes = certificates.delete_many(ids);
        let mut tried = 0;
        while outcomes.next().await.is_some() {
            tried += 1;
        }
        assert!((min..=max).contains(&tried), "{name}: {tried} tried");
        assert_eq!(simulator.effects().deleted, 10, "{name}");
    }
}
