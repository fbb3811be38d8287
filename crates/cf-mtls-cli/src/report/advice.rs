//! What the library cannot know about an error: how this command line was set up.

use std::time::Duration;

use cf_mtls::{Error, ErrorKind, Operation};

/// What was asked, and how.
pub(crate) struct Asked {
    /// The command and what it is about.
    pub(crate) words: String,
    /// Arguments that may be a token, and are not shown.
    pub(crate) tokens: Vec<String>,
    pub(crate) server: String,
    /// The time limit of an operation.
    pub(crate) timeout: Duration,
    /// Whether the credentials are an email and a key.
    pub(crate) has_key: bool,
}

/// Where a request did not arrive, for the message: the server or the proxy.
pub(crate) fn place(error: &Error, causes: &[String], asked: &Asked) -> Option<String> {
    let Asked { server, timeout, .. } = asked;
    match error.kind() {
        ErrorKind::Timeout => Some(format!("{server} did not respond within {timeout:?}")),
        ErrorKind::Connection => {
            let is_of_proxy = |word| causes.iter().any(|cause| cause.contains(word));
            let place =
                proxy().filter(|_| ["proxy", "tunnel", "socks"].into_iter().any(is_of_proxy));
            let place = place.as_ref().unwrap_or(server);
            Some(format!("{place}: {}", causes.last().map_or("", String::as_str)))
        }
        _ => None,
    }
}

/// What to do, in place of the advice of the library.
pub(crate) fn advice(error: &Error, asked: &Asked) -> Option<&'static str> {
    let has = |codes: &[i64]| error.codes().any(|code| codes.contains(&code));
    let is_about_hostnames =
        matches!(error.operation(), Some(Operation::ListHostnames | Operation::ReplaceHostnames));
    let is_permission = error.kind() == ErrorKind::Permission;
    if is_about_hostnames && (has(&[7003]) || is_permission && !has(&[9109, 10_000, 10_001])) {
        return Some("this zone cannot have hostnames: it is not active yet, or lacks the feature");
    }
    // The library's names another cause, too.
    let is_delete = error.operation() == Some(Operation::DeleteCertificate);
    (is_permission && asked.has_key && !is_delete).then_some(
        "check that CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY belong together, that this user may \
         manage SSL certificates in the account, and that the account and zone ids are right",
    )
}

/// A hint about a failed connection.
pub(crate) fn hint(error: &Error, causes: &[String]) -> Option<&'static str> {
    let says = |text| causes.iter().any(|cause| cause.contains(text));
    if error.status().is_some_and(|status| status == 407) || says("proxy authorization required") {
        Some(
            "the proxy wants a user and a password (407): set them in HTTPS_PROXY, as in \
             http://USER:PASSWORD@HOST:PORT",
        )
    } else if says("UnknownIssuer") {
        let file = std::env::var_os("SSL_CERT_FILE");
        Some(match file.is_some_and(|file| std::fs::read(file).is_err()) {
            true => "the file that SSL_CERT_FILE names cannot be read",
            false => {
                "if the server or a proxy has a CA of its own, set SSL_CERT_FILE to its PEM file"
            }
        })
    } else {
        None
    }
}

/// The proxy that the environment names, without its user and password.
fn proxy() -> Option<String> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = |name: &&str| Some((name.to_string(), std::env::var(name).ok()?));
    let (name, url) = names.iter().filter_map(set).find(|(_, url)| !url.is_empty())?;
    let address = url.rsplit(['@', '/']).find(|part| !part.is_empty())?;
    Some(format!("proxy {address} ({name})"))
}
