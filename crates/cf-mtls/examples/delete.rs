//! Deletes mTLS certificates, and shows what can happen on the way.
//!
//! It plays on a simulator of its own: `cargo run -p cf-mtls --example delete`. With
//! `-- --account [ID...]` it works on the account that CLOUDFLARE_API_TOKEN and
//! CLOUDFLARE_ACCOUNT_ID name: it lists its certificates, and deletes those whose ids
//! are given.

use std::env;
use std::error::Error;

use cf_mtls::{
    AccountId, CertificateFilter, CertificateId, Certificates, Client, account_id_from_env,
};
use cf_mtls_testkit::simulator::Seed;
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--account") => on_the_account(arguments).await,
        None => on_a_simulator().await,
        Some(_) => Err("expected no argument, or --account and ids of certificates".into()),
    }
}

async fn on_the_account(ids: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    // Every id is read before anything is deleted.
    let ids = ids.map(|id| id.parse()).collect::<Result<Vec<CertificateId>, _>>()?;
    let certificates = Client::from_env()?.certificates(&account_id_from_env()?);
    list("Certificates of the account", &certificates).await?;
    if ids.is_empty() {
        println!("Nothing is deleted: no id was given.");
    }
    let mut failed = 0;
    for id in &ids {
        failed += usize::from(!delete("Delete", &certificates, id).await);
    }
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of {} were not deleted", ids.len()).into()),
    }
}

async fn on_a_simulator() -> Result<(), Box<dyn Error>> {
    let simulator = Simulator::start().await?;
    let unused = simulator.seed(Seed::ca(DOCUMENTED_CA).name("example_ca_cert"))?.parse()?;
    let used: CertificateId = simulator.seed(Seed::ca(DOCUMENTED_CA).name("in_use"))?.parse()?;
    simulator.attach_service(used.as_str(), "gateway", "active")?;
    let zone = simulator.add_zone("example.com");
    simulator.set_hostnames(&zone, used.as_str(), ["api.example.com"])?;
    let unknown = "00000000-0000-4000-8000-000000000000".parse()?;

    let client = Client::builder(simulator.token()).with_base_url(simulator.base_url()).build()?;
    let account: AccountId = simulator.account_id().parse()?;
    let certificates = client.certificates(&account);

    println!("This plays on a simulator; codes from 99001 on are made up by it.\n");
    list("Certificates", &certificates).await?;
    delete("Delete one that is in use", &certificates, &used).await;
    delete("Delete one that is not there", &certificates, &unknown).await;
    delete("Delete one that nothing uses", &certificates, &unused).await;
    list("Certificates afterwards", &certificates).await
}

async fn list(title: &str, certificates: &Certificates) -> Result<(), Box<dyn Error>> {
    println!("{title}:");
    let mut list = certificates.list(CertificateFilter::all());
    while let Some(certificate) = list.next().await {
        println!("  {}", certificate?);
    }
    println!();
    Ok(())
}

async fn delete(title: &str, certificates: &Certificates, id: &CertificateId) -> bool {
    println!("{title}, {id}:");
    let outcome = certificates.delete(id).await;
    match &outcome {
        Ok(deleted) => match deleted.certificate() {
            Some(certificate) => println!("  gone: {certificate}"),
            None => println!("  gone"),
        },
        Err(error) => println!("  {error}"),
    }
    println!();
    outcome.is_ok()
}
