//! Many requests at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Operation, Seed};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::support::{Caller, ca, leaf};

/// 1,000 operations at once: what the clients saw is what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_operations_leave_a_consistent_state() {
    let simulator = Simulator::builder()
        .ca_quota(20)
        .no_rate_limit()
        // All of them upload the same content.
        .accept_duplicates(true)
        .start()
        .await
        .unwrap();
    // Five connections with 200 streams each: nothing waits for a free one,
    // and no machine runs out of file descriptors.
    let callers: Vec<_> = (0..5).map(|_| Caller::over_http2(&simulator)).collect();
    let zone: Arc<str> = simulator.add_zone("example.com").into();
    let (ca, leaf) = (Arc::new(ca()), Arc::new(leaf()));
    let owner: Arc<str> = simulator.seed(Seed::ca(&ca.pem)).unwrap().into();
    // From the start, or a delete that comes first would find it unused.
    simulator.set_hostnames(&zone, &owner, ["first.example.com"]).unwrap();
    let mut doomed = Vec::new();
    for _ in 0..100 {
        doomed.push(simulator.seed(Seed::leaf(&leaf.pem)).unwrap());
    }

    let mut tasks = JoinSet::new();
    for number in 0..1_000 {
        let caller = callers[number % callers.len()].clone();
        let (zone, owner) = (Arc::clone(&zone), Arc::clone(&owner));
        let (ca, leaf) = (Arc::clone(&ca), Arc::clone(&leaf));
        // Each is deleted by two tasks, of which one is refused.
        let doomed = doomed[number % 100].clone();
        tasks.spawn(async move {
            let (kind, response) = match number / 100 {
                0 | 1 => ("delete", caller.delete(&doomed).await),
                2 => ("ca", caller.upload_ca(&ca.pem, "").await),
                3 | 4 => {
                    let body = json!({
                        "ca": false, "certificates": leaf.pem, "private_key": leaf.key,
                    });
                    ("leaf", caller.upload(body).await)
                }
                5 | 6 => {
                    let host = format!("h{number}.example.com");
                    let list = [host.as_str(), "fixed.example.com"];
                    ("hostnames", caller.put_hostnames(&zone, Some(&owner), &list).await)
                }
                7 => ("in use", caller.delete(&owner).await),
                8 => ("list", caller.list("?per_page=10").await),
                _ => ("zones", caller.call(Method::GET, "/zones", None).await),
            };
            let id = response.json()["result"]["id"].as_str().map(str::to_owned);
            (kind, response.status.as_u16(), id)
        });
    }
    let outcomes = tasks.join_all().await;

    let count = |kind: &str, status: u16| {
        outcomes.iter().filter(|outcome| (outcome.0, outcome.1) == (kind, status)).count()
    };
    assert_eq!((count("delete", 200), count("delete", 400)), (100, 100));
    assert_eq!(count("in use", 400), 100);
    // The seed occupies one of the 20 places.
    assert_eq!((count("ca", 200), count("ca", 400)), (19, 81));
    assert_eq!((count("leaf", 200), count("hostnames", 200)), (200, 200));
    assert_eq!((count("list", 200), count("zones", 200)), (100, 100));

    let reported: BTreeSet<_> = outcomes
        .iter()
        .filter(|(kind, status, _)| matches!(*kind, "ca" | "leaf") && *status == 200)
        .filter_map(|(.., id)| id.clone())
        .chain([owner.to_string()])
        .collect();
    let held: BTreeSet<_> = simulator.certificates().into_iter().map(|held| held.id).collect();
    assert_eq!(held, reported);
    let effects = simulator.effects();
    assert_eq!((effects.stored, effects.deleted, effects.hostnames_replaced), (219, 100, 200));
    assert!(doomed.iter().all(|id| effects.deleted_as(id) == 1));
    assert_eq!(simulator.hostnames(&zone, &owner).len(), 2, "one list, not a mixture");
    assert_eq!(simulator.request_count(None), 1_000);
    assert_eq!(simulator.request_count(Operation::Delete), 300);
    assert!(simulator.requests().iter().all(|record| record.status.is_some()));
}
