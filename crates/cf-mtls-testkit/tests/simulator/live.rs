//! What is known of the live service: its refusals, and how late changes show.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{
    Builder, Entitlement, Fault, MADE_UP_CODES, Operation, Refusal, Seed,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::support::{Caller, ca, hostname_path, leaf, make};

const SOME_UUID: &str = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn start(builder: Builder) -> (Simulator, Caller) {
    let simulator = builder.clock_stands_still().start().await.unwrap();
    let caller = Caller::new(&simulator);
    (simulator, caller)
}

#[tokio::test]
async fn refusals_have_the_status_code_and_message_of_the_service() {
    let (simulator, caller) = start(Simulator::builder()).await;
    let used = caller.upload_ca(&ca().pem, "used").await.id();
    simulator.attach_service(&used, "gateway", "active").unwrap();
    let pem = ca().pem;
    let gone = caller.upload_ca(&pem, "gone").await.id();
    caller.delete(&gone).await.result();
    let managed = Seed::ca(ca().pem).kind("gateway_managed");
    let managed = simulator.seed(managed).unwrap();
    let stored = caller.upload_ca(&pem, "stored").await.id();
    let twice = format!("{pem}{pem}");
    let in_use = "Certificate cannot be deleted while in use.";
    let exists = "This certificate already exists";
    let table = [
        (caller.delete(&used).await, 400, 99001, in_use),
        (caller.delete(&gone).await, 400, 99002, "already deleted"),
        (caller.certificate(&gone).await, 404, 1472, "Certificate not found"),
        (caller.delete(SOME_UUID).await, 404, 1472, "Certificate not found"),
        (caller.upload_ca(&pem, "another name").await, 400, 1471, exists),
        (caller.upload_ca(&twice, "").await, 400, 1471, exists),
        (caller.upload_ca("no PEM", "").await, 400, 99003, "unable to parse certificate"),
        (caller.delete(&managed).await, 403, 10000, "Authentication error"),
    ];
    for (response, status, code, message) in table {
        assert_eq!(response.status, status, "{}", response.text);
        assert_eq!(response.codes(), [code], "{}", response.text);
        assert!(response.message().contains(message), "{}", response.text);
        assert!(response.header("cf-ray").ends_with("-SIM"));
        assert!(MADE_UP_CODES.contains(&99001) && !MADE_UP_CODES.contains(&10000));
    }
    let held: Vec<_> = simulator.certificates().into_iter().map(|held| held.id).collect();
    assert_eq!(held, [used, managed, stored]);
}

/// The order of the chain and repetitions make no difference, the account does.
#[tokio::test]
async fn content_is_stored_once_in_an_account() {
    let (simulator, caller) = start(Simulator::builder()).await;
    let other = simulator.add_account();
    let (a, b) = (ca().pem, ca().pem);
    let first = caller.upload_ca(&format!("{a}{b}"), "first").await.id();
    let again = format!("{b}{a}{b}");
    assert_eq!(caller.upload_ca(&again, "").await.codes(), [1471]);
    caller.upload_ca(&a, "a part of it").await.result();
    caller.with_account(&other).upload_ca(&again, "").await.result();
    caller.delete(&first).await.result();
    caller.upload_ca(&again, "after a delete").await.result();
    assert_eq!(simulator.effects().stored, 4);
}

#[tokio::test]
async fn quirks_can_be_turned_off_and_on() {
    let builder = Simulator::builder()
        .accept_duplicates(true)
        .null_empty_results(true)
        .without_made_up_codes(true);
    let (_simulator, caller) = start(builder).await;
    for path in ["", "?name=none"] {
        assert_eq!(caller.list(path).await.result(), Value::Null);
    }
    assert_eq!(caller.get("/zones").await.result(), Value::Null);
    let pem = ca().pem;
    let id = caller.upload_ca(&pem, "").await.id();
    let empty = caller.get(&caller.certificates(&format!("/{id}/associations"))).await;
    assert_eq!(empty.result(), Value::Null);
    caller.upload_ca(&pem, "").await.result();
    caller.delete(&id).await.result();
    // A made-up code is left out, a published one is not.
    assert_eq!(caller.delete(&id).await.codes(), [0; 0]);
    assert_eq!(caller.delete(SOME_UUID).await.codes(), [1472]);
}

#[tokio::test]
async fn takes_an_ed25519_ca() {
    let (_simulator, caller) = start(Simulator::builder()).await;
    let made = make(true, &rcgen::PKCS_ED25519);
    let stored = caller.upload_ca(&made.pem, "").await.result();
    assert_eq!(stored["signature"], "Ed25519");
}

