//! The targets as plain functions, for libFuzzer and for `cargo test` alike.
//!
//! Each panics when something is wrong.

pub mod checks;

use std::{env, fs, io};

/// A name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 5] = [
    ("answer", answer),
    ("differential", differential),
    ("headers", headers),
    ("id", id),
    ("pem", pem),
];

/// A response: the first two bytes are the status, the rest is the body.
pub fn answer(data: &[u8]) {
    let Some((status, body)) = data.split_first_chunk() else {
        return;
    };
    // Most statuses are alike, so the common ones come more often.
    let status = match u16::from_be_bytes(*status) {
        status @ 100..1000 => status,
        other => [200, 400, 403, 404, 409, 429, 500, 502][usize::from(other % 8)],
    };
    checks::response(status, body);
}

/// The body of a response.
pub fn differential(data: &[u8]) {
    checks::differential(data);
}

/// A value of `Ratelimit` or `Retry-After`.
pub fn headers(data: &[u8]) {
    checks::headers(data);
}

/// An identifier.
pub fn id(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        checks::id(text);
    }
}

/// Certificates and keys in PEM.
pub fn pem(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        checks::pem(text);
    }
}

/// Runs a target on the files that are named on the command line: what a
/// fuzzer found is seen again without one.
///
/// # Errors
///
/// When a file cannot be read.
pub fn replay(target: fn(&[u8])) -> io::Result<()> {
    for path in env::args_os().skip(1) {
        target(&fs::read(&path)?);
        println!("{}: nothing wrong", path.display());
    }
    Ok(())
}
