//! Workers, Hyperdrive and Gateway: who they are, and how many requests that costs.

use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, ErrorKind, Retry};
use cf_mtls_lifecycle::{CertificatesExt as _, Error, Product, Prune, Step, Usage};
use cf_mtls_testkit::simulator::{Builder, Hyperdrive, Permission, Seed, Token, Worker};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};

use super::support::{certificates, certificates_of, in_virtual_time, options, quick, seed_ca};

pub(crate) fn seed_leaf(simulator: &Simulator, name: &str) -> CertificateId {
    let seed = Seed::leaf(DOCUMENTED_CA).name(name);
    simulator.seed(seed).unwrap().parse().unwrap()
}

/// A leaf that two Workers and a Hyperdrive configuration hold.
async fn held_leaf(change: impl FnOnce(Builder) -> Builder) -> (Simulator, CertificateId, String) {
    let builder = Simulator::builder().no_rate_limit().clock_stands_still();
    let simulator = change(builder).start().await.unwrap();
    let leaf = seed_leaf(&simulator, "leaf");
    for name in ["billing", "check_out-2"] {
        let worker = Worker::new(name).binding("KV", "kv_namespace");
        let worker = worker.certificate("CLIENT_CERT", &leaf);
        simulator.put_worker(worker).unwrap();
    }
    simulator.put_worker(Worker::new("other")).unwrap();
    let orders = Hyperdrive::new("orders").client_certificate(&leaf);
    let orders = simulator.put_hyperdrive(orders).unwrap();
    simulator.advance(Duration::from_secs(600));
    (simulator, leaf, orders)
}

const HOLDERS: [&str; 3] = [
    "Worker billing (binding CLIENT_CERT)",
    "Worker check_out-2 (binding CLIENT_CERT)",
    "Hyperdrive configuration orders (client certificate)",
];

fn assert_names_all(error: &Error, row: &str) {
    assert_eq!(error.kind(), ErrorKind::InUse, "{row}: {error}");
    let mut held: Vec<_> = error.holders().iter().map(ToString::to_string).collect();
    held.sort();
    let mut want = HOLDERS;
    want.sort_unstable();
    assert_eq!(held, want, "{row}");
    let text = error.to_string();
    for holder in HOLDERS {
        assert!(text.contains(holder), "{row}: {text}");
    }
    assert!(text.contains("redeploy the Worker"), "{row}: {text}");
    assert!(text.contains("change the configuration"), "{row}: {text}");
}

/// Also when no association shows them.
#[tokio::test]
async fn what_products_hold_is_not_released_and_named() {
    for hidden in [false, true] {
        for is_slow in [false, true] {
            let row = format!("hidden {hidden}, slow {is_slow}");
            let (simulator, leaf, _) = held_leaf(|builder| {
                let builder = builder.hide_products(hidden);
                if is_slow { builder.slow_day() } else { builder }
            })
            .await;
            let release = certificates(&simulator).release(&leaf).with_options(quick());
            let error = release.run(|_| ()).await.unwrap_err();
            assert_names_all(&error, &row);
            let json = serde_json::to_value(&error).unwrap();
            assert_eq!(json["holders"][0]["holder"], "worker", "{row}");
            assert_eq!(json["message"], format!("{error:#}"), "{row}");
            assert_eq!(serde_json::from_value::<Error>(json).unwrap(), error, "{row}");
            let usage = certificates(&simulator).usage(&leaf).await.unwrap();
            assert_eq!(usage.holders.len(), 3, "{row}");
            assert!(!usage.is_unused(), "{row}");
            let json = serde_json::to_string(&usage).unwrap();
            assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage, "{row}");
        }
    }
}

