use std::time::Duration;

use cf_mtls::{CertificateId, ErrorKind, Retry, Upload};
use cf_mtls_lifecycle::{CertificatesExt as _, ReleaseOptions, Rotate, Step};
use cf_mtls_testkit::simulator::{Fault, HostnameRule, Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};

use super::support::{
    InUse, certificates, certificates_of, client, in_virtual_time, make_ca, options, quick, writes,
};

const HOSTS: [&str; 3] = ["one.a.example", "two.a.example", "one.b.example"];

fn upload(pem: &str) -> Upload {
    Upload::ca(pem).unwrap().with_name("new")
}

fn rotate(world: &InUse, pem: &str) -> Rotate {
    let certificates = certificates(&world.simulator).with_concurrency(1);
    let rotate = certificates.rotate(&world.ca, upload(pem));
    rotate.with_options(quick())
}

/// The one certificate named `new`.
fn successor(simulator: &Simulator) -> CertificateId {
    let held = simulator.certificates().into_iter();
    let mut new = held.filter(|certificate| certificate.name.as_deref() == Some("new"));
    let id = new.next().unwrap().id.parse().unwrap();
    assert!(new.next().is_none(), "it was uploaded twice");
    id
}

fn assert_rotated(world: &InUse, pem: &str, row: &str) {
    assert!(!world.holds(&world.ca), "{row}");
    let new = successor(&world.simulator);
    let mut held = world.hostnames_of(&new);
    held.sort();
    let mut want = HOSTS;
    want.sort_unstable();
    assert_eq!(held, want, "{row}");
    let effects = world.simulator.effects();
    assert_eq!(effects.gaps, [], "{row}");
    assert_eq!(effects.stored_as(pem), 1, "{row}");
    assert_eq!(effects.deleted_as(world.ca.as_str()), 1, "{row}");
    world.assert_others_untouched(row);
}

