//! Errors as text for people: what happened, why, and what to do.

use std::fmt;

use super::{Error, ErrorKind, ServiceMessage};
use crate::text::{printable, shorten};

impl ErrorKind {
    /// A word for programs, what happened, and what to do about it.
    #[rustfmt::skip]
    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::InUse => ("in_use", "it is in use",
                "detach it there, wait until it is no longer in use, and try again"),
            Self::NotFound => ("not_found", "no such id",
                "check the id and the account; it may have been deleted already"),
            Self::Authentication => ("authentication", "the credentials were rejected",
                "check that the credentials are complete, have not expired, and belong to this account"),
            Self::Permission => ("permission", "access denied",
                "check that the token is valid and may be used from this address, and that it has the permission \"SSL and Certificates\" on the account, and for hostnames on the zone"),
            Self::RateLimited => ("rate_limited", "too many requests", "wait before the next request"),
            Self::QuotaExceeded => ("quota_exceeded", "the account has no room for another CA certificate",
                "delete one that is not used (`prune --unused`); API Shield, Workers and Gateway share the quota"),
            Self::InvalidRequest => ("invalid_request", "the service refused the request",
                "see what the service says"),
            Self::Conflict => ("conflict", "it conflicts with another change",
                "wait until the other change is finished, and try again"),
            Self::ServiceUnavailable => ("service_unavailable", "the service failed", "try again later"),
            Self::Timeout => ("timeout", "no response came in time", "try again, or allow more time"),
            Self::Connection => ("connection", "the connection failed",
                "check the base URL, the network and the proxy, and try again"),
            Self::InvalidResponse => ("invalid_response", "the response did not come from the Cloudflare API",
                "check the base URL, and any proxy in between"),
            Self::Ambiguous => ("ambiguous", "several certificates match", "pass the id of the one you mean"),
            Self::InvalidInput => ("invalid_input", "invalid input", "nothing was changed"),
            Self::Configuration => ("configuration", "configuration error", "nothing was sent"),
        }
    }

    /// The kind as a word in lower case, for logs and scripts.
    pub fn as_str(self) -> &'static str {
        self.texts().0
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.texts().1)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Enough for people; all of them are in [`Error::messages`].
        const MAX_MESSAGES: usize = 3;

        let inner = &*self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}{}: ", inner.subject)?;
        }
        let (_, what, advice) = inner.kind.texts();
        f.write_str(what)?;
        if !inner.associations.is_empty() {
            write!(f, " by {}", list(&inner.associations))?;
        }
        if let Some(detail) = &inner.detail {
            write!(f, ": {detail}")?;
        }
        let shown = inner
            .messages
            .get(..MAX_MESSAGES)
            .unwrap_or(&inner.messages);
        if !shown.is_empty() {
            write!(f, "; Cloudflare says {}", list(shown))?;
        }
        if let Some(more @ 1..) = inner.messages.len().checked_sub(MAX_MESSAGES) {
            write!(f, " and {more} more")?;
        }
        write!(f, "; {advice}")?;
        if inner.may_have_taken_effect {
            f.write_str("; it is unknown whether it took effect, so check before trying again")?;
        }
        if let Some(wait) = inner.retry_after {
            write!(f, "; wait {} s", wait.as_secs_f64().ceil())?;
        }
        let mut context = Vec::new();
        if let Some(status) = inner.status {
            context.push(format!("HTTP {}", status.as_u16()));
        }
        if 1 < inner.attempts {
            context.push(format!("{} attempts", inner.attempts));
        }
        if let Some(ray_id) = &inner.ray_id {
            context.push(format!("ray {ray_id}"));
        }
        if !context.is_empty() {
            write!(f, " ({})", context.join(", "))?;
        }
        Ok(()) // The source stays in the chain, so reports do not repeat it.
    }
}

/// Each item once, since a service may be listed for every zone, on one line of a
/// length that people read.
fn list<T: fmt::Display>(items: &[T]) -> String {
    const MAX_BYTES: usize = 600;
    let mut texts: Vec<String> = Vec::new();
    for text in items.iter().map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let mut line = printable(&texts.join(", "));
    shorten(&mut line, MAX_BYTES);
    line
}

impl fmt::Display for ServiceMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (code {})", self.message, self.code)?;
        if let Some(pointer) = &self.pointer {
            write!(f, " at {pointer}")?;
        }
        for (code, message) in &self.causes {
            write!(f, ", because {message:?} (code {code})")?;
        }
        Ok(())
    }
}
