//! Changes of hostnames where reads show the list before for a while.

use std::time::{Duration, Instant};

use cf_mtls::{ClientCa, ErrorKind, HostnameChange, Hostnames};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation, RequestRecord};

use super::support::{hostnames, in_virtual_time, seed_ca, uploaded, writes};

const LAG: Duration = Duration::from_secs(25);
/// Longer than any wait.
const NEVER: Duration = Duration::from_secs(86_400);

/// A zone whose hostnames lag, with a list. Each request takes two seconds.
async fn zone(lag: Duration, list: &[&str]) -> (Simulator, String, ClientCa) {
    let builder = Simulator::builder().hostname_lag(lag).no_rate_limit();
    let step = Duration::from_secs(2);
    let simulator = builder.clock_stands_still().clock_step(step).start().await;
    let simulator = simulator.unwrap();
    let id = seed_ca(&simulator, "ca");
    let zone = simulator.add_zone("a.example");
    simulator.set_hostnames(&zone, id.as_str(), list.iter().copied()).unwrap();
    (simulator, zone, uploaded(&id))
}

fn held(simulator: &Simulator, zone: &str, ca: &ClientCa) -> Vec<String> {
    let ClientCa::Uploaded(id) = ca else {
        return simulator.managed_hostnames(zone);
    };
    simulator.hostnames(zone, id.as_str())
}

fn impatient(simulator: &Simulator, zone: &str) -> Hostnames {
    hostnames(simulator, zone).with_visibility_timeout(Duration::ZERO)
}

#[tokio::test]
async fn a_change_that_shows_late_is_sent_once() {
    let (simulator, zone, ca) = zone(LAG, &["a.a.example"]).await;
    let handle = hostnames(&simulator, &zone);
    let added = handle.add(&ca, ["b.a.example"]).await.unwrap();
    assert_eq!(added.hostnames, ["a.a.example", "b.a.example"]);
    assert!(added.visible && added.added == ["b.a.example"]);
    let removed = handle.remove(&ca, ["a.a.example"]).await.unwrap();
    assert_eq!(removed.removed, ["a.a.example"]);
    let replaced = handle.replace(&ca, ["c.a.example"]).await.unwrap();
    assert_eq!(replaced.hostnames, ["c.a.example"]);
    assert_eq!(replaced.added, ["c.a.example"]);
    assert_eq!(replaced.removed, ["b.a.example"]);
    assert!(removed.visible && replaced.visible);
    assert_eq!(writes(&simulator).len(), 3);
}

#[tokio::test]
async fn changes_of_a_client_build_on_each_other_although_reads_are_old() {
    let (simulator, zone, ca) = zone(NEVER, &["old.a.example"]).await;
    let handle = impatient(&simulator, &zone);
    let replaced = handle.replace(&ca, ["shop.a.example"]).await.unwrap();
    assert!(!replaced.visible);
    let added = handle.clone().add(&ca, ["new.a.example"]).await.unwrap();
    assert_eq!(added.hostnames, ["shop.a.example", "new.a.example"]);
    let again = handle.add(&ca, ["new.a.example"]).await.unwrap();
    assert!(again.is_unchanged());
    let removed = handle.remove(&ca, ["shop.a.example"]).await.unwrap();
    assert_eq!(removed.removed, ["shop.a.example"]);
    let gone = handle.remove(&ca, ["old.a.example"]).await.unwrap();
    assert_eq!(gone.not_listed, ["old.a.example"]);
    assert!(gone.is_unchanged());
    assert_eq!(held(&simulator, &zone, &ca), ["new.a.example"]);
    assert_eq!(writes(&simulator).len(), 3);
}

