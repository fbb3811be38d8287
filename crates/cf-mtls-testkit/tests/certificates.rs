//! Certificates made by the kit, and those that it brings.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::{Duration, SystemTime};

use cf_mtls_testkit::certificates::{Algorithm, ca, leaf};
use cf_mtls_testkit::simulator::Seed;
use cf_mtls_testkit::{CAS, DOCUMENTED_CA, LEAF, Simulator};
use x509_parser::pem::parse_x509_pem;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn makes_cas_and_leaves_of_every_kind() {
    use Algorithm::{EcdsaP256, EcdsaP384, Ed25519, Rsa2048};
    let root = ca("root").self_signed().unwrap();
    let (_, root_pem) = parse_x509_pem(root.pem().as_bytes()).unwrap();
    let root_parsed = root_pem.parse_x509().unwrap();
    assert!(root_parsed.is_ca() && root_parsed.validity().is_valid());
    for algorithm in [EcdsaP256, EcdsaP384, Rsa2048, Ed25519] {
        let template = leaf("device").algorithm(algorithm);
        let device = template.signed_by(&root).unwrap();
        let (_, pem) = parse_x509_pem(device.pem().as_bytes()).unwrap();
        let parsed = pem.parse_x509().unwrap();
        assert_eq!(parsed.issuer(), root_parsed.subject(), "{algorithm:?}");
        assert!(!parsed.is_ca(), "{algorithm:?}");
        let shown = format!("{device:?}");
        assert!(!shown.contains(device.key_pem().lines().nth(1).unwrap()));
    }
    let now = SystemTime::now();
    let expired = ca("old").valid(now - HOUR * 48, now - HOUR).self_signed();
    let expired = expired.unwrap();
    let (_, pem) = parse_x509_pem(expired.pem().as_bytes()).unwrap();
    assert!(!pem.parse_x509().unwrap().validity().is_valid());
}

#[test]
fn brings_cas_that_differ_and_a_leaf() {
    let simulator = Simulator::start_blocking().unwrap();
    for pem in CAS.into_iter().chain([DOCUMENTED_CA]) {
        simulator.seed(Seed::ca(pem)).unwrap();
        assert!(pem.ends_with("-----END CERTIFICATE-----\n"));
    }
    simulator.seed(Seed::leaf(LEAF)).unwrap();
    let held = simulator.certificates();
    let mut fingerprints: Vec<_> = held.iter().map(|held| &held.fingerprint).collect();
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 7);
    assert_eq!(held[6].issuer, "CN=Test CA 1");
}
