//! Thousands of uploads, deletes and changes of hostnames with every fault at once, and
//! with reads that lag: in the end, what the client said is what the server holds.
//!
//! A run prints its seed. `CF_MTLS_CHAOS_SEED=7 cargo test -p cf-mtls --test
//! chaos` runs one seed again; with `CF_MTLS_CHAOS_WORKERS=1` nothing happens
//! at the same time, so that the same requests meet the same faults.
//! `CF_MTLS_CHAOS_SEEDS=100` runs that many seeds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod support;

use std::collections::{HashMap, HashSet};
use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cf_mtls::{
    CertificateChain, CertificateFilter, CertificateId, Certificates, ClientCa, Error, ErrorKind,
    Hostnames, Retry, Upload,
};
use cf_mtls_testkit::simulator::{Fault, Operation, Seed, StoredCertificate};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use serde_json::{Value, json};

use support::{account_of, ca, client_of, leaf, own_builder};

/// A response that is later than this is none.
const ATTEMPT: Duration = Duration::from_millis(200);
/// When a slow response comes, after its client has gone.
const SLOW: Duration = Duration::from_millis(300);
/// Uploads of each worker; about as many deletes follow.
const UPLOADS: usize = 15;
const WORKERS: u64 = 24;
/// Changes of hostnames by each editor.
const EDITS: usize = 40;

fn json(value: &Value) -> Fault {
    Fault::raw(200, "application/json", value.to_string())
}

fn success(result: &Value) -> Value {
    json!({ "success": true, "errors": [], "messages": [], "result": result })
}

/// What can go wrong with any request, each with the same small probability.
fn faults() -> Vec<Fault> {
    let busy = || Fault::error(429, 971, "slow down");
    let before_or_after: [fn() -> Fault; 13] = [
        Fault::reset,
        Fault::close,
        Fault::truncated,
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
    ];
    for fault in before_or_after {
        faults.push(fault());
        faults.push(fault().after_effect());
    }
    faults
}

/// What can go wrong with requests about certificates besides.
fn faults_of_certificates() -> Vec<Fault> {
    let mut faults = vec![
        Fault::silence(),
        Fault::silence().after_effect(),
        Fault::stalled(),
        Fault::stalled().after_effect(),
        Fault::delay(SLOW),
        Fault::delay(ATTEMPT / 4),
    ];
    // The effect comes a few requests later, or when everything is long over.
    for late in [3, 40, 50_000].map(Duration::from_secs) {
        let silent: [fn() -> Fault; 6] = [
            Fault::silence,
            Fault::reset,
            || Fault::html(503),
            || Fault::html(524),
            || Fault::error(504, 971, "late"),
            || Fault::raw(200, "text/html", "<html>sign in</html>"),
        ];
        faults.extend(silent.map(|fault| fault().effect_after(late)));
    }
    // Lists that end early.
    for info in [
        json!({ "page": 1, "total_pages": 1, "total_count": 99 }),
        json!({ "page": 1, "total_pages": 3 }),
    ] {
        let mut list = success(&json!([]));
        list["result_info"] = info;
        faults.push(json(&list).on(Operation::List));
    }
    // Responses about another certificate.
    let another = success(&json!({
        "id": "00000000-0000-4000-8000-000000000000",
        "ca": true,
        "certificates": DOCUMENTED_CA,
        "name": "another",
    }));
    for operation in [Operation::Get, Operation::Delete, Operation::Upload] {
        faults.push(json(&another).on(operation));
        faults.push(json(&another).on(operation).after_effect());
    }
    faults
}

