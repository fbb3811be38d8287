//! Errors as text for people: what happened, why, and what to do.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use cf_mtls_api::text::list;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;

use super::{Error, ErrorKind, Operation, SubjectRef};

impl ErrorKind {
    /// A word for programs, what happened, and what to do about it.
    #[rustfmt::skip]
    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::InUse => ("in_use", "it is in use",
                "detach it there, wait until it is no longer in use, and try again"),
            Self::NotFound => ("not_found", "no such id",
                "check the id and the account; it may have been deleted already"),
            Self::AlreadyExists => ("already_exists", "the account already holds this certificate",
                "use the stored certificate"),
            Self::Authentication => ("authentication", "the credentials were rejected",
                "check that the credentials are complete and have not expired"),
            Self::Permission => ("permission", "access denied",
                "check that the token has the permission \"SSL and Certificates\" on the account, and for hostnames on the zone, and that the account and zone ids are right"),
            Self::RateLimited => ("rate_limited", "too many requests", "wait before the next request"),
            Self::QuotaExceeded => ("quota_exceeded", "the account has no room for another CA certificate",
                "delete one that is not used; API Shield, Workers and Gateway share the quota"),
            Self::InvalidRequest => ("invalid_request", "the service refused the request",
                "see what the service says"),
            Self::Conflict => ("conflict", "it conflicts with another change",
                "wait until the other change is finished, and try again"),
            Self::ServiceUnavailable => ("service_unavailable", "the service failed", "try again later"),
            Self::Timeout => ("timeout", "it timed out", "try again, or allow more time"),
            Self::Connection => ("connection", "the connection failed",
                "check the base URL, the network and the proxy, and try again"),
            Self::InvalidResponse => ("invalid_response", "the response cannot be used",
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

/// Reads the word of [`ErrorKind::as_str`].
impl FromStr for ErrorKind {
    type Err = serde::de::value::Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::deserialize(word.into_deserializer())
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.texts().1)
    }
}

impl Error {
    /// What to do next: more than the kind says, if code or message tell more.
    fn advice(&self) -> Cow<'static, str> {
        let says = |text| self.messages().iter().any(|message| message.mentions(text));
        let is_refused_delete = self.operation() == Some(Operation::DeleteCertificate)
            && self.codes().any(|code| matches!(code, 9109 | 10_000))
            && !says("access token");
        let advice = match (self.kind(), self.operation().and_then(Operation::product)) {
            (ErrorKind::Authentication, _) if self.codes().any(|code| code == 6103) => {
                "CLOUDFLARE_API_KEY takes the global API key; an API token belongs in \
                 CLOUDFLARE_API_TOKEN"
            }
            (ErrorKind::Permission, _) if says("location") => {
                "use the token from an address that its IP filter allows, or change the filter"
            }
            (ErrorKind::Authentication | ErrorKind::Permission, _) if is_refused_delete => {
                "check the credentials, their permission \"SSL and Certificates\" (Edit) and the \
                 account id; if those are right, Gateway or Access manages the certificate: it \
                 is removed in Zero Trust"
            }
            // Judged from several responses.
            (ErrorKind::InvalidResponse, _) if self.operation().is_none() => {
                "look in the dashboard instead"
            }
            (ErrorKind::Permission, Some(product)) => {
                let needed = product.permission();
                return format!("check the account id, and that the token has {needed:?}").into();
            }
            // Otherwise they say that nothing happened.
            (ErrorKind::InvalidInput | ErrorKind::Configuration, _)
                if self.may_have_taken_effect() =>
            {
                "correct it"
            }
            (kind, _) => kind.texts().2,
        };
        advice.into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Enough for people; all of them are in [`Error::messages`].
        const MAX_MESSAGES: usize = 3;

        let facts = &*self.facts;
        if let Some(operation) = facts.operation {
            let (account_id, zone_id) = (self.account_id(), self.zone_id());
            let certificate_id = self.certificate_id();
            write!(f, "{operation}{}: ", SubjectRef { account_id, zone_id, certificate_id })?;
        }
        write!(f, "{}", self.kind)?;
        if !facts.associations.is_empty() {
            write!(f, " by {}", list(&facts.associations, usize::MAX, ", "))?;
        }
        if let Some(id) = &facts.existing_certificate_id {
            write!(f, " as {id}")?;
        }
        if let Some(detail) = &facts.detail {
            write!(f, ": {detail}")?;
        }
        if !facts.candidates.is_empty() {
            write!(f, ": {}", list(&facts.candidates, usize::MAX, ", "))?;
        }
        if !facts.messages.is_empty() {
            write!(f, "; Cloudflare says {}", list(&facts.messages, MAX_MESSAGES, ", "))?;
        }
        // Otherwise the wait below says it.
        if self.kind != ErrorKind::RateLimited || facts.retry_after.is_none() {
            write!(f, "; {}", self.advice())?;
        }
        if facts.may_have_taken_effect {
            f.write_str("; it is unknown whether it took effect, so check before trying again")?;
        }
        if let Some(wait) = facts.retry_after {
            write!(f, "; wait {} s", wait.as_secs_f64().ceil())?;
        }
        let mut context = Vec::new();
        if let Some(status) = facts.status {
            context.push(format!("HTTP {status}"));
        }
        if 1 < facts.attempts {
            context.push(format!("{} attempts", facts.attempts));
        }
        if let Some(ray_id) = &facts.ray_id {
            context.push(format!("ray {ray_id}"));
        }
        if !context.is_empty() {
            write!(f, " ({})", context.join(", "))?;
        }
        Ok(()) // The source stays in the chain, so reports do not repeat it.
    }
}
