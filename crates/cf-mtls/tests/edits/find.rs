use cf_mtls::ErrorKind;
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::Operation;

use super::support::{certificates, seed_ca};

#[tokio::test]
async fn finds_none_one_or_tells_the_several() {
    let simulator = Simulator::start().await.unwrap();
    let certificates = certificates(&simulator);
    let one = seed_ca(&simulator, "one");
    let two = [seed_ca(&simulator, "two"), seed_ca(&simulator, "two")];
    seed_ca(&simulator, "one more");

    assert!(certificates.find("none").await.unwrap().is_none());
    assert!(certificates.find("ONE").await.unwrap().is_none());
    let found = certificates.find("one").await.unwrap().unwrap();
    assert_eq!(found.id(), &one);

    let error = certificates.find("two").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(error.candidates(), two);
    let text = error.to_string();
    assert!(two.iter().all(|id| text.contains(id.as_str())), "{text}");
}

#[tokio::test]
async fn an_empty_name_is_refused_before_it_fits_everything() {
    let simulator = Simulator::start().await.unwrap();
    seed_ca(&simulator, "only");
    let error = certificates(&simulator).find("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(simulator.request_count(None), 0);
}

#[tokio::test]
async fn the_name_is_checked_where_the_service_does_not_filter() {
    let list = r#"{"success":true,"errors":[],"messages":[],"result":[
        {"id":"a","name":"wanted"},{"id":"b","name":"other"},{"id":"c"},{"id":"a","name":"wanted"}
    ],"result_info":{"page":1,"per_page":50,"count":4,"total_count":4,"total_pages":1}}"#;
    let simulator = Simulator::start().await.unwrap();
    simulator.inject(
        cf_mtls_testkit::simulator::Fault::raw(200, "application/json", list).on(Operation::List),
    );
    let found = certificates(&simulator).find("wanted").await.unwrap();
    assert_eq!(found.unwrap().id().as_str(), "a");
}
