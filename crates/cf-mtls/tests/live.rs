//! The full round on a real account. Ignored unless asked for:
//!
//! ```sh
//! CLOUDFLARE_API_TOKEN=… CLOUDFLARE_ACCOUNT_ID=… \
//!     cargo test -p cf-mtls --test live -- --ignored
//! ```
//!
//! It touches only a certificate that it has uploaded itself. The same round
//! runs on the simulator always, so that it is known to work.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail that way"
)]

use std::time::{SystemTime, UNIX_EPOCH};

use cf_mtls::{
    AccountId, CertificateFilter, Client, Error, ErrorKind, Upload, account_id_from_env,
};
use cf_mtls_testkit::Simulator;

#[tokio::test]
#[ignore = "works on a real account, named by the environment"]
async fn the_round_on_the_account() {
    let client = Client::from_env().unwrap();
    round(&client, &account_id_from_env().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_round_on_the_simulator() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::builder(simulator.token()).with_base_url(simulator.base_url());
    let account = simulator.account_id().parse().unwrap();
    round(&client.build().unwrap(), &account).await.unwrap();
    assert_eq!(
        (simulator.effects().stored, simulator.effects().deleted),
        (1, 1)
    );
}

/// Upload, get, list, associations, delete; and gone is gone.
async fn round(client: &Client, account: &AccountId) -> Result<(), Error> {
    let certificates = client.certificates(account);
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let name = format!("cf-mtls live test {seconds}");
    let upload = Upload::ca(&fresh_ca(&name))?.with_name(&name);

    let stored = certificates.upload(&upload).await?;
    let id = stored.id().expect("an upload is given an id").clone();
    // From here on the certificate is removed again, whatever fails.
    let checks = async {
        let got = certificates.get(&id).await?;
        assert_eq!(got.chain()?, *upload.chain());
        assert_eq!((got.name(), got.is_ca()), (Some(name.as_str()), Some(true)));
        assert!(got.expires_on().is_some(), "{got:?}");
        let listed = certificates
            .list(CertificateFilter::all().ca().name(&name))
            .collect()
            .await?;
        assert_eq!(
            listed.iter().map(|c| c.id()).collect::<Vec<_>>(),
            [Some(&id)]
        );
        assert_eq!(certificates.associations(&id).await?, []);
        Ok::<_, Error>(())
    }
    .await;
    let deleted = certificates.delete(&id).await;
    checks?;
    assert!(deleted?.is_confirmed());
    assert_eq!(
        certificates.get(&id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        certificates.delete(&id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    Ok(())
}

/// A self-signed CA whose key is forgotten at once.
fn fresh_ca(name: &str) -> String {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    parameters.self_signed(&key).unwrap().pem()
}
