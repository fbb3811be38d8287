//! What came back from an attempt, and what it means.

use std::borrow::Cow;

use cf_mtls_api::text::Sanitizer;
use cf_mtls_api::{self as api, ResponseHead, Sent, types};
use http::StatusCode;

use super::classify;
use super::envelope::{self, Envelope};
use super::outcome::{FailedAttempt, Outcome};
use crate::error::{Error, ErrorKind, Operation};

/// Reads responses, and keeps secrets out of what it says about them.
pub(crate) struct Interpreter<'a>(Cow<'a, Sanitizer>, Operation);

impl<'a> Interpreter<'a> {
    pub(crate) fn new(operation: Operation, sanitizer: Cow<'a, Sanitizer>) -> Self {
        Self(sanitizer, operation)
    }

    /// The envelope of a success, or how the attempt failed.
    pub(crate) async fn interpret<E: Envelope>(
        &self,
        sent: Sent<E>,
        head: Option<&ResponseHead>,
    ) -> Result<E, FailedAttempt> {
        let interpreted = match sent {
            Ok(value) => self.interpret_envelope(value.status(), value.into_inner()),
            Err(error) => self.interpret_error(error, head).await,
        };
        interpreted.map_err(|mut attempt| {
            if let Some(head) = head {
                attempt.error = (attempt.error)
                    .with_status(head.status)
                    .with_ray_id(self.ray_id(head))
                    .with_retry_after(head.wait());
            }
            attempt
        })
    }

    /// The service's own envelope: done or refused.
    pub(crate) fn interpret_envelope<E: Envelope>(
        &self,
        status: StatusCode,
        envelope: E,
    ) -> Result<E, FailedAttempt> {
        let success = envelope.success();
        if success && !status.is_success() {
            let detail = format!("HTTP {}, but the body reports success", status.as_u16());
            let error = Error::new(ErrorKind::InvalidResponse).with_detail(detail);
            return Err(FailedAttempt::new(Outcome::Unanswered, error));
        }
        if success && !envelope.has_errors() {
            return Ok(envelope);
        }
        let messages = envelope::messages(envelope.into_errors(), &self.0);
        let error = Error::new(ErrorKind::InvalidResponse).with_messages(messages);
        if success {
            let error = error.with_detail("the response reports success, and errors");
            return Err(FailedAttempt::new(Outcome::Unclear, error));
        }
        let kind = classify::kind(self.1, status, error.messages());
        let outcome = match kind {
            _ if is_gateway(status) => Outcome::Unanswered,
            _ if status.is_server_error() => Outcome::Unclear,
            ErrorKind::RateLimited => Outcome::Rejected,
            ErrorKind::ServiceUnavailable => Outcome::Unclear,
            _ => Outcome::Refused,
        };
        Err(FailedAttempt::new(outcome, error.with_kind(kind)))
    }

    async fn interpret_error<E: Envelope>(
        &self,
        error: api::Error<types::ErrorEnvelope>,
        head: Option<&ResponseHead>,
    ) -> Result<E, FailedAttempt> {
        match error {
            api::Error::ErrorResponse(value) => {
                let status = value.status();
                self.interpret_envelope(status, value.into_inner())
                    .and_then(|_| Err(self.unreadable(status, b"")))
            }
            api::Error::InvalidResponsePayload(body, source) => {
                let status = head.map_or(StatusCode::OK, |head| head.status);
                self.decode_leniently(status, &body).map_err(|attempt| {
                    let error = attempt.error.with_source(self.0.cause(&source));
                    FailedAttempt { error, ..attempt }
                })
            }
            api::Error::UnexpectedResponse(response) => {
                let status = response.status();
                match response.bytes().await {
                    _ if status.is_redirection() => Err(redirect(status, head)),
                    Ok(body) => self.decode_leniently(status, &body),
                    Err(error) => Err(self.transport_error(error, head)),
                }
            }
            api::Error::CommunicationError(error) | api::Error::ResponseBodyError(error) => {
                Err(self.transport_error(error, head))
            }
            // The others come before anything is sent.
            other => {
                let error = Error::invalid_input("the request could not be built");
                let error = error.with_source(self.0.cause(&other));
                Err(FailedAttempt::new(Outcome::Refused, error))
            }
        }
    }

