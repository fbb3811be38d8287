//! Deletes mTLS certificates, and shows what can happen on the way.
//!
//! Without an environment it plays on a simulator of its own:
//! `cargo run -p cf-mtls --example delete`. With `CLOUDFLARE_API_TOKEN` and
//! `CLOUDFLARE_ACCOUNT_ID` it works on that account, lists its certificates,
//! and deletes only those whose ids are given on the command line.

use std::env;
use std::error::Error;

use cf_mtls::{
    AccountId, CertificateFilter, CertificateId, Certificates, Client, account_id_from_env,
};
use cf_mtls_testkit::simulator::Seed;
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match (set("CLOUDFLARE_API_TOKEN"), set("CLOUDFLARE_ACCOUNT_ID")) {
        (true, true) => on_the_account().await,
        (false, false) => on_a_simulator().await,
        _ => Err("set both CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID, or none of them".into()),
    }
}

async fn on_the_account() -> Result<(), Box<dyn Error>> {
    // Every id is read before anything is deleted.
    let ids = env::args()
        .skip(1)
        .map(|id| id.parse())
        .collect::<Result<Vec<CertificateId>, _>>()?;
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
    if 1 < env::args().len() {
        return Err(
            "ids are for a real account: set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID".into(),
        );
    }
    let simulator = Simulator::start().await?;
    let unused = simulator
        .seed(Seed::ca(DOCUMENTED_CA).name("example_ca_cert"))?
        .parse()?;
    let used: CertificateId = simulator
        .seed(Seed::ca(DOCUMENTED_CA).name("in_use"))?
        .parse()?;
    simulator.attach_service(used.as_str(), "gateway", "active")?;
    let zone = simulator.add_zone("example.com");
    simulator.set_hostnames(&zone, used.as_str(), ["api.example.com"])?;
    let unknown = "00000000-0000-4000-8000-000000000000".parse()?;

    let client = Client::builder(simulator.token())
        .with_base_url(simulator.base_url())
        .build()?;
    let account: AccountId = simulator.account_id().parse()?;
    let certificates = client.certificates(&account);

    println!("No account is set in the environment, so this plays on a simulator.\n");
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
