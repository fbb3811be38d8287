//! The jobs with the service's delays and without, in virtual time, and interrupted at
//! every request.

use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, ClientCa, ErrorKind, Upload, ZoneId};
use cf_mtls_lifecycle::{CertificatesExt as _, Error, Prune, ReleaseOptions, Step};
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};

use super::support::{InUse, certificates, in_virtual_time, make_ca, seed_ca};

const STEP: Duration = Duration::from_secs(5);
const HOSTS: [&str; 3] = ["one.a.example", "one.b.example", "two.a.example"];

/// With every delay of the service, or without any.
async fn world(is_slow: bool) -> InUse {
    let builder = InUse::start_with(|builder| match is_slow {
        true => builder.slow_day(),
        false => builder.propagation(Duration::ZERO),
    });
    let world = builder.await;
    world.simulator.advance(Duration::from_secs(600));
    world.simulator.clear_requests();
    world
}

fn successor(world: &InUse) -> Option<CertificateId> {
    let mut held = world.simulator.certificates().into_iter();
    let new = held.find(|one| one.name.as_deref() == Some("new"))?;
    Some(new.id.parse().unwrap())
}

/// Each hostname has a CA that is active for it.
fn assert_no_gap(world: &InUse, row: &str) {
    let of_old = world.hostnames_of(&world.ca);
    let new = successor(world);
    let active = new.filter(|new| {
        let uses = world.simulator.associations(new.as_str());
        uses.iter().all(|(_, status)| status == "active")
    });
    let of_new = active.map_or(Vec::new(), |new| world.hostnames_of(&new));
    for host in HOSTS {
        let has = |list: &[String]| list.iter().any(|other| other == host);
        assert!(has(&of_old) || has(&of_new), "{row}: {host} has no active CA");
    }
}

/// A job that works on the world.
#[derive(Clone, Copy, Debug)]
enum Job {
    Release,
    Rotate,
}

/// One request at a time, so that the same request is the same each time.
fn new_client(world: &InUse) -> Certificates {
    certificates(&world.simulator).with_concurrency(1)
}

async fn run(world: &InUse, certificates: &Certificates, job: Job, pem: &str) -> Result<(), Error> {
    let options = ReleaseOptions::default();
    let run = async {
        match job {
            Job::Release => {
                let release = certificates.release(&world.ca).with_options(options);
                release.run(|_| ()).await.map(drop)
            }
            Job::Rotate => {
                let upload = Upload::ca(pem).unwrap().with_name("new");
                let rotate = certificates.rotate(&world.ca, upload).with_options(options);
                rotate.run(|_| ()).await.map(drop)
            }
        }
    };
    in_virtual_time(&world.simulator, STEP, run).await
}