#[tokio::test]
async fn a_release_waits_until_a_person_has_changed_the_holders() {
    for hidden in [false, true] {
        for is_slow in [false, true] {
            let row = format!("hidden {hidden}, slow {is_slow}");
            let (simulator, leaf, orders) = held_leaf(|builder| {
                let builder = builder.hide_products(hidden);
                if is_slow { builder.slow_day() } else { builder }
            })
            .await;
            let options = options(Duration::ZERO, Duration::from_secs(20));
            let release = certificates(&simulator).release(&leaf);
            let release = release.with_options(options.with_wait_for_holders());
            let mut seen = Vec::new();
            let released = release.run(|step| {
                if let Step::AwaitingRelease { holders, .. } = step
                    && !holders.is_empty()
                    && seen.last() != Some(&holders.len())
                {
                    seen.push(holders.len());
                    // One after the other.
                    match seen.len() {
                        1 => simulator.remove_worker("billing").unwrap(),
                        2 => simulator.put_worker(Worker::new("check_out-2")).unwrap(),
                        3 => simulator.remove_hyperdrive(&orders).unwrap(),
                        _ => panic!("{row}: {step}"),
                    }
                }
                simulator.advance(Duration::from_secs(10));
            });
            let released = released.await.unwrap();
            assert!(released.confirmed, "{row}");
            assert_eq!(seen, [3, 2, 1], "{row}");
            assert_eq!(simulator.effects().deleted_as(leaf.as_str()), 1, "{row}");
        }
    }
}

#[tokio::test]
async fn a_token_without_the_permissions_gets_everything_else() {
    let (simulator, leaf, _) = held_leaf(|builder| builder).await;
    simulator.set_gateway_use(seed_ca(&simulator, "gateway"), true).unwrap();
    let certificates = narrow(&simulator);
    let usage = certificates.usage(&leaf).await.unwrap();
    assert_eq!(usage.associations.len(), 2, "{:?}", usage.associations);
    let notes: Vec<_> = usage.unread.products.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("Workers Scripts Read"), "{notes:?}");
    assert!(notes[1].contains("Hyperdrive Read"), "{notes:?}");

    let idle = seed_leaf(&simulator, "idle");
    let usage = certificates.usage(&idle).await.unwrap();
    assert!(usage.associations.is_empty() && !usage.is_unused());
    let mut candidates = certificates.prune_candidates(Prune::new().unused().leaf()).unwrap();
    let error = candidates.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("Workers Scripts Read"), "{error}");
    assert_eq!(error.certificate_id(), Some(&idle), "it is about this one alone");
    assert!(candidates.next().await.is_none());
}

/// A client whose token lacks permissions.
fn without(simulator: &Simulator, permissions: &[Permission]) -> Certificates {
    let text = format!("without-{}", permissions.len());
    let token = permissions.iter().fold(Token::new(&*text), |token, one| token.without(*one));
    simulator.add_token(token);
    let builder = cf_mtls::Client::builder(&*text).with_base_url(simulator.base_url());
    certificates_of(simulator, builder.with_retry(Retry::with_delays(4, |_| Duration::ZERO)))
}

/// A client whose token may read none of the products.
fn narrow(simulator: &Simulator) -> Certificates {
    without(simulator, &[Permission::Workers, Permission::Hyperdrive, Permission::Gateway])
}

/// Each step and the error name what could not be read, with its permission alone.
#[tokio::test]
async fn a_release_names_what_it_could_not_read() {
    for hidden in [false, true] {
        let (simulator, leaf, _) = held_leaf(|builder| builder.hide_products(hidden)).await;
        let mut waits = Vec::new();
        let options = options(Duration::ZERO, Duration::from_millis(200));
        let release = narrow(&simulator).release(&leaf).with_options(options);
        let error = release.run(|step| {
            simulator.advance(Duration::from_secs(1));
            if let Step::StillRefused { unread, .. } = step {
                waits.push((unread.clone(), step.to_string()));
            }
        });
        // Every wait moves the clock of the simulator alone.
        let limit = tokio::time::timeout(Duration::from_secs(20), error);
        let error = limit.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "hidden {hidden}: {error}");
        let products: Vec<_> = error.unread().products.iter().map(|one| one.product).collect();
        assert_eq!(products, [Product::Workers, Product::Hyperdrive], "hidden {hidden}");
        for text in waits.iter().map(|(_, text)| text).chain([&error.to_string()]) {
            assert!(text.contains("\"Workers Scripts Read\" would show it"), "{text}");
            assert!(text.contains("\"Hyperdrive Read\" would show it"), "{text}");
        }
        assert_eq!(hidden, !waits.is_empty(), "what associations show blocks it at once");
        assert!(waits.iter().all(|(unread, _)| unread == error.unread()));
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(json["unreadable_zones"], serde_json::json!([]));
        let own = json["unreadable_products"][0]["error"]["message"].as_str().unwrap();
        assert!(own.contains("\"Workers Scripts Read\""), "{own}");
        assert!(!own.contains("SSL and Certificates"), "it does not help: {own}");
        let back: Error = serde_json::from_value(json).unwrap();
        assert_eq!(back.unread(), error.unread());
    }
}

