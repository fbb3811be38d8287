//! What a consumer's test of a rotation looks like.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use cf_mtls::{CertificateId, Client, ClientCa, ErrorKind, Upload};
use cf_mtls_testkit::Simulator;

#[tokio::test]
async fn a_rotation_leaves_no_hostname_without_a_ca() {
    let delay = Duration::from_secs(30);
    let builder = Simulator::builder().propagation(delay);
    let simulator = builder.start().await.unwrap();
    let zone = simulator.add_zone("example.com");
    let client = Client::builder(simulator.token()).with_base_url(simulator.base_url());
    let client = client.build().unwrap();
    let certificates = client.certificates(&simulator.account_id().parse().unwrap());
    let hostnames = client.hostnames(&zone.parse().unwrap());
    let hostnames = hostnames.with_settling(Duration::ZERO);

    let upload = async |name| {
        let upload = Upload::ca(new_ca()).unwrap().with_name(name);
        let stored = certificates.upload(&upload).await.unwrap();
        stored.id().clone()
    };
    let attach = async |id: &CertificateId, names: &[&str]| {
        let ca = ClientCa::from(id);
        hostnames.replace(&ca, names).await.unwrap();
    };
    let status = async |id: &CertificateId| {
        let associations = certificates.associations(id).await.unwrap();
        associations[0].status.to_string()
    };

    let old = upload("2025").await;
    attach(&old, &["api.example.com"]).await;
    simulator.advance(delay);

    // Upload a successor and attach it; the old CA stays while that is deployed.
    let new = upload("2026").await;
    attach(&new, &["api.example.com"]).await;
    assert_eq!(status(&new).await, "pending_deployment");
    simulator.advance(delay);
    assert_eq!(status(&new).await, "active");

    // Detach the old one. Until the edge has forgotten it, it cannot be deleted.
    attach(&old, &[]).await;
    assert_eq!(status(&old).await, "pending_deletion");
    let refusal = certificates.delete(&old).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::InUse);
    simulator.advance(delay);
    assert!(certificates.delete(&old).await.unwrap().is_confirmed());

    // What really happened: one deletion, and no moment without a CA.
    assert_eq!(simulator.effects().deleted_as(old.as_str()), 1);
    assert_eq!(simulator.effects().gaps, []);
    assert_eq!(simulator.hostnames(&zone, new.as_str()), ["api.example.com"]);
}

fn new_ca() -> String {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}
