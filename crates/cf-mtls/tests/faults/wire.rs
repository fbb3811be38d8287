//! Broken wires: what no HTTP server sends by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cf_mtls::{CertificateFilter, Certificates, ErrorKind};
use futures_util::stream::{self, StreamExt as _};

use crate::support::raw::{Act, End, NOT_THERE, Raw, THERE, answer, json};
use crate::support::{ACCOUNT, assert_presentable, builder, ca_upload, unknown_id, verdict};

const TOKEN: &str = "token-of-the-wire-test";
const BODY_LIMIT: usize = 64 * 1024;

fn certificates(base_url: &str) -> Certificates {
    let client = builder(base_url, TOKEN).with_body_limit(BODY_LIMIT).build();
    client.unwrap().certificates(&ACCOUNT.parse().unwrap())
}

/// What the wire does to a request.
struct Break {
    name: &'static str,
    act: Act,
    kind: ErrorKind,
    /// Whether it takes the timeout to notice.
    waits: bool,
}

fn breaks() -> Vec<Break> {
    use End::{Close, Hold, Reset};
    use ErrorKind::{Connection, InvalidResponse, Timeout};
    let say = |text: &str, end| Act::Say(text.as_bytes().to_vec(), end);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let with = |rest: &str, end| Act::Say(format!("{head}{rest}").into_bytes(), end);
    let many = "x-filler: y\r\n".repeat(10_000);
    let wide = format!("x-filler: {}\r\n", "y".repeat(1 << 20));
    let chunk = b"4000\r\n".iter().copied().chain([b'a'; 0x4000]).chain(*b"\r\n");
    let row = |name, act, kind| Break { name, act, kind, waits: false };
    let slow = |name, act| Break { name, act, kind: Timeout, waits: true };
    vec![
        row("closed before the request is read", Act::HangUp, Connection),
        row("closed after the request", say("", Close), Connection),
        row("reset after the request", say("", Reset), Connection),
        slow("silence", say("", Hold)),
        row("half of a status line", say("HTTP/1.", Close), Connection),
        slow("half of a status line, then silence", say("HTTP/1.1 2", Hold)),
        row("closed within the headers", say("HTTP/1.1 200 OK\r\ncontent-le", Close), Connection),
        row("reset within the headers", say("HTTP/1.1 200 OK\r\ncf-ray: 1", Reset), Connection),
        slow("silence within the headers", say("HTTP/1.1 200 OK\r\ncf-ray: 1\r\n", Hold)),
        row("no HTTP at all", say("SSH-2.0-OpenSSH_9.6\r\n", Close), Connection),
        row("a TLS alert", Act::Say(b"\x15\x03\x01\0\x02\x02\x28".to_vec(), Close), Connection),
        row("HTTP/9.9", say("HTTP/9.9 200 OK\r\n\r\n{}", Close), Connection),
        row("status 99999", say("HTTP/1.1 99999 OK\r\n\r\n", Close), Connection),
        row(
            "a NUL byte in a header",
            say("HTTP/1.1 200 OK\r\ncf-ray: a\0b\r\n\r\n", Close),
            Connection,
        ),
        row(
            "a header without a colon",
            say("HTTP/1.1 200 OK\r\nnothing\r\n\r\n", Close),
            Connection,
        ),
        row("a negative length", with("content-length: -1\r\n\r\n", Close), Connection),
        row(
            "two lengths",
            with("content-length: 2\r\ncontent-length: 3\r\n\r\n{}}", Close),
            Connection,
        ),
        row("10,000 headers", with(&format!("{many}\r\n"), Close), Connection),
        row("a header of 1 MiB", with(&format!("{wide}\r\n"), Close), Connection),
        slow(
            "100 Continue for ever",
            Act::Forever(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        ),
        row("headers for ever", Act::Forever(head.into(), b"x-filler: y\r\n".to_vec()), Connection),
        row(
            "a body that is cut off",
            with("content-length: 400\r\n\r\n{\"success\":true,", Close),
            Connection,
        ),
        row(
            "a body that is reset",
            with("content-length: 400\r\n\r\n{\"success\":true,", Reset),
            Connection,
        ),
        slow("a body that stalls", with("content-length: 400\r\n\r\n{\"success\":true,", Hold)),
        row(
            "chunks that are cut off",
            with("transfer-encoding: chunked\r\n\r\n400\r\n{\"succ", Close),
            Connection,
        ),
        row(
            "a chunk of a senseless size",
            with("transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n", Close),
            Connection,
        ),
        row(
            "a chunk larger than memory",
            with("transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n", Close),
            Connection,
        ),
        row(
            "an endless body without a length",
            Act::Forever(format!("{head}\r\n{{\"success\":true,\"x\":\"").into(), vec![b'a'; 4096]),
            InvalidResponse,
        ),
        row(
            "an endless body in chunks",
            Act::Forever(
                format!("{head}transfer-encoding: chunked\r\n\r\n").into(),
                chunk.collect(),
            ),
            InvalidResponse,
        ),
        row(
            "a length far above the bound",
            Act::Forever(
                format!("{head}content-length: 99999999999\r\n\r\n").into(),
                vec![b'a'; 4096],
            ),
            InvalidResponse,
        ),
        slow("a body that drips", Act::Drip(format!("{head}content-length: 4000\r\n\r\n").into())),
        row(
            "a body that is compressed",
            Act::Say(
                answer(
                    "200 OK",
                    "content-type: application/json\r\ncontent-encoding: gzip\r\n",
                    gzip(THERE.as_bytes()),
                ),
                Close,
            ),
            InvalidResponse,
        ),
        row(
            "a body that ends with the connection, cut off",
            with("\r\n{\"success\":tr", Close),
            InvalidResponse,
        ),
        row(
            "101 Switching Protocols",
            say(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
                Close,
            ),
            InvalidResponse,
        ),
        row(
            "206 with a part",
            Act::Say(json("206 Partial Content", "{\"success\":tr"), Close),
            InvalidResponse,
        ),
        row("status 999", Act::Say(json("999 What", "{}"), Close), ErrorKind::ServiceUnavailable),
    ]
}

/// A gzip file that holds these bytes as they are.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(bytes);
    // Nobody gets so far as to compare the checksum.
    file.extend([0; 4]);
    file.extend(u32::from(length).to_le_bytes());
    file
}

