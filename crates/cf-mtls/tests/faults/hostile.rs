//! Peers that want more than an answer: memory, credentials, or trust.

use std::process::Command;
use std::time::Duration;

use cf_mtls::{Certificates, Client, Credentials, ErrorKind, Retry};

use crate::support::raw::{Act, Raw, THERE, answer, json};
use crate::support::{ACCOUNT, assert_presentable, own_builder, unknown_id, verdict};

const TOKEN: &str = "Zx3cVb6nMq9wErTy2uIo5pAs8dFg1hJk4l";

fn certificates(base_url: &str) -> Certificates {
    let client = own_builder(base_url, TOKEN).build().unwrap();
    client.certificates(&ACCOUNT.parse().unwrap())
}

#[tokio::test]
async fn a_body_is_read_up_to_the_bound_and_no_further() {
    let padded = |length: usize| {
        let end = THERE.replacen('{', &format!("{{\"pad\":\"{}\",", "x".repeat(length)), 1);
        assert!(length < end.len());
        end
    };
    // (bound, length of the padding, whether it is read)
    let rows = [(4096, 100, true), (4096, 4096, false), (0, 0, false), (1 << 20, 1 << 19, true)];
    for (bound, padding, is_read) in rows {
        let body = padded(padding);
        let with_length = json("200 OK", &body);
        let without = [b"HTTP/1.1 200 OK\r\n\r\n", body.as_bytes()].concat();
        let chunked = format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        for bytes in [with_length, without, chunked.into_bytes()] {
            let server = Raw::saying(bytes).await;
            let client = own_builder(&server.base_url(), TOKEN).with_body_limit(bound);
            let client = client.with_retry(Retry::off()).build().unwrap();
            let outcome = client.certificates(&ACCOUNT.parse().unwrap()).get(&unknown_id()).await;
            match outcome {
                Ok(_) => assert!(is_read, "{padding} bytes within a bound of {bound}"),
                Err(error) => {
                    assert!(!is_read, "{error}");
                    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
                    assert!(error.to_string().contains("larger"), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn values_are_bounded_like_bytes() {
    // Each is far below the bound in bytes, and takes gigabytes when it is read.
    let many = |value: &str| vec![value; 1 << 20].join(",");
    let rows = [
        format!("{{\"success\":true,\"result\":[{}]}}", many("{}")),
        format!("{{\"success\":true,\"result\":[{}]}}", many("0")),
        format!("{{\"success\":true,{}}}", many("\"a\":1")),
        format!("{{\"success\":true,\"result\":\"\\\"\",\"x\":[{}]}}", many("[]")),
    ];
    for body in rows {
        for end in ["", "connection: close\r\n"] {
            let length = match end {
                "" => format!("content-length: {}\r\n", body.len()),
                end => end.to_owned(),
            };
            let start = format!("HTTP/1.1 200 OK\r\n{length}\r\n{body}");
            let server = Raw::saying(start).await;
            let error = certificates(&server.base_url()).with_retry(Retry::off());
            let error = error.get(&unknown_id()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
            assert!(error.to_string().contains("larger"), "{error}");
        }
    }
    // A text of any length is one value.
    let name = ",[{".repeat(1 << 20);
    let body = THERE.replacen("\"id\"", &format!("\"name\":\"{name}\",\"id\""), 1);
    let server = Raw::saying(json("200 OK", body)).await;
    let certificate = certificates(&server.base_url()).get(&unknown_id()).await.unwrap();
    assert_eq!(certificate.name().unwrap(), name);
}

#[tokio::test]
async fn an_id_that_holds_the_token_is_neither_sent_nor_shown() {
    let server = Raw::saying(json("200 OK", THERE)).await;
    let client = own_builder(&server.base_url(), TOKEN).build().unwrap();
    let key = Credentials::email_and_key("a@example.com", "0123456789abcdef0123456789abcdef01234");
    let key = Client::builder(key).with_base_url(server.base_url()).build().unwrap();
    let rows = [
        (&client, TOKEN, unknown_id().to_string()),
        (&client, ACCOUNT, TOKEN.to_owned()),
        (&client, ACCOUNT, format!("x-{}", &TOKEN[3..12])),
        (&key, ACCOUNT, unknown_id().to_string()),
    ];
    for (client, account, id) in rows {
        let certificates = client.certificates(&account.parse().unwrap());
        let error = certificates.delete(&id.parse().unwrap()).await.unwrap_err();
        assert_eq!(verdict(&error), "invalid_input", "{error}");
        let shown = crate::support::renderings(&error);
        assert!(!shown.contains(account) || account == ACCOUNT, "{shown}");
        assert!(!shown.contains(&TOKEN[3..12]), "{shown}");
    }
    assert_eq!(server.methods(), "");
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error() {
    let build = |base_url: &str| Client::builder(TOKEN).with_base_url(base_url).build();
    if std::env::var_os(CHILD).is_some() {
        let error = build("https://example.com").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains("_PROXY") || error.to_string().contains("_proxy"));
        assert!(!error.to_string().contains("secret"), "{error}");
        if cfg!(any(feature = "rustls", feature = "native-tls")) {
            assert!(build("https://localhost").is_ok(), "NO_PROXY");
        }
        assert!(build("http://127.0.0.1:1").is_ok(), "no proxy");
        return;
    }
    let name = "hostile::a_proxy_that_cannot_be_used_is_an_error";
    for (variable, value) in [
        ("HTTPS_PROXY", "nonsense://u:secret@host"),
        ("https_proxy", "socks5://u:secret@host:1080"),
        ("ALL_PROXY", "http://"),
        ("all_proxy", "socks4a://host"),
    ] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "no_proxy"] {
            child.env_remove(variable);
        }
        child.args([name, "--exact"]).env(CHILD, "1");
        child.env(variable, value).env("NO_PROXY", "localhost");
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{variable}={value}: {text}");
        assert!(text.contains("1 passed"), "the child ran the test: {text}");
    }
}

#[tokio::test]
async fn the_longest_duration_is_no_limit() {
    let server = Raw::saying(json("200 OK", THERE)).await;
    let client = own_builder(&server.base_url(), TOKEN)
        .with_attempt_timeout(Duration::MAX)
        .with_deadline(Duration::MAX)
        .with_patience(Duration::MAX)
        .build()
        .unwrap();
    let certificates = client.certificates(&ACCOUNT.parse().unwrap());
    certificates.get(&unknown_id()).await.unwrap();
    certificates.delete(&unknown_id()).await.map(drop).unwrap();
}

#[tokio::test]
async fn the_bound_holds_unless_set() {
    // Without a bound of its own a client reads 16 MiB, and not 17.
    let start = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let server = Raw::start(move |_, _| Act::Forever(start.clone(), vec![b' '; 1 << 20])).await;
    let client = own_builder(&server.base_url(), TOKEN).with_retry(Retry::off()).build().unwrap();
    let error =
        client.certificates(&ACCOUNT.parse().unwrap()).get(&unknown_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("larger"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_is_no_evidence() {
    let elsewhere = Raw::saying(json("200 OK", THERE)).await;
    for status in [300, 301, 302, 303, 304, 305, 307, 308, 399] {
        for location in [
            format!("http://{}/client/v4/accounts", elsewhere.address),
            format!("//{}/", elsewhere.address),
            "/client/v4/zones".to_owned(),
            "https://example.com/".to_owned(),
            "nonsense\t".to_owned(),
        ] {
            // A body that looks like success, beside.
            let head = format!("location: {location}\r\ncontent-type: application/json\r\n");
            let server = Raw::saying(answer(&format!("{status} Elsewhere"), &head, THERE)).await;
            let certificates = certificates(&server.base_url()).with_retry(Retry::off());
            let error = certificates.delete(&unknown_id()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{status}: {error}");
            assert!(error.may_have_taken_effect(), "the look was led astray, too");
            assert_eq!(server.methods(), "DELETE 1 GET 1", "{status} {location}");
        }
    }
    assert_eq!(elsewhere.methods(), "", "not a single connection");
}

#[tokio::test]
async fn a_redirect_that_a_callers_client_follows_is_no_evidence_either() {
    let elsewhere = Raw::saying(json("200 OK", THERE)).await;
    let location = format!("location: http://{}/\r\n", elsewhere.address);
    let server = Raw::saying(answer("307 Elsewhere", &location, "")).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let client = Client::builder(TOKEN)
        .with_base_url(server.base_url())
        .with_http_client(http)
        .with_retry(Retry::off())
        .build()
        .unwrap();
    let error =
        client.certificates(&ACCOUNT.parse().unwrap()).delete(&unknown_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("redirect::Policy::none"), "{error}");
}

/// The test below runs itself again with proxies in its environment, which a
/// process cannot safely set for itself.
const CHILD: &str = "CF_MTLS_TEST_TALKS_TO";

#[tokio::test]
async fn a_proxy_in_the_environment_gets_nothing_in_clear_text() {
    if let Ok(base_url) = std::env::var(CHILD) {
        certificates(&base_url).get(&unknown_id()).await.unwrap();
        return;
    }
    let proxy = Raw::saying(json("200 OK", THERE)).await;
    let server = Raw::saying(json("200 OK", THERE)).await;
    let to_proxy = format!("http://{}", proxy.address);
    let name = "hostile::a_proxy_in_the_environment_gets_nothing_in_clear_text";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([name, "--exact"]).env(CHILD, server.base_url());
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"] {
        child.env(variable, &to_proxy);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "the child ran the test: {text}");
    assert_eq!(server.methods(), "GET 1");
    assert!(server.seen()[0].head.contains(TOKEN));
    assert_eq!(proxy.methods(), "", "the proxy was passed by");
}

#[test]
fn plain_http_leads_to_loopback_only() {
    let build = |url: &str| Client::builder(TOKEN).with_base_url(url).build();
    for url in [
        "http://127.0.0.1:1/",
        "http://127.8.9.1/",
        "http://[::1]:1/client/v4",
        "http://localhost/",
        "https://api.cloudflare.com/client/v4",
        "https://example.com",
    ] {
        if cfg!(any(feature = "rustls", feature = "native-tls")) || url.starts_with("http:") {
            assert!(build(url).is_ok(), "{url}");
        }
    }
    for url in [
        "http://api.cloudflare.com/client/v4",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://localhost@example.com/",
        "http://user:password@127.0.0.1/",
        "http://[::ffff:8.8.8.8]/",
        "ftp://127.0.0.1/",
        "file:///etc/hosts",
        "127.0.0.1",
        "//127.0.0.1",
        "https://example.com/?a=b",
        "https://example.com/#a",
        "",
    ] {
        let error = build(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}: {error}");
        assert_presentable(&error, url);
    }
    let allowed = Client::builder(TOKEN).with_base_url("http://10.0.0.1/");
    assert!(allowed.with_plain_http_allowed().build().is_ok());
}

#[tokio::test]
async fn credentials_go_to_the_base_url_and_are_sent_once() {
    let server = Raw::saying(json("200 OK", THERE)).await;
    for (credentials, name, value) in [
        (Credentials::token(TOKEN), "authorization", format!("Bearer {TOKEN}")),
        (Credentials::email_and_key("a@example.com", TOKEN), "x-auth-key", TOKEN.to_owned()),
    ] {
        let client = Client::builder(credentials).with_base_url(server.base_url()).build().unwrap();
        client.certificates(&ACCOUNT.parse().unwrap()).get(&unknown_id()).await.unwrap();
        let seen = server.seen().pop().unwrap();
        let line = format!("{name}: {value}\r\n");
        assert_eq!(seen.head.matches(&line).count(), 1, "{}", seen.head);
        assert_eq!(seen.head.matches(TOKEN).count(), 1, "{}", seen.head);
        assert!(!seen.head.contains("referer"), "{}", seen.head);
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod tls {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::support::raw::End;
    use crate::support::{renderings, three_at_once, tls};

    /// A server with a certificate of a root that nobody knows; gives the root.
    async fn server(names: &[&str], says: Vec<u8>) -> (u16, String) {
        let tls::Tls { acceptor, root } = tls::make(names, &[]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, says) = (acceptor.clone(), says.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut bytes = Vec::new();
                    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
                        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    // A client that has gone is none of its business.
                    let _ = stream.write_all(&says).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        (port, root)
    }

    fn https(port: u16) -> String {
        format!("https://127.0.0.1:{port}/client/v4")
    }

    #[tokio::test]
    async fn a_root_of_ones_own_is_trusted_and_no_other_is() {
        let (port, root) = server(&["127.0.0.1"], json("200 OK", THERE)).await;
        let (_, other_root) = server(&["127.0.0.1"], Vec::new()).await;
        let get = async |root: Option<&str>| {
            let mut builder = own_builder(&https(port), TOKEN);
            if let Some(root) = root {
                builder = builder.with_root_certificate(root).unwrap();
            }
            let client = builder.build().unwrap();
            client.certificates(&ACCOUNT.parse().unwrap()).get(&unknown_id()).await
        };
        get(Some(&root)).await.unwrap();
        for root in [None, Some(other_root.as_str())] {
            let error = get(root).await.unwrap_err();
            assert_eq!(verdict(&error), "connection", "{error}");
            assert!(error.to_string().contains("nothing was sent"), "{error}");
            assert_presentable(&error, "unknown root");
        }
    }

    /// Also where both are built in, and one of them wins.
    #[tokio::test]
    async fn the_tls_that_is_shown_is_the_one_in_use() {
        let shown = |client: &Client| format!("{client:?}");
        let (port, _) = server(&["127.0.0.1"], Vec::new()).await;
        let client = own_builder(&https(port), TOKEN).build().unwrap();
        let certificates = client.certificates(&ACCOUNT.parse().unwrap());
        let error = certificates.get(&unknown_id()).await.unwrap_err();
        // What rustls says of a root that it does not know.
        let is_rustls = renderings(&error).contains("UnknownIssuer");
        let tls = if is_rustls { "tls: \"rustls\"" } else { "tls: \"native-tls\"" };
        assert!(shown(&client).contains(tls), "{client:?}");
        let plain = own_builder("http://127.0.0.1:1", TOKEN);
        assert!(shown(&plain.build().unwrap()).contains("tls: \"none\""));
        let own = own_builder(&https(port), TOKEN).with_http_client(reqwest::Client::new());
        assert!(shown(&own.build().unwrap()).contains("tls: \"the caller's\""));
    }

    #[tokio::test]
    async fn a_certificate_of_another_host_is_refused() {
        let (port, root) = server(&["example.com"], json("200 OK", THERE)).await;
        let client = own_builder(&https(port), TOKEN).with_root_certificate(root).unwrap();
        let client = client.build().unwrap();
        let certificates = client.certificates(&ACCOUNT.parse().unwrap());
        let error = certificates.delete(&unknown_id()).await.unwrap_err();
        assert_eq!(verdict(&error), "connection", "{error}");
    }

    #[tokio::test]
    async fn https_to_a_server_without_tls_sends_nothing() {
        let server = Raw::start(|_, _| Act::Say(json("200 OK", THERE), End::Close)).await;
        let client = own_builder(&https(server.address.port()), TOKEN)
            .with_attempt_timeout(Duration::from_millis(300))
            .with_retry(three_at_once())
            .build()
            .unwrap();
        let certificates = client.certificates(&ACCOUNT.parse().unwrap());
        certificates.get(&unknown_id()).await.unwrap_err();
        assert_eq!(server.methods(), "", "no request in clear text");
    }

    #[test]
    fn a_root_that_is_none_is_refused() {
        for root in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let error = own_builder("https://127.0.0.1:1", TOKEN).with_root_certificate(root);
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{root}");
            let text = error.to_string();
            assert!(text.contains("PEM") && text.contains("root certificate"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_proxy_that_is_set_gets_a_tunnel_and_no_token() {
        let proxy = Raw::start(|_, _| Act::Say(json("407 Denied", THERE), End::Close)).await;
        let url = format!("http://user:sekret@{}", proxy.address);
        let client = own_builder("https://api.example.com/client/v4", TOKEN).with_proxy(&url);
        let client = client.unwrap().build().unwrap();
        let certificates = client.certificates(&ACCOUNT.parse().unwrap());
        let error = certificates.delete(&unknown_id()).await.unwrap_err();
        assert_eq!(verdict(&error), "connection", "{error}");
        assert!(proxy.methods().starts_with("CONNECT"), "{}", proxy.methods());
        assert!(
            !renderings(&error).contains("sekret") && !format!("{client:?}").contains("sekret")
        );
    }

    #[test]
    fn what_would_have_no_effect_is_refused() {
        let https = || own_builder("https://127.0.0.1:1", TOKEN);
        for proxy in ["", "localhost:3128", "socks5://u:sekret@host", "http://"] {
            let error = https().with_proxy(proxy).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{proxy}");
            assert!(!renderings(&error).contains("sekret"), "{error}");
        }
        let proxy = "http://127.0.0.1:3128";
        let own = https().with_http_client(reqwest::Client::new());
        let with_root = own.with_root_certificate(&tls::HTTP2.root).unwrap();
        let own = https().with_http_client(reqwest::Client::new());
        let plain = own_builder("http://127.0.0.1:1", TOKEN);
        for builder in [with_root, own.with_proxy(proxy).unwrap(), plain.with_proxy(proxy).unwrap()]
        {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        }
    }
}
