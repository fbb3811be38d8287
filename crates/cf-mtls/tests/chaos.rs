//! Thousands of uploads and deletes with every fault at once: in the end, what
//! the client said of each certificate is what the server holds.
//!
//! A run prints its seed. `CF_MTLS_CHAOS_SEED=7 cargo test -p cf-mtls --test
//! chaos` runs one seed again; with `CF_MTLS_CHAOS_WORKERS=1` nothing happens
//! at the same time, so that the same requests meet the same faults.
//! `CF_MTLS_CHAOS_SEEDS=100` runs that many seeds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::collections::{HashMap, HashSet};
use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cf_mtls::{CertificateChain, CertificateId, Certificates, Error, ErrorKind, Retry, Upload};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation, Seed, StoredCertificate};

use support::{account_of, ca, leaf, own_builder};

/// An answer that is later than this is none.
const ATTEMPT: Duration = Duration::from_millis(60);
/// When an attempt without an answer takes effect, after its client has gone.
const LATE: Duration = Duration::from_millis(90);
/// Uploads of each worker; about as many deletes follow.
const UPLOADS: usize = 60;
const WORKERS: u64 = 8;

/// What can go wrong with any request, each with the same small probability.
fn faults() -> Vec<Fault> {
    let busy = || Fault::error(429, 971, "slow down");
    let ends_early = r#"{"success":true,"errors":[],"messages":[],"result":[],
        "result_info":{"page":1,"total_pages":1,"total_count":99}}"#;
    let another = r#"{"success":true,"errors":[],"messages":[],
        "result":{"id":"00000000-0000-4000-8000-000000000000"}}"#;
    let json = |body: &str| Fault::raw(200, "application/json", body);
    let before_or_after: [fn() -> Fault; 15] = [
        Fault::reset,
        Fault::close,
        Fault::silence,
        Fault::truncated,
        Fault::stalled,
        Fault::endless,
        Fault::malformed_json,
        || Fault::html(502),
        || Fault::html(520),
        || Fault::html(403),
        || Fault::html(503),
        || Fault::error(500, 10001, "internal error"),
        || Fault::redirect(302, "/client/v4/zones"),
        || Fault::raw(204, "", ""),
        || Fault::raw(200, "text/html", "<html>sign in</html>"),
    ];
    let mut faults = vec![
        // What is rejected or refused has no effect.
        busy(),
        busy().retry_after("0"),
        busy().retry_after("soon"),
        Fault::error(403, 9109, "no"),
        Fault::error(400, 99003, "no"),
        Fault::unsuccessful(1411, "no"),
        // What is late has its effect when nobody waits for it any more.
        Fault::silence().late_effect().delayed(LATE),
        Fault::reset().late_effect().delayed(ATTEMPT / 2),
        Fault::html(524).late_effect().delayed(ATTEMPT / 3),
        Fault::html(503).late_effect().delayed(LATE),
        Fault::error(504, 971, "late").late_effect().delayed(LATE),
        // Looks that show too little, or something else.
        json(ends_early).on(Operation::List),
        json(another).on(Operation::Get),
        Fault::delay(LATE),
        Fault::delay(ATTEMPT / 4),
    ];
    for fault in before_or_after {
        faults.push(fault());
        faults.push(fault().after_effect());
    }
    faults
}

/// What the client said of one certificate.
struct Story {
    pem: String,
    name: String,
    ca: bool,
    uploaded: Result<CertificateId, Error>,
    /// Whether a service used it when it was deleted.
    in_use: bool,
    deleted: Vec<Result<(), Error>>,
}

async fn live(
    certificates: Certificates,
    simulator: Arc<Simulator>,
    mut rng: fastrand::Rng,
    worker: u64,
) -> Vec<Story> {
    let mut stories = Vec::new();
    for number in 0..UPLOADS {
        let name = format!("w{worker} n{number}");
        let is_ca = rng.bool();
        let made = if is_ca { ca() } else { leaf() };
        let upload = match is_ca {
            true => Upload::ca(&made.pem).unwrap(),
            false => Upload::leaf(&made.pem, made.key.as_str()).unwrap(),
        };
        let answer = certificates.upload(&upload.with_name(&name)).await;
        let uploaded = answer.map(|certificate| {
            assert_eq!(
                certificate.chain().unwrap(),
                CertificateChain::from_pem(&made.pem).unwrap()
            );
            assert_eq!(certificate.name(), Some(name.as_str()));
            certificate.id().expect("an id").clone()
        });
        let mut story = Story {
            pem: made.pem,
            name,
            ca: is_ca,
            uploaded,
            in_use: false,
            deleted: Vec::new(),
        };
        if let Ok(id) = &story.uploaded
            && rng.u8(..10) < 8
        {
            story.in_use = rng.u8(..10) == 0;
            if story.in_use {
                simulator
                    .attach_service(id.as_str(), "gateway", "active")
                    .unwrap();
            }
            // Sometimes two want the same.
            let twice = rng.u8(..10) == 0;
            let delete = async || certificates.delete(id).await.map(drop);
            if twice {
                let (one, other) = tokio::join!(delete(), delete());
                story.deleted = vec![one, other];
            } else {
                story.deleted.push(delete().await);
            }
        }
        stories.push(story);
    }
    stories
}

/// Counts of a run, for people.
#[derive(Default)]
struct Figures {
    operations: usize,
    done: usize,
    unknown: usize,
    requests: u64,
}

