//! Clients that do not behave: without credentials, silent, or under another name.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::support::{Caller, ca, receive};

/// Before a test gives up.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// Only loopback names are served, so that no page in a browser gets in by
/// making its own name lead here.
#[tokio::test]
async fn serves_loopback_names_only() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let port = simulator.address().port();
    let table = [
        (format!("127.0.0.1:{port}"), 200),
        ("localhost".to_owned(), 200),
        ("LocalHost:1".to_owned(), 200),
        (format!("[::1]:{port}"), 200),
        ("127.1.2.3".to_owned(), 200),
        ("evil.example".to_owned(), 421),
        ("127.0.0.1.evil.example".to_owned(), 421),
        ("192.0.2.1".to_owned(), 421),
        (String::new(), 421),
    ];
    for (host, status) in table {
        let request = caller.request(Method::GET, "/zones");
        let request = request.header("host", &host).bearer_auth(simulator.token());
        assert_eq!(receive(request).await.unwrap().status, status, "{host:?}");
    }
    assert_eq!(simulator.request_count(None), 5, "the others do not count");
}

/// Nobody without credentials fills the memory, and an observer sees what was
/// refused.
#[tokio::test]
async fn bodies_of_refused_requests_are_not_kept() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observed = Arc::clone(&seen);
    let builder = Simulator::builder()
        .on_request(move |record| observed.lock().unwrap().push(record.body.clone()));
    let simulator = builder.start().await.unwrap();
    let caller = Caller::new(&simulator);
    let wrong = json!({ "ca": true, "certificates": "no PEM" });
    let path = caller.certificates("");
    receive(caller.request(Method::POST, &path).json(&wrong)).await.unwrap();
    assert_eq!(caller.upload(wrong.clone()).await.status, 400);
    caller.upload_ca(&ca().pem, "").await.result();
    simulator.inject(Fault::error(500, 1, "no").on(Operation::Upload));
    caller.upload(wrong.clone()).await;
    // Reported a moment after the response.
    while seen.lock().unwrap().len() < 4 {
        tokio::task::yield_now().await;
    }
    let kept: Vec<_> = simulator.requests().iter().map(|record| record.body.is_some()).collect();
    assert_eq!(kept, [false, false, true, true]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], None, "not even read");
    assert_eq!(seen[1], Some(wrong.to_string()));
}

/// Connections end in bounded time, unless their client waits for a response.
#[tokio::test]
async fn half_requests_are_closed() {
    let limit = Duration::from_millis(50);
    let simulator = Simulator::builder().max_silence(limit).start().await.unwrap();
    let token = simulator.token();
    let head = format!(
        "POST /client/v4/zones HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n"
    );
    let table = [
        String::new(),
        "PRI * HTTP/2".to_owned(),
        head.clone(),
        format!("{head}content-length: 9\r\n\r\n{{"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ];
    for sent in table {
        let mut wire = TcpStream::connect(simulator.address()).await.unwrap();
        wire.write_all(sent.as_bytes()).await.unwrap();
        // Whatever is sent before the end, it comes.
        let mut text = Vec::new();
        let end = timeout(MAX_WAIT, wire.read_to_end(&mut text)).await;
        assert!(end.is_ok(), "{sent:?} is not closed");
    }
    // A header that never ends, one byte at a time.
    let mut wire = TcpStream::connect(simulator.address()).await.unwrap();
    wire.write_all(head.as_bytes()).await.unwrap();
    let endless = async {
        while wire.write_all(b"x").await.is_ok() {
            sleep(limit / 5).await;
        }
    };
    timeout(MAX_WAIT, endless).await.unwrap();

    simulator.inject(Fault::delay(limit * 4).on(Operation::Zones).times(1));
    let caller = Caller::new(&simulator);
    assert_eq!(caller.get("/zones").await.status, 200, "waited for its response");
}
