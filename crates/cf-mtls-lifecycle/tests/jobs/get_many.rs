use std::collections::HashMap;

use cf_mtls::{Certificate, CertificateId, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, Outcome, Outcomes};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};

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
    let mut outcomes = certificates(&simulator).get_many(ids);
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

/// Of any iterator or stream; and as JSON, they read back.
#[tokio::test]
async fn outcomes_are_collected_and_read_back() {
    let simulator = Simulator::builder().no_rate_limit().start().await.unwrap();
    let absent: CertificateId = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    let ids = [seed_ca(&simulator, "ca"), absent];
    let certificates = certificates(&simulator).with_concurrency(1);
    let of_iterator = certificates.get_many(&ids);
    let of_stream = certificates.get_stream(futures_util::stream::iter(ids.clone()));
    let of_iterator = of_iterator.collect().await;
    // A fake has its outcomes already.
    let of_a_fake: Outcomes<_> = of_iterator.clone().into_iter().collect();
    for outcomes in [of_iterator, of_stream.collect().await, of_a_fake.collect().await] {
        let json = serde_json::to_string(&outcomes).unwrap();
        let back: Vec<Outcome<Certificate>> = serde_json::from_str(&json).unwrap();
        assert_eq!(back.iter().map(|one| &one.id).collect::<Vec<_>>(), [&ids[0], &ids[1]]);
        assert_eq!(back[0].result.as_ref().unwrap(), outcomes[0].result.as_ref().unwrap());
        let [before, after] = [&outcomes[1], &back[1]].map(|one| one.result.as_ref().unwrap_err());
        assert_eq!(before.to_string(), after.to_string());
    }
}
