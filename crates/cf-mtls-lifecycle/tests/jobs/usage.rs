use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cf_mtls::{ErrorKind, Retry};
use cf_mtls_lifecycle::{CertificatesExt as _, ZoneUse};
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};

use super::support::{certificates, certificates_of, client, seed_ca};

#[tokio::test]
async fn tells_services_zones_and_hostnames() {
    let simulator = Simulator::start().await.unwrap();
    let (ca, other) = (seed_ca(&simulator, "ca"), seed_ca(&simulator, "other"));
    let zones = ["a.example", "b.example", "c.example"].map(|name| simulator.add_zone(name));
    let set = |zone: usize, ca: &str, hosts: &[&str]| {
        let hosts = hosts.iter().copied();
        simulator.set_hostnames(&zones[zone], ca, hosts).unwrap();
    };
    set(2, ca.as_str(), &["z.c.example", "y.c.example"]);
    set(0, ca.as_str(), &["a.example"]);
    set(1, other.as_str(), &["b.example"]);
    simulator.set_managed_hostnames(&zones[1], ["m.b.example"]).unwrap();
    simulator.attach_service(ca.as_str(), "gateway", "active").unwrap();

    let usage = certificates(&simulator).usage(&ca).await.unwrap();
    assert_eq!(usage.certificate.name(), Some("ca"));
    let services: Vec<_> = usage.associations.iter().map(ToString::to_string).collect();
    assert_eq!(services, ["gateway (active)", "API Shield (active)", "API Shield (active)"]);
    let told: Vec<_> = usage.zones.iter().map(ToString::to_string).collect();
    let want = ["a.example in zone a.example", "z.c.example, y.c.example in zone c.example"];
    assert_eq!(told, want);
    assert!(usage.unread.zones.is_empty() && !usage.is_unused());
}

#[tokio::test]
async fn a_leaf_is_asked_for_in_no_zone() {
    let simulator = Simulator::start().await.unwrap();
    simulator.add_zone("a.example");
    let leaf = simulator.seed(Seed::leaf(DOCUMENTED_CA)).unwrap().parse().unwrap();
    let usage = certificates(&simulator).usage(&leaf).await.unwrap();
    assert!(usage.is_unused());
    assert_eq!(simulator.request_count(Operation::Zones), 0);
}

#[tokio::test]
async fn a_zone_that_cannot_be_read_hides_nothing() {
    let simulator = Simulator::start().await.unwrap();
    let ca = seed_ca(&simulator, "ca");
    for name in ["a.example", "b.example", "c.example"] {
        let zone = simulator.add_zone(name);
        let host = format!("api.{name}");
        simulator.set_hostnames(&zone, ca.as_str(), [host]).unwrap();
    }
    let refusal = Fault::error(403, 9109, "Unauthorized");
    simulator.inject(refusal.on(Operation::Hostnames).nth(2));
    let certificates = certificates(&simulator).with_concurrency(1);
    let usage = certificates.usage(&ca).await.unwrap();
    let names: Vec<_> = usage.zones.iter().map(|zone| zone.zone_name.as_deref()).collect();
    assert_eq!(names, [Some("a.example"), Some("c.example")]);
    assert_eq!(usage.unread.zones.len(), 1);
    assert_eq!(usage.unread.zones[0].zone.name.as_deref(), Some("b.example"));
    assert!(!usage.is_unused());

    let json = serde_json::to_value(&usage).unwrap();
    assert_eq!(json["unreadable_zones"][0]["error"]["codes"], serde_json::json!([9109]));
}

#[tokio::test]
async fn zones_that_cannot_be_listed_are_an_error() {
    let simulator = Simulator::start().await.unwrap();
    let ca = seed_ca(&simulator, "ca");
    simulator.inject(Fault::error(403, 9109, "Unauthorized").on(Operation::Zones));
    let error = certificates(&simulator).usage(&ca).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
}

/// A CA in more than fifty zones has pages of associations that look alike.
#[tokio::test]
async fn walks_200_zones_with_as_many_requests_at_a_time_as_allowed() {
    let simulator = Simulator::builder().rate_limit(250, Duration::from_secs(300));
    let simulator = Arc::new(simulator.start().await.unwrap());
    let ca = seed_ca(&simulator, "ca");
    for number in 0..200 {
        let zone = simulator.add_zone(&format!("z{number:03}.example"));
        if number % 2 == 0 {
            let host = format!("api.z{number:03}.example");
            simulator.set_hostnames(&zone, ca.as_str(), [host]).unwrap();
        }
    }
    simulator.inject(Fault::delay(Duration::from_millis(2)).on(Operation::Hostnames));
    // Counted where requests are, between their arrival and their answer.
    let (most, watched) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&simulator));
    let seen = Arc::clone(&most);
    let watch = tokio::spawn(async move {
        loop {
            let requests = watched.requests();
            let open = requests.iter().filter(|request| request.status.is_none());
            seen.fetch_max(open.count(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
    });
    let certificates = certificates(&simulator).with_concurrency(4);
    let usage = certificates.usage(&ca).await.unwrap();
    watch.abort();
    assert_eq!((usage.zones.len(), usage.unread.zones.len()), (100, 0));
    assert_eq!(usage.associations.len(), 100);
    assert_eq!(simulator.request_count(Operation::Hostnames), 200);
    assert_eq!(simulator.request_count(Operation::Zones), 4);
    let most = most.load(Ordering::Relaxed);
    assert!((2..=4).contains(&most), "{most} at a time");
}

/// What the rate limit has no room for is told as unknown, and not sent.
#[tokio::test]
async fn the_walk_stays_within_the_rate_limit() {
    let simulator = Simulator::builder().rate_limit(50, Duration::from_secs(300));
    let simulator = simulator.start().await.unwrap();
    let ca = seed_ca(&simulator, "ca");
    for number in 0..100 {
        simulator.add_zone(&format!("z{number:03}.example"));
    }
    let client = client(&simulator).with_retry(Retry::off());
    let certificates = certificates_of(&simulator, client);
    let certificates = certificates.with_patience(Duration::ZERO);
    let mut zones = certificates.zones_using(&ca);
    let (mut unknown, mut failed) = (0, 0);
    while let Some(zone) = zones.next().await {
        match zone {
            Ok(ZoneUse::Unknown(zone)) => {
                assert_eq!(zone.error.kind(), ErrorKind::RateLimited);
                unknown += 1;
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::RateLimited);
                failed += 1;
            }
        }
    }
    assert!(0 < unknown + failed);
    assert_eq!(simulator.request_count(None), 50, "not one was sent to be refused");
}