#[tokio::test]
async fn hostnames_go_over_without_a_gap() {
    let world = InUse::start().await;
    let pem = make_ca("rotate");
    let mut steps: Vec<String> = Vec::new();
    let rotate = rotate(&world, &pem);
    let rotated = rotate.run(|step| {
        world.let_time_pass(step);
        let name = serde_json::to_value(step).unwrap()["step"].as_str().unwrap().to_owned();
        if steps.last() != Some(&name) {
            steps.push(name);
        }
    });
    let rotated = rotated.await.unwrap();
    assert_rotated(&world, &pem, "shared");
    let want = [
        "uploaded",
        "attached",
        "awaiting_active",
        "active",
        "detached",
        "awaiting_release",
        "unused",
        "deleted",
    ];
    assert_eq!(steps, want);
    assert_eq!(rotated.old.certificate.id(), &world.ca);
    assert_eq!((rotated.attached.len(), rotated.old.detached.len()), (2, 2));
    let (new, old) = (rotated.successor.id(), &world.ca);
    let want = [
        "POST mtls_certificates".to_owned(),
        format!(r#"PUT {new} ["one.a.example","two.a.example"]"#),
        format!(r#"PUT {new} ["one.b.example"]"#),
        format!("PUT {old} []"),
        format!("PUT {old} []"),
        format!("DELETE {old}"),
    ];
    assert_eq!(writes(&world.simulator), want);
}

#[tokio::test]
async fn a_plan_only_reads_and_knows_what_was_uploaded_before() {
    let world = InUse::start().await;
    let pem = make_ca("plan");
    let plan = rotate(&world, &pem).plan().await.unwrap();
    assert!(plan.release().blockers().is_empty() && plan.successor().is_none());
    assert_eq!(plan.release().usage().zones.len(), 2);
    assert_eq!(writes(&world.simulator), [""; 0]);
    // Under another name, and with other line ends.
    let seed = Seed::ca(pem.replace('\n', "\r\n")).name("something else");
    let known = world.simulator.seed(seed).unwrap();
    let plan = rotate(&world, &pem).plan().await.unwrap();
    assert_eq!(plan.successor().unwrap().id().as_str(), known);
    let rotated = plan.run(|step| world.let_time_pass(step)).await.unwrap();
    assert_eq!(rotated.successor.id().as_str(), known);
    assert_eq!(world.simulator.effects().stored, 0);
}

#[tokio::test]
async fn hostnames_that_the_service_moves_itself_have_no_gap() {
    let world = InUse::start_with(|builder| builder.hostname_rule(HostnameRule::Moves)).await;
    let pem = make_ca("moves");
    let rotate = rotate(&world, &pem);
    rotate.run(|step| world.let_time_pass(step)).await.unwrap();
    assert_rotated(&world, &pem, "moves");
}

#[tokio::test]
async fn where_a_hostname_can_have_one_ca_only_it_keeps_the_old_one() {
    let world = InUse::start_with(|builder| builder.hostname_rule(HostnameRule::Exclusive)).await;
    let pem = make_ca("exclusive");
    for _ in 0..2 {
        let rotate = rotate(&world, &pem);
        let error = rotate.run(|step| world.let_time_pass(step)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains("did not get its hostnames"), "{error}");
        assert!(error.detached().is_empty());
    }
    assert_eq!(world.hostnames_of(&world.ca), HOSTS);
    let effects = world.simulator.effects();
    assert_eq!((effects.gaps.len(), effects.stored, effects.deleted), (0, 1, 0));
}

#[tokio::test]
async fn what_would_stop_the_release_stops_it_before_the_upload() {
    let world = InUse::start().await;
    world.simulator.attach_service(world.ca.as_str(), "gateway", "active").unwrap();
    let plan = rotate(&world, &make_ca("blocked")).plan().await.unwrap();
    assert!(!plan.release().blockers().is_empty());
    let error = plan.run(|step| panic!("{step}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert_eq!(writes(&world.simulator), [""; 0]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = InUse::start().await;
    let certificates = certificates(&world.simulator);
    let pem = make_ca("refused");
    let leaf = world.simulator.seed(Seed::leaf(pem.clone())).unwrap().parse().unwrap();
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let table = [
        (&world.ca, upload(DOCUMENTED_CA), "same certificate"),
        (&leaf, upload(&pem), "is a leaf"),
        (&world.ca, Upload::leaf(&pem, key).unwrap(), "successor is a leaf"),
        (&world.ca, upload(&pem).with_name(""), "name"),
    ];
    for (old, upload, told) in table {
        let error = certificates.rotate(old, upload).run(|_| ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{told}");
        assert!(format!("{error:#}").contains(told), "{error:#}");
    }
    assert_eq!(writes(&world.simulator), [""; 0]);
}

#[tokio::test]
async fn an_old_ca_that_is_gone_may_have_been_rotated_already() {
    let world = InUse::start().await;
    let pem = make_ca("gone");
    let rotate = rotate(&world, &pem);
    let id = rotate.run(|step| world.let_time_pass(step)).await.unwrap().successor;
    let error = rotate.run(|_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(id.id().as_str()), "{error}");
    assert_rotated(&world, &pem, "gone");
}

#[tokio::test]
async fn a_successor_that_does_not_become_active_takes_nothing_over() {
    // (how its use comes out, kind, what to do next)
    let table = [
        (None, ErrorKind::Timeout, "; run it again later to go on"),
        (Some("deployment_timed_out"), ErrorKind::Conflict, "try again"),
    ];
    for (status, kind, next) in table {
        let world = InUse::start().await;
        let rotate = rotate(&world, &make_ca("inactive"));
        let options = options(Duration::ZERO, Duration::from_millis(5));
        let rotate = rotate.with_options(options);
        let rotated = rotate.run(|step| {
            if let (Step::Uploaded { certificate_id, .. }, Some(status)) = (step, status) {
                let id = certificate_id.as_str();
                world.simulator.attach_service(id, "API Shield", status).unwrap();
            }
        });
        let error = rotated.await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().ends_with(next), "{error}");
        assert_eq!(world.hostnames_of(&world.ca), HOSTS);
        assert!(error.detached().is_empty() && world.holds(&world.ca));
    }
}

/// Each run does what it can at once, and the next one goes on.
#[tokio::test]
async fn a_rotation_that_may_not_wait_ends_when_it_is_run_again() {
    let world = InUse::start().await;
    let pem = make_ca("no wait");
    let rotate = rotate(&world, &pem).with_options(options(Duration::ZERO, Duration::ZERO));
    for kind in [ErrorKind::Timeout, ErrorKind::InUse] {
        let error = rotate.run(|_| ()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().ends_with("run it again later to go on"), "{error}");
        world.simulator.advance(Duration::from_secs(60));
    }
    rotate.run(|_| ()).await.unwrap();
    assert_rotated(&world, &pem, "without waits");
}

/// The associations lag behind: the first looks at the successor show a use of
/// long ago, or of another kind.
#[tokio::test]
async fn a_use_that_is_active_already_says_nothing_of_the_hostnames() {
    for (service, looks) in [("API Shield", 1), ("something else", 3)] {
        let world = InUse::start().await;
        let pem = make_ca("lagging");
        let rows = serde_json::json!([{ "service": service, "status": "active" }]);
        let answer = serde_json::json!({ "success": true, "result": rows });
        let answer = Fault::raw(200, "application/json", answer.to_string());
        // The first look of all is at the old CA, and pages of it are asked for
        // until one comes again.
        let answer = answer.on(Operation::Associations).nth(2).times(2 * looks);
        let lag = world.simulator.inject(answer);
        let rotate = rotate(&world, &pem);
        let mut waits = 0;
        let rotated = rotate.run(|step| {
            if matches!(step, Step::AwaitingActive { .. }) {
                waits += 1;
            }
            if world.simulator.fired(lag) == 2 * looks {
                world.let_time_pass(step);
            }
        });
        rotated.await.unwrap();
        assert!(looks < waits, "{service}: {waits}");
        assert_rotated(&world, &pem, service);
    }
}

/// What another client takes from the successor is found, whether it is reported as
/// active by then or not, and none of it is taken from the old CA.
#[tokio::test(start_paused = true)]
async fn hostnames_that_the_successor_loses_stay_with_the_old_ca() {
    // (the step after which they are taken, what the successor keeps in zone a,
    // what the old CA has lost by then)
    type Taken = fn(&Step) -> bool;
    let attached: Taken =
        |step| matches!(step, Step::Attached { zone, .. } if zone.hostnames == ["one.b.example"]);
    let waiting: Taken = |step| matches!(step, Step::AwaitingActive { .. });
    let active: Taken = |step| matches!(step, Step::Active { .. });
    let table: [(Taken, &[&str]); 5] = [
        (attached, &[]),
        (attached, &["one.a.example"]),
        (waiting, &[]),
        (waiting, &["one.a.example"]),
        (active, &["one.a.example"]),
    ];
    for (number, (taken, kept)) in table.into_iter().enumerate() {
        let world = InUse::start().await;
        let rotate = rotate(&world, &make_ca("robbed")).with_options(ReleaseOptions::default());
        let mut robbed = false;
        let rotated = rotate.run(|step| {
            if taken(step) && !robbed {
                robbed = true;
                let new = successor(&world.simulator);
                for zone in &world.zones[..2] {
                    let kept = kept.iter().copied().filter(|_| *zone == world.zones[0]);
                    world.simulator.set_hostnames(zone, new.as_str(), kept).unwrap();
                }
            }
        });
        let rotated = in_virtual_time(&world.simulator, Duration::from_secs(5), rotated).await;
        let error = rotated.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "row {number}");
        let told = error.to_string();
        assert!(told.contains("two.a.example would be left"), "{told}");
        assert_eq!(world.hostnames_of(&world.ca), HOSTS, "row {number}");
        // Until then, reads may show a list that is as old as the attachment.
        let again = async {
            tokio::time::sleep(Duration::from_secs(180)).await;
            rotate.run(|_| ()).await
        };
        in_virtual_time(&world.simulator, Duration::from_secs(5), again).await.unwrap();
        assert_eq!(world.simulator.effects().gaps, []);
    }
}

/// Each request fails once in turn, before and after it took effect; and each
/// time the rotation is run again.
#[tokio::test]
async fn a_rotation_that_failed_at_any_step_is_run_again() {
    let pem = make_ca("failed");
    for rule in [HostnameRule::Shared, HostnameRule::Moves] {
        let mut failures = 0;
        for after in [false, true] {
            for nth in 1.. {
                let row = format!("{rule:?}, request {nth}, after its effect: {after}");
                let world = InUse::start_with(|builder| builder.hostname_rule(rule)).await;
                let fault = Fault::reset().nth(nth);
                let fault = if after { fault.after_effect() } else { fault };
                let fault = world.simulator.inject(fault);
                let client = client(&world.simulator).with_retry(Retry::off());
                let certificates = certificates_of(&world.simulator, client).with_concurrency(1);
                let rotate = certificates.rotate(&world.ca, upload(&pem));
                let rotate = rotate.with_options(quick());
                let first = rotate.run(|step| world.let_time_pass(step)).await;
                let fired = world.simulator.fired(fault);
                if first.is_err() {
                    failures += 1;
                    assert_eq!(fired, 1, "{row}");
                    if let Err(error) = rotate.run(|step| world.let_time_pass(step)).await {
                        assert_eq!(error.kind(), ErrorKind::NotFound, "{row}: {error}");
                    }
                }
                assert_rotated(&world, &pem, &row);
                if fired == 0 {
                    break;
                }
            }
        }
        assert!(30 < failures, "{failures}");
    }
}

/// The same with a future that is dropped while a request is under way.
#[tokio::test]
async fn a_rotation_that_was_dropped_at_any_step_is_run_again() {
    let pem = make_ca("dropped");
    for nth in 1.. {
        let row = format!("request {nth}");
        let world = InUse::start().await;
        let fault = world.simulator.inject(Fault::silence().nth(nth).after_effect());
        let rotate = rotate(&world, &pem);
        let hangs = async {
            while world.simulator.fired(fault) == 0 {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        };
        let finished = tokio::select! {
            rotated = rotate.run(|step| world.let_time_pass(step)) => {
                rotated.unwrap();
                true
            }
            () = hangs => false,
        };
        if world.holds(&world.ca) {
            rotate.run(|step| world.let_time_pass(step)).await.unwrap();
        }
        assert_rotated(&world, &pem, &row);
        if finished {
            assert!(25 < nth, "{nth}");
            break;
        }
    }
}

#[tokio::test]
async fn an_account_without_room_for_both_keeps_the_old_one() {
    let world = InUse::start_with(|builder| builder.ca_quota(2)).await;
    let error = rotate(&world, &make_ca("full")).run(|_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(world.simulator.request_count(Operation::ReplaceHostnames), 0);
}

#[tokio::test]
async fn jobs_travel_between_threads() {
    fn sent<T: Send>(_: T) {}
    let world = InUse::start().await;
    let certificates = certificates(&world.simulator);
    let rotate = rotate(&world, &make_ca("sent"));
    sent(rotate.plan());
    sent(rotate.run(|_| ()));
    sent(certificates.release(&world.ca).run(|_| ()));
    sent(certificates.usage(&world.ca));
    sent(certificates.zones_using(&world.ca));
}

#[tokio::test]
async fn a_successor_that_was_deleted_and_is_still_listed_is_uploaded_again() {
    let lag = Duration::from_secs(600);
    let builder = Simulator::builder().list_lag(lag).delete_lag(lag).clock_stands_still();
    let simulator = builder.start().await.unwrap();
    let seed =
        |pem: &str| -> CertificateId { simulator.seed(Seed::ca(pem)).unwrap().parse().unwrap() };
    let pem = make_ca("deleted");
    let (old, new) = (seed(&make_ca("old")), seed(&pem));
    simulator.advance(lag);
    let certificates = certificates(&simulator);
    let _ = certificates.delete(&new).await.unwrap();
    let rotate = certificates.rotate(&old, upload(&pem)).with_options(quick());
    assert_eq!(rotate.plan().await.unwrap().successor().unwrap().id(), &new, "still listed");
    let rotated = rotate.run(|_| ()).await.unwrap();
    assert_ne!(rotated.successor.id(), &new);
    let held: Vec<String> = simulator.certificates().into_iter().map(|one| one.id).collect();
    assert_eq!(held, [rotated.successor.id().to_string()]);
}
