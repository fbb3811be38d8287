//! Typed expectations with httpmock: what one call sends, and what becomes of
//! one response.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::num::NonZeroU32;

use cf_mtls_testkit::cf_mtls_api::types::{Certificate, UploadRequest, Zone};
use cf_mtls_testkit::cf_mtls_api::{
    AccountId, CertificateId, Client, Error, Exchange, Secret, ZoneId,
};
use cf_mtls_testkit::httpmock::MockServer;
use cf_mtls_testkit::simulator::{Fault, Seed, Token, Worker};
use cf_mtls_testkit::{DOCUMENTED_CA, MockServerExt as _, Simulator, envelopes};

const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
const ID: &str = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";

/// A client of the mocks: their paths begin at the root of the server.
fn client(server: &MockServer) -> Client {
    let token = Secret::from("a-token");
    let exchange = Exchange::default().with_bearer_token(&token).unwrap();
    Client::new_with_client(&server.base_url(), reqwest::Client::new(), exchange)
}

fn ids() -> (AccountId, CertificateId) {
    (ACCOUNT.parse().unwrap(), ID.parse().unwrap())
}

fn stored() -> Certificate {
    let mut certificate = Certificate::default();
    certificate.id = Some(ID.parse().unwrap());
    certificate.name = Some("devices".to_owned());
    certificate.ca = Some(true);
    certificate
}

#[tokio::test]
async fn an_upload_meets_a_typed_expectation() {
    let server = MockServer::start_async().await;
    let (account, _) = ids();
    let mut request = UploadRequest::default();
    request.ca = true;
    cf_mtls_testkit::DOCUMENTED_CA.clone_into(&mut request.certificates);
    request.name = Some("devices".to_owned());
    let mock = server.upload_certificate(|when, then| {
        when.account_id(&account).body(&request);
        then.ok(&envelopes::certificate(stored()));
    });

    let response = client(&server).upload_certificate(&account, &request).await;
    let result = response.unwrap().into_inner().result.unwrap();
    assert_eq!(result.name.as_deref(), Some("devices"));
    assert_eq!(mock.calls(), 1);

    // Another request does not match, and httpmock responds with 404.
    let mut other = request;
    other.ca = false;
    assert!(client(&server).upload_certificate(&account, &other).await.is_err());
    assert_eq!(mock.calls(), 1);
}

#[tokio::test]
async fn a_refusal_comes_back_in_its_type() {
    let server = MockServer::start_async().await;
    let (account, id) = ids();
    server.delete_certificate(|when, then| {
        when.account_id(&account).mtls_certificate_id(&id);
        let envelope = envelopes::error(1406, "Bad response certificate service");
        then.server_error(503, &envelope);
    });

    match client(&server).delete_certificate(&account, &id).await {
        Err(Error::ErrorResponse(response)) => {
            assert_eq!(response.status(), 503);
            assert_eq!(response.into_inner().errors.unwrap()[0].code, Some(1406));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_query_is_part_of_the_expectation() {
    let server = MockServer::start_async().await;
    let (account, _) = ids();
    let second = NonZeroU32::new(2);
    let mock = server.list_certificates(|when, then| {
        when.account_id(&account).page(second).name(None);
        then.ok(&envelopes::certificates(vec![stored()]));
    });
    let client = client(&server);
    let page =
        async |page, name| client.list_certificates(&account, None, name, page, None, None).await;
    assert!(page(second, None).await.is_ok());
    assert!(page(None, None).await.is_err());
    assert!(page(second, Some("devices")).await.is_err());
    assert_eq!(mock.calls(), 1);
}

#[tokio::test]
async fn envelopes_are_read_back_as_they_were_made() {
    let server = MockServer::start_async().await;
    let (account, id) = ids();
    let zone = "0123456789abcdef0123456789abcdef".parse().unwrap();
    server.list_certificate_associations(|_, then| {
        then.ok(&envelopes::associations([("gateway", "active")]));
    });
    server.list_hostname_associations(|_, then| {
        then.ok(&envelopes::hostnames(["a.example.com"]));
    });
    server.list_zones(|_, then| {
        then.ok(&envelopes::zones(vec![Zone::default()]));
    });
    let client = client(&server);
    let read = client.list_certificate_associations(&account, &id, None, None).await;
    let read = read.unwrap().into_inner();
    assert_eq!(read.result.unwrap()[0].service.as_deref(), Some("gateway"));
    assert_eq!(read.result_info.unwrap().total_count, Some(1));
    let read = client.list_hostname_associations(&zone, None).await.unwrap();
    let read = read.into_inner().result.unwrap();
    assert_eq!(read.hostnames.unwrap(), ["a.example.com"]);
    let read = client.list_zones(None, None, None, None).await.unwrap();
    assert_eq!(read.into_inner().result.unwrap().len(), 1);
}

#[test]
fn the_simulator_takes_typed_ids() {
    let (account, id) = ids();
    let zone: ZoneId = "9a7806061c88ada191ed06f989cc3dac".parse().unwrap();
    let simulator = Simulator::builder().account_id(&account).start_blocking().unwrap();
    assert_eq!(simulator.account_id(), account.as_str());
    let seed = Seed::ca(DOCUMENTED_CA).id(&id).account(&account);
    assert_eq!(simulator.seed(seed).unwrap(), id.as_str());
    simulator.inject(Fault::reset().zone(&zone).certificate(&id));
    simulator.add_token(Token::new("reader").accounts([&account]).zones([&zone]));
    simulator.put_worker(Worker::new("a").account(&account).certificate("B", &id)).unwrap();
    assert_eq!(simulator.associations(&id), [("Workers".to_owned(), "active".to_owned())]);
    assert_eq!(simulator.effects().deleted_as(&id), 0);
}
