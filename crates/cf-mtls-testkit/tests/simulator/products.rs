//! Workers, Hyperdrive and Gateway: what they show, and that they hold certificates.

use std::time::Duration;

use cf_mtls_testkit::simulator::{Hyperdrive, Operation, Permission, Seed, Token, Worker};
use cf_mtls_testkit::{CAS, LEAF, Simulator};
use serde_json::{Value, json};

use super::support::Caller;

fn path(caller: &Caller, rest: &str) -> String {
    caller.certificates("").replace("mtls_certificates", rest)
}

#[tokio::test]
async fn products_show_the_certificates_that_they_use() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let leaf = simulator.seed(Seed::leaf(LEAF)).unwrap();
    let ca = simulator.seed(Seed::ca(CAS[0])).unwrap();
    let managed = Seed::ca(CAS[1]).kind("gateway_managed");
    let managed = simulator.seed(managed).unwrap();
    for list in ["workers/scripts", "hyperdrive/configs"] {
        assert_eq!(caller.get(&path(&caller, list)).await.result(), json!([]));
    }

    let checkout = Worker::new("checkout").binding("KV", "kv_namespace");
    simulator.put_worker(checkout.certificate("CLIENT", &leaf)).unwrap();
    simulator.put_worker(Worker::new("a_worker-2")).unwrap();
    let orders = Hyperdrive::new("orders").client_certificate(&leaf).ca_certificate(&ca);
    let orders = simulator.put_hyperdrive(orders).unwrap();
    let plain = simulator.put_hyperdrive(Hyperdrive::new("plain")).unwrap();
    simulator.set_gateway_use(&ca, true).unwrap();

    let scripts = caller.get(&path(&caller, "workers/scripts")).await.result();
    let names: Vec<_> = scripts.as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(names, ["checkout", "a_worker-2"]);
    let settings = caller.get(&path(&caller, "workers/scripts/checkout/settings")).await;
    let bindings = json!([
        { "name": "KV", "type": "kv_namespace" },
        { "name": "CLIENT", "type": "mtls_certificate", "certificate_id": leaf },
    ]);
    assert_eq!(settings.result()["bindings"], bindings);
    let none = caller.get(&path(&caller, "workers/scripts/none/settings")).await;
    assert_eq!((none.status.as_u16(), none.codes()), (404, vec![10007]));

    let configs = caller.get(&path(&caller, "hyperdrive/configs")).await.result();
    assert_eq!((&configs[0]["id"], &configs[1]["id"]), (&json!(orders), &json!(plain)));
    let second = caller.get(&path(&caller, "hyperdrive/configs?page=2")).await;
    assert_eq!(second.result(), json!([]));
    let mtls = json!({ "mtls_certificate_id": leaf, "ca_certificate_id": ca });
    assert_eq!((&configs[0]["mtls"], &configs[1]["mtls"]), (&mtls, &Value::Null));

    let rows = caller.get(&path(&caller, "gateway/certificates")).await.result();
    let row = |row: &Value| (row["id"].clone(), row["type"].clone(), row["in_use"].clone());
    let rows: Vec<_> = rows.as_array().unwrap().iter().map(row).collect();
    let want = [
        (json!(ca), json!("custom"), json!(true)),
        (json!(managed), json!("gateway_managed"), json!(false)),
    ];
    assert_eq!(rows, want);
    assert_eq!(simulator.request_count(Operation::WorkerSettings), 2);
}

/// A certificate is released a while after the last product let it go.
#[tokio::test]
async fn products_keep_a_certificate_in_use() {
    let delay = Duration::from_secs(10);
    for hidden in [false, true] {
        let builder = Simulator::builder().propagation(delay).in_use_lag(delay);
        let builder = builder.hide_products(hidden).clock_stands_still();
        let simulator = builder.start().await.unwrap();
        let caller = Caller::new(&simulator);
        let leaf = simulator.seed(Seed::leaf(LEAF)).unwrap();
        let shown = |rows: &[&str]| match hidden {
            true => Vec::new(),
            false => rows.iter().map(|row| (*row).to_owned()).collect(),
        };
        simulator.put_worker(Worker::new("one").certificate("A", &leaf)).unwrap();
        simulator.put_worker(Worker::new("two").certificate("B", &leaf)).unwrap();
        let hyperdrive = Hyperdrive::new("db").client_certificate(&leaf);
        let hyperdrive = simulator.put_hyperdrive(hyperdrive).unwrap();
        simulator.set_gateway_use(&leaf, true).unwrap();
        let all = shown(&["Workers active", "Hyperdrive active", "Gateway active"]);
        assert_eq!(caller.associations(&leaf).await, all);

        simulator.remove_worker("one").unwrap();
        simulator.set_gateway_use(&leaf, false).unwrap();
        simulator.remove_hyperdrive(&hyperdrive).unwrap();
        simulator.advance(delay);
        assert_eq!(caller.associations(&leaf).await, shown(&["Workers active"]));
        simulator.put_worker(Worker::new("two")).unwrap();
        let leaving = shown(&["Workers pending_deletion"]);
        assert_eq!(caller.associations(&leaf).await, leaving);
        simulator.advance(delay);
        assert!(caller.associations(&leaf).await.is_empty());
        assert_eq!(caller.delete(&leaf).await.codes(), [99001]);
        simulator.advance(delay);
        caller.delete(&leaf).await.result();
    }
}

#[tokio::test]
async fn products_need_permissions_and_certificates_of_their_account() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let account = simulator.add_account();
    let leaf = simulator.seed(Seed::leaf(LEAF)).unwrap();
    let table = [
        ("workers/scripts", Permission::Workers),
        ("workers/scripts/one/settings", Permission::Workers),
        ("hyperdrive/configs", Permission::Hyperdrive),
        ("gateway/certificates", Permission::Gateway),
    ];
    simulator.put_worker(Worker::new("one")).unwrap();
    for (rest, permission) in table {
        simulator.add_token(Token::new("narrow").without(permission));
        let narrow = caller.with_token("narrow");
        assert_eq!(narrow.get(&path(&caller, rest)).await.codes(), [10000], "{rest}");
        narrow.list("").await.result();
        simulator.add_token(Token::new("reader").read_only());
        caller.with_token("reader").get(&path(&caller, rest)).await.result();
    }
    let elsewhere = caller.with_account(&account);
    let foreign = Worker::new("one").account(&account);
    simulator.put_worker(foreign.clone()).unwrap();
    let found = elsewhere.get(&path(&elsewhere, "workers/scripts")).await.result();
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    let errors = [
        simulator.put_worker(foreign.certificate("A", &leaf)).unwrap_err(),
        simulator.set_gateway_use("nothing", true).unwrap_err(),
        simulator.remove_worker("three").unwrap_err(),
        simulator.remove_hyperdrive("none").unwrap_err(),
    ];
    let ids = errors.each_ref().map(|error| error.id());
    assert_eq!(ids, [leaf.as_str(), "nothing", "three", "none"]);
    assert!(errors[1].to_string().contains("\"nothing\""));
}
