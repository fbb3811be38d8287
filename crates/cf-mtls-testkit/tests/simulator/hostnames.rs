//! Hostnames, associations and zones.

use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{HostnameRule, Seed};
use serde_json::json;

use super::support::{Caller, ca, hostname_path};

const DELAY: Duration = Duration::from_secs(30);

#[tokio::test]
async fn associations_come_and_go_with_a_delay() {
    let simulator =
        Simulator::builder().propagation(DELAY).clock_stands_still().start().await.unwrap();
    let caller = Caller::new(&simulator);
    let zone = simulator.add_zone("example.com");
    let id = caller.upload_ca(&ca().pem, "").await.id();
    assert!(caller.associations(&id).await.is_empty());

    let put = caller.put_hostnames(&zone, Some(&id), &["a.example.com", "b.example.com"]).await;
    assert_eq!(put.hostnames(), ["a.example.com", "b.example.com"]);
    assert_eq!(caller.associations(&id).await, ["API Shield pending_deployment"]);
    assert_eq!(caller.delete(&id).await.codes(), [99001]);

    simulator.advance(DELAY);
    assert_eq!(caller.associations(&id).await, ["API Shield active"]);
    assert_eq!(caller.delete(&id).await.codes(), [99001]);

    caller.put_hostnames(&zone, Some(&id), &["b.example.com"]).await.result();
    assert_eq!(simulator.hostnames(&zone, &id), ["b.example.com"]);
    assert_eq!(caller.associations(&id).await, ["API Shield active"]);
    caller.put_hostnames(&zone, Some(&id), &[]).await.result();
    assert_eq!(caller.associations(&id).await, ["API Shield pending_deletion"]);
    simulator.advance(DELAY - Duration::from_millis(1));
    assert_eq!(caller.delete(&id).await.codes(), [99001]);

    simulator.advance(Duration::from_millis(1));
    assert!(caller.associations(&id).await.is_empty());
    caller.delete(&id).await.result();
    assert_eq!(simulator.effects().deleted, 1);
}

#[tokio::test]
async fn each_zone_counts_for_itself() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let (one, two) = (simulator.add_zone("one.example"), simulator.add_zone("two.example"));
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap();
    caller.put_hostnames(&one, Some(&id), &["a.one.example"]).await.result();
    caller.put_hostnames(&two, Some(&id), &["a.two.example"]).await.result();
    assert_eq!(caller.associations(&id).await, ["API Shield active", "API Shield active"]);
    caller.put_hostnames(&one, Some(&id), &[]).await.result();
    assert_eq!(caller.delete(&id).await.codes(), [99001]);
    caller.put_hostnames(&two, Some(&id), &[]).await.result();
    caller.delete(&id).await.result();
}

#[tokio::test]
async fn services_hold_a_certificate_until_they_are_gone() {
    let simulator =
        Simulator::builder().propagation(DELAY).clock_stands_still().start().await.unwrap();
    let caller = Caller::new(&simulator);
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap();
    for status in ["initializing", "active", "deletion_timed_out"] {
        simulator.attach_service(&id, "gateway", status).unwrap();
        assert_eq!(caller.associations(&id).await, [format!("gateway {status}")]);
        assert_eq!(caller.delete(&id).await.codes(), [99001]);
    }
    simulator.detach_service(&id, "gateway").unwrap();
    assert_eq!(caller.associations(&id).await, ["gateway pending_deletion"]);
    assert_eq!(caller.delete(&id).await.codes(), [99001]);
    simulator.advance(DELAY);
    assert!(simulator.associations(&id).is_empty());
    caller.delete(&id).await.result();
    assert!(simulator.attach_service(&id, "gateway", "active").is_err());
    assert!(simulator.detach_service(&id, "gateway").is_err());
}

#[tokio::test]
async fn a_forgotten_id_harms_the_managed_ca() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let zone = simulator.add_zone("example.com");
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap();
    simulator.set_hostnames(&zone, &id, ["own.example.com"]).unwrap();
    simulator.set_managed_hostnames(&zone, ["managed.example.com"]).unwrap();
    let path = hostname_path(&zone);
    assert_eq!(caller.get(&path).await.hostnames(), ["managed.example.com"]);
    let own = format!("{path}?mtls_certificate_id={id}");
    assert_eq!(caller.get(&own).await.hostnames(), ["own.example.com"]);

    let emptied = caller.put_hostnames(&zone, None, &[]).await;
    assert_eq!(emptied.result(), json!({ "hostnames": [] }));
    assert!(simulator.managed_hostnames(&zone).is_empty(), "mTLS is off for the zone");
    assert_eq!(simulator.hostnames(&zone, &id), ["own.example.com"]);
    let effects = simulator.effects();
    assert_eq!(effects.hostnames_replaced_for(None), 1);
    assert_eq!(effects.hostnames_replaced_for(Some(&id)), 0);
    let gaps = effects.gaps;
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].hostname, "managed.example.com");
}