fn assert_done(world: &InUse, job: Job, pem: &str, row: &str) {
    assert!(!world.holds(&world.ca), "{row}");
    let effects = world.simulator.effects();
    assert_eq!(effects.deleted_as(world.ca.as_str()), 1, "{row}");
    world.assert_others_untouched(row);
    if matches!(job, Job::Rotate) {
        let mut held = world.hostnames_of(&successor(world).unwrap());
        held.sort();
        assert_eq!(held, HOSTS, "{row}");
        assert_eq!(effects.gaps, [], "{row}");
        assert_eq!(effects.stored_as(pem), 1, "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_end_well_on_any_day_and_no_hostname_is_without_a_ca() {
    let pem = make_ca("slow");
    for is_slow in [false, true] {
        for job in [Job::Release, Job::Rotate] {
            let row = format!("{job:?}, slow: {is_slow}");
            let world = world(is_slow).await;
            let poller = async {
                loop {
                    if matches!(job, Job::Rotate) {
                        assert_no_gap(&world, &row);
                    }
                    tokio::time::sleep(STEP / 5).await;
                }
            };
            let client = new_client(&world);
            tokio::select! {
                done = run(&world, &client, job, &pem) => done.unwrap(),
                () = poller => unreachable!(),
            }
            assert_done(&world, job, &pem, &row);
            // What is not there yet is not sent again.
            let sent = world.simulator.request_count(Operation::ReplaceHostnames);
            let want = if matches!(job, Job::Rotate) { 4 } else { 2 };
            assert_eq!(sent, want, "{row}");
        }
    }
}

/// A future that is dropped while a request is under way, and begins again at once, in
/// the same process or a new one: nothing is lost, and nothing is done twice.
async fn drop_at_every_request(job: Job, is_slow: bool, is_new_process: bool) {
    let pem = make_ca("dropped");
    for nth in 1.. {
        let row = format!("{job:?}, slow: {is_slow}, new: {is_new_process}, request {nth}");
        let world = world(is_slow).await;
        let fault = world.simulator.inject(Fault::silence().nth(nth).after_effect());
        let hangs = async {
            while world.simulator.fired(fault) == 0 {
                let pause = || std::thread::sleep(Duration::from_millis(1));
                tokio::task::spawn_blocking(pause).await.unwrap();
            }
        };
        let client = new_client(&world);
        let is_finished = tokio::select! {
            done = run(&world, &client, job, &pem) => {
                done.unwrap();
                true
            }
            () = hangs => false,
        };
        let client = if is_new_process { new_client(&world) } else { client };
        if !is_finished && let Err(error) = run(&world, &client, job, &pem).await {
            // It was deleted before.
            assert_eq!(error.kind(), ErrorKind::NotFound, "{row}: {error:#}");
        }
        assert_done(&world, job, &pem, &row);
        if is_finished {
            assert!(10 < nth, "{row}");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_dropped_at_any_request_is_run_again_on_any_day() {
    for (is_slow, is_new_process) in [(false, true), (true, true), (true, false)] {
        drop_at_every_request(Job::Release, is_slow, is_new_process).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_was_dropped_at_any_request_is_run_again_on_any_day() {
    for (is_slow, is_new_process) in [(false, true), (true, true), (true, false)] {
        drop_at_every_request(Job::Rotate, is_slow, is_new_process).await;
    }
}

/// Another process attached hostnames a moment ago: associations show them, and reads of
/// the zones do not yet.
#[tokio::test(start_paused = true)]
async fn hostnames_that_were_attached_a_moment_ago_are_waited_for() {
    let pem = make_ca("just attached");
    for job in [Job::Release, Job::Rotate] {
        let world = world(true).await;
        let late = world.simulator.add_zone("late.example");
        let attach = async {
            let hostnames = certificates(&world.simulator).hostnames(&late.parse().unwrap());
            let hostnames = hostnames.with_visibility_timeout(Duration::ZERO);
            hostnames.add(&ClientCa::from(&world.ca), ["late.example"]).await.unwrap();
        };
        in_virtual_time(&world.simulator, STEP, attach).await;
        run(&world, &new_client(&world), job, &pem).await.unwrap();
        assert!(!world.holds(&world.ca), "{job:?}");
        let held = successor(&world).map(|new| world.simulator.hostnames(&late, new.as_str()));
        match job {
            Job::Release => assert_eq!(held, None),
            Job::Rotate => {
                assert_eq!(held.unwrap(), ["late.example"]);
                assert_eq!(world.simulator.effects().gaps, []);
            }
        }
    }
}

/// Reads of a certificate show for a while what was deleted; zones say that it is gone.
#[tokio::test(start_paused = true)]
async fn what_is_gone_is_not_found_although_reads_still_show_it() {
    for (is_rotated, is_stored) in [(false, false), (true, false), (true, true)] {
        let row = format!("rotated {is_rotated}, successor stored {is_stored}");
        let world = world(true).await;
        let [pem, other] = ["gone", "unrelated"].map(make_ca);
        let client = new_client(&world);
        let job = if is_rotated { Job::Rotate } else { Job::Release };
        run(&world, &client, job, &pem).await.unwrap();
        world.simulator.clear_requests();
        // Of a new process, which knows nothing.
        let client = new_client(&world);
        let looks = async {
            assert!(client.get(&world.ca).await.is_ok(), "{row}: reads show it");
            let release = client.release(&world.ca);
            let all = release.clone().with_options(ReleaseOptions::default().with_all_zones());
            let usage = client.usage(&world.ca).await.map(drop);
            [usage, release.run(|_| ()).await.map(drop), all.run(|_| ()).await.map(drop)]
        };
        let looks = in_virtual_time(&world.simulator, Duration::ZERO, looks).await;
        for error in looks.map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{row}: {error:#}");
        }
        let before = world.simulator.effects().stored;
        let again = run(&world, &client, Job::Rotate, if is_stored { &pem } else { &other }).await;
        match is_stored {
            // Resumed, and ended before anything was left to do.
            true => again.unwrap(),
            false => assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound, "{row}"),
        }
        assert_eq!(world.simulator.effects().stored, before, "{row}: nothing was uploaded");
    }
}

/// Each step of a rotation comes when it is true, and stays true.
#[tokio::test(start_paused = true)]
async fn a_rotation_never_waits_for_what_it_reported_as_done() {
    let pem = make_ca("ordered");
    let lag = Duration::from_secs(60);
    let world = InUse::start_with(|builder| builder.slow_day().hostname_lag(lag)).await;
    world.simulator.advance(Duration::from_secs(600));
    let client = new_client(&world);
    let upload = Upload::ca(&pem).unwrap().with_name("new");
    let rotate = client.rotate(&world.ca, upload);
    let mut steps = Vec::new();
    let rotated = rotate.run(|step| {
        let step = serde_json::to_value(step).unwrap();
        steps.push(step["step"].as_str().unwrap().to_owned());
    });
    in_virtual_time(&world.simulator, STEP, rotated).await.unwrap();
    steps.dedup();
    let want = [
        "uploaded",
        "attached",
        "awaiting_active",
        "active",
        "awaiting_hostnames",
        "detached",
        "awaiting_release",
        "unused",
        "still_refused",
        "deleted",
    ];
    assert_eq!(steps, want);
}

/// The list still shows what was deleted a moment ago.
#[tokio::test(start_paused = true)]
async fn what_was_pruned_is_pruned_once_on_any_day() {
    for is_slow in [false, true] {
        let world = world(is_slow).await;
        let simulator = &world.simulator;
        let old = ["expired 1", "expired 2"].map(|name| {
            let seed = Seed::ca(make_ca(name)).name(name);
            simulator.seed(seed).unwrap()
        });
        simulator.advance(Duration::from_secs(600));
        let certificates = certificates(simulator);
        for (round, gone) in [(1, 2), (2, 0)] {
            let prune = async {
                let mut candidates =
                    certificates.prune_candidates(Prune::new().unused().ca()).unwrap();
                let mut ids = Vec::new();
                while let Some(candidate) = candidates.next().await {
                    ids.push(candidate.unwrap().id);
                }
                let mut outcomes = certificates.delete_many(ids);
                let (mut deleted, mut absent) = (0, 0);
                while let Some(outcome) = outcomes.next().await {
                    match outcome.result.map_err(|error| error.kind()) {
                        Ok(_) => deleted += 1,
                        Err(kind) => {
                            assert_eq!(kind, ErrorKind::NotFound);
                            absent += 1;
                        }
                    }
                }
                (deleted, absent)
            };
            let (deleted, absent) = in_virtual_time(simulator, STEP, prune).await;
            assert_eq!(deleted, gone, "slow: {is_slow}, round {round}");
            let is_late = is_slow && round == 2;
            assert_eq!(absent, if is_late { 2 } else { 0 }, "slow: {is_slow}, round {round}");
        }
        for id in old {
            assert_eq!(simulator.effects().deleted_as(id), 1);
        }
        assert!(world.holds(&world.ca) && world.holds(&world.other));
    }
}

/// Another process attaches a hostname after the last read of the list that a job sees,
/// and before the job replaces that list.
#[tokio::test(start_paused = true)]
async fn what_another_client_attaches_between_read_and_replacement_is_not_lost() {
    let pem = make_ca("between");
    let host = "new.a.example";
    for job in [Job::Release, Job::Rotate] {
        let world = world(true).await;
        let zone: ZoneId = world.zones[0].parse().unwrap();
        let other = certificates(&world.simulator).hostnames(&zone);
        let other = other.with_visibility_timeout(Duration::ZERO);
        let attach = async {
            // A rotation replaces the list after 30 seconds, when the successor is active.
            if matches!(job, Job::Rotate) {
                tokio::time::sleep(Duration::from_secs(27)).await;
            }
            other.add(&ClientCa::from(&world.ca), [host]).await.unwrap();
        };
        let mut steps = Vec::new();
        let work = async {
            let client = new_client(&world);
            let mut on_step = |step: &Step| steps.push(step.to_string());
            match job {
                Job::Release => {
                    let plan = client.release(&world.ca).plan().await.unwrap();
                    attach.await;
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    plan.run(&mut on_step).await.map(drop)
                }
                Job::Rotate => {
                    let upload = Upload::ca(&pem).unwrap().with_name("new");
                    let rotate = client.rotate(&world.ca, upload);
                    let (rotated, ()) = tokio::join!(rotate.run(&mut on_step), attach);
                    rotated.map(drop)
                }
            }
        };
        let result = in_virtual_time(&world.simulator, Duration::from_secs(1), work).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:#}");
        assert!(error.to_string().contains(host), "{error:#}");
        assert_eq!(world.hostnames_of(&world.ca), [host], "{steps:#?}");
        assert!(world.holds(&world.ca));
        // Nobody's hostname is lost when it is run again either.
        world.simulator.advance(Duration::from_secs(600));
        run(&world, &new_client(&world), job, &pem).await.unwrap();
        assert!(!world.holds(&world.ca), "{job:?}");
        let held = successor(&world).map(|new| world.hostnames_of(&new).contains(&host.to_owned()));
        assert!(held.unwrap_or(true), "{job:?}");
    }
}

fn unknown() -> Fault {
    Fault::error(404, 1472, "Certificate not found")
}

/// One zone says that a CA does not exist, once or each time, and others do not.
#[tokio::test]
async fn a_zone_that_denies_a_ca_does_not_make_it_gone() {
    for times in [1, 100] {
        let world = InUse::start().await;
        let unused = seed_ca(&world.simulator, "unused");
        let client = new_client(&world);
        let deny = unknown().on(Operation::Hostnames).zone(&world.zones[1]).times(times);
        world.simulator.inject(deny);
        if times == 1 {
            assert!(client.usage(&unused).await.unwrap().is_complete());
            world.simulator.clear_faults();
            world.simulator.inject(unknown().on(Operation::Hostnames));
        }
        // What has uses exists.
        assert!(client.usage(&world.ca).await.is_ok(), "{times}");
        let release = client.release(&unused);
        let release = release.with_options(ReleaseOptions::default().with_all_zones());
        release.run(|_| ()).await.unwrap();
        assert!(!world.holds(&unused), "{times}");
    }
}

/// A zone does not know the successor yet, which was uploaded just now.
#[tokio::test(start_paused = true)]
async fn a_successor_that_a_zone_does_not_know_is_waited_for() {
    let pem = make_ca("not known yet");
    for operation in [Operation::Hostnames, Operation::ReplaceHostnames] {
        for is_late in [true, false] {
            let world = world(false).await;
            // The plan reads the three zones.
            let fault = unknown().on(operation).times(if is_late { 3 } else { 1000 });
            let fault = if operation == Operation::Hostnames { fault.nth(4) } else { fault };
            world.simulator.inject(fault);
            let result = run(&world, &new_client(&world), Job::Rotate, &pem).await;
            match is_late {
                true => result.unwrap(),
                false => {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Timeout, "{operation:?}: {error:#}");
                    let new = successor(&world).unwrap();
                    assert!(error.to_string().contains(new.as_str()), "{error:#}");
                    assert_eq!(world.hostnames_of(&world.ca).len(), HOSTS.len());
                }
            }
        }
    }
}

/// The service shows no association of hostnames at all.
#[tokio::test(start_paused = true)]
async fn hostnames_without_associations_are_found_by_both_jobs() {
    let pem = make_ca("no association");
    for is_slow in [false, true] {
        for job in [Job::Release, Job::Rotate] {
            let row = format!("{job:?}, slow: {is_slow}");
            let world = world(is_slow).await;
            let none = r#"{"success":true,"result":[]}"#;
            let none = Fault::raw(200, "application/json", none).on(Operation::Associations);
            world.simulator.inject(none.times(1000));
            let client = new_client(&world);
            match job {
                Job::Release => {
                    for wait in [30, 600] {
                        let options = ReleaseOptions::default();
                        let options = options.with_wait_timeout(Duration::from_secs(wait));
                        let release = client.release(&world.ca).with_options(options);
                        let run = release.run(|_| ());
                        let error = in_virtual_time(&world.simulator, STEP, run).await.unwrap_err();
                        assert_eq!(error.kind(), ErrorKind::Conflict, "{row} {wait}: {error:#}");
                        assert!(error.to_string().contains("all zones"), "{row}: {error:#}");
                    }
                }
                Job::Rotate => {
                    run(&world, &client, job, &pem).await.unwrap();
                    assert_done(&world, job, &pem, &row);
                }
            }
        }
    }
}
