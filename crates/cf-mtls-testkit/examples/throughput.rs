//! Measures how fast the simulator starts and responds on this machine.
//!
//! Run it with `cargo run --release -p cf-mtls-testkit --example throughput`.

use std::error::Error;
use std::time::{Duration, Instant};

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::Seed;
use tokio::task::JoinSet;

const STARTS: u32 = 200;
const REQUESTS: usize = 50_000;
const CONNECTIONS: usize = 16;
const CA: &str = cf_mtls_testkit::DOCUMENTED_CA;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut slowest = Duration::ZERO;
    let begin = Instant::now();
    for _ in 0..STARTS {
        let one = Instant::now();
        let simulator = Simulator::start().await?;
        slowest = slowest.max(one.elapsed());
        drop(simulator);
    }
    let mean = begin.elapsed() / STARTS;
    println!("start and stop: {mean:?} on average; slowest start {slowest:?}");

    for recorded in [4096, 0] {
        let builder = Simulator::builder().no_rate_limit().recorded_requests(recorded);
        let simulator = builder.start().await?;
        let id = simulator.seed(Seed::ca(CA))?;
        let (base, account) = (simulator.base_url(), simulator.account_id());
        let url = format!("{base}/accounts/{account}/mtls_certificates/{id}");
        let rate = measure(&url, simulator.token()).await?;
        println!("recording {recorded}: {rate:.0} requests a second");
    }
    Ok(())
}

/// Requests a second, over a fixed number of connections kept alive.
async fn measure(url: &str, token: &str) -> Result<f64, reqwest::Error> {
    let mut tasks = JoinSet::new();
    let begin = Instant::now();
    for _ in 0..CONNECTIONS {
        let request = reqwest::Client::builder().no_proxy().build()?.get(url).bearer_auth(token);
        tasks.spawn(async move {
            for _ in 0..REQUESTS / CONNECTIONS {
                if let Some(request) = request.try_clone() {
                    request.send().await?.error_for_status()?.bytes().await?;
                }
            }
            Ok::<_, reqwest::Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        if let Ok(outcome) = done {
            outcome?;
        }
    }
    Ok(REQUESTS as f64 / begin.elapsed().as_secs_f64())
}
