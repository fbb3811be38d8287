//! A client of a simulator, and what the simulator has seen.

use std::future::Future;
use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, Client, ClientCa, Hostnames, Retry};
use cf_mtls_testkit::simulator::{Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use serde_json::Value;

thread_local! {
    /// One for each test: to set up TLS, which none of them uses, takes longer
    /// than most of them.
    static HTTP: reqwest::Client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
}

/// A client without waits between attempts.
fn client(simulator: &Simulator) -> Client {
    let builder = Client::builder(simulator.token())
        .with_base_url(simulator.base_url())
        .with_http_client(HTTP.with(Clone::clone))
        .with_retry(Retry::with_delays(4, |_| Duration::ZERO));
    builder.build().unwrap()
}

pub(crate) fn certificates(simulator: &Simulator) -> Certificates {
    client(simulator).certificates(&simulator.account_id().parse().unwrap())
}

pub(crate) fn hostnames(simulator: &Simulator, zone: &str) -> Hostnames {
    let hostnames = client(simulator).hostnames(&zone.parse().unwrap());
    hostnames.with_settling(Duration::ZERO)
}

/// Puts a CA in that is the same as every other one from here.
pub(crate) fn seed_ca(simulator: &Simulator, name: &str) -> CertificateId {
    let seed = Seed::ca(DOCUMENTED_CA).name(name);
    simulator.seed(seed).unwrap().parse().unwrap()
}

pub(crate) fn uploaded(id: &CertificateId) -> ClientCa {
    ClientCa::from(id)
}

/// The replacements of lists, with owner and list.
pub(crate) fn writes(simulator: &Simulator) -> Vec<String> {
    let requests = simulator.requests().into_iter();
    let writes = requests.filter(|request| request.operation == Operation::ReplaceHostnames);
    writes
        .map(|request| {
            let body: Value = serde_json::from_str(&request.body.unwrap()).unwrap();
            let owner = body["mtls_certificate_id"].as_str().unwrap_or("managed");
            format!("PUT {owner} {}", body["hostnames"])
        })
        .collect()
}

/// Runs a job with a clock that it shares with the simulator, and that only moves on
/// while no request is on its way. The test starts paused.
pub(crate) async fn in_virtual_time<T>(simulator: &Simulator, job: impl Future<Output = T>) -> T {
    const STEP: Duration = Duration::from_millis(500);
    // While a blocking task runs, tokio does not move its clock by itself.
    let (end, ended) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || ended.recv());
    let clock = async {
        let mut seen = 0;
        loop {
            let pause = || std::thread::sleep(Duration::from_millis(3));
            tokio::task::spawn_blocking(pause).await.unwrap();
            let is_open = simulator.requests().iter().any(|one| one.status.is_none());
            let count = simulator.request_count(None);
            if !is_open && count == seen {
                simulator.advance(STEP);
                tokio::time::advance(STEP).await;
            }
            seen = count;
        }
    };
    let result = tokio::select! {
        result = job => result,
        () = clock => unreachable!(),
    };
    drop(end);
    result
}
