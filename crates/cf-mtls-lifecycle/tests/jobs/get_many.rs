use std::collections::HashMap;

use cf_mtls::{CertificateId, ErrorKind};
use cf_mtls_lifecycle::CertificatesExt as _;
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};
use futures_util::stream;

use super::support::{certificates, seed_ca};

#[tokio::test]
async fn reads_many_and_tells_each_outcome() {
    let simulator = Simulator::builder().no_rate_limit().start().await.unwrap();
    let mut names: HashMap<CertificateId, String> = HashMap::new();
    for number in 0..60 {
        let name = number.to_string();
        names.insert(seed_ca(&simulator, &name), name);
    }
    let absent: CertificateId = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    let ids: Vec<_> = names.keys().cloned().chain([absent.clone()]).collect();
    // What is lost on the way is read again.
    simulator.inject(Fault::reset().on(Operation::Get).nth(5).times(2));
    let mut outcomes = certificates(&simulator).get_many(stream::iter(ids));
    let mut seen = 0;
    while let Some(outcome) = outcomes.next().await {
        seen += 1;
        match outcome.result {
            Ok(certificate) => {
                assert_eq!(certificate.id(), &outcome.id);
                let name = names.remove(&outcome.id);
                assert_eq!(certificate.name(), name.as_deref());
            }
            Err(error) => {
                assert_eq!((&outcome.id, error.kind()), (&absent, ErrorKind::NotFound));
            }
        }
    }
    assert_eq!((seen, names.len()), (61, 0));
}