    /// A body that did not decode as it should.
    pub(crate) fn decode_leniently<E: Envelope>(
        &self,
        status: StatusCode,
        body: &[u8],
    ) -> Result<E, FailedAttempt> {
        match envelope::salvage::<E>(body) {
            Some(envelope) => self.interpret_envelope(status, envelope),
            None => Err(self.unreadable(status, body)),
        }
    }

    /// A response that is not the service's.
    fn unreadable(&self, status: StatusCode, body: &[u8]) -> FailedAttempt {
        let (kind, outcome) = match classify::by_status(status) {
            // The status is all there is, and suffices.
            ErrorKind::RateLimited => (ErrorKind::RateLimited, Outcome::Rejected),
            ErrorKind::ServiceUnavailable => (ErrorKind::ServiceUnavailable, Outcome::Unanswered),
            _ => (ErrorKind::InvalidResponse, Outcome::Unanswered),
        };
        let (status, excerpt) = (status.as_u16(), self.0.excerpt(body));
        let error = Error::new(kind).with_detail(format!("HTTP {status} with {excerpt}"));
        FailedAttempt::new(outcome, error)
    }

    /// The connection failed, or the time was over.
    fn transport_error(&self, error: reqwest::Error, head: Option<&ResponseHead>) -> FailedAttempt {
        use ErrorKind::{Connection, InvalidInput, InvalidResponse, RateLimited, Timeout};
        use Outcome::{NotSent, Refused, Rejected, Silent, Unanswered};

        let is_limited = |head: &ResponseHead| head.status == StatusCode::TOO_MANY_REQUESTS;
        #[rustfmt::skip]
        let (kind, outcome, detail) = match (head, error.is_timeout()) {
            (Some(head), _) if is_limited(head) => (RateLimited, Rejected, "the response was cut off"),
            _ if error.is_builder() => (InvalidInput, Refused, "the request could not be built"),
            (_, true) if error.is_connect() => (Timeout, NotSent, "could not connect; nothing was sent"),
            (_, false) if error.is_connect() => (Connection, NotSent, "could not connect; nothing was sent"),
            (None, _) if is_unprocessed(&error) => (Connection, NotSent, "the server did not process the request"),
            (Some(_), true) => (Timeout, Silent, "the response did not end in time"),
            (None, true) => (Timeout, Silent, "the attempt timed out"),
            _ if is_too_large(&error) => (InvalidResponse, Unanswered, "the body is larger than the limit"),
            (Some(_), false) => (Connection, Unanswered, "the response was cut off"),
            (None, false) => (Connection, Unanswered, "the connection closed before a response arrived"),
        };
        // The URL is in the span and in the subject; the base URL is the caller's.
        let cause = self.0.cause(&error.without_url());
        let error = Error::new(kind).with_source(cause).with_detail(detail);
        FailedAttempt::new(outcome, error)
    }

    /// `cf-ray`, if it looks like one.
    pub(crate) fn ray_id(&self, head: &ResponseHead) -> Option<String> {
        const MAX_LENGTH: usize = 64;
        let text = head.cf_ray()?.to_str().ok()?;
        let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let is_ray = !text.is_empty() && text.len() <= MAX_LENGTH && text.chars().all(is_valid);
        (is_ray && !self.0.finds_secret(text)).then(|| text.to_owned())
    }
}

fn redirect(status: StatusCode, head: Option<&ResponseHead>) -> FailedAttempt {
    let detail = match head {
        Some(head) if head.redirected => {
            "the HTTP client followed a redirect; build it with `redirect::Policy::none()`"
                .to_owned()
        }
        _ => format!("HTTP {}: redirects are not followed", status.as_u16()),
    };
    let error = Error::new(ErrorKind::InvalidResponse).with_detail(detail);
    FailedAttempt::new(Outcome::Unanswered, error)
}

/// Whether a status says that a server in between got no response in time, or a
/// client went away: the server behind it may still be at work.
fn is_gateway(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 499 | 502 | 504 | 520..=530)
}

fn is_too_large(error: &reqwest::Error) -> bool {
    causes(error).any(api::is_body_limit)
}

/// Whether an HTTP/2 server refused the stream, or closed the connection before it
/// (RFC 9113, section 8.7).
fn is_unprocessed(error: &reqwest::Error) -> bool {
    let mut errors = causes(error).filter_map(|error| error.downcast_ref::<h2::Error>());
    errors.any(|error| {
        let is_refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
        // h2 reports a GOAWAY for the streams beyond its last one alone.
        error.is_remote() && (error.is_go_away() || error.is_reset() && is_refused)
    })
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |error| error.source())
}