/// An empty list says nothing where nobody looked.
#[tokio::test]
async fn what_was_not_read_is_not_taken_for_unused() {
    let (simulator, leaf, _) = held_leaf(|builder| builder.hide_products(true)).await;
    let ca = seed_ca(&simulator, "ca");
    let certificates = certificates(&simulator);
    let [workers, hyperdrive, gateway] = [Product::Workers, Product::Hyperdrive, Product::Gateway];
    for (id, products, zones) in
        [(&leaf, vec![workers, hyperdrive], false), (&ca, vec![hyperdrive, gateway], true)]
    {
        let plan = certificates.release(id).plan().await.unwrap();
        let walk = certificates.usage_of([id.clone()]).with_services_only().run(|_| ()).await;
        let services = walk.unwrap().remove(0).result.unwrap();
        for usage in [plan.usage(), &services] {
            assert!(usage.associations.is_empty() && usage.holders.is_empty());
            assert_eq!((&usage.products_not_read, usage.zones_not_read), (&products, zones));
            assert!(!usage.is_complete() && !usage.is_unused());
        }
        let usage = certificates.usage(id).await.unwrap();
        assert!(usage.is_complete() && usage.products_not_read.is_empty());
        assert_eq!(usage.is_unused(), *id == ca);
    }
}

/// The others are read, and what cannot be read is told by its cause.
#[tokio::test]
async fn a_worker_with_an_odd_name_is_told() {
    let (simulator, leaf, _) = held_leaf(|builder| builder).await;
    simulator.put_worker(Worker::new("dot.ted")).unwrap();
    let usage = certificates(&simulator).usage(&leaf).await.unwrap();
    assert_eq!(usage.holders.len(), 3);
    let text = usage.unread.to_string();
    for part in ["Workers could not be read", "has a name that", "dashboard", "may hold"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("base URL"), "{text}");
}

/// What products hold is used, whether associations show it or not.
#[tokio::test]
async fn prune_passes_over_what_gateway_holds_or_may_hold() {
    for hidden in [false, true] {
        let builder = Simulator::builder().hide_products(hidden).no_rate_limit();
        let simulator = builder.clock_stands_still().start().await.unwrap();
        let [held, idle] = ["held", "idle"].map(|name| seed_ca(&simulator, name));
        simulator.set_gateway_use(&held, true).unwrap();
        simulator.advance(Duration::from_secs(600));
        let criteria = || Prune::new().unused();
        let mut candidates = certificates(&simulator).prune_candidates(criteria()).unwrap();
        assert_eq!(candidates.next().await.unwrap().unwrap().id, idle, "hidden {hidden}");
        assert!(candidates.next().await.is_none(), "hidden {hidden}");
        let mut unknown = narrow(&simulator).prune_candidates(criteria()).unwrap();
        while let Some(one) = unknown.next().await {
            let error = one.unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains("Hyperdrive Read"), "{text}");
        }
        let without = without(&simulator, &[Permission::Gateway]);
        let mut unknown = without.prune_candidates(criteria()).unwrap();
        while let Some(one) = unknown.next().await {
            let text = format!("{:#}", one.unwrap_err());
            assert!(text.contains("\"Zero Trust Read\""), "{text}");
            assert!(!text.contains("SSL and Certificates"), "{text}");
        }
    }
}