#[tokio::test]
async fn a_hostname_of_another_ca_follows_the_rule() {
    // (rule, status of the second CA's request, what the first one keeps)
    let table: [(HostnameRule, u16, &[&str]); 3] = [
        (HostnameRule::Shared, 200, &["a", "b"]),
        (HostnameRule::Moves, 200, &["a"]),
        (HostnameRule::Exclusive, 400, &["a", "b"]),
    ];
    for (rule, status, kept) in table {
        let simulator = Simulator::builder().hostname_rule(rule).start().await.unwrap();
        let caller = Caller::new(&simulator);
        let zone = simulator.add_zone("example.com");
        let elsewhere = simulator.add_zone("example.net");
        let first = simulator.seed(Seed::ca(ca().pem)).unwrap();
        let second = simulator.seed(Seed::ca(ca().pem)).unwrap();
        simulator.set_hostnames(&zone, &first, ["a", "b"]).unwrap();
        simulator.set_hostnames(&elsewhere, &first, ["b"]).unwrap();
        let response = caller.put_hostnames(&zone, Some(&second), &["b"]).await;
        assert_eq!(response.status.as_u16(), status, "{rule:?}");
        assert_eq!(simulator.hostnames(&zone, &first), kept, "{rule:?}");
        assert_eq!(simulator.hostnames(&elsewhere, &first), ["b"], "{rule:?}");
        assert!(simulator.effects().gaps.is_empty(), "{rule:?}");
    }
}

#[tokio::test]
async fn gaps_name_a_hostname_without_an_active_ca() {
    let simulator =
        Simulator::builder().propagation(DELAY).clock_stands_still().start().await.unwrap();
    let caller = Caller::new(&simulator);
    let zone = simulator.add_zone("example.com");
    let old = simulator.seed(Seed::ca(ca().pem)).unwrap();
    let new = simulator.seed(Seed::ca(ca().pem)).unwrap();
    simulator.set_hostnames(&zone, &old, ["late", "early", "lost"]).unwrap();
    simulator.advance(DELAY);
    simulator.set_hostnames(&zone, &new, ["late"]).unwrap();
    simulator.advance(DELAY);
    simulator.set_hostnames(&zone, &new, ["late", "early"]).unwrap();
    caller.put_hostnames(&zone, Some(&old), &[]).await.result();
    let gaps = simulator.effects().gaps;
    let gaps: Vec<_> =
        gaps.iter().map(|gap| (gap.hostname.as_str(), gap.successor_pending)).collect();
    assert_eq!(gaps, [("early", true), ("lost", false)]);
}

#[tokio::test]
async fn lists_zones() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    for number in 0..60 {
        simulator.add_zone(&format!("z{number}.example"));
    }
    let account = simulator.account_id();
    let foreign = "0123456789abcdef0123456789abcdef";
    // (query, count, total)
    let table = [
        (String::new(), 20, 60),
        ("?page=3".to_owned(), 20, 60),
        ("?page=4".to_owned(), 0, 60),
        ("?per_page=100".to_owned(), 50, 60),
        (format!("?account.id={account}&per_page=50&page=2"), 10, 60),
        (format!("?account.id={foreign}"), 0, 0),
        ("?name=z7.example".to_owned(), 1, 1),
        ("?name=z7".to_owned(), 0, 0),
    ];
    for (query, count, total) in table {
        let response = caller.get(&format!("/zones{query}")).await;
        let info = &response.json()["result_info"];
        assert_eq!((&info["count"], &info["total_count"]), (&json!(count), &json!(total)));
        assert_eq!(response.names().len(), count, "{query}");
    }
    let zone = caller.get("/zones?name=z7.example").await.result()[0].clone();
    assert_eq!((&zone["status"], &zone["account"]["id"]), (&json!("active"), &json!(account)));
}
