//! How many requests each job sends: the table of the README.

use cf_mtls::{CertificateFilter, CertificateId, Upload};
use cf_mtls_lifecycle::{CertificatesExt as _, Prune};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Entitlement, Operation, Seed, Worker};
use futures_util::future::{BoxFuture, FutureExt as _};

use super::holders::seed_leaf;
use super::support::{certificates, make_ca, quick, seed_ca};

/// 60 zones on two pages, of which 20 lack the feature and 10 are pending.
const ZONES: u64 = 60;
const UNENTITLED: u64 = 20;
const PENDING: u64 = 10;
const PAGES: u64 = 2;
const WORKERS: u64 = 7;

struct Account {
    simulator: Simulator,
    cas: Vec<CertificateId>,
    leaves: Vec<CertificateId>,
    managed: CertificateId,
}

/// 20 CAs, of which two have hostnames in two zones each, and 10 leaves, of which a
/// Worker holds the first one.
async fn account() -> Account {
    let builder = Simulator::builder().no_rate_limit().ca_quota(100).hide_products(true);
    let simulator = builder.start().await.unwrap();
    let mut usable = Vec::new();
    for number in 0..ZONES {
        let zone = simulator.add_zone(&format!("z{number:02}.example"));
        let entitlement = match number {
            ..UNENTITLED => Entitlement::Missing,
            number if number < UNENTITLED + PENDING => Entitlement::NotRouted,
            _ => {
                usable.push(zone);
                continue;
            }
        };
        simulator.set_entitlement(&zone, entitlement).unwrap();
    }
    let cas: Vec<_> = (0..20).map(|n| seed_ca(&simulator, &format!("ca {n}"))).collect();
    for (index, ca) in cas.iter().take(2).enumerate() {
        for zone in &usable[..2] {
            let host = format!("h{index}.example");
            simulator.set_hostnames(zone, ca.as_str(), [host]).unwrap();
        }
    }
    let leaves: Vec<_> = (0..10).map(|n| seed_leaf(&simulator, &format!("leaf {n}"))).collect();
    for number in 0..WORKERS {
        let worker = Worker::new(format!("worker-{number}"));
        let worker = match number {
            0 => worker.certificate("CERT", &leaves[0]),
            _ => worker,
        };
        simulator.put_worker(worker).unwrap();
    }
    let managed = Seed::ca(make_ca("managed")).kind("gateway_managed");
    let managed = simulator.seed(managed).unwrap().parse().unwrap();
    Account { simulator, cas, leaves, managed }
}

type Job = for<'a> fn(&'a Account) -> BoxFuture<'a, ()>;

async fn usage(account: &Account, ids: &[CertificateId], with: &str) {
    let certificates = certificates(&account.simulator);
    let mut walk = certificates.usage_of(ids.to_vec());
    if with.contains("known") {
        let known = certificates.list(CertificateFilter::all()).collect().await.unwrap();
        walk = walk.with_known(known);
    }
    if with.contains("services") {
        walk = walk.with_services_only();
    }
    let outcomes = walk.run(|_| ()).await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
}

async fn prune(account: &Account, criteria: Prune, want: usize) {
    let candidates = certificates(&account.simulator).prune_candidates(criteria).unwrap();
    let candidates: Vec<_> = candidates.collect().await;
    assert!(candidates.iter().all(Result::is_ok), "{candidates:?}");
    assert_eq!(candidates.len(), want);
}

async fn delete(account: &Account, ids: &[CertificateId]) {
    let outcomes = certificates(&account.simulator).delete_many(ids.to_vec());
    let outcomes: Vec<_> = outcomes.collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
}

async fn release(account: &Account, id: &CertificateId) -> bool {
    let release = certificates(&account.simulator).release(id).with_options(quick());
    release.run(|_| ()).await.is_ok()
}

#[tokio::test]
async fn each_job_sends_the_least_number_of_requests() {
    /// What a walk of the zones for CAs sends: no read of a pending zone, and one for all
    /// of a zone that lacks the feature.
    const fn walk(cas: u64) -> u64 {
        PAGES + UNENTITLED + cas * (ZONES - UNENTITLED - PENDING)
    }
    #[rustfmt::skip]
    let table: [(&str, u64, Job); 18] = [
        ("delete 9", 9, |a| delete(a, &a.leaves[1..]).boxed()),
        ("preview of 9, and delete them", 1 + 9 + 9, |a| async {
            usage(a, &a.leaves[1..], "services").await;
            delete(a, &a.leaves[1..]).await;
        }.boxed()),
        ("services of one", 1 + 1, |a| usage(a, &a.cas[..1], "services").boxed()),
        ("services of 20", 1 + 20, |a| usage(a, &a.cas, "services").boxed()),
        ("services of 20 from a list", 1 + 20, |a| usage(a, &a.cas, "known services").boxed()),
        ("20 CAs, two in use", 1 + 20 + 2 + walk(2), |a| usage(a, &a.cas, "").boxed()),
        ("18 unused CAs", 1 + 18 + 2, |a| usage(a, &a.cas[2..], "").boxed()),
        ("10 leaves", 1 + 10 + 1 + 1 + WORKERS, |a| usage(a, &a.leaves, "").boxed()),
        ("usage of a CA", 2 + 2 + walk(1), |a| async {
            certificates(&a.simulator).usage(&a.cas[0]).await.unwrap();
        }.boxed()),
        ("prune by name", 1, |a| prune(a, Prune::new().name_prefix("leaf"), 10).boxed()),
        ("prune unused CAs", 1 + 20 + 2, |a| prune(a, Prune::new().unused().ca(), 18).boxed()),
        ("prune unused leaves", 1 + 10 + 1 + 1 + WORKERS, |a| {
            prune(a, Prune::new().unused().leaf(), 9).boxed()
        }),
        ("release of an unused CA", 2 + 1, |a| async {
            assert!(release(a, &a.cas[19]).await);
        }.boxed()),
        ("release of an unused leaf", 2 + 1, |a| async {
            assert!(release(a, &a.leaves[9]).await);
        }.boxed()),
        ("release of a CA in two zones", 2 + 2 + walk(1) + 2 * 3 + 1 + 1, |a| async {
            assert!(release(a, &a.cas[0]).await);
        }.boxed()),
        // The refusal is looked up once among the associations.
        ("release of a leaf in use", 2 + 2 + 1 + 1 + WORKERS, |a| async {
            assert!(!release(a, &a.leaves[0]).await);
        }.boxed()),
        ("release of what Gateway manages", 1, |a| async {
            assert!(!release(a, &a.managed).await);
        }.boxed()),
        ("rotation in two zones", 2 + 2 + walk(1) + 1 + 1 + 2 * 2 + 2 + 2 + 2 * 3 + 2, |a| async {
            let upload = Upload::ca(make_ca("new")).unwrap();
            let rotate = certificates(&a.simulator).rotate(&a.cas[1], upload);
            rotate.with_options(quick()).run(|_| ()).await.unwrap();
        }.boxed()),
    ];
    for (row, want, job) in table {
        let account = account().await;
        job(&account).await;
        assert_eq!(account.simulator.request_count(None), want, "{row}");
        if row.contains("prune") || row.contains("services") {
            assert_eq!(account.simulator.request_count(Operation::Zones), 0, "{row}");
        }
    }
}