/// Whatever is asked for is so already, by what this client wrote; reads show the list
/// before that.
#[tokio::test]
async fn only_a_list_that_a_read_showed_is_visible() {
    type Edit = (&'static str, &'static [&'static str], &'static [&'static str]);
    let edits: [Edit; 3] = [
        ("remove", &["gone.a.example"], &["gone.a.example"]),
        ("add", &["new.a.example"], &[]),
        ("ensure", &["new.a.example"], &[]),
    ];
    // (lag, how long it is waited for, whether reads show the list by then)
    let waits = [
        (NEVER, Duration::ZERO, false),
        (NEVER, Duration::from_millis(20), false),
        (LAG, Duration::from_secs(90), true),
        (Duration::ZERO, Duration::ZERO, true),
    ];
    for (edit, names, not_listed) in edits {
        for (lag, wait, visible) in waits {
            let row = format!("{edit}, lag {lag:?}, wait {wait:?}");
            let (simulator, zone, ca) = zone(lag, &["old.a.example"]).await;
            let handle = impatient(&simulator, &zone);
            handle.replace(&ca, ["new.a.example"]).await.unwrap();
            let handle = handle.with_visibility_timeout(wait);
            let change = match edit {
                "remove" => handle.remove(&ca, names).await,
                "add" => handle.add(&ca, names).await,
                _ => handle.ensure(&ca, names).await,
            };
            let change = change.unwrap();
            assert_eq!(change.visible, visible, "{row}");
            assert!(change.is_unchanged(), "{row}: {change:?}");
            assert_eq!(change.hostnames, ["new.a.example"], "{row}");
            assert_eq!(change.not_listed, not_listed, "{row}");
            assert_eq!(writes(&simulator).len(), 1, "{row}");
            if visible {
                assert_eq!(handle.list(&ca).await.unwrap(), change.hostnames, "{row}");
            }
        }
    }
}

/// A list that is already there by a read, although another client is about to show more.
#[tokio::test]
async fn what_another_client_added_moments_ago_may_not_be_listed_yet() {
    let (simulator, zone, ca) = zone(NEVER, &["old.a.example"]).await;
    impatient(&simulator, &zone).add(&ca, ["new.a.example"]).await.unwrap();
    let change = hostnames(&simulator, &zone).remove(&ca, ["new.a.example"]).await.unwrap();
    assert_eq!(change.not_listed, ["new.a.example"]);
    assert_eq!(change.hostnames, ["old.a.example"]);
    assert!(change.visible && change.is_unchanged());
}

/// Reads have shown the change, so an older list is no longer a late one.
#[tokio::test]
async fn what_another_client_takes_back_is_not_built_on() {
    let (simulator, zone, ca) = zone(Duration::ZERO, &["a.a.example"]).await;
    let handle = hostnames(&simulator, &zone);
    assert!(handle.add(&ca, ["b.a.example"]).await.unwrap().visible);
    let id = ca.certificate_id().unwrap().as_str();
    simulator.set_hostnames(&zone, id, ["a.a.example"]).unwrap();
    let added = handle.add(&ca, ["c.a.example"]).await.unwrap();
    assert_eq!(added.hostnames, ["a.a.example", "c.a.example"]);
    assert_eq!(held(&simulator, &zone, &ca), ["a.a.example", "c.a.example"]);
}

#[tokio::test]
async fn what_never_shows_is_reported_after_the_wait() {
    let (simulator, zone, ca) = zone(NEVER, &[]).await;
    let handle = hostnames(&simulator, &zone).with_visibility_timeout(Duration::from_millis(20));
    let added = handle.add(&ca, ["a.a.example"]).await.unwrap();
    assert!(!added.visible && added.hostnames == ["a.a.example"]);
    assert_eq!(writes(&simulator).len(), 1);
    assert!(2 < simulator.request_count(Operation::Hostnames));
}

#[tokio::test]
async fn a_list_that_is_right_is_not_sent() {
    let (simulator, zone, ca) = zone(Duration::ZERO, &["b.a.example", "a.a.example"]).await;
    let handle = hostnames(&simulator, &zone);
    let ensured = handle.ensure(&ca, ["A.a.example", "b.a.example."]).await;
    let ensured = ensured.unwrap();
    assert!(ensured.is_unchanged() && ensured.visible);
    assert_eq!(writes(&simulator).len(), 0);
    let ensured = handle.ensure(&ca, ["a.a.example", "c.a.example"]).await;
    let ensured = ensured.unwrap();
    assert_eq!((ensured.added.len(), ensured.removed.len()), (1, 1));
    handle.replace(&ca, ["a.a.example", "c.a.example"]).await.unwrap();
    assert_eq!(writes(&simulator).len(), 2, "replace always sends it");
}

/// Both read the list before either is shown.
#[tokio::test]
async fn two_clients_that_add_while_reads_lag_lose_nothing() {
    for lag in [Duration::ZERO, LAG] {
        let (simulator, zone, ca) = zone(lag, &["old.a.example"]).await;
        let (one, two) = (hostnames(&simulator, &zone), hostnames(&simulator, &zone));
        let settle = Duration::from_millis(20);
        let (one, two) = (one.with_settling(settle), two.with_settling(settle));
        let (first, second) =
            tokio::join!(one.add(&ca, ["one.a.example"]), two.add(&ca, ["two.a.example"]));
        let (first, second) = (first.unwrap(), second.unwrap());
        let mut held = held(&simulator, &zone, &ca);
        held.sort();
        let all = ["old.a.example", "one.a.example", "two.a.example"];
        assert_eq!(held, all, "{lag:?}: {first:?}, {second:?}");
    }
}

/// One reads the list while the other's is not shown yet, so one list replaces the other:
/// whoever lost its change notices it by its own looks.
#[tokio::test(start_paused = true)]
async fn a_client_that_begins_while_the_others_change_is_not_shown_loses_nothing() {
    let seconds = Duration::from_secs_f64;
    for (lag, later) in
        [(10.0, 0.7), (10.0, 4.0), (25.0, 1.5), (25.0, 6.0), (60.0, 4.0), (60.0, 6.0), (60.0, 30.0)]
    {
        let simulator = Simulator::builder().hostname_lag(seconds(lag)).no_rate_limit();
        let simulator = simulator.clock_stands_still().start().await.unwrap();
        let id = seed_ca(&simulator, "ca");
        let (zone, ca) = (simulator.add_zone("a.example"), uploaded(&id));
        let [one, two] = [(); 2].map(|()| {
            let client = hostnames(&simulator, &zone).with_settling(Duration::from_secs(1));
            client.with_attempt_timeout(NEVER).with_deadline(NEVER)
        });
        let changes = async {
            let second = async {
                tokio::time::sleep(seconds(later)).await;
                two.add(&ca, ["two.a.example"]).await
            };
            tokio::join!(one.add(&ca, ["one.a.example"]), second)
        };
        let (first, second) = in_virtual_time(&simulator, changes).await;
        assert!(first.is_ok() && second.is_ok(), "{first:?}, {second:?}");
        let mut held = held(&simulator, &zone, &ca);
        held.sort();
        assert_eq!(held, ["one.a.example", "two.a.example"], "lag {lag}, {later} later");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_looked_for_every_second_or_two() {
    let simulator = Simulator::builder().hostname_lag(Duration::from_secs(20)).no_rate_limit();
    let simulator = simulator.clock_stands_still().start().await.unwrap();
    let (ca, zone) = (uploaded(&seed_ca(&simulator, "ca")), simulator.add_zone("a.example"));
    let handle = hostnames(&simulator, &zone).with_settling(Duration::from_secs(1));
    let handle = handle.with_attempt_timeout(NEVER).with_deadline(NEVER);
    let added = in_virtual_time(&simulator, handle.add(&ca, ["a.a.example"])).await;
    assert!(added.unwrap().visible);
    let looks = simulator.request_count(Operation::Hostnames);
    assert!((12..=26).contains(&looks), "{looks} looks in 20 seconds");
}

/// A second replacement that fails says nothing about the first, which took effect.
#[tokio::test]
async fn an_edit_that_fails_after_a_replacement_may_have_taken_effect() {
    let (put, get) = (Operation::ReplaceHostnames, Operation::Hostnames);
    for (fault, kind) in [
        (Fault::error(403, 10000, "no").on(put).nth(2), ErrorKind::Permission),
        (Fault::error(400, 1, "no").on(put).nth(2), ErrorKind::InvalidRequest),
        (Fault::error(400, 1, "no").on(get).nth(3), ErrorKind::InvalidRequest),
        (Fault::error(404, 1, "no").on(get).nth(3), ErrorKind::NotFound),
    ] {
        let simulator = Simulator::builder().no_rate_limit();
        let simulator = simulator.start().await.unwrap();
        let (id, zone) = (seed_ca(&simulator, "ca"), simulator.add_zone("a.example"));
        simulator.inject(fault);
        let handle = hostnames(&simulator, &zone).with_settling(Duration::from_millis(50));
        let other = async {
            let is_written = |one: &RequestRecord| one.method == "PUT" && one.status.is_some();
            while !simulator.requests().iter().any(is_written) {
                tokio::task::yield_now().await;
            }
            // Another client takes it back.
            simulator.set_hostnames(&zone, id.as_str(), ["other.a.example"]).unwrap();
        };
        let ca = uploaded(&id);
        let (edit, ()) = tokio::join!(handle.add(&ca, ["a.a.example"]), other);
        let error = edit.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.may_have_taken_effect(), "{error}");
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(json["may_have_taken_effect"], true, "{json}");
    }
}

#[tokio::test]
async fn clones_of_a_client_change_a_list_one_after_the_other() {
    let (simulator, zone, ca) = zone(NEVER, &[]).await;
    let handle = impatient(&simulator, &zone);
    let names: Vec<String> = (0..20).map(|n| format!("n{n}.a.example")).collect();
    let adds = names.iter().map(|name| handle.add(&ca, [name]));
    let done = futures_util::future::join_all(adds).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(held(&simulator, &zone, &ca).len(), 20);
    assert_eq!(writes(&simulator).len(), 20);
}

/// Clones change a list one after the other, and each within its own deadline.
#[tokio::test]
async fn a_change_does_not_wait_for_another_beyond_its_deadline() {
    let (simulator, zone, ca) = zone(Duration::ZERO, &[]).await;
    simulator.inject(Fault::silence().on(Operation::ReplaceHostnames));
    let handle = hostnames(&simulator, &zone);
    let (slow, slow_ca) = (handle.clone(), ca.clone());
    let slow = tokio::spawn(async move { slow.add(&slow_ca, ["a.a.example"]).await });
    while simulator.request_count(Operation::ReplaceHostnames) == 0 {
        tokio::task::yield_now().await;
    }
    let hasty = handle.with_deadline(Duration::from_millis(300));
    let hasty = hasty.add(&ca, ["b.a.example"]);
    let error = tokio::time::timeout(Duration::from_secs(20), hasty).await;
    let error = error.expect("it waits on").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(!error.may_have_taken_effect(), "{error}");
    assert_eq!(simulator.request_count(Operation::ReplaceHostnames), 1);
    slow.abort();
}

#[tokio::test]
async fn lists_may_be_long() {
    let (simulator, zone, ca) = zone(Duration::ZERO, &[]).await;
    let handle = hostnames(&simulator, &zone);
    let names: Vec<String> = (0..10_000).map(|n| format!("n{n}.A.example")).collect();
    let begun = Instant::now();
    handle.add(&ca, &names).await.unwrap();
    handle.add(&ca, &names).await.unwrap();
    let removed = handle.remove(&ca, &names[1..]).await.unwrap();
    assert_eq!(removed.removed.len(), 9_999);
    assert_eq!(removed.hostnames.len(), 1);
    println!("{:?} for three changes of 10,000 hostnames", begun.elapsed());
}

#[test]
fn a_change_is_json_and_back() {
    let mut change = HostnameChange::default();
    change.hostnames = vec!["a.example".to_owned()];
    change.visible = true;
    let text = serde_json::to_string(&change).unwrap();
    assert_eq!(serde_json::from_str::<HostnameChange>(&text).unwrap(), change);
}
