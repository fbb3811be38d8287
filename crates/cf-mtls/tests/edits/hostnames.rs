use std::collections::HashSet;
use std::time::Duration;

use cf_mtls::{ClientCa, Error, ErrorKind, Hostname, Retry};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};

use super::support::{hostnames, seed_ca, uploaded, writes};

#[tokio::test]
async fn adds_and_removes_what_differs_and_leaves_other_lists_alone() {
    // (whether it adds, the list, hostnames, the new list; `None` if not sent)
    #[allow(clippy::type_complexity)]
    let table: [(bool, &[&str], &[&str], Option<&[&str]>); 15] = [
        (true, &[], &["a.example"], Some(&["a.example"])),
        (true, &["b.example"], &["a.example"], Some(&["b.example", "a.example"])),
        (true, &["a.example"], &["A.Example"], None),
        (true, &["a.example"], &[], None),
        (true, &["a.example."], &["a.example"], None),
        (true, &["a.example"], &["A.EXAMPLE."], None),
        (true, &["a.example"], &["B.Example.", "b.example"], Some(&["a.example", "b.example"])),
        (false, &["A.example."], &["a.example"], Some(&[])),
        (false, &["a.example", "B.example"], &["b.EXAMPLE"], Some(&["a.example"])),
        (false, &["a.example"], &["a.example"], Some(&[])),
        (false, &["a.example"], &["b.example"], None),
        (true, &["é.example"], &["xn--9ca.example"], None),
        (false, &["a.example", "b.example", "A.example"], &["a.example"], Some(&["b.example"])),
        (false, &["xn--9ca.example"], &["É.example."], Some(&[])),
        (false, &[], &["a.example"], None),
    ];
    for managed in [false, true] {
        for (add, list, hosts, want) in table {
            let row = format!("managed {managed}, add {add}, {hosts:?} of {list:?}");
            let simulator = Simulator::start().await.unwrap();
            let (id, other) = (seed_ca(&simulator, "ca"), seed_ca(&simulator, "other"));
            let zone = simulator.add_zone("a.example");
            simulator.set_hostnames(&zone, other.as_str(), ["other.example"]).unwrap();
            let (ca, list_now): (_, &dyn Fn() -> Vec<String>) = if managed {
                simulator.set_managed_hostnames(&zone, list.iter().copied()).unwrap();
                simulator.set_hostnames(&zone, id.as_str(), ["kept.example"]).unwrap();
                (ClientCa::CloudflareManaged, &|| simulator.managed_hostnames(&zone))
            } else {
                simulator.set_hostnames(&zone, id.as_str(), list.iter().copied()).unwrap();
                simulator.set_managed_hostnames(&zone, ["kept.example"]).unwrap();
                (uploaded(&id), &|| simulator.hostnames(&zone, id.as_str()))
            };
            let handle = hostnames(&simulator, &zone);
            let told = match add {
                true => handle.add(&ca, hosts).await.unwrap(),
                false => handle.remove(&ca, hosts).await.unwrap(),
            };
            assert_eq!(list_now(), want.unwrap_or(list), "{row}");
            assert_eq!(told.hostnames, want.unwrap_or(list), "{row}");
            assert_eq!(told.is_unchanged(), want.is_none(), "{row}");
            let owner = if managed { "managed" } else { id.as_str() };
            let put = want.map(|list| format!("PUT {owner} {}", serde_json::json!(list)));
            assert_eq!(writes(&simulator), Vec::from_iter(put), "{row}");
            assert_eq!(simulator.hostnames(&zone, other.as_str()), ["other.example"], "{row}");
        }
    }
}

