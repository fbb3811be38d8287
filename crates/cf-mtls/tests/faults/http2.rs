//! HTTP/2 connections that fall silent, and requests that were not processed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cf_mtls::{Certificates, Retry};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::Seed;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::tls::{HTTP2, serve};
use crate::support::{
    ACCOUNT, LONG, SHORT, account_of, assert_presentable, ca, ca_upload, own_builder, unknown_id,
    verdict,
};

fn certificates(base_url: &str) -> Certificates {
    let client =
        own_builder(base_url, "token-of-this-test").with_root_certificate(&*HTTP2.root).unwrap();
    client.build().unwrap().certificates(&ACCOUNT.parse().unwrap())
}

/// What a silent connection still says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Silence {
    Nothing,
    /// Responses to pings: the server lives, and what is behind it does not.
    Pings,
}

/// A front of the simulator whose first connection falls silent when told so, but still
/// reads. Counts the connections.
async fn front(
    simulator: &Simulator,
    silence: Silence,
) -> (String, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (silent, connections) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let (is_silent, counter) = (silent.clone(), connections.clone());
    let behind = simulator.base_url()["http://".len()..].split_once('/').unwrap().0.to_owned();
    let url = serve(move |stream| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        let (is_silent, behind) = (is_silent.clone(), behind.clone());
        async move {
            let (mut read, mut write) = tokio::io::split(stream);
            let (mut from, mut to) = TcpStream::connect(behind).await?.into_split();
            let up = tokio::io::copy(&mut read, &mut to);
            let down = async {
                const PING: u8 = 6;
                while let Some(frame) = read_frame(&mut from).await {
                    let is_said = silence == Silence::Pings && frame[3] == PING;
                    if 0 < number || is_said || !is_silent.load(Ordering::SeqCst) {
                        write.write_all(&frame).await?;
                    }
                }
                std::io::Result::Ok(())
            };
            tokio::try_join!(up, down).map(drop)
        }
    })
    .await;
    (url, silent, connections)
}

#[tokio::test]
async fn a_silent_connection_is_left_by_all_clones() {
    // Long attempts are ended by pings, and short ones before these.
    let rows = [(SHORT, Silence::Nothing), (SHORT, Silence::Pings), (LONG / 6, Silence::Nothing)];
    for (timeout, silence) in rows {
        let simulator = Simulator::start().await.unwrap();
        let id = simulator.seed(Seed::ca(ca().pem).name("one")).unwrap();
        let other = simulator.seed(Seed::ca(ca().pem).name("two")).unwrap();
        let (url, silent, connections) = front(&simulator, silence).await;
        let client = own_builder(&url, simulator.token())
            .with_root_certificate(&*HTTP2.root)
            .unwrap()
            .with_attempt_timeout(timeout)
            .build()
            .unwrap();
        let certificates = client.certificates(&account_of(&simulator));
        let clone = certificates.clone();
        certificates.get(&id.parse().unwrap()).await.unwrap();
        silent.store(true, Ordering::SeqCst);
        let deleted = certificates.delete(&id.parse().unwrap()).await.unwrap();
        assert!(!deleted.is_confirmed(), "the first attempt did it, unheard");
        let once = clone.with_retry(Retry::off());
        once.get(&other.parse().unwrap()).await.unwrap();
        assert_eq!(connections.load(Ordering::SeqCst), 2, "{silence:?}");
    }
}

/// Pings end an attempt that could take all the time there is.
#[tokio::test]
async fn a_silent_connection_is_left_before_the_deadline() {
    let simulator = Simulator::start().await.unwrap();
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap().parse().unwrap();
    let (url, silent, connections) = front(&simulator, Silence::Nothing).await;
    let client = own_builder(&url, simulator.token())
        .with_root_certificate(&*HTTP2.root)
        .unwrap()
        .with_attempt_timeout(LONG / 6)
        .with_deadline(LONG / 6)
        .build()
        .unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    certificates.get(&id).await.unwrap();
    silent.store(true, Ordering::SeqCst);
    certificates.get(&id).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

/// Reads the frames of a client up to the headers of its next request; `None` at the
/// end.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<u32> {
    const HEADERS: u8 = 1;
    loop {
        let frame = read_frame(stream).await?;
        if frame[3] == HEADERS {
            return Some(u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]));
        }
    }
}

/// The next frame, its head of nine bytes included; `None` at the end.
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut frame = vec![0; 9];
    stream.read_exact(&mut frame).await.ok()?;
    let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
    frame.resize(9 + length as usize, 0);
    stream.read_exact(&mut frame[9..]).await.ok()?;
    Some(frame)
}

/// A frame of HTTP/2 without flags.
fn frame(kind: u8, stream: u32, payload: &[u32]) -> Vec<u8> {
    let payload: Vec<u8> = payload.iter().flat_map(|word| word.to_be_bytes()).collect();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, 0], &stream.to_be_bytes(), &payload].concat()
}

#[tokio::test]
async fn what_the_server_did_not_process_had_no_effect() {
    const SETTINGS: u8 = 4;
    const NO_ERROR: u32 = 0;
    const INTERNAL_ERROR: u32 = 2;
    const REFUSED_STREAM: u32 = 7;
    type Ends = fn(u32) -> Vec<u8>;
    let rows: [(&str, Ends, bool); 6] = [
        ("refused", |stream| frame(3, stream, &[REFUSED_STREAM]), true),
        ("closed before it", |_| frame(7, 0, &[0, NO_ERROR]), true),
        ("failed before it", |_| frame(7, 0, &[0, INTERNAL_ERROR]), true),
        ("reset", |stream| frame(3, stream, &[INTERNAL_ERROR]), false),
        ("closed after it", |stream| frame(7, 0, &[stream, NO_ERROR]), false),
        ("failed after it", |stream| frame(7, 0, &[stream, INTERNAL_ERROR]), false),
    ];
    for (name, ends, is_certain) in rows {
        let requests = Arc::<AtomicUsize>::default();
        let counter = requests.clone();
        let url = serve(move |mut stream| {
            let counter = counter.clone();
            async move {
                let mut preface = [0; 24];
                stream.read_exact(&mut preface).await?;
                stream.write_all(&frame(SETTINGS, 0, &[])).await?;
                if let Some(id) = request(&mut stream).await {
                    counter.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(&ends(id)).await?;
                }
                stream.shutdown().await
            }
        })
        .await;
        let certificates = certificates(&url).with_attempt_timeout(Duration::from_secs(5));
        let want = match is_certain {
            true => "connection",
            false => "connection, may have taken effect",
        };
        for (retry, attempts) in [(Retry::off(), 1), (Retry::with_delays(3, |_| Duration::ZERO), 3)]
        {
            let certificates = certificates.clone().with_retry(retry);
            requests.store(0, Ordering::SeqCst);
            let error = certificates.delete(&unknown_id()).await.unwrap_err();
            assert_eq!(verdict(&error), want, "{name}: {error}");
            assert_presentable(&error, name);
            // A look follows where there is doubt.
            let sent = if is_certain { attempts } else { 2 * attempts };
            assert_eq!(requests.load(Ordering::SeqCst), sent, "{name}: {error}");
            requests.store(0, Ordering::SeqCst);
            let error = certificates.upload(&ca_upload("x")).await.unwrap_err();
            assert_eq!(verdict(&error), want, "{name}: {error}");
            if is_certain {
                assert_eq!(requests.load(Ordering::SeqCst), attempts, "{name}: {error}");
            }
        }
    }
}
