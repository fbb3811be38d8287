//! What jobs refuse before they change anything, and what callers may override.

use std::time::Duration;

use cf_mtls::{CertificateFilter, ErrorKind, Upload};
use cf_mtls_lifecycle::{Blocker, CertificatesExt as _, ReleaseOptions};
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};

use super::support::{InUse, certificates, in_virtual_time, make_ca, quick, writes};

/// Another zone that cannot be read still blocks it.
#[tokio::test]
async fn a_zone_that_is_ignored_by_name_or_id_blocks_nothing() {
    let world = InUse::start().await;
    // Neither has hostnames of the certificate, which nobody can know.
    let (b, d) = (&world.zones[1], &world.simulator.add_zone("d.example"));
    for zone in [b, d] {
        let denied = Fault::error(403, 10000, "Authentication error");
        world.simulator.inject(denied.on(Operation::Hostnames).zone(zone));
    }
    let capitals = [b, d].map(|id| id.to_ascii_uppercase());
    // (the zones that are ignored, those that block it)
    let table: [(&[&str], &[&str]); 6] = [
        (&[], &["b.example", "d.example"]),
        (&["B.example"], &["d.example"]),
        (&[d], &["b.example"]),
        (&["other.example", "example", ""], &["b.example", "d.example"]),
        (&["b.example", d], &[]),
        (&[&capitals[0], &capitals[1]], &[]),
    ];
    for (ignored, want) in table {
        let options = ignored
            .iter()
            .fold(ReleaseOptions::default(), |options, zone| options.with_ignored_zone(*zone));
        let certificates = certificates(&world.simulator);
        let plan = certificates.release(&world.other).with_options(options).plan().await.unwrap();
        let zones = plan.blockers().iter().filter_map(|blocker| match blocker {
            Blocker::UnreadableZone(one) => one.zone.name.as_deref(),
            _ => None,
        });
        assert_eq!(zones.collect::<Vec<_>>(), want, "{ignored:?}");
        assert_eq!(plan.check().is_ok(), want.is_empty(), "{ignored:?}");
    }
}

#[tokio::test]
async fn what_a_product_manages_is_deleted_there() {
    let table = [
        ("gateway_managed", "Gateway: deactivate and delete it in Zero Trust"),
        ("access_managed", "Access: delete the short-lived CA"),
        ("from_the_future", "another product: delete it there"),
    ];
    for (kind, place) in table {
        let world = InUse::start().await;
        let seed = Seed::ca(make_ca(kind)).kind(kind);
        let id = world.simulator.seed(seed).unwrap().parse().unwrap();
        let certificates = certificates(&world.simulator);
        let list = certificates.list(CertificateFilter::all()).collect().await.unwrap();
        let managed: Vec<_> = list.iter().filter_map(Blocker::managed).collect();
        assert_eq!(managed.len(), 1, "{kind}");
        assert!(managed[0].to_string().contains(place), "{kind}: {}", managed[0]);
        world.simulator.clear_requests();
        let upload = Upload::ca(make_ca("new")).unwrap();
        let release = certificates.release(&id).run(|_| ()).await.unwrap_err();
        assert_eq!(world.simulator.request_count(None), 1, "{kind}");
        let rotate = certificates.rotate(&id, upload).run(|_| ()).await.unwrap_err();
        for error in [release, rotate] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{kind}");
            assert!(error.to_string().contains(place), "{kind}: {error}");
        }
        assert_eq!(writes(&world.simulator), [""; 0], "{kind}");
    }
}

/// Named by the caller, or like the old CA; a name of its own that is stored stays.
#[tokio::test]
async fn a_successor_has_the_name_of_the_old_ca_unless_it_has_its_own() {
    let table = [(None, None, "old"), (Some("mine"), None, "mine"), (None, Some("was"), "was")];
    for (given, stored, want) in table {
        let world = InUse::start().await;
        let pem = make_ca("named");
        if let Some(name) = stored {
            world.simulator.seed(Seed::ca(pem.as_str()).name(name)).unwrap();
        }
        let upload = Upload::ca(&pem).unwrap();
        let upload = match given {
            Some(name) => upload.with_name(name),
            None => upload,
        };
        let rotate = certificates(&world.simulator).rotate(&world.ca, upload);
        let rotate = rotate.with_options(quick());
        let rotated = rotate.run(|step| world.let_time_pass(step)).await.unwrap();
        assert_eq!(rotated.successor.name(), Some(want));
    }
}

/// The list does not show for a long time what an earlier run uploaded.
#[tokio::test(start_paused = true)]
async fn a_successor_that_the_list_does_not_show_is_found_when_it_does() {
    for lag in [0, 10, 300] {
        let lag = Duration::from_secs(lag);
        let world = InUse::start_with(|builder| builder.list_lag(lag)).await;
        world.simulator.advance(Duration::from_secs(600));
        let certificates = certificates(&world.simulator);
        let upload = Upload::ca(make_ca("hidden")).unwrap();
        let job = async {
            let stored = certificates.upload(&upload).await.unwrap();
            let rotate = certificates.rotate(&world.ca, upload.clone());
            let rotated = rotate.run(|_| ()).await.unwrap();
            assert_eq!(rotated.successor.id(), stored.id(), "{lag:?}");
        };
        in_virtual_time(&world.simulator, Duration::from_secs(5), job).await;
        assert_eq!(world.simulator.effects().stored, 1, "{lag:?}");
        assert_eq!(world.simulator.effects().gaps, [], "{lag:?}");
    }
}

/// Longer each time, up to the maximum, and once more at the very end.
#[tokio::test(start_paused = true)]
async fn a_wait_looks_less_and_less_often_and_ends_on_time() {
    let world = InUse::start().await;
    let second = Duration::from_secs(1);
    let options = ReleaseOptions::default().with_poll_interval(second, 4 * second);
    let release = certificates(&world.simulator).release(&world.ca);
    let release = release.with_options(options.with_wait_timeout(12 * second));
    // Nothing is released in time.
    world.simulator.attach_service(world.ca.as_str(), "API Shield", "active").unwrap();
    world.simulator.detach_service(world.ca.as_str(), "API Shield").unwrap();
    let (mut begun, mut looks) = (None, Vec::new());
    let released = release.run(|step| {
        if let cf_mtls_lifecycle::Step::AwaitingRelease { .. } = step {
            let begun = *begun.get_or_insert_with(tokio::time::Instant::now);
            looks.push(begun.elapsed().as_secs());
        }
    });
    let error = in_virtual_time(&world.simulator, second, released).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains("still in use after 12 s"), "{error}");
    assert_eq!(looks, [0, 1, 3, 7, 11]);
}
