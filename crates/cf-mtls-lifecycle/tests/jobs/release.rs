use std::time::Duration;

use cf_mtls::{ErrorKind, Retry};
use cf_mtls_lifecycle::{
    Blocker, Candidate, CertificatesExt as _, Holder, PlannedRelease, Product, Reason, Release,
    ReleaseOptions, Released, Rotated, Step, Unread, UnreadableProduct, UnreadableZone,
};
use cf_mtls_testkit::simulator::{Builder, Fault, Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};

use super::support::{
    InUse, PROPAGATION, certificates, certificates_of, client, in_virtual_time, options, quick,
    seed_ca, writes, zone_id,
};

fn release(world: &InUse) -> Release {
    let certificates = certificates(&world.simulator).with_concurrency(1);
    certificates.release(&world.ca).with_options(quick())
}

/// Looks once: what no zone shows is not waited for.
fn once() -> ReleaseOptions {
    options(Duration::ZERO, Duration::ZERO)
}

/// The names of steps, each once in a row.
fn names(steps: &[Step]) -> Vec<String> {
    let name =
        |step: &Step| serde_json::to_value(step).unwrap()["step"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = steps.iter().map(name).collect();
    names.dedup();
    names
}

#[tokio::test]
async fn a_plan_tells_what_will_be_done_and_only_reads() {
    let world = InUse::start().await;
    let plan = release(&world).plan().await.unwrap();
    assert!(plan.blockers().is_empty());
    let zones: Vec<_> = plan.usage().zones.iter().map(ToString::to_string).collect();
    let want =
        ["one.a.example, two.a.example in zone a.example", "one.b.example in zone b.example"];
    assert_eq!(zones, want);
    assert_eq!(plan.usage().certificate.name(), Some("old"));
    assert_eq!(writes(&world.simulator), [""; 0]);
    let json = serde_json::to_value(plan.planned()).unwrap();
    assert_eq!(json["zones"][1]["hostnames"], serde_json::json!(["one.b.example"]));
    assert_eq!(json["blockers"], serde_json::json!([]));
}

#[tokio::test]
async fn releases_what_is_in_use_and_touches_nothing_else() {
    let world = InUse::start().await;
    let mut steps = Vec::new();
    let release = release(&world);
    let released = release.run(|step| {
        world.let_time_pass(step);
        steps.push(step.clone());
    });
    let released = released.await.unwrap();
    assert!(!world.holds(&world.ca));
    assert_eq!(released.detached.len(), 2);
    assert!(released.confirmed);
    assert_eq!(names(&steps), ["detached", "awaiting_release", "unused", "deleted"]);
    let (ca, zone) = (&world.ca, &world.zones[1]);
    let detached = &steps[1];
    let text = format!("detached one.b.example in zone b.example from {ca}");
    assert_eq!(detached.to_string(), text);
    let json = serde_json::json!({
        "step": "detached", "certificate_id": ca, "zone_id": zone, "zone_name": "b.example",
        "hostnames": ["one.b.example"],
    });
    assert_eq!(serde_json::to_value(detached).unwrap(), json);
    // Each use once.
    let text = format!("waiting until nothing uses {ca}: API Shield (pending_deletion)");
    assert_eq!(steps[2].to_string(), text);
    world.assert_others_untouched("release");
    let ca = &world.ca;
    let want = [format!("PUT {ca} []"), format!("PUT {ca} []"), format!("DELETE {ca}")];
    assert_eq!(writes(&world.simulator), want);
}

#[tokio::test]
async fn what_hostnames_do_not_explain_stops_it_before_anything_is_changed() {
    // (what is attached, kind, what the message tells)
    let table = [
        ("gateway", "active", "gateway (active)"),
        ("Workers", "pending_deployment", "Workers (pending_deployment)"),
        ("something new", "active", "something new (active)"),
        ("API Shield", "active", "no zone shows"),
    ];
    for (service, status, told) in table {
        let world = InUse::start().await;
        world.simulator.attach_service(world.ca.as_str(), service, status).unwrap();
        let plan = release(&world).with_options(once()).plan().await.unwrap();
        assert_eq!(plan.blockers().len(), 1, "{service}: {:?}", plan.blockers());
        let error = plan.run(|step| panic!("{step}")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{service}");
        assert_eq!(error.associations().len(), 1, "{service}");
        let of_job: &cf_mtls::Error = error.as_ref();
        assert_eq!(of_job.associations(), error.associations(), "{service}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(error.detached().is_empty());
        let requests = world.simulator.requests();
        assert!(requests.iter().all(|request| request.is_read()), "{service}");
    }
}

#[tokio::test]
async fn hostnames_may_appear_under_another_name() {
    for (name, blocked) in
        [("API Shield", false), ("api_shield", false), ("new", false), ("gateway 2", true)]
    {
        let world = InUse::start_with(|builder| builder.hostname_service(name)).await;
        let plan = release(&world).plan().await.unwrap();
        assert_eq!(!plan.blockers().is_empty(), blocked, "{name}");
        let options = quick().with_hostname_service(name);
        let plan = release(&world).with_options(options).plan().await.unwrap();
        assert!(plan.blockers().is_empty(), "{name} is told");
        plan.run(|step| world.let_time_pass(step)).await.unwrap();
        assert!(!world.holds(&world.ca), "{name}");
    }
}

/// `service status` of each association, with commas between.
fn rows(text: &str) -> Fault {
    let rows = text.split(", ").filter_map(|row| row.rsplit_once(' '));
    let rows: Vec<_> = rows
        .map(|(service, status)| serde_json::json!({ "service": service, "status": status }))
        .collect();
    let body = serde_json::json!({ "success": true, "result": rows });
    Fault::raw(200, "application/json", body.to_string()).on(Operation::Associations)
}

#[tokio::test]
#[rustfmt::skip]
async fn services_are_assessed_by_name_and_by_evidence() {
    // (associations, zones with hostnames, how many services and how many hidden
    // hostnames block it)
    let table = [
        ("", 0, (0, 0)),
        ("", 2, (0, 0)),
        ("API Shield active", 1, (0, 0)),
        ("api_shield active", 1, (0, 0)),
        ("API Shield active", 3, (0, 0)),
        ("API Shield active, API Shield pending_deployment", 2, (0, 0)),
        ("API Shield active, API Shield active", 1, (0, 1)),
        ("API Shield active", 0, (0, 1)),
        ("API Shield deletion_timed_out", 0, (0, 1)),
        ("API Shield pending_deletion", 0, (0, 0)),
        ("API Shield active, API Shield pending_deletion", 1, (0, 0)),
        ("API Shield deleted", 0, (0, 0)),
        ("gateway active", 0, (1, 0)),
        ("gateway active", 1, (1, 0)),
        ("Workers active, API Shield active", 1, (1, 0)),
        ("gateway pending_deletion", 0, (0, 0)),
        ("gateway deleted", 0, (0, 0)),
        ("gateway initializing", 0, (1, 0)),
        ("gateway strange", 0, (1, 0)),
        // Unknown names.
        ("client certificates active", 1, (0, 0)),
        ("client certificates active", 0, (1, 0)),
        ("client certificates active, client certificates active", 1, (2, 0)),
        ("client certificates active, email active", 2, (2, 0)),
        ("client certificates active, API Shield active", 1, (1, 0)),
        ("client certificates active, gateway active", 1, (1, 0)),
        (" active", 0, (1, 0)),
    ];
    for (associations, zones, want) in table {
        let simulator = Simulator::start().await.unwrap();
        let ca = seed_ca(&simulator, "ca");
        for number in 0..zones {
            let zone = simulator.add_zone(&format!("z{number}.example"));
            let host = format!("a.z{number}.example");
            simulator.set_hostnames(&zone, ca.as_str(), [host]).unwrap();
        }
        simulator.inject(rows(associations));
        let release = certificates(&simulator).release(&ca).with_options(once());
        let plan = release.plan().await.unwrap();
        let blockers = plan.blockers().iter();
        let hidden = blockers.filter(|blocker| matches!(blocker, Blocker::HiddenHostnames(_)));
        let hidden = hidden.count();
        let services = plan.blockers().len() - hidden;
        assert_eq!((services, hidden), want, "{associations:?} {zones}");
    }
}

#[tokio::test]
async fn what_is_leaving_already_is_waited_for() {
    let world = InUse::start().await;
    world.simulator.attach_service(world.ca.as_str(), "gateway", "active").unwrap();
    world.simulator.detach_service(world.ca.as_str(), "gateway").unwrap();
    release(&world).run(|step| world.let_time_pass(step)).await.unwrap();
    assert!(!world.holds(&world.ca));
}

#[tokio::test]
async fn hostnames_in_other_zones_than_the_given_stop_it() {
    let world = InUse::start().await;
    let [a, b, c] = [0, 1, 2].map(|zone: usize| zone_id(&world.zones[zone]));
    let release = || release(&world);
    let plan = release().in_zones([a.clone(), c]).plan().await.unwrap();
    assert!(matches!(plan.blockers(), [Blocker::OtherZone(zone)] if zone.zone_id == b));
    let error = plan.run(|step| panic!("{step}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert_eq!(writes(&world.simulator), [""; 0]);

    let plan = release().in_zones([a, b]).plan().await.unwrap();
    assert!(plan.blockers().is_empty());
    plan.run(|step| world.let_time_pass(step)).await.unwrap();
    assert!(!world.holds(&world.ca));
}

#[tokio::test]
async fn a_zone_that_cannot_be_read_stops_it_unless_it_is_ignored() {
    let refusal = || Fault::error(403, 9109, "Unauthorized").on(Operation::Hostnames);
    let world = InUse::start().await;
    world.simulator.inject(refusal().nth(3));
    let plan = release(&world).plan().await.unwrap();
    assert!(matches!(plan.blockers(), [Blocker::UnreadableZone(_)]));
    let error = plan.run(|step| panic!("{step}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(error.to_string().contains("zone c.example"), "{error}");
    assert_eq!(writes(&world.simulator), [""; 0]);

    world.simulator.inject(refusal().nth(3));
    let plan = release(&world)
        .with_options(ReleaseOptions::default().with_unreadable_zones_ignored())
        .plan()
        .await
        .unwrap();
    assert!(plan.blockers().is_empty());

    // Nothing says that hostnames use it, so zones are not read, unless that is asked for.
    let unused = seed_ca(&world.simulator, "unused");
    world.simulator.inject(refusal().zone(&world.zones[2]));
    let unused = certificates(&world.simulator).release(&unused);
    let plan = unused.plan().await.unwrap();
    assert!(plan.blockers().is_empty() && plan.usage().zones_not_read, "{:?}", plan.blockers());
    for ignored in [false, true] {
        let options = quick().with_all_zones();
        let options = if ignored { options.with_ignored_zone("c.example") } else { options };
        let mut steps = Vec::new();
        let unused = unused.clone().with_options(options);
        match unused.run(|step| steps.push(step.clone())).await {
            // It may have hostnames all the same.
            Ok(_) => {
                assert!(ignored);
                let [Step::Unused { unread, .. }, Step::Deleted { .. }] = &steps[..] else {
                    panic!("{steps:?}")
                };
                assert_eq!(unread.zones[0].zone.name.as_deref(), Some("c.example"));
                assert!(steps[0].to_string().contains("zone c.example cannot be read"));
            }
            Err(error) => {
                assert!(!ignored, "{error}");
                assert_eq!((error.kind(), steps.len()), (ErrorKind::Permission, 0));
                assert_eq!(error.unread().zones[0].zone.name.as_deref(), Some("c.example"));
                assert!(error.to_string().contains("lacks \"SSL and Certificates\""), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_zone_that_is_given_but_not_listed_is_read_all_the_same() {
    let world = InUse::start().await;
    let empty = r#"{"success":true,"errors":[],"messages":[],"result":[]}"#;
    world.simulator.inject(Fault::raw(200, "application/json", empty).on(Operation::Zones));
    // The services tell of hostnames, and no zone shows them.
    let plan = release(&world).with_options(once()).plan().await.unwrap();
    assert!(matches!(plan.blockers(), [Blocker::HiddenHostnames(_), Blocker::HiddenHostnames(_)]));
    let zones = [0, 1].map(|zone: usize| zone_id(&world.zones[zone]));
    let plan = release(&world).in_zones(zones).plan().await.unwrap();
    assert!(plan.blockers().is_empty(), "{:?}", plan.blockers());
    assert_eq!(plan.usage().zones.len(), 2);
}

#[tokio::test]
async fn what_cloudflare_manages_is_left_alone() {
    for kind in ["gateway_managed", "new"] {
        let simulator = Simulator::start().await.unwrap();
        let seed = Seed::ca(DOCUMENTED_CA).kind(kind);
        let id = simulator.seed(seed).unwrap().parse().unwrap();
        let released = certificates(&simulator).release(&id).run(|_| ()).await;
        assert_eq!(released.unwrap_err().kind(), ErrorKind::InvalidInput, "{kind}");
        assert_eq!(writes(&simulator), [""; 0]);
    }
}

#[tokio::test]
async fn a_leaf_is_released_without_a_look_at_zones() {
    let simulator = Simulator::start().await.unwrap();
    let id = simulator.seed(Seed::leaf(DOCUMENTED_CA)).unwrap().parse().unwrap();
    certificates(&simulator).release(&id).run(|_| ()).await.unwrap();
    assert_eq!(simulator.request_count(Operation::Zones), 0);
    assert_eq!(simulator.effects().deleted, 1);
}

#[tokio::test]
async fn a_wait_that_ends_tells_who_remains_and_what_was_detached() {
    let world = InUse::start().await;
    let options = options(Duration::from_millis(5), Duration::from_millis(20));
    let error = release(&world).with_options(options).run(|_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert_eq!(error.associations().len(), 2);
    assert_eq!(error.detached().len(), 2);
    assert!(error.to_string().contains("one.b.example in zone b.example"), "{error}");
    let text = error.to_string();
    let told = "in use by API Shield (pending_deletion): still in use after 0.02 s; \
                detached already: ";
    assert!(text.contains(told), "each use once: {text}");
    assert!(text.ends_with("; run it again later to go on"), "{text}");
    assert!(!text.contains("detach it"), "it was detached: {text}");
    assert!(world.holds(&world.ca));
}

/// Services have let go, and the service refuses all the same for a while.
#[tokio::test]
async fn a_deletion_that_is_refused_for_a_while_is_tried_again() {
    for (status, code) in [(409, 99001), (400, 424242), (200, 424242)] {
        let world = InUse::start().await;
        let refusal = Fault::error(status, code, "in use");
        world.simulator.inject(refusal.on(Operation::Delete).times(3));
        let mut refused = 0;
        let release = release(&world);
        let released = release.run(|step| {
            world.let_time_pass(step);
            refused += usize::from(matches!(step, Step::StillRefused { .. }));
        });
        released.await.unwrap();
        assert_eq!(refused, 3);
        assert!(!world.holds(&world.ca));
    }
}

#[tokio::test]
async fn a_deletion_that_is_refused_for_good_is_not_tried_again() {
    let table = [(403, 9109, ErrorKind::Permission), (400, 7003, ErrorKind::InvalidRequest)];
    for (status, code, kind) in table {
        let world = InUse::start().await;
        let refusal = Fault::error(status, code, "refused");
        world.simulator.inject(refusal.on(Operation::Delete));
        let released = release(&world).run(|step| world.let_time_pass(step)).await;
        let error = released.unwrap_err();
        assert_eq!((error.kind(), error.detached().len()), (kind, 2));
        let of_operation: &cf_mtls::Error = error.as_ref();
        assert_eq!(of_operation.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(world.simulator.request_count(Operation::Delete), 1);
    }
}

/// Neither the look nor the deletion waits longer for an answer than one
/// operation may.
#[tokio::test]
async fn a_release_without_an_answer_ends_with_the_deadline_of_the_operation() {
    let table = [(Operation::Associations, "timeout", false), (Operation::Delete, "timeout", true)];
    for (operation, kind, unknown) in table {
        let world = InUse::start().await;
        let client = client(&world.simulator).with_deadline(Duration::from_millis(500));
        let certificates = certificates_of(&world.simulator, client);
        let plan = certificates.release(&world.ca).with_options(quick()).plan().await.unwrap();
        world.simulator.inject(Fault::silence().on(operation));
        if operation == Operation::Delete {
            // Not even the look afterwards has an answer.
            let silence = Fault::silence().on(Operation::Get);
            world.simulator.inject(silence);
        }
        let run = plan.run(|step| world.let_time_pass(step));
        let run = tokio::time::timeout(Duration::from_secs(15), run).await;
        let error = run.expect("it goes on").unwrap_err();
        assert_eq!(error.kind().as_str(), kind, "{error}");
        assert_eq!(error.may_have_taken_effect(), unknown, "{error}");
        assert_eq!(error.detached().len(), 2, "{error}");
    }
}

#[tokio::test]
async fn what_the_service_says_enters_an_error_without_secrets_and_escapes() {
    let world = InUse::start().await;
    let token = world.simulator.token();
    let answer = serde_json::json!({
        "success": true,
        "result": [{ "service": format!("gateway \u{1b}[31m{token}"), "status": "active\u{7}" }],
    });
    let answer = Fault::raw(200, "application/json", answer.to_string());
    world.simulator.inject(answer.on(Operation::Associations));
    let error = release(&world).run(|_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    let json = serde_json::to_string(&error).unwrap();
    for text in [error.to_string(), format!("{error:?}"), json] {
        assert!(text.contains("gateway"), "{text}");
        assert!(!text.contains(token) && !text.contains(char::is_control), "{text}");
        assert!(!text.contains("u{1b}") && !text.contains("u001b"), "{text}");
    }
}

#[tokio::test]
async fn hostnames_attached_meanwhile_stay_and_stop_it() {
    let world = InUse::start().await;
    let plan = release(&world).plan().await.unwrap();
    let late = ["one.a.example", "late.a.example"];
    world.simulator.set_hostnames(&world.zones[0], world.ca.as_str(), late).unwrap();
    let error = plan.run(|step| world.let_time_pass(step)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("late.a.example"), "{error}");
    assert_eq!(error.detached()[0].hostnames, ["one.a.example"]);
    assert_eq!(world.hostnames_of(&world.ca), ["late.a.example", "one.b.example"]);
}

/// What is attached while the release waits is told soon, not when the wait ends.
#[tokio::test]
async fn hostnames_attached_during_the_wait_end_it() {
    let world = InUse::start().await;
    let options = options(Duration::ZERO, Duration::from_secs(60));
    let release = release(&world).with_options(options);
    let mut attached = false;
    let run = release.run(|step| {
        if matches!(step, Step::AwaitingRelease { .. }) && !attached {
            attached = true;
            let late = ["late.a.example"];
            world.simulator.set_hostnames(&world.zones[0], world.ca.as_str(), late).unwrap();
        }
        world.let_time_pass(step);
    });
    let run = tokio::time::timeout(Duration::from_secs(15), run).await;
    let error = run.expect("it waits").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("late.a.example"), "{error}");
    assert_eq!(error.detached().len(), 2);
    assert_eq!(world.hostnames_of(&world.ca), ["late.a.example"]);
}

/// Reads show the list from before the release, and associations are late, too.
#[tokio::test(start_paused = true)]
async fn hostnames_that_are_shown_late_are_not_those_of_another_client() {
    let world = InUse::start_with(Builder::slow_day).await;
    world.simulator.advance(Duration::from_secs(600));
    // The first look is that of the plan. Each takes two requests, since these rows have
    // no count.
    let late = rows("API Shield active, API Shield active").nth(2).times(2 * 5);
    world.simulator.inject(late);
    let mut waits = 0;
    let release = certificates(&world.simulator).release(&world.ca);
    let released =
        release.run(|step| waits += u32::from(matches!(step, Step::AwaitingRelease { .. })));
    let released = in_virtual_time(&world.simulator, Duration::from_secs(1), released).await;
    assert_eq!(released.unwrap().detached.len(), 2);
    assert!(5 <= waits, "{waits}");
}

#[tokio::test]
async fn a_service_that_comes_meanwhile_ends_the_wait() {
    let world = InUse::start().await;
    let plan = release(&world).plan().await.unwrap();
    world.simulator.attach_service(world.ca.as_str(), "gateway", "active").unwrap();
    let error = plan.run(|_| ()).await.unwrap_err();
    assert_eq!((error.kind(), error.detached().len()), (ErrorKind::InUse, 2));
    assert!(error.to_string().contains("gateway (active) began"), "{error}");
}

/// Each request fails once in turn, before and after it took effect; and each
/// time the release is run again.
#[tokio::test]
async fn a_release_that_failed_at_any_step_is_run_again() {
    let mut failures = 0;
    for after in [false, true] {
        for nth in 1.. {
            let row = format!("request {nth}, after its effect: {after}");
            let world = InUse::start().await;
            let mut fault = Fault::reset().nth(nth);
            if after {
                fault = fault.after_effect();
            }
            let fault = world.simulator.inject(fault);
            let client = client(&world.simulator).with_retry(Retry::off());
            let certificates = certificates_of(&world.simulator, client).with_concurrency(1);
            let release = certificates.release(&world.ca).with_options(quick());
            let first = release.run(|step| world.let_time_pass(step)).await;
            if world.simulator.fired(fault) == 0 {
                assert!(first.is_ok(), "{row}");
                break;
            }
            if let Err(error) = first {
                failures += 1;
                let gone: Vec<String> =
                    error.detached().iter().flat_map(|zone| zone.hostnames.clone()).collect();
                let left = world.hostnames_of(&world.ca);
                assert!(gone.iter().all(|host| !left.contains(host)), "{row}");
                assert!(
                    error.may_have_taken_effect() || gone.len() + left.len() == 3,
                    "{row}: {gone:?} and {left:?}: {error}"
                );
                match release.run(|step| world.let_time_pass(step)).await {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{row}: {error}"),
                }
            }
            assert!(!world.holds(&world.ca), "{row}");
            assert_eq!(world.simulator.effects().deleted_as(world.ca.as_str()), 1, "{row}");
            world.assert_others_untouched(&row);
        }
    }
    assert!(20 < failures, "{failures}");
}

/// The same with a future that is dropped while a request is under way.
#[tokio::test]
async fn a_release_that_was_dropped_at_any_step_is_run_again() {
    for nth in 1.. {
        let world = InUse::start().await;
        let fault = world.simulator.inject(Fault::silence().nth(nth).after_effect());
        let release = release(&world);
        let hangs = async {
            while world.simulator.fired(fault) == 0 {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        };
        let finished = tokio::select! {
            released = release.run(|step| world.let_time_pass(step)) => {
                released.unwrap();
                true
            }
            () = hangs => false,
        };
        if finished {
            assert!(15 < nth, "{nth}");
            break;
        }
        if world.holds(&world.ca) {
            release.run(|step| world.let_time_pass(step)).await.unwrap();
        }
        assert!(!world.holds(&world.ca), "request {nth}");
        world.assert_others_untouched(&format!("request {nth}"));
    }
}

#[tokio::test]
async fn a_certificate_that_somebody_else_deletes_is_released() {
    let world = InUse::start().await;
    world.simulator.advance(PROPAGATION);
    let plan = release(&world).plan().await.unwrap();
    let rival = certificates(&world.simulator);
    let (mut rivals, ca) = (vec![], world.ca.clone());
    let released = plan.run(|step| {
        world.let_time_pass(step);
        if matches!(step, Step::AwaitingRelease { .. }) && rivals.is_empty() {
            world.simulator.advance(PROPAGATION);
            let (rival, ca) = (rival.clone(), ca.clone());
            rivals.push(tokio::spawn(async move { rival.delete(&ca).await }));
        }
    });
    let released = released.await.unwrap();
    assert_eq!(released.detached.len(), 2);
    assert!(!world.holds(&world.ca));
}

/// What a job returns can be made for a fake, and reads back from JSON.
#[tokio::test]
async fn what_jobs_return_can_be_made_and_reads_back() {
    fn back<T: serde::Serialize + serde::de::DeserializeOwned>(one: &T) -> T {
        serde_json::from_str(&serde_json::to_string(one).unwrap()).unwrap()
    }
    let world = InUse::start().await;
    let plan = release(&world).plan().await.unwrap();
    let blocker = Blocker::OtherZone(plan.usage().zones[0].clone());
    let planned = PlannedRelease::new(plan.usage().clone(), vec![blocker]);
    assert_eq!(back(&planned), planned);
    let PlannedRelease { usage, .. } = planned;
    let certificate = usage.certificate.clone();
    let released = Released::new(certificate.clone(), usage.zones.clone(), true);
    assert_eq!(back(&released), released);
    let rotated = Rotated::new(certificate.clone(), usage.zones, released);
    assert_eq!(back(&rotated), rotated);
    let (id, zone) = (certificate.id().clone(), plan.usage().zones[0].clone());
    let moment = jiff::Timestamp::UNIX_EPOCH;
    let reasons = vec![
        Reason::expired(moment),
        Reason::expires_before(moment),
        Reason::uploaded_before(moment),
        Reason::name_prefix("old".to_owned()),
        Reason::unused(),
    ];
    let candidate = Candidate::new(id.clone(), certificate, reasons);
    assert_eq!(back(&candidate), candidate);
    let rows = vec![cf_mtls::Association::new("gateway", cf_mtls::AssociationStatus::Active)];
    let holders = vec![Holder::Gateway];
    let steps = [
        Step::uploaded(id.clone()),
        Step::already_uploaded(id.clone()),
        Step::attached(id.clone(), zone.clone()),
        Step::awaiting_active(id.clone(), rows.clone()),
        Step::active(id.clone()),
        Step::awaiting_hostnames(id.clone(), zone.clone()),
        Step::detached(id.clone(), zone),
        Step::awaiting_release(id.clone(), rows, holders, Unread::default()),
        Step::unused(id.clone(), Unread::default()),
        Step::still_refused(id.clone(), Unread::default()),
        Step::deleted(id),
    ];
    assert_eq!(back(&steps), steps);
    let error = || cf_mtls::Error::new(ErrorKind::Permission);
    let zone = cf_mtls::Zone::new(zone_id(&world.zones[0]));
    let mut unread = Unread::default();
    unread.products.push(UnreadableProduct::new(Product::Workers, None, error()));
    unread.zones.push(UnreadableZone::new(zone, error()));
    assert_eq!(back(&unread), unread);
    assert!(unread.to_string().contains("Workers Scripts Read"), "{unread}");
}
