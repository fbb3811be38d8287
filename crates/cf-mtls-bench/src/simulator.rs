//! What the simulator can answer on one core.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::Seed;
use futures_util::stream::{StreamExt as _, iter};

use crate::side::{CROWD, Side, peak_memory};

/// Reads one certificate so many times, and prints seconds and kibibytes. Bare
/// is the canned server, which shows what the client itself takes.
pub(crate) async fn run(
    side: Side,
    count: usize,
    base_url: &str,
    account: &str,
    token: &str,
) -> anyhow::Result<()> {
    let (url, token) = match side {
        Side::Ours => start()?,
        Side::Bare => {
            let id = "00000000-0000-4000-8000-000000000000";
            let url = format!("{base_url}/accounts/{account}/mtls_certificates/{id}");
            (url, token.to_owned())
        }
    };
    let http = reqwest::Client::builder().no_proxy().build()?;
    let begun = Instant::now();
    let mut answers = iter(0..count)
        .map(|_| async {
            let answer = http.get(&url).bearer_auth(&token).send().await?;
            answer.error_for_status()?.bytes().await
        })
        .buffer_unordered(CROWD);
    while let Some(answer) = answers.next().await {
        ensure!(!answer?.is_empty(), "an answer is empty");
    }
    println!("{} {}", begun.elapsed().as_secs_f64(), peak_memory()?);
    Ok(())
}

/// Starts a simulator on a thread of its own, which ends with the process, and
/// gives a certificate's URL and the token for it.
fn start() -> anyhow::Result<(String, String)> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let simulator = Simulator::builder().no_rate_limit().start().await?;
            let id = simulator.seed(Seed::ca(cf_mtls_testkit::DOCUMENTED_CA))?;
            let (base, account) = (simulator.base_url(), simulator.account_id());
            let url = format!("{base}/accounts/{account}/mtls_certificates/{id}");
            tell.send((url, simulator.token().to_owned()))?;
            std::future::pending().await
        })
    });
    told.recv().context("the simulator did not start")
}