/// What products hold is used, whether associations show it or not.
#[tokio::test]
async fn prune_counts_the_uses_of_products() {
    for hidden in [false, true] {
        let (simulator, leaf, _) = held_leaf(|builder| builder.hide_products(hidden)).await;
        let idle = seed_leaf(&simulator, "idle");
        let criteria = Prune::new().unused().leaf();
        let mut candidates = certificates(&simulator).prune_candidates(criteria).unwrap();
        let first = candidates.next().await.unwrap().unwrap();
        assert_eq!(first.id, idle);
        assert!(candidates.next().await.is_none(), "{leaf} is in use");
    }
}

/// 500 Workers and 1,000 zones: each once, within the rate limit, with progress.
#[tokio::test(start_paused = true)]
async fn an_account_is_walked_once_for_all_within_the_rate_limit() {
    let builder = Simulator::builder().rate_limit(1_200, Duration::from_secs(300));
    let simulator = builder.clock_stands_still().start().await.unwrap();
    let begun = tokio::time::Instant::now();
    let (ca, leaf) = (seed_ca(&simulator, "ca"), seed_leaf(&simulator, "leaf"));
    for number in 0..500 {
        let worker = Worker::new(format!("worker-{number}"));
        let worker = match number {
            77 => worker.certificate("CERT", &leaf),
            _ => worker,
        };
        simulator.put_worker(worker).unwrap();
    }
    for number in 0..1000 {
        let zone = simulator.add_zone(&format!("z{number:04}.example"));
        if number == 777 {
            simulator.set_hostnames(&zone, ca.as_str(), ["api.example"]).unwrap();
        }
    }
    let certificates = certificates(&simulator);
    let (mut reports, mut last) = (0, None);
    let walk = certificates.usage_of([leaf.clone(), ca.clone()]);
    let usages = walk.run(|progress| {
        reports += 1;
        last = Some(*progress);
    });
    let usages = in_virtual_time(&simulator, Duration::from_secs(10), usages).await.unwrap();
    let usages: Vec<Usage> = usages.into_iter().map(|one| one.result.unwrap()).collect();
    assert_eq!(usages[0].holders[0].to_string(), "Worker worker-77 (binding CERT)");
    assert_eq!(usages[1].zones.len(), 1);
    let last = last.unwrap();
    assert_eq!((last.zones, last.workers, last.workers_total), (1000, 500, 500));
    assert_eq!(reports, 1500);
    // The list and two associations, the lists of Workers, Hyperdrive and Gateway, each
    // Worker, the pages of zones, each zone.
    assert_eq!(simulator.request_count(None), 1 + 2 + 3 + 500 + 20 + 1000);
    // More than one window allows.
    assert!(Duration::from_secs(300) <= begun.elapsed());
    let requests = simulator.requests();
    assert!(requests.iter().all(|request| request.status != Some(429)));
}

/// Hostnames would lose a CA that cannot be deleted.
#[tokio::test]
async fn nothing_is_detached_from_a_ca_that_a_hidden_product_holds() {
    let builder = Simulator::builder().hide_products(true).no_rate_limit().clock_stands_still();
    let simulator = builder.start().await.unwrap();
    let ca = seed_ca(&simulator, "ca");
    let zone = simulator.add_zone("a.example");
    simulator.set_hostnames(&zone, ca.as_str(), ["one.a.example"]).unwrap();
    simulator.set_gateway_use(&ca, true).unwrap();
    simulator.advance(Duration::from_secs(600));
    let release = certificates(&simulator).release(&ca).with_options(quick());
    let error = release.run(|_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains("Gateway"), "{error}");
    assert_eq!(simulator.hostnames(&zone, ca.as_str()), ["one.a.example"]);
}