async fn run(seed: u64, workers: u64) -> Figures {
    let simulator = Simulator::builder()
        .ca_quota(usize::MAX)
        .no_rate_limit()
        .recorded_requests(0);
    let simulator = Arc::new(simulator.start().await.unwrap());
    let mut rng = fastrand::Rng::with_seed(seed);
    let bystanders: Vec<String> = (0..5)
        .map(|n| {
            simulator
                .seed(Seed::ca(ca().pem).name(format!("bystander {n}")))
                .unwrap()
        })
        .collect();
    for fault in faults() {
        simulator.inject(fault.probability(0.008, rng.u64(..)));
    }
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let client = own_builder(simulator.base_url(), simulator.token())
                .with_body_limit(64 * 1024)
                .with_attempt_timeout(ATTEMPT)
                .with_deadline(Duration::from_secs(20))
                .with_retry(Retry::with_delays(4, |_| Duration::ZERO))
                .build()
                .unwrap();
            let certificates = client.certificates(&account_of(&simulator));
            tokio::spawn(live(certificates, simulator.clone(), rng.fork(), worker))
        })
        .collect();
    let mut stories = Vec::new();
    for task in tasks {
        stories.extend(task.await.unwrap());
    }
    // What is late may still come.
    tokio::time::sleep(3 * LATE).await;
    let figures = judge(&simulator, &stories, &bystanders);
    Figures {
        requests: simulator.request_count(None),
        ..figures
    }
}

/// Compares what was said with what is held.
fn judge(simulator: &Simulator, stories: &[Story], bystanders: &[String]) -> Figures {
    let effects = simulator.effects();
    let held: HashMap<String, StoredCertificate> = simulator
        .certificates()
        .into_iter()
        .map(|held| (held.id.clone(), held))
        .collect();
    let mut figures = Figures::default();
    let mut count = |error: Option<&Error>| {
        figures.operations += 1;
        match error {
            None => figures.done += 1,
            Some(error) => figures.unknown += usize::from(error.may_have_taken_effect()),
        }
    };
    let mut stored = 0;
    let mut deleted = 0;
    let mut told = HashSet::new();
    for story in stories {
        let name = &story.name;
        let times = effects.stored_as(&story.pem);
        stored += times;
        assert!(times <= 1, "{name} was stored {times} times");
        count(story.uploaded.as_ref().err());
        let id = match &story.uploaded {
            Ok(id) => {
                assert_eq!(times, 1, "{name} was said to be stored");
                assert!(told.insert(id.clone()), "{name} got the id of another");
                id
            }
            Err(error) => {
                let known = !error.may_have_taken_effect();
                assert!(
                    !known || times == 0,
                    "{name} was said not to be stored: {error}"
                );
                continue;
            }
        };
        let gone = effects.deleted_as(id.as_str());
        deleted += gone;
        let is_held = held.get(id.as_str());
        assert_eq!(is_held.is_none(), gone == 1, "{name}");
        if let Some(held) = is_held {
            let same = CertificateChain::from_pem(&held.certificates).unwrap()
                == CertificateChain::from_pem(&story.pem).unwrap();
            assert!(same, "{name} is stored as it was told");
            assert_eq!((held.name.as_ref(), held.ca), (Some(name), story.ca));
        }
        for outcome in &story.deleted {
            count(outcome.as_ref().err());
            match outcome {
                Ok(()) => assert_eq!(gone, 1, "{name} was said to be gone"),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    assert_eq!(gone, 1, "{name} was said not to be there: {error}");
                }
                // With two at it, the other one may have deleted it.
                Err(error) if !error.may_have_taken_effect() && story.deleted.len() == 1 => {
                    assert_eq!(gone, 0, "{name} was said to be unchanged: {error}");
                }
                Err(error) => {
                    let in_use = error.kind() == ErrorKind::InUse;
                    assert!(!in_use || story.in_use, "{name} is used by nobody: {error}");
                }
            }
        }
        assert!(
            !story.in_use || gone == 0,
            "{name} was deleted while in use"
        );
        assert!(
            !story.deleted.is_empty() || gone == 0,
            "{name} was deleted unasked"
        );
    }
    assert_eq!(effects.stored, stored, "something else was stored");
    assert_eq!(effects.deleted, deleted, "something else was deleted");
    assert_eq!(effects.hostnames_replaced, 0);
    assert!(
        bystanders.iter().all(|id| held.contains_key(id)),
        "a bystander is gone"
    );
    let expected = bystanders.len() as u64 + stored - deleted;
    assert_eq!(held.len() as u64, expected);
    figures
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_said_is_what_the_server_holds() {
    let workers = number("CF_MTLS_CHAOS_WORKERS").unwrap_or(WORKERS);
    let seeds = match (number("CF_MTLS_CHAOS_SEED"), number("CF_MTLS_CHAOS_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(count)) => (1..=count).collect(),
        (None, None) => vec![1, fastrand::u64(..)],
    };
    let begun = Instant::now();
    let mut all = Figures::default();
    for seed in &seeds {
        // Shown when the test fails, which a panic in the run is.
        println!("seed {seed}; run it again with CF_MTLS_CHAOS_SEED={seed}");
        let figures = run(*seed, workers).await;
        all.operations += figures.operations;
        all.done += figures.done;
        all.unknown += figures.unknown;
        all.requests += figures.requests;
    }
    println!(
        "{} seeds, {} operations in {} requests: {} done, {} failed for certain, {} unknown; {:.1} s",
        seeds.len(),
        all.operations,
        all.requests,
        all.done,
        all.operations - all.done - all.unknown,
        all.unknown,
        begun.elapsed().as_secs_f64()
    );
    assert!(0 < all.unknown && 0 < all.done, "no chaos");
}
