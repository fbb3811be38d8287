//! Faults, with and without effect.

#![allow(clippy::panic, reason = "helpers of tests")]

use std::time::{Duration, Instant};

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Caller, DOCUMENTED_CA, Response, ca};

/// How a call ended, as far as these tests care.
#[derive(Debug, PartialEq)]
enum End {
    /// An response was read to its end: status and the start of its text.
    Response(u16, &'static str),
    /// The connection broke before the headers.
    NoHeaders,
    /// The connection broke within the body.
    NoBody,
}

async fn end(call: reqwest::Result<Response>, want: &End) {
    match (call, want) {
        (Ok(response), End::Response(status, start)) => {
            assert_eq!(response.status.as_u16(), *status, "{}", response.text);
            assert!(response.text.contains(start), "{}", response.text);
            assert!(!response.header("cf-ray").is_empty());
        }
        (Err(error), End::NoHeaders) => assert!(error.is_request(), "{error:?}"),
        (Err(error), End::NoBody) => {
            assert!(error.is_body() || error.is_decode(), "{error:?}");
        }
        (Ok(response), want) => panic!("{want:?}, got {} {}", response.status, response.text),
        (Err(error), want) => panic!("{want:?}, got {error:?}"),
    }
}

#[tokio::test]
async fn every_fault_with_and_without_effect() {
    let table = [
        (Fault::error(500, 1406, "Bad response"), End::Response(500, "1406")),
        (Fault::unsuccessful(1406, "Bad response"), End::Response(200, "\"success\":false")),
        (Fault::html(502), End::Response(502, "<h1>Error 502</h1>")),
        (Fault::html(522), End::Response(522, "Connection timed out")),
        (Fault::html(530), End::Response(530, "<html")),
        (Fault::malformed_json(), End::Response(200, "{\"success\":true")),
        (Fault::redirect(302, "http://127.0.0.1:9/"), End::Response(302, "")),
        (Fault::raw(200, "text/plain", "\0\0"), End::Response(200, "\0\0")),
        (Fault::raw(200, "application/json", ""), End::Response(200, "")),
        (Fault::reset(), End::NoHeaders),
        (Fault::close(), End::NoHeaders),
        (Fault::truncated(), End::NoBody),
    ];
    for (fault, want) in table {
        for takes_effect in [false, true] {
            let simulator = Simulator::start().await.unwrap();
            let caller = Caller::new(&simulator);
            let id = simulator.seed(Seed::ca(DOCUMENTED_CA)).unwrap();
            let fault = fault.clone().on(Operation::Delete).times(1);
            let fault = if takes_effect { fault.after_effect() } else { fault };
            let injected = simulator.inject(fault.clone());

            let path = caller.certificates(&format!("/{id}"));
            end(caller.try_call(Method::DELETE, &path, None).await, &want).await;
            let deleted = u64::from(takes_effect);
            assert_eq!(simulator.effects().deleted_as(&id), deleted, "{fault:?}");
            assert_eq!(simulator.certificates().len() as u64, 1 - deleted, "{fault:?}");
            assert_eq!(simulator.fired(injected), 1, "{fault:?}");

            let record = simulator.requests().pop().unwrap();
            assert_eq!(record.fault, Some(injected));
            let broken = want == End::NoHeaders;
            assert_eq!(record.status.is_none(), broken, "{fault:?}");

            // The fault is used up: the truth comes out.
            let status = caller.get(&path).await.status.as_u16();
            assert_eq!(status, if takes_effect { 404 } else { 200 }, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_close_is_a_close() {
    for (fault, reset) in [(Fault::reset(), true), (Fault::close(), false)] {
        let simulator = Simulator::start().await.unwrap();
        simulator.inject(fault);
        let mut wire = TcpStream::connect(simulator.address()).await.unwrap();
        wire.write_all(b"GET /client/v4/zones HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let read = wire.read(&mut [0; 64]).await;
        match read {
            Ok(count) => assert!(!reset && count == 0, "{count} bytes"),
            Err(error) => {
                assert!(reset, "{error}");
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            }
        }
    }
}

#[tokio::test]
async fn truncated_body_is_shorter_than_announced() {
    let simulator = Simulator::start().await.unwrap();
    simulator.inject(Fault::truncated().after_effect());
    let mut wire = TcpStream::connect(simulator.address()).await.unwrap();
    let token = simulator.token();
    let head = format!(
        "GET /client/v4/zones HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    wire.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    wire.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let announced: usize = announced.unwrap().parse().unwrap();
    assert_eq!(body.len(), announced / 2);
    assert!(body.starts_with("{\"result\":[]"), "{body}");
}

#[tokio::test]
async fn endless_body_goes_on_until_the_client_leaves() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    simulator.inject(Fault::endless().on(Operation::List).times(1));
    let request = caller.request(Method::GET, &caller.certificates(""));
    let mut response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.content_length()), (200, None));
    assert_eq!(response.headers()["content-type"], "application/json");
    let mut received = 0;
    while received < 5_000_000 {
        received += response.chunk().await.unwrap().expect("more to come").len();
    }
    drop(response);
    assert_eq!(caller.list("").await.status, 200);
}

#[tokio::test]
async fn delays_decide_whether_a_request_took_effect() {
    let (short, long) = (Duration::from_millis(40), Duration::from_secs(60));
    // (fault, does the client see a response, how often it is deleted in the end)
    let table = [
        (Fault::delay(short), true, 1),
        (Fault::delay(short).after_effect(), true, 1),
        (Fault::delay(short).effect_after(short), true, 1),
        (Fault::delay(long), false, 0),
        (Fault::delay(long).after_effect(), false, 1),
        (Fault::delay(long).effect_after(6 * short), false, 1),
        (Fault::stalled(), false, 0),
        (Fault::stalled().after_effect(), false, 1),
        (Fault::silence(), false, 0),
        (Fault::silence().after_effect(), false, 1),
        (Fault::html(524).delayed(short), true, 0),
    ];
    for (fault, responds, deleted) in table {
        let simulator = Simulator::start().await.unwrap();
        let caller = Caller::new(&simulator);
        let id = simulator.seed(Seed::ca(DOCUMENTED_CA)).unwrap();
        simulator.inject(fault.clone());
        let path = caller.certificates(&format!("/{id}"));
        let patience = if responds { long } else { Duration::from_millis(100) };
        let started = Instant::now();
        let call = caller.try_call(Method::DELETE, &path, None);
        let call = tokio::time::timeout(patience, call).await;
        assert_eq!(call.is_ok(), responds, "{fault:?}");
        assert!(started.elapsed() >= short, "{fault:?}");
        // What comes late has come within this time, what never comes has not.
        let deadline = Instant::now() + Duration::from_secs(5);
        while simulator.effects().deleted < deleted && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(simulator.effects().deleted, deleted, "{fault:?}");
    }
}

#[tokio::test]
async fn an_effect_can_come_after_the_response() {
    let builder = Simulator::builder().clock_stands_still().clock_step(Duration::from_secs(1));
    let simulator = builder.start().await.unwrap();
    let caller = Caller::new(&simulator);
    let [first, second] = [(); 2].map(|()| simulator.seed(Seed::ca(ca().pem)).unwrap());
    let late = Fault::html(503).on(Operation::Delete).effect_after(Duration::from_secs(3));
    let late = simulator.inject(late);
    assert_eq!(caller.delete(&first).await.status, 503);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(caller.certificate(&first).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 404, 404], "before the read of that moment");
    caller.delete(&second).await;
    simulator.advance(Duration::from_secs(3));
    while simulator.effects().deleted_as(&second) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(simulator.fired(late), 2);
}

#[tokio::test]
async fn responses_carry_the_headers_of_the_fault() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    simulator.inject(
        Fault::error(429, 971, "Please wait")
            .retry_after("86400")
            .header("ratelimit", "nonsense")
            .header("not a name", "x")
            .header("x-bad-value", "a\nb"),
    );
    let response = caller.list("").await;
    assert_eq!(response.header("retry-after"), "86400");
    assert_eq!(response.header("ratelimit"), "nonsense");
    assert_eq!(response.header("x-bad-value"), "");
    simulator.clear_faults();
    simulator.inject(Fault::redirect(307, "http://127.0.0.1:9/x"));
    assert_eq!(caller.list("").await.header("location"), "http://127.0.0.1:9/x");
}

#[tokio::test]
async fn faults_hit_by_count_and_can_be_removed() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let injected = simulator.inject(Fault::html(502).on(Operation::List).nth(2).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        caller.get("/zones").await;
        statuses.push(caller.list("").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 502, 502, 200]);
    assert_eq!(simulator.fired(injected), 2);
    let all = simulator.inject(Fault::html(500));
    assert_eq!(caller.get("/nothing").await.status, 500);
    simulator.remove_fault(all);
    assert_eq!(caller.get("/nothing").await.status, 404);
}

#[tokio::test]
async fn an_upload_whose_response_is_lost_was_stored_once() {
    let simulator = Simulator::builder().start().await.unwrap();
    let caller = Caller::new(&simulator);
    let pem = ca().pem;
    simulator.inject(Fault::reset().on(Operation::Upload).times(1).after_effect());
    let body = serde_json::json!({ "ca": true, "certificates": pem });
    let lost = caller.try_call(Method::POST, &caller.certificates(""), Some(body)).await;
    assert!(lost.is_err());
    assert_eq!(simulator.effects().stored_as(&pem), 1);
    assert_eq!(caller.upload_ca(&pem, "").await.codes(), [1471]);
    assert_eq!(simulator.effects().stored_as(&pem), 1);
}