/// What can go wrong with lists of hostnames besides. A late replacement would undo a
/// newer one, which no client can help, so none is late.
fn faults_of_hostnames() -> Vec<Fault> {
    let lists = [json!({}), json!(null), json!([]), json!({ "hostnames": [null] })];
    lists.iter().map(|list| json(&success(list)).on(Operation::Hostnames)).collect()
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
            certificate.id().clone()
        });
        let mut story =
            Story { pem: made.pem, name, ca: is_ca, uploaded, in_use: false, deleted: Vec::new() };
        if let Ok(id) = &story.uploaded
            && rng.u8(..10) < 8
        {
            story.in_use = rng.u8(..10) == 0;
            if story.in_use {
                simulator.attach_service(id.as_str(), "gateway", "active").unwrap();
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
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut lag = || Duration::from_secs([0, 5, 50, 100_000][rng.usize(..4)]);
    let simulator = Simulator::builder()
        .ca_quota(usize::MAX)
        .no_rate_limit()
        .recorded_requests(0)
        .list_lag(lag())
        .delete_lag(lag())
        .clock_step(Duration::from_secs(1));
    let simulator = Arc::new(simulator.start().await.unwrap());
    let bystanders: Vec<String> = (0..5)
        .map(|n| simulator.seed(Seed::ca(ca().pem).name(format!("bystander {n}"))).unwrap())
        .collect();
    for fault in faults().into_iter().chain(faults_of_certificates()) {
        simulator.inject(fault.probability(0.006, rng.u64(..)));
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
    // What is slow or late comes now. The last request is served after that.
    tokio::time::sleep(3 * SLOW).await;
    simulator.clear_faults();
    simulator.advance(Duration::from_secs(100_000));
    let certificates = client_of(&simulator).certificates(&account_of(&simulator));
    certificates.list(CertificateFilter::all()).collect().await.unwrap();
    let figures = judge(&simulator, &stories, &bystanders);
    Figures { requests: simulator.request_count(None), ..figures }
}

/// Compares what was said with what is held.
fn judge(simulator: &Simulator, stories: &[Story], bystanders: &[String]) -> Figures {
    let effects = simulator.effects();
    let held: HashMap<String, StoredCertificate> =
        simulator.certificates().into_iter().map(|held| (held.id.clone(), held)).collect();
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
        // A late attempt may store again what was deleted in the meantime.
        let is_once = times <= 1 || !story.deleted.is_empty();
        assert!(is_once, "{name} was stored {times} times");
        count(story.uploaded.as_ref().err());
        let id = match &story.uploaded {
            Ok(id) => {
                assert!(0 < times, "{name} was said to be stored");
                assert!(told.insert(id.clone()), "{name} got the id of another");
                id
            }
            Err(error) => {
                let known = !error.may_have_taken_effect();
                assert!(!known || times == 0, "{name} was said not to be stored: {error}");
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
        assert!(!story.in_use || gone == 0, "{name} was deleted while in use");
        assert!(!story.deleted.is_empty() || gone == 0, "{name} was deleted unasked");
    }
    assert_eq!(effects.stored, stored, "something else was stored");
    assert_eq!(effects.deleted, deleted, "something else was deleted");
    assert_eq!(effects.hostnames_replaced, 0);
    assert!(bystanders.iter().all(|id| held.contains_key(id)), "a bystander is gone");
    let expected = bystanders.len() as u64 + stored - deleted;
    assert_eq!(held.len() as u64, expected);
    figures
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

fn seeds() -> Vec<u64> {
    match (number("CF_MTLS_CHAOS_SEED"), number("CF_MTLS_CHAOS_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(count)) => (1..=count).collect(),
        (None, None) => vec![1, fastrand::u64(..)],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_said_is_what_the_server_holds() {
    let workers = number("CF_MTLS_CHAOS_WORKERS").unwrap_or(WORKERS);
    let seeds = seeds();
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

/// What one editor said of a hostname: `None` if it is not known.
type Expected = HashMap<String, Option<bool>>;

/// Adds and removes hostnames of its own in a list that others edit, too.
async fn edit(hostnames: Hostnames, ca: ClientCa, mut rng: fastrand::Rng, editor: u64) -> Expected {
    let mut expected = Expected::new();
    for number in 0..EDITS {
        let name = format!("e{editor}n{}.example.com", rng.usize(..=number / 2));
        let was = *expected.get(&name).unwrap_or(&Some(false));
        let adds = rng.u8(..3) < 2;
        let outcome = match adds {
            true => hostnames.add(&ca, [&name]).await,
            false => hostnames.remove(&ca, [&name]).await,
        };
        let now = match &outcome {
            Ok(change) => {
                let is_listed = change.not_listed.is_empty();
                assert!(is_listed || was != Some(true), "{name} was not listed");
                // What may be there and is not shown may still appear.
                if is_listed || was == Some(false) { Some(adds) } else { None }
            }
            Err(error) if error.may_have_taken_effect() => was.filter(|was| *was == adds),
            Err(_) => was,
        };
        expected.insert(name, now);
    }
    expected
}

/// Clones of a client edit one list; nothing that they said is undone.
async fn edit_lists(seed: u64) -> (usize, usize) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let lag = [0, 3, 30, 100_000][rng.usize(..4)];
    let simulator = Simulator::builder()
        .no_rate_limit()
        .recorded_requests(0)
        .hostname_lag(Duration::from_secs(lag))
        .clock_stands_still()
        .clock_step(Duration::from_secs(1));
    let simulator = simulator.start().await.unwrap();
    let (mut known, mut unknown) = (0, 0);
    for fault in faults().into_iter().chain(faults_of_hostnames()) {
        simulator.inject(fault.probability(0.01, rng.u64(..)));
    }
    let mut lists = Vec::new();
    for zone in 0..2 {
        let seed = Seed::ca(ca().pem).name(format!("ca {zone}"));
        let id: CertificateId = simulator.seed(seed).unwrap().parse().unwrap();
        let zone = simulator.add_zone(&format!("z{zone}.example.com"));
        simulator.set_hostnames(&zone, id.as_str(), ["kept.example.com"]).unwrap();
        let client = own_builder(simulator.base_url(), simulator.token())
            .with_body_limit(64 * 1024)
            .with_deadline(Duration::from_secs(20))
            .with_retry(Retry::with_delays(4, |_| Duration::ZERO))
            .build()
            .unwrap();
        let timeout = [0, 0, 5][rng.usize(..3)];
        let hostnames = client
            .hostnames(&zone.parse().unwrap())
            .with_settling(Duration::ZERO)
            .with_visibility_timeout(Duration::from_millis(timeout));
        let mut editors = Vec::new();
        for editor in 0..3 {
            let ca = ClientCa::from(&id);
            editors.push(tokio::spawn(edit(hostnames.clone(), ca, rng.fork(), editor)));
        }
        lists.push((zone, id, editors));
    }
    for (zone, id, editors) in lists {
        let mut expected = Expected::from([("kept.example.com".to_owned(), Some(true))]);
        for editor in editors {
            expected.extend(editor.await.unwrap());
        }
        let held: HashSet<String> = simulator.hostnames(&zone, id.as_str()).into_iter().collect();
        for (name, said) in &expected {
            match said {
                Some(said) => assert_eq!(held.contains(name), *said, "{name}, lag {lag}"),
                None => unknown += 1,
            }
        }
        known += expected.len();
        assert!(held.iter().all(|name| expected.contains_key(name)));
    }
    (known - unknown, unknown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_list_of_hostnames_loses_what_nobody_removed() {
    let (mut known, mut unknown) = (0, 0);
    let seeds = seeds();
    for seed in &seeds {
        println!("seed {seed}; run it again with CF_MTLS_CHAOS_SEED={seed}");
        let (certain, uncertain) = edit_lists(*seed).await;
        known += certain;
        unknown += uncertain;
    }
    println!("{} seeds, {known} hostnames as said, {unknown} unknown", seeds.len());
}
