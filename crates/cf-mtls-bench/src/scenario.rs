//! The work that is measured, as ours and as bare reqwest do it.

use std::env;
use std::hint::black_box;
use std::io::{BufWriter, Write as _, stdout};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use cf_mtls::{CertificateFilter, CertificateId, Client, Upload};
use cf_mtls_testkit::DOCUMENTED_CA;
use clap::ValueEnum;
use futures_util::stream::{StreamExt as _, iter};
use reqwest::Method;

use crate::bare::Bare;
use crate::canned::{IN_USE, PER_PAGE};
use crate::side::{ACCOUNT, CROWD, Side, TOKEN, peak_memory};
use crate::{program, simulator};

/// The variable that disturbs the heap.
pub(crate) const HEAP: &str = "CF_MTLS_BENCH_HEAP";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Deletes, one after the other.
    Delete,
    /// Reads of one certificate.
    Get,
    /// Uploads.
    Upload,
    /// Deletes that are refused, each with a look at what uses the certificate.
    Refused,
    /// Deletes, 64 at a time.
    DeleteMany,
    /// A list of so many pages of 50 certificates.
    List,
    /// The same, printed by a program: the command line in this form, or bare reqwest.
    Table,
    Ndjson,
    Json,
    /// The printing program of bare reqwest.
    Print,
    /// Certificates read from the simulator, or from the canned server instead.
    Simulator,
}

/// Runs a scenario, and prints seconds and kibibytes.
pub(crate) async fn run(
    scenario: Scenario,
    side: Side,
    count: usize,
    port: u16,
) -> anyhow::Result<()> {
    let base_url = format!("http://127.0.0.1:{port}/client/v4");
    match scenario {
        Scenario::Table => return program::run(side, "table", count, port),
        Scenario::Ndjson => return program::run(side, "ndjson", count, port),
        Scenario::Json => return program::run(side, "json", count, port),
        Scenario::Simulator => return simulator::run(side, count, &base_url, ACCOUNT, TOKEN).await,
        _ => {}
    }
    let client = Client::builder(TOKEN).with_base_url(&base_url).build()?;
    let certificates = client.certificates(&ACCOUNT.parse()?);
    let bare = Bare::new(&base_url, ACCOUNT, TOKEN)?;
    let start = if scenario == Scenario::Refused { IN_USE } else { "00000000-" };
    let ids = (0..count).map(|number| format!("{start}0000-4000-8000-{number:012}").parse());
    let ids: Vec<CertificateId> = ids.collect::<Result<_, _>>()?;
    let upload = Upload::ca(DOCUMENTED_CA)?.with_name("devices");
    let _heap = disturbed_heap();

    let begun = Instant::now();
    match (scenario, side) {
        (Scenario::Delete, Side::Ours) => {
            for id in &ids {
                black_box(certificates.delete(id).await?.certificate());
            }
        }
        (Scenario::Delete, Side::Bare) => {
            for id in &ids {
                black_box(bare.item(Method::DELETE, id.as_str()).await?);
            }
        }
        (Scenario::Get, Side::Ours) => {
            for id in &ids {
                black_box(certificates.get(id).await?);
            }
        }
        (Scenario::Get, Side::Bare) => {
            for id in &ids {
                black_box(bare.item(Method::GET, id.as_str()).await?);
            }
        }
        (Scenario::Upload, Side::Ours) => {
            for _ in 0..count {
                black_box(certificates.upload(&upload).await?);
            }
        }
        (Scenario::Upload, Side::Bare) => {
            for _ in 0..count {
                black_box(bare.upload(DOCUMENTED_CA, "devices").await?);
            }
        }
        (Scenario::Refused, Side::Ours) => {
            for id in &ids {
                let error = certificates.delete(id).await.err().context("it was deleted")?;
                ensure!(error.associations().len() == 1, "{error}");
            }
        }
        (Scenario::Refused, Side::Bare) => {
            for id in &ids {
                ensure!(bare.refused(id.as_str()).await?.len() == 1, "no association");
            }
        }
        (Scenario::DeleteMany, Side::Ours) => {
            let mut outcomes = iter(&ids).map(|id| certificates.delete(id)).buffer_unordered(CROWD);
            while let Some(outcome) = outcomes.next().await {
                black_box(outcome?.certificate());
            }
        }
        (Scenario::DeleteMany, Side::Bare) => {
            let mut outcomes =
                iter(&ids).map(|id| bare.item(Method::DELETE, id.as_str())).buffer_unordered(CROWD);
            while let Some(outcome) = outcomes.next().await {
                black_box(outcome?);
            }
        }
        (Scenario::List, Side::Ours) => {
            let filter = CertificateFilter::all().name(count.to_string());
            let mut list = certificates.list(filter);
            let mut read = 0;
            while let Some(certificate) = list.next().await {
                black_box(certificate?.id());
                read += 1;
            }
            ensure!(read == count * PER_PAGE, "{read} certificates were read");
        }
        (Scenario::List, Side::Bare) => {
            let mut read = 0;
            bare.list(count, |certificate| {
                black_box(certificate.id);
                read += 1;
                Ok(())
            })
            .await?;
            ensure!(read == count * PER_PAGE, "{read} certificates were read");
        }
        _ => {
            let mut output = BufWriter::new(stdout().lock());
            bare.list(count, |certificate| {
                let [id, expires] =
                    [certificate.id, certificate.expires_on].map(Option::unwrap_or_default);
                Ok(writeln!(output, "{id} {expires}")?)
            })
            .await?;
            output.flush()?;
        }
    }
    println!("{} {}", begun.elapsed().as_secs_f64(), peak_memory()?);
    Ok(())
}

/// Blocks with gaps between them, as many as [`HEAP`] says: where blocks lie moves what
/// the allocator costs.
fn disturbed_heap() -> Vec<Vec<u8>> {
    let number = env::var(HEAP).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut blocks: Vec<_> = (1..=8 * number).map(|n: usize| Vec::with_capacity(41 * n)).collect();
    let mut kept = false;
    blocks.retain(|_| {
        kept = !kept;
        kept
    });
    blocks
}
