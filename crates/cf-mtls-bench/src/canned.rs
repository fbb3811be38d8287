//! A server that answers with canned bytes, as fast as it can be done.

use std::io::Write as _;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Certificates on a page.
pub(crate) const PER_PAGE: usize = 50;

/// Serves until it is ended. Pages end after `CANNED_PAGES`.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer(stream));
    }
}

/// Reads requests without a body, and answers each by its first line.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    let one = response(&envelope(&certificate(0), ""));
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let line = head.lines().next().unwrap_or_default();
        if line.contains("/mtls_certificates/") {
            stream.write_all(&one).await?;
        } else {
            stream.write_all(&response(&page(line))).await?;
        }
    }
}

/// A page of certificates: which one, and of how many, stands in the request.
fn page(line: &str) -> String {
    let number = |name: &str| {
        let (_, rest) = line.split_once(name)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    };
    let (page, pages) =
        (number("?page=").or(number("&page=")).unwrap_or(1), number("name=").unwrap_or(1));
    let items: Vec<_> = (0..PER_PAGE).map(|index| certificate(page * PER_PAGE + index)).collect();
    let info = format!(
        r#","result_info":{{"count":{PER_PAGE},"page":{page},"per_page":{PER_PAGE},"total_count":{},"total_pages":{pages}}}"#,
        pages * PER_PAGE,
    );
    envelope(&format!("[{}]", items.join(",")), &info)
}

fn envelope(result: &str, more: &str) -> String {
    format!(r#"{{"success":true,"errors":[],"messages":[],"result":{result}{more}}}"#)
}

/// The documented certificate. It has no name, so that every filter lets it pass.
pub(crate) fn certificate(number: usize) -> String {
    let pem = cf_mtls_testkit::DOCUMENTED_CA.trim().replace('\n', "\\n");
    format!(
        r#"{{"id":"00000000-0000-4000-8000-{number:012}","ca":true,"certificates":"{pem}","expires_on":"2122-10-29T16:59:47Z","issuer":"O=Example Inc.,L=California,ST=San Francisco,C=US","serial_number":"235217144297995885180570755458463043449861756659","signature":"SHA256WithRSA","type":"custom","uploaded_on":"2022-11-22T17:32:30.467938Z"}}"#
    )
}

fn response(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncf-ray: 8f1e2d3c4b5a6978-FRA\r\n\
         ratelimit: \"default\";r=1199;t=300\r\nratelimit-policy: \"default\";q=1200;w=300\r\n\
         date: Mon, 23 Nov 2026 12:00:00 GMT\r\nserver: cloudflare\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}
