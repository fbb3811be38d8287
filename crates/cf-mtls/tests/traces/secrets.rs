//! No token, API key or private key is shown by anything, whatever a server
//! does with what it was sent.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cf_mtls::{Certificates, Client, Credentials, Error, ErrorKind, Retry, Upload};
use cf_mtls_testkit::Simulator;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::raw::{Act, End, Raw, Seen, answer};
use crate::support::{ACCOUNT, leaf, renderings, unknown_id};

const TOKEN: &str = "Tq7vKp2xWm9sLd4fHz6cRb8nYg3jEu5a_-";
const API_KEY: &str = "c2547eb745079dac9320b638f5e225cf483cc5cfdda41";
const EMAIL: &str = "someone@example.com";

/// Everything that is traced, at every level and by every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Letters and digits only: whatever stands between them, it is the secret.
fn bare(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Fails if a text holds as much as sixteen letters and digits of a secret in a
/// row, with anything else between them.
fn assert_hidden(text: &str, secrets: &[&str], what: &str) {
    let haystack = bare(text);
    for secret in secrets {
        let body: String = secret.lines().filter(|line| !line.starts_with("---")).collect();
        let needle = bare(&body);
        assert!(16 <= needle.len());
        for at in 0..=needle.len() - 16 {
            let part = &needle[at..at + 16];
            assert!(!haystack.contains(part), "{what} shows {part}: {text}");
        }
    }
}

/// What servers do with what they were sent, from a plain echo to what breaks
/// every parser on the way.
fn echoes(request: &Seen) -> Vec<(&'static str, Vec<u8>)> {
    let head = request.head.replace("\r\n", " ");
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let credentials = |name: &str| {
        let line = request.head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.replace("Bearer ", ""))
    };
    let secret = credentials("authorization").or(credentials("x-auth-key")).unwrap();
    let key = serde_json::from_slice::<serde_json::Value>(&request.body).ok();
    let key =
        key.and_then(|json| json["private_key"].as_str().map(str::to_owned)).unwrap_or_default();
    let base64: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let rewrapped =
        base64.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned());
    let rewrapped = rewrapped.collect::<Vec<_>>().join("\r\n");
    let all = format!("{head} {body} {secret} {rewrapped} {}", base64.replace('/', "\\/"));
    let quoted = serde_json::to_string(&all).unwrap();
    let json = "content-type: application/json\r\n";
    let error = |text: &str| {
        format!(r#"{{"success":false,"errors":[{text}],"messages":[],"result":null}}"#)
    };
    let message = error(&format!(
        r#"{{"code":10000,"message":{quoted},"documentation_url":{quoted},"source":{{"pointer":{quoted}}},"error_chain":[{{"code":1,"message":{quoted}}}]}}"#
    ));
    let header = format!(
        "cf-ray: {secret}\r\nratelimit: {secret}\r\nretry-after: {secret}\r\nlocation: /{secret}\r\n"
    );
    vec![
        ("an error's message", answer("403 Forbidden", json, &message)),
        ("a refusal with HTTP 200", answer("200 OK", json, &message)),
        ("a failure", answer("500 Internal Server Error", json, &message)),
        ("an error of another form", answer("400 Bad Request", json, error(&quoted))),
        (
            "a text where a flag belongs",
            answer("200 OK", json, format!(r#"{{"success":{quoted}}}"#)),
        ),
        (
            "a text where a list belongs",
            answer("200 OK", json, format!(r#"{{"success":false,"errors":{quoted}}}"#)),
        ),
        (
            "an unknown variant",
            answer("200 OK", json, format!(r#"{{"success":true,"result":{{"id":{quoted}}}}}"#)),
        ),
        ("a key of an object", answer("403 Forbidden", json, format!(r#"{{{quoted}:1}}"#))),
        (
            "a page",
            answer("502 Bad Gateway", "content-type: text/html\r\n", format!("<html><pre>{all}")),
        ),
        ("plain text", answer("200 OK", "content-type: text/plain\r\n", &all)),
        ("the secret alone", answer("404 Not Found", "", &secret)),
        ("the key alone", answer("404 Not Found", "", format!("{key}{rewrapped}"))),
        (
            "text with NUL bytes",
            answer("404 Not Found", "", secret.chars().flat_map(|c| [c, '\0']).collect::<String>()),
        ),
        ("headers", answer("403 Forbidden", &header, error(r#"{"code":9109,"message":"no"}"#))),
        ("headers of a redirect", answer("302 Found", &header, "")),
        ("headers of a block", answer("429 Too Many Requests", &header, "")),
        (
            "a status line",
            format!("HTTP/1.1 403 {secret}\r\ncontent-length: 0\r\n\r\n").into_bytes(),
        ),
        ("a broken header", format!("HTTP/1.1 403 No\r\n{secret} {secret}\r\n\r\n").into_bytes()),
        ("no HTTP", all.clone().into_bytes()),
        (
            "a cut body",
            format!("HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n{all}").into_bytes(),
        ),
    ]
}

async fn fail(certificates: &Certificates, upload: &Upload) -> Vec<Error> {
    let id = unknown_id();
    let outcomes = [
        certificates.upload(upload).await.map(|certificate| drop(certificate.id().clone())),
        certificates.get(&id).await.map(drop),
        certificates.delete(&id).await.map(drop),
        certificates.list(cf_mtls::CertificateFilter::all()).collect().await.map(drop),
        certificates.associations(&id).await.map(drop),
    ];
    outcomes.into_iter().filter_map(Result::err).collect()
}

#[tokio::test]
async fn no_rendering_of_anything_shows_a_secret() {
    let _alone = crate::ALONE.lock().await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let made = leaf();
    let upload = Upload::leaf(&made.pem, made.key.as_str()).unwrap().with_name("n");
    let secrets = [TOKEN, API_KEY, made.key.as_str()];
    let mut shown = format!("{upload:?}{upload:#?}");
    // The bindings below hold the credentials as headers.
    let exchange = cf_mtls_api::Exchange::default();
    let exchange = exchange.with_bearer_token(&TOKEN.into()).unwrap();
    let exchange = exchange.with_email_and_key(EMAIL, &API_KEY.into()).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let bindings = cf_mtls_api::Client::new_with_client("http://127.0.0.1:1", http, exchange);
    write!(shown, "{bindings:?}{bindings:#?}").unwrap();
    let mut failures = 0;
    for credentials in [Credentials::token(TOKEN), Credentials::email_and_key(EMAIL, API_KEY)] {
        let sample =
            Seen { head: "GET / \r\nauthorization: Bearer x\r\n".into(), body: Vec::new() };
        for number in 0..echoes(&sample).len() {
            let server = Raw::start(move |request, _| {
                if request.head.is_empty() {
                    return Act::Say(Vec::new(), End::Close);
                }
                let (_, bytes) = echoes(request).swap_remove(number);
                Act::Say(bytes, End::Close)
            })
            .await;
            let builder = Client::builder(credentials.clone())
                .with_base_url(server.base_url())
                .with_retry(Retry::with_delays(2, |_| Duration::ZERO))
                .with_deadline(Duration::from_secs(30));
            write!(shown, "{builder:?}{builder:#?}{credentials:?}{credentials:#?}").unwrap();
            let client = builder.build().unwrap();
            let certificates = client.certificates(&ACCOUNT.parse().unwrap());
            write!(shown, "{client:?}{client:#?}{certificates:?}").unwrap();
            let name = echoes(&sample)[number].0;
            for error in fail(&certificates, &upload).await {
                failures += 1;
                let text = renderings(&error);
                assert_hidden(&text, &secrets, name);
                for message in error.messages() {
                    assert_hidden(&format!("{message} {message:?}"), &secrets, name);
                }
                assert_hidden(error.ray_id().unwrap_or_default(), &secrets, name);
                crate::support::assert_presentable(&error, name);
            }
            let sent = server.seen();
            let told =
                sent.iter().any(|seen| seen.head.contains(TOKEN) || seen.head.contains(API_KEY));
            assert!(told, "the server was told the secret, or this proves nothing");
        }
    }
    assert!(150 < failures, "only {failures} failures");

    // HTTP/2 has a stack, and traces, of its own.
    let simulator = Simulator::start().await.unwrap();
    let http = reqwest::Client::builder().http2_prior_knowledge().no_proxy();
    let client = Client::builder(TOKEN)
        .with_base_url(simulator.base_url())
        .with_http_client(http.build().unwrap())
        .build()
        .unwrap();
    let certificates = client.certificates(&simulator.account_id().parse().unwrap());
    let errors = fail(&certificates, &upload).await;
    assert_eq!(errors.len(), 5, "the simulator knows another token");
    for error in errors {
        let refused = [ErrorKind::Authentication, ErrorKind::Permission];
        assert!(refused.contains(&error.kind()), "{error}");
        assert_hidden(&renderings(&error), &secrets, "HTTP/2");
    }

    assert_hidden(&shown, &secrets, "a Debug");

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let targets = ["cf_mtls::transport::call", "hyper_util::client", "h2::"];
    for target in targets {
        assert!(log.contains(target), "{target} is traced");
    }
    // Not ours alone: what the HTTP stack traces is searched, too.
    for line in log.lines() {
        assert_hidden(line, &secrets, "the log");
    }
}

#[tokio::test]
async fn input_that_is_refused_is_not_shown() {
    let made = leaf();
    let key = made.key.as_str();
    let line = key.lines().nth(1).unwrap();
    let swapped = Upload::leaf(key, made.pem.as_str());
    let broken = [
        format!("-----BEGIN CERTIFICATE-----\n{line}!\n-----END CERTIFICATE-----\n"),
        format!("-----BEGIN CERTIFICATE-----\n-----BEGIN {line}\n-----END CERTIFICATE-----\n"),
        format!("-----BEGIN CERTIFICATE-----\n-----END {line}\n-----END CERTIFICATE-----\n"),
        key.replace("PRIVATE KEY", "CERTIFICATE"),
        key.replace("END", "end"),
        format!("{key}{key}"),
        line.to_owned(),
    ];
    let mut errors = vec![swapped.unwrap_err()];
    for text in &broken {
        errors.extend(Upload::ca(text).err());
        errors.extend(Upload::leaf(text, key).err());
        errors.extend(Upload::leaf(&made.pem, text.as_str()).err());
        errors.extend(Upload::leaf_bundle(text.as_str()).err());
    }
    assert!(20 < errors.len());
    for error in &errors {
        assert_hidden(&renderings(error), &[key], "a refusal");
    }
    // A token where it does not belong.
    for id in [TOKEN, "Bearer Tq7vKp2xWm9sLd4fHz6cRb8nYg3jEu5a"] {
        let error = id.parse::<cf_mtls::CertificateId>().unwrap_err();
        assert_hidden(&format!("{error} {error:?}"), &[TOKEN], "an id");
    }
    let odd = format!("{TOKEN}\u{1F511}");
    let error = Client::builder(odd).build().unwrap_err();
    assert_hidden(&renderings(&error), &[TOKEN], "a builder");
}