/// The response to a change is right at once, a read shows the change late.
#[tokio::test]
async fn hostnames_show_late() {
    let (simulator, caller) = start(Simulator::builder().hostname_lag(seconds(25))).await;
    let zone = simulator.add_zone("example.com");
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap();
    simulator.set_hostnames(&zone, &id, ["old"]).unwrap();
    assert_eq!(caller.hostnames(&zone, &id).await, ["old"]);
    // (seconds to pass before, list sent if any, list that a read shows)
    let table: [(u64, &[&str], &[&str]); 6] = [
        (0, &["new"], &["old"]),
        (10, &["newer"], &["old"]),
        (14, &[], &["old"]),
        (1, &[], &["new"]),
        (9, &[], &["new"]),
        (1, &[], &["newer"]),
    ];
    for (row, (wait, sent, shown)) in table.into_iter().enumerate() {
        simulator.advance(seconds(wait));
        if !sent.is_empty() {
            let put = caller.put_hostnames(&zone, Some(&id), sent).await;
            assert_eq!(put.hostnames(), sent, "row {row}");
            assert_eq!(simulator.hostnames(&zone, &id), sent, "row {row}");
        }
        assert_eq!(caller.hostnames(&zone, &id).await, shown, "row {row}");
    }
    // What a test sets shows at once.
    caller.put_hostnames(&zone, Some(&id), &["mine"]).await.result();
    simulator.set_hostnames(&zone, &id, ["theirs"]).unwrap();
    assert_eq!(caller.hostnames(&zone, &id).await, ["theirs"]);
}

#[tokio::test]
async fn lists_show_late() {
    let (simulator, caller) = start(Simulator::builder().list_lag(seconds(10))).await;
    let seeded = simulator.seed(Seed::ca(ca().pem).name("seeded")).unwrap();
    let id = caller.upload_ca(&ca().pem, "uploaded").await.id();
    caller.certificate(&id).await.result();
    assert_eq!(caller.list("").await.names(), ["seeded"]);
    simulator.advance(seconds(10));
    assert_eq!(caller.list("").await.names(), ["seeded", "uploaded"]);
    caller.delete(&seeded).await.result();
    let list = caller.list("?per_page=1").await;
    assert_eq!(list.names(), ["seeded"], "in its place");
    assert_eq!(list.json()["result_info"]["total_count"], 2);
    simulator.advance(seconds(10));
    assert_eq!(caller.list("").await.names(), ["uploaded"]);
}

#[tokio::test]
async fn a_deleted_certificate_can_be_read_for_a_while() {
    let (simulator, caller) = start(Simulator::builder().delete_lag(seconds(20))).await;
    let id = caller.upload_ca(&ca().pem, "").await.id();
    caller.delete(&id).await.result();
    for (wait, status) in [(0, 200), (19, 200), (1, 404)] {
        simulator.advance(seconds(wait));
        assert_eq!(caller.certificate(&id).await.status, status);
        let path = caller.certificates(&format!("/{id}/associations"));
        assert_eq!(caller.get(&path).await.status, status);
        assert_eq!(caller.delete(&id).await.codes(), [99002]);
    }
    assert_eq!(simulator.effects().deleted_as(&id), 1);
}

/// The refusal outlasts the associations.
#[tokio::test]
async fn a_certificate_stays_in_use_for_a_while() {
    let builder = Simulator::builder().propagation(seconds(15));
    let (simulator, caller) = start(builder.in_use_lag(seconds(60))).await;
    let zone = simulator.add_zone("example.com");
    let by_hostnames = caller.upload_ca(&ca().pem, "").await.id();
    let by_service = caller.upload_ca(&ca().pem, "").await.id();
    let list = ["a.example.com"];
    caller.put_hostnames(&zone, Some(&by_hostnames), &list).await.result();
    caller.put_hostnames(&zone, Some(&by_hostnames), &[]).await.result();
    simulator.attach_service(&by_service, "gateway", "active").unwrap();
    simulator.detach_service(&by_service, "gateway").unwrap();
    for id in [&by_hostnames, &by_service] {
        assert_eq!(caller.associations(id).await.len(), 1);
        assert_eq!(caller.delete(id).await.codes(), [99001]);
    }
    for wait in [15, 59] {
        simulator.advance(seconds(wait));
        for id in [&by_hostnames, &by_service] {
            assert!(caller.associations(id).await.is_empty());
            assert_eq!(caller.delete(id).await.codes(), [99001]);
        }
    }
    simulator.advance(seconds(1));
    caller.delete(&by_hostnames).await.result();
    caller.delete(&by_service).await.result();
}

#[tokio::test]
async fn a_slow_day_has_all_lags() {
    let (simulator, caller) = start(Simulator::builder().slow_day()).await;
    let zone = simulator.add_zone("example.com");
    let id = caller.upload_ca(&ca().pem, "").await.id();
    assert!(caller.list("").await.names().is_empty());
    caller.put_hostnames(&zone, Some(&id), &["a"]).await.result();
    assert!(caller.hostnames(&zone, &id).await.is_empty());
    assert_eq!(caller.associations(&id).await, ["API Shield pending_deployment"]);
    caller.put_hostnames(&zone, Some(&id), &[]).await.result();
    simulator.advance(seconds(70));
    assert!(caller.associations(&id).await.is_empty());
    assert_eq!(caller.delete(&id).await.codes(), [99001]);
    simulator.advance(seconds(10));
    caller.delete(&id).await.result();
    caller.certificate(&id).await.result();
}

