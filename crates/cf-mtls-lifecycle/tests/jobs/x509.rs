//! CAs that verify nobody, as far as their contents tell.

use std::time::Duration;

use cf_mtls::{ErrorKind, Upload};
use cf_mtls_lifecycle::{CertificateContents, CertificatesExt as _};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ED25519};

use super::support::{InUse, certificates, quick};

/// A CA that is valid from the first day of one year to that of another.
fn ca_valid(from: i32, to: i32, key: &KeyPair) -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(to, 1, 1));
    params.self_signed(key).unwrap().pem()
}

#[tokio::test]
async fn a_ca_that_verifies_nobody_is_not_rotated_in_unless_that_is_allowed() {
    let ecdsa = KeyPair::generate().unwrap();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let table = [
        ("Ed25519", ca_valid(2020, 2120, &ed25519), "its key is neither RSA nor ECDSA"),
        ("expired", ca_valid(2010, 2020, &ecdsa), "it expired on 2020-01-01T00:00:00Z"),
        ("future", ca_valid(2100, 2120, &ecdsa), "it is not valid before 2100-01-01T00:00:00Z"),
    ];
    for (row, pem, reason) in table {
        let world = InUse::start().await;
        let certificates = certificates(&world.simulator);
        let rotate = |options| {
            let upload = Upload::ca(&pem).unwrap();
            certificates.rotate(&world.ca, upload).with_options(options)
        };
        let error = rotate(quick()).run(|step| panic!("{step}")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{row}");
        assert!(error.to_string().contains(reason), "{row}: {error}");
        assert_eq!(world.simulator.request_count(None), 0, "{row}");
        let allowed = quick().with_any_ca_allowed();
        rotate(allowed).run(|step| world.let_time_pass(step)).await.unwrap();
        assert!(!world.holds(&world.ca), "{row}");
    }
}

#[test]
fn contents_say_why_a_ca_verifies_nobody() {
    let key = KeyPair::generate().unwrap();
    let upload = Upload::ca(ca_valid(2020, 2030, &key)).unwrap();
    let contents = CertificateContents::read(upload.chain());
    assert_eq!(contents.len(), 1);
    assert_eq!((contents[0].is_ca, contents[0].has_supported_key), (Some(true), Some(true)));
    let begin: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let end: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let second = Duration::from_secs(1);
    // (moment, whether it verifies)
    for (now, verifies) in
        [(begin - second, false), (begin, true), (end - second, true), (end, false)]
    {
        assert_eq!(contents[0].problem(now).is_none(), verifies, "{now}");
    }
}