/// Breaks the wire of every `method`, and answers looks by whether it `took`
/// effect all the same.
async fn server(method: &'static str, act: Act, took: bool) -> Raw {
    let done = Arc::new(AtomicBool::new(false));
    let empty = r#"{"success":true,"errors":[],"messages":[],"result":[]}"#;
    Raw::start(move |request, _| {
        if request.method() == method
            || (matches!(act, Act::HangUp) && !done.load(Ordering::SeqCst))
        {
            return act.clone();
        }
        done.store(true, Ordering::SeqCst);
        let look = match (method, took) {
            ("DELETE", true) => json("404 Not Found", NOT_THERE),
            ("DELETE", false) => json("200 OK", THERE),
            _ => json("200 OK", empty),
        };
        Act::Say(look, End::Close)
    })
    .await
}

#[tokio::test]
async fn broken_wires_leave_no_doubt_where_there_need_be_none() {
    let wrong: Vec<String> = stream::iter(breaks())
        .map(|broken| async move {
            let mut wrong = Vec::new();
            for (operation, took) in [("DELETE", false), ("DELETE", true), ("POST", false), ("GET", false)] {
                if matches!(broken.act, Act::HangUp) && operation != "GET" {
                    continue; // the server cannot tell a look from a write; see below
                }
                let kind = broken.kind.as_str();
                let (want, requests) = match (operation, took) {
                    ("DELETE", true) => ("ok".to_owned(), "DELETE 3 GET 1"),
                    ("DELETE", false) => (format!("{kind}, may have taken effect"), "DELETE 3 GET 6"),
                    ("POST", _) => (format!("{kind}, may have taken effect"), "POST 3 GET 6"),
                    _ if matches!(broken.act, Act::HangUp) => (kind.to_owned(), "nothing 3"),
                    _ => (kind.to_owned(), "GET 3"),
                };
                let server = server(operation, broken.act.clone(), took).await;
                let mut certificates = certificates(&server.base_url());
                if broken.waits {
                    certificates = certificates.with_attempt_timeout(Duration::from_millis(300));
                }
                let outcome = match operation {
                    "DELETE" => certificates.delete(&unknown_id()).await.map(drop),
                    "POST" => certificates.upload(&ca_upload("x")).await.map(drop),
                    _ => certificates.get(&unknown_id()).await.map(drop),
                };
                let got = match &outcome {
                    Ok(()) => "ok".to_owned(),
                    Err(error) => {
                        assert_presentable(error, broken.name);
                        verdict(error)
                    }
                };
                let seen = server.methods();
                if (got.as_str(), seen.as_str()) != (want.as_str(), requests) {
                    wrong.push(format!(
                        "{operation}, {}, took effect {took}: want {want}, {requests}; got {got}, {seen}: {outcome:?}",
                        broken.name
                    ));
                }
            }
            wrong
        })
        .buffered(16)
        .flat_map(stream::iter)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn what_never_left_is_sent_again_and_has_no_effect() {
    let certificates = certificates(&format!("http://{}", nobody().await));
    let list = certificates.list(CertificateFilter::all());
    let outcomes = [
        certificates.delete(&unknown_id()).await.map(drop),
        certificates.upload(&ca_upload("x")).await.map(drop),
        certificates.get(&unknown_id()).await.map(drop),
        list.collect().await.map(drop),
    ];
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!(verdict(&error), "connection", "{error}");
        assert_eq!(error.attempts(), 3, "{error}");
        assert!(error.to_string().contains("nothing was sent"), "{error}");
        assert_presentable(&error, "refused");
    }
}

