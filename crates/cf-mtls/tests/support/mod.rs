//! What the tests of faults share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod raw;
pub(crate) mod tls;

use std::error::Error as StdError;
use std::sync::LazyLock;
use std::time::Duration;

use cf_mtls::{
    AccountId, CertificateId, Certificates, Client, ClientBuilder, Error, Retry, Upload,
};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::Operation;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

/// An attempt that meets silence ends after this; everything else takes less.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
/// What is never waited for.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A certificate made for one test, and its key.
pub(crate) struct Made {
    pub(crate) pem: String,
    pub(crate) key: String,
}

pub(crate) fn ca() -> Made {
    make(true)
}

pub(crate) fn leaf() -> Made {
    make(false)
}

fn make(ca: bool) -> Made {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "made by a test");
    if ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    Made { pem: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

pub(crate) fn ca_upload(name: &str) -> Upload {
    Upload::ca(&ca().pem).unwrap().with_name(name)
}

/// At most three attempts, which follow each other at once.
pub(crate) fn three_at_once() -> Retry {
    Retry::with_delays(3, |_| Duration::ZERO)
}

/// A client that waits for nothing but an answer.
///
/// Reading the platform's roots is most of the work of making one, so these
/// share an HTTP client, set up like the one that the builder makes.
pub(crate) fn builder(base_url: &str, token: &str) -> ClientBuilder {
    static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // A connection belongs to the runtime of one test.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap()
    });
    own_builder(base_url, token).with_http_client(HTTP.clone())
}

/// Likewise, with the HTTP client that the builder makes.
pub(crate) fn own_builder(base_url: &str, token: &str) -> ClientBuilder {
    Client::builder(token)
        .with_base_url(base_url)
        .with_retry(three_at_once())
        .with_attempt_timeout(LONG)
        .with_deadline(2 * LONG)
}

pub(crate) fn client_of(simulator: &Simulator) -> Client {
    builder(simulator.base_url(), simulator.token()).build().unwrap()
}

pub(crate) fn account_of(simulator: &Simulator) -> AccountId {
    simulator.account_id().parse().unwrap()
}

pub(crate) fn certificates_of(simulator: &Simulator) -> Certificates {
    client_of(simulator).certificates(&account_of(simulator))
}

/// An id that nothing has.
pub(crate) fn unknown_id() -> CertificateId {
    "00000000-0000-4000-8000-000000000000".parse().unwrap()
}

pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// `delete 3 get 1`: what the simulator has seen, in that order of names.
pub(crate) fn requests_of(simulator: &Simulator) -> String {
    let names = [
        (Operation::Upload, "upload"),
        (Operation::Delete, "delete"),
        (Operation::ReplaceHostnames, "replace"),
        (Operation::Get, "get"),
        (Operation::List, "list"),
        (Operation::Associations, "associations"),
        (Operation::Hostnames, "hostnames"),
        (Operation::Zones, "zones"),
        (Operation::Unknown, "unknown"),
    ];
    let counts = names.map(|(operation, name)| (simulator.request_count(operation), name));
    let shown = counts.iter().filter(|(count, _)| 0 < *count);
    let shown: Vec<_> = shown.map(|(count, name)| format!("{name} {count}")).collect();
    shown.join(" ")
}

/// `timeout, may have taken effect`: what an error says to a program.
pub(crate) fn verdict(error: &Error) -> String {
    let effect = if error.may_have_taken_effect() { ", may have taken effect" } else { "" };
    format!("{}{effect}", error.kind().as_str())
}

/// All that an error shows to anybody, its sources included.
pub(crate) fn renderings(error: &(dyn StdError + 'static)) -> String {
    let mut all = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        all += &format!("{error}\n{error:#}\n{error:?}\n{error:#?}\n");
        next = error.source();
    }
    all
}

/// Fails unless a message of an error is one short line that is safe to print.
pub(crate) fn assert_presentable(error: &(dyn StdError + 'static), what: &str) {
    let mut next = Some(error);
    while let Some(error) = next {
        for text in [error.to_string(), format!("{error:#}")] {
            assert!(text.len() < 2048, "{what}: {} bytes: {text}", text.len());
            assert!(!text.chars().any(char::is_control), "{what}: control character in {text:?}");
        }
        let debug = format!("{error:?}");
        assert!(debug.len() < 128 * 1024, "{what}: {} bytes", debug.len());
        assert!(!debug.chars().any(char::is_control), "{what}: {debug:?}");
        next = error.source();
    }
}
