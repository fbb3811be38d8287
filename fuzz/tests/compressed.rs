//! A body is bounded as it is after decompression.
//!
//! This crate does not ask reqwest to decompress, but Cargo switches a feature
//! on for everybody once one crate of a program wants it. So this stands in a
//! package of its own, where the feature is on.

use std::io::Write as _;

use cf_mtls::{AccountId, CertificateId, Client, ErrorKind, Retry};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that gives each client the same compressed body.
async fn server(body: &[u8]) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory");
    let body = encoder.finish().expect("memory");
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            // A client that has gone is what is tested.
            let _ = stream.write_all(&answer).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_bomb_is_bounded_by_what_becomes_of_it() {
    let account: AccountId = "0123456789abcdef0123456789abcdef".parse().expect("an id");
    let id: CertificateId = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60".parse().expect("an id");
    let small = format!(r#"{{"success":true,"result":{{"id":"{id}","name":"small"}}}}"#);
    let small = small.into_bytes();
    let bomb = [br#"{"success":true,"result":{"name":""#.to_vec(), vec![b'a'; 64 << 20]].concat();
    for (body, is_read) in [(small, true), (bomb, false)] {
        let client = Client::builder("token-of-this-test")
            .with_base_url(server(&body).await)
            .with_retry(Retry::off())
            .build()
            .expect("a client");
        match client.certificates(&account).get(&id).await {
            Ok(certificate) => assert!(is_read && certificate.name() == Some("small")),
            Err(error) => {
                assert!(!is_read, "{error}");
                assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
                assert!(error.to_string().contains("larger"), "{error}");
            }
        }
    }
}
