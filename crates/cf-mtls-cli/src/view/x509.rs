//! The contents of certificates, for people and in JSON.

use cf_mtls_lifecycle::CertificateContents;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::terminal::text::printable;
use crate::view::times;

/// The first certificate that is known to be no CA, with its number from one.
pub(crate) fn first_leaf(
    contents: &[CertificateContents],
) -> Option<(usize, &CertificateContents)> {
    let mut numbered = (1..).zip(contents);
    numbered.find(|(_, one)| one.is_ca == Some(false))
}

/// Why certificates verify no client, as far as is known; the first reason.
pub(crate) fn problem(contents: &[CertificateContents]) -> Option<String> {
    let now = Timestamp::now();
    let problem = |one: &CertificateContents| Some((one.problem(now)?, subject(one)));
    let (problem, subject) = contents.iter().find_map(problem)?;
    Some(format!("{problem} ({subject})"))
}

/// The subject and the expiry, in words.
pub(crate) fn summary(contents: &CertificateContents) -> String {
    let subject = subject(contents);
    match contents.expires_on.map(|end| times::expiry(end, Timestamp::now())) {
        Some(past) if past.starts_with("expired") => format!("{subject}, {past}"),
        Some(future) => format!("{subject}, expires {future}"),
        None => format!("{subject}, expiry unknown"),
    }
}

pub(crate) fn subject(contents: &CertificateContents) -> String {
    match contents.subject.as_deref() {
        Some("") => "no subject".to_owned(),
        Some(subject) => printable(subject),
        None => "unknown subject".to_owned(),
    }
}

/// Certificates of a file in JSON. A field is `null` if it could not be read, or if
/// this build has no parser.
pub(crate) fn to_json(contents: &[CertificateContents]) -> Value {
    let one =
        |one: &CertificateContents| json!({ "subject": one.subject, "expires_on": one.expires_on });
    contents.iter().map(one).collect()
}
