//! What a test sees of the simulator, and how it starts and stops.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Credentials, Fault, Operation, Seed};
use reqwest::{Method, Version};
use serde_json::json;

use super::support::{Caller, DOCUMENTED_CA, leaf, receive};

#[tokio::test]
async fn records_show_requests_but_no_keys() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let leaf = leaf();
    let body = json!({ "ca": false, "certificates": leaf.pem, "private_key": leaf.key });
    caller.upload(body).await.result();
    caller.list("?page=2").await.result();
    let anonymous = caller.request(Method::GET, "/elsewhere").header("user-agent", "curious/1");
    receive(anonymous).await.unwrap();

    let records = simulator.requests();
    let [upload, list, other] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((upload.operation, upload.status), (Operation::Upload, Some(200)));
    assert_eq!(upload.content_type.as_deref(), Some("application/json"));
    assert_eq!((upload.method.as_str(), upload.credentials), ("POST", Credentials::Token));
    let body = upload.body.as_deref().unwrap();
    assert!(body.contains("BEGIN CERTIFICATE") && body.contains("[redacted]"), "{body}");
    assert_eq!((list.query.as_deref(), list.body.as_deref()), (Some("page=2"), None));
    assert_eq!(list.path, format!("/client/v4{}", caller.certificates("")));
    assert_eq!((other.operation, other.credentials), (Operation::Unknown, Credentials::Missing));
    assert_eq!(other.user_agent.as_deref(), Some("curious/1"));
    assert_eq!((other.sequence, other.status), (2, Some(400)));

    let shown = format!("{records:?} {simulator:?}");
    let secret = leaf.key.lines().nth(1).unwrap();
    assert!(!shown.contains(secret) && !shown.contains(simulator.token()), "{shown}");
    assert_eq!(simulator.request_count(None), 3);
    assert_eq!(simulator.request_count(Operation::List), 1);
    simulator.clear_requests();
    assert_eq!((simulator.requests().len(), simulator.request_count(None)), (0, 0));
}

#[tokio::test]
async fn records_are_bounded_and_can_be_off() {
    for capacity in [0, 3] {
        let builder = Simulator::builder().recorded_requests(capacity);
        let simulator = builder.start().await.unwrap();
        let caller = Caller::new(&simulator);
        for _ in 0..5 {
            caller.list("").await;
        }
        assert_eq!(simulator.requests().len(), capacity);
        assert_eq!(simulator.request_count(None), 5);
    }
}

#[tokio::test]
async fn shows_what_it_holds() {
    let simulator = Simulator::builder().accept_duplicates(true);
    let simulator = simulator.start().await.unwrap();
    let id = simulator.seed(Seed::ca(DOCUMENTED_CA).name("n")).unwrap();
    let [held] = <[_; 1]>::try_from(simulator.certificates()).unwrap();
    assert_eq!((held.id, held.name.as_deref(), held.ca), (id, Some("n"), true));
    assert_eq!(held.kind, "custom");
    let caller = Caller::new(&simulator);
    caller.upload_ca(DOCUMENTED_CA, "again").await.result();
    assert_eq!(simulator.effects().stored_as_fingerprint(&held.fingerprint), 1);
    assert_eq!(simulator.effects().stored_as("nothing"), 0);
}

#[tokio::test]
async fn time_is_what_the_test_says() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let simulator =
        Simulator::builder().start_time(start).clock_stands_still().start().await.unwrap();
    simulator.advance(Duration::from_millis(1_500));
    assert_eq!(simulator.now(), start + Duration::from_millis(1_500));
}

#[tokio::test]
async fn speaks_http2_by_prior_knowledge() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::over_http2(&simulator);
    let request = caller.request(Method::GET, "/zones");
    let response = request.bearer_auth(simulator.token()).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
}

#[tokio::test]
async fn a_drop_closes_the_port_and_every_connection() {
    let simulator = Simulator::start().await.unwrap();
    let address = simulator.address();
    assert!(address.ip().is_loopback());
    let mut idle = tokio::net::TcpStream::connect(address).await.unwrap();
    Caller::new(&simulator).list("").await;
    drop(simulator);
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let read = tokio::io::AsyncReadExt::read(&mut idle, &mut [0; 1]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "the idle connection is closed");
}

#[test]
fn starts_without_a_runtime_and_takes_a_port_of_ones_choice() {
    let first = Simulator::builder().start_blocking().unwrap();
    let port = first.address().port();
    let taken = Simulator::builder().port(port).start_blocking().unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    drop(first);
    let again = Simulator::builder().port(port).start_blocking().unwrap();
    assert_eq!(again.base_url(), format!("http://127.0.0.1:{port}/client/v4"));
}

#[tokio::test(start_paused = true)]
async fn works_while_the_tests_own_clock_is_paused() {
    let simulator = Simulator::start().await.unwrap();
    assert_eq!(Caller::new(&simulator).list("").await.status, 200);
}

#[tokio::test]
async fn reports_each_request_once_it_is_over() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let reported = Arc::clone(&seen);
    let simulator = Simulator::builder()
        .on_request(move |record| reported.lock().unwrap().push((record.operation, record.status)))
        .start()
        .await
        .unwrap();
    let caller = Caller::new(&simulator);
    caller.list("").await.result();
    caller.get("/nothing").await;
    // A connection that breaks is reported, too.
    simulator.inject(Fault::reset().on(Operation::Zones));
    let broken = caller.try_call(Method::GET, "/zones", None).await;
    assert!(broken.is_err());
    drop(simulator);
    let want =
        [(Operation::List, Some(200)), (Operation::Unknown, Some(404)), (Operation::Zones, None)];
    assert_eq!(*seen.lock().unwrap(), want);
}
