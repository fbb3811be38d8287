//! A server that answers with canned bytes, as fast as it can be done.

use std::io::Write as _;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Certificates on a page.
pub(crate) const PER_PAGE: usize = 50;

/// The id of the certificate with the number 0.
const ID: &str = "00000000-0000-4000-8000-000000000000";
/// How the ids of certificates begin whose deletion is refused.
pub(crate) const IN_USE: &str = "10000000-";
const REFUSED: &str = r#"{"success":false,"errors":[{"code":99001,"message":"Certificate cannot be deleted while in use."}],"messages":[],"result":null}"#;
const USES: &str = r#"[{"service":"gateway","status":"active"}]"#;
const ONE_PAGE: &str =
    r#","result_info":{"count":1,"page":1,"per_page":50,"total_count":1,"total_pages":1}"#;

/// Serves until it is ended.
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

/// Reads requests, and answers each by its first line.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    let mut one = response("200 OK", &envelope(&certificate(0), ""));
    let refused = response("400 Bad Request", REFUSED);
    let uses = response("200 OK", &envelope(USES, ONE_PAGE));
    let id_at = one.windows(ID.len()).position(|window| window == ID.as_bytes());
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
        let end = end + number(&head, "content-length: ").unwrap_or(0);
        while buffer.len() < end {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        buffer.drain(..end);
        let line = head.lines().next().unwrap_or_default();
        let item = line.split_once("/mtls_certificates/").map(|(_, item)| item);
        match item {
            Some(item) if item.contains("/associations") => stream.write_all(&uses).await?,
            Some(item) if line.starts_with("DELETE ") && item.starts_with(IN_USE) => {
                stream.write_all(&refused).await?;
            }
            Some(item) => {
                // The client verifies which certificate the response is about.
                if let (Some(at), Some(id)) = (id_at, item.as_bytes().get(..ID.len())) {
                    one[at..at + ID.len()].copy_from_slice(id);
                }
                stream.write_all(&one).await?;
            }
            None if line.starts_with("POST ") => stream.write_all(&one).await?,
            None => stream.write_all(&response("200 OK", &page(line))).await?,
        }
    }
}

/// The number after a name.
fn number(text: &str, name: &str) -> Option<usize> {
    let (_, rest) = text.split_once(name)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A page of certificates: which one, and of how many, stands in the request.
fn page(line: &str) -> String {
    let page = number(line, "?page=").or(number(line, "&page=")).unwrap_or(1);
    let pages = number(line, "name=").unwrap_or(1);
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
    let pem = cf_mtls_testkit::DOCUMENTED_CA.replace('\n', "\\n");
    format!(
        r#"{{"id":"00000000-0000-4000-8000-{number:012}","ca":true,"certificates":"{pem}","expires_on":"2122-10-29T16:59:47Z","issuer":"O=Example Inc.,L=California,ST=San Francisco,C=US","serial_number":"235217144297995885180570755458463043449861756659","signature":"SHA256WithRSA","type":"custom","uploaded_on":"2022-11-22T17:32:30.467938Z"}}"#
    )
}

fn response(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncf-ray: 8f1e2d3c4b5a6978-FRA\r\n\
         ratelimit: \"default\";r=1199;t=300\r\nratelimit-policy: \"default\";q=1200;w=300\r\n\
         date: Mon, 23 Nov 2026 12:00:00 GMT\r\nserver: cloudflare\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}