#[tokio::test]
async fn a_replaced_list_has_each_hostname_once_and_in_one_spelling() {
    let simulator = Simulator::start().await.unwrap();
    let id = seed_ca(&simulator, "ca");
    let zone = simulator.add_zone("a.example");
    let list = ["A.Example", "b.example.", "a.example."];
    let replaced = hostnames(&simulator, &zone).replace(&uploaded(&id), list).await;
    assert_eq!(replaced.unwrap().hostnames, ["a.example", "b.example"]);
    let sent = format!(r#"PUT {id} ["a.example","b.example"]"#);
    assert_eq!(writes(&simulator), [sent]);
}

#[test]
fn what_is_no_hostname_has_no_spelling() {
    let long = ["a"; 130].join(".");
    let label = format!("{}.example", "a".repeat(64));
    for host in [
        "",
        ".",
        "a..b",
        ".a.b",
        "a.b..",
        "a b.c",
        "a.b/c",
        "http://a.b",
        "a.b:443",
        &long,
        "a",
        "a.",
        "*",
        "a.*.b",
        "**.a.b",
        "x*.a.b",
        "-a.b",
        "a.b-",
        "a.-b.c",
        "a\u{7}.b",
        "a\u{202e}.b",
        &label,
    ] {
        let error = Error::from(host.parse::<Hostname>().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{host:?}");
    }
    for (host, want) in [
        ("*.A.example", "*.a.example"),
        ("_acme.É.example.", "_acme.é.example"),
        ("xn--9ca.example", "xn--9ca.example"),
        // Not the sigma that ends a word, which is another letter in a hostname.
        ("ΟΔΟΣ-1.example", "οδοσ-1.example"),
    ] {
        let parsed: Hostname = host.parse().unwrap();
        assert_eq!([parsed.to_string(), parsed.clone().into()], [host; 2]);
        assert_eq!(parsed.as_str(), host);
        assert_eq!(serde_json::to_value(&parsed).unwrap(), host);
        assert_eq!(parsed.normalized().as_str(), want);
        assert_eq!(parsed.normalized(), parsed);
        assert_eq!(Hostname::try_from(host).unwrap(), want);
    }
}

#[test]
fn spellings_of_one_hostname_are_the_same() {
    let table = [
        ("a.example", "A.Example.", true),
        ("bücher.example", "xn--bcher-kva.example", true),
        ("BÜCHER.example", "XN--BCHER-KVA.example.", true),
        ("*.bücher.example", "*.xn--bcher-kva.example", true),
        ("_x.straße.example", "_x.xn--strae-oqa.example", true),
        ("a.example", "b.example", false),
        ("bücher.example", "bucher.example", false),
        // No hostnames, but the service might send them.
        ("xn--a.example", "XN--A.example", true),
        ("a b", "A B", true),
        ("a b", "ab", false),
    ];
    for (a, b, want) in table {
        let [one, other] = [a, b].map(Hostname::unchecked);
        let equal = [one == other, one == b, other == *a, HashSet::from([one]).contains(&other)];
        assert_eq!(equal, [want; 4], "{a:?} {b:?}");
    }
}

#[tokio::test]
async fn what_is_no_hostname_is_refused_before_anything_is_sent() {
    let simulator = Simulator::start().await.unwrap();
    let zone = simulator.add_zone("a.example");
    let handle = hostnames(&simulator, &zone);
    let add = handle.add(&ClientCa::CloudflareManaged, ["https://a.example"]).await;
    assert_eq!(add.unwrap_err().kind(), ErrorKind::InvalidInput);
    let remove = handle.remove(&ClientCa::CloudflareManaged, ["a b"]).await;
    assert_eq!(remove.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(simulator.request_count(None), 0);
}

/// Somebody else replaces the list right after, as often as told: the answer to
/// a replacement is a success, but the list is another one afterwards.
#[tokio::test]
async fn a_list_that_others_change_is_changed_again() {
    let success = r#"{"success":true,"errors":[],"messages":[],"result":{"hostnames":[]}}"#;
    for (undone, puts, ok) in [(0, 1, true), (1, 2, true), (5, 6, true), (6, 6, false)] {
        let simulator = Simulator::start().await.unwrap();
        let ca = uploaded(&seed_ca(&simulator, "ca"));
        let zone = simulator.add_zone("a.example");
        simulator.inject(
            Fault::raw(200, "application/json", success)
                .on(Operation::ReplaceHostnames)
                .times(undone),
        );
        let added = hostnames(&simulator, &zone).add(&ca, ["a.example"]).await;
        assert_eq!(simulator.request_count(Operation::ReplaceHostnames), puts, "{undone}");
        match added {
            Ok(edited) => assert!(ok && edited.hostnames == ["a.example"], "{undone}"),
            Err(error) => {
                assert!(!ok, "{undone}: {error}");
                assert_eq!(error.kind(), ErrorKind::Conflict);
                assert!(error.may_have_taken_effect());
                assert!(error.to_string().contains("another client"), "{error}");
            }
        }
    }
}

/// One has read the list and is slow to replace it, or has to do so again, and the
/// other one comes in between.
#[tokio::test]
async fn what_two_add_at_the_same_time_is_in_the_list_in_the_end() {
    let beat = Duration::from_millis(150);
    let faults = [
        Fault::delay(beat * 2),
        Fault::html(502),
        Fault::reset(),
        Fault::reset().after_effect(),
        Fault::error(429, 971, "slow down"),
    ];
    let row = async |fault: Fault| {
        let simulator = Simulator::start().await.unwrap();
        let id = seed_ca(&simulator, "ca");
        let zone = simulator.add_zone("a.example");
        simulator.inject(fault.clone().on(Operation::ReplaceHostnames).times(1));
        let handle = hostnames(&simulator, &zone)
            .with_retry(Retry::with_delays(4, move |_| beat * 2))
            .with_settling(beat * 6);
        let ca = uploaded(&id);
        let second = async {
            while simulator.request_count(Operation::ReplaceHostnames) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            handle.add(&ca, ["two.a.example"]).await
        };
        let (first, second) = tokio::join!(handle.add(&ca, ["one.a.example"]), second);
        let mut held = simulator.hostnames(&zone, id.as_str());
        held.sort();
        assert_eq!(held, ["one.a.example", "two.a.example"], "{fault:?}");
        assert!(first.unwrap().hostnames.contains(&held[0]), "{fault:?}");
        assert!(second.unwrap().hostnames.contains(&held[1]), "{fault:?}");
    };
    futures_util::future::join_all(faults.map(row)).await;
}

/// What waits for the rate limit would be stale when it is sent.
#[tokio::test]
async fn a_list_that_waited_for_the_rate_limit_is_read_anew() {
    let simulator = Simulator::builder().rate_limit(3, Duration::from_secs(1));
    let simulator = simulator.start().await.unwrap();
    let id = seed_ca(&simulator, "ca");
    let zone = simulator.add_zone("a.example");
    let (handle, ca) = (hostnames(&simulator, &zone), uploaded(&id));
    handle.list(&ca).await.unwrap();
    handle.list(&ca).await.unwrap();
    // The third request of the window is the read, and none is left to replace it.
    let late = async {
        while simulator.request_count(Operation::Hostnames) < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let late = ["late.a.example"];
        simulator.set_hostnames(&zone, id.as_str(), late).unwrap();
    };
    let (added, ()) = tokio::join!(handle.add(&ca, ["one.a.example"]), late);
    assert_eq!(added.unwrap().hostnames, ["late.a.example", "one.a.example"]);
    assert_eq!(simulator.request_count(Operation::ReplaceHostnames), 1);
}

/// The response to a replacement is the evidence, whatever the reads after it say.
#[tokio::test]
async fn a_read_that_fails_matters_only_before_the_replacement() {
    for (nth, ok) in [(1, false), (2, true)] {
        let simulator = Simulator::start().await.unwrap();
        let id = seed_ca(&simulator, "ca");
        let zone = simulator.add_zone("a.example");
        let refusal = Fault::error(403, 9109, "Unauthorized");
        simulator.inject(refusal.on(Operation::Hostnames).nth(nth));
        let added = hostnames(&simulator, &zone).add(&uploaded(&id), ["a.example"]).await;
        assert_eq!(!simulator.hostnames(&zone, id.as_str()).is_empty(), ok);
        match added {
            Ok(change) => assert!(ok && !change.visible && change.added == ["a.example"]),
            Err(error) => assert!(!ok && !error.may_have_taken_effect(), "{error}"),
        }
    }
}