/// Time can pass with the requests, without anybody to advance it.
#[tokio::test]
async fn each_request_can_move_the_clock() {
    let builder = Simulator::builder().list_lag(seconds(3)).clock_step(seconds(1));
    let (simulator, caller) = start(builder).await;
    caller.upload_ca(&ca().pem, "late").await.result();
    let mut reads = 0;
    while caller.list("").await.names().is_empty() {
        reads += 1;
    }
    assert_eq!(reads, 2);
    assert_eq!(simulator.request_count(None), 4);
}

#[tokio::test]
async fn zones_without_the_entitlement_hold_no_hostnames() {
    let refusal = |builder: Builder| builder.refusal(Refusal::NotEntitled, 403, Some(1), "no");
    let (simulator, caller) = start(refusal(Simulator::builder())).await;
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap();
    let zone = |name, entitlement| {
        let zone = simulator.add_zone(name);
        simulator.set_entitlement(&zone, entitlement).unwrap();
        zone
    };
    let table = [
        (zone("paid.example", Entitlement::Granted), 200, vec![], "active", "enterprise"),
        (zone("free.example", Entitlement::Missing), 403, vec![1], "active", "free"),
        (zone("new.example", Entitlement::NotRouted), 404, vec![7003, 7000], "pending", "free"),
    ];
    let rows = caller.get("/zones").await.result();
    for ((zone, status, codes, state, plan), row) in table.into_iter().zip(rows.as_array().unwrap())
    {
        let own = format!("{}?mtls_certificate_id={id}", hostname_path(&zone));
        let responses = [
            caller.get(&own).await,
            caller.get(&hostname_path(&zone)).await,
            caller.put_hostnames(&zone, Some(&id), &["a"]).await,
        ];
        for response in responses {
            assert_eq!(response.status, status, "{}", response.text);
            if status != 200 {
                assert_eq!(response.codes(), codes, "{}", response.text);
            }
        }
        assert_eq!((&row["id"], &row["status"]), (&json!(zone), &json!(state)));
        assert_eq!(row["plan"]["legacy_id"], plan);
        let set = simulator.set_hostnames(&zone, &id, ["b"]);
        assert_eq!(set.is_ok(), status == 200);
    }
    let unknown = simulator.set_entitlement(SOME_UUID, Entitlement::Missing).unwrap_err();
    assert_eq!(unknown.id(), SOME_UUID);
}

/// Valid credentials are refused now and then, but for reads only.
#[tokio::test]
async fn credentials_can_flake() {
    let (simulator, caller) = start(Simulator::builder()).await;
    let id = simulator.seed(Seed::leaf(leaf().pem)).unwrap();
    simulator.inject(Fault::flaky_credentials().times(2));
    simulator.inject(Fault::flaky_authentication().nth(3));
    caller.upload_ca(&ca().pem, "").await.result();
    for codes in [vec![10000], vec![10000], vec![10001]] {
        let response = caller.certificate(&id).await;
        assert_eq!((response.status.as_u16(), response.codes()), (403, codes));
    }
    caller.certificate(&id).await.result();
    simulator.inject(Fault::error_without_code(500, "no code").on(Operation::Delete));
    let response = caller.delete(&id).await;
    assert_eq!((response.status.as_u16(), response.codes()), (500, vec![]));
}

/// One zone or one certificate fails, the others do not.
#[tokio::test]
async fn faults_can_be_about_one_zone_or_certificate() {
    let (simulator, caller) = start(Simulator::builder()).await;
    let zones = ["one.example", "two.example"].map(|name| simulator.add_zone(name));
    let ids = [(); 2].map(|()| simulator.seed(Seed::ca(ca().pem)).unwrap());
    simulator.inject(Fault::html(502).zone(&zones[0]).certificate(&ids[0]));
    let own = |zone: &str, id: &str| format!("{}?mtls_certificate_id={id}", hostname_path(zone));
    for zone in &zones {
        for id in &ids {
            let status = if (zone, id) == (&zones[0], &ids[0]) { 502 } else { 200 };
            assert_eq!(caller.get(&own(zone, id)).await.status, status);
            let put = caller.put_hostnames(zone, Some(id), &["a"]).await;
            assert_eq!(put.status, status);
        }
    }
    simulator.clear_faults();
    simulator.inject(Fault::error(500, 1, "no").on(Operation::Delete).certificate(&ids[1]));
    simulator.inject(Fault::reset().on(Operation::Hostnames).zone(&zones[1]));
    caller.certificate(&ids[1]).await.result();
    assert_eq!(caller.delete(&ids[1]).await.status, 500);
    assert_eq!(caller.delete(&ids[0]).await.codes(), [99001]);
    let read = caller.try_call(Method::GET, &own(&zones[1], &ids[0]), None).await;
    assert!(read.is_err());
    caller.hostnames(&zones[0], &ids[1]).await;
}