#[tokio::test]
async fn an_upload_is_sent_when_the_server_comes_up_meanwhile() {
    // Refused at first: the second attempt finds a server.
    let address = nobody().await;
    let pem = crate::support::ca().pem;
    // The quotes and line ends of Rust are those of JSON here.
    let fields = format!("\"name\":\"late\",\"certificates\":{pem:?},\"id\"");
    let stored = THERE.replace("\"id\"", &fields);
    let retry = cf_mtls::Retry::with_delays(200, |_| Duration::from_millis(10));
    let client = builder(&format!("http://{address}"), TOKEN).with_retry(retry);
    let certificates = client.build().unwrap().certificates(&ACCOUNT.parse().unwrap());
    let upload = cf_mtls::Upload::ca(&pem).unwrap().with_name("late");
    let (outcome, server) = tokio::join!(certificates.upload(&upload), async {
        tokio::task::yield_now().await;
        Raw::start_at(address, move |_, _| Act::Say(json("200 OK", &stored), End::Close)).await
    });
    let certificate = outcome.unwrap();
    assert_eq!(certificate.name(), Some("late"));
    assert_eq!(server.methods(), "POST 1");
}

#[tokio::test]
async fn a_server_that_hangs_up_on_everything_leaves_a_delete_unknown() {
    let server = Raw::start(|_, _| Act::HangUp).await;
    let certificates = certificates(&server.base_url());
    let error = certificates.delete(&unknown_id()).await.unwrap_err();
    assert_eq!(verdict(&error), "connection, may have taken effect");
    assert_eq!(server.methods(), "nothing 6", "three deletes, three looks");
    let error = certificates.upload(&ca_upload("x")).await.unwrap_err();
    assert_eq!(verdict(&error), "connection, may have taken effect");
    assert_eq!(server.methods(), "nothing 12", "three uploads, three looks");
}
