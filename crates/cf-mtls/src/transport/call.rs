//! One operation on its way to the service: attempts, waits, and what is known
//! afterwards.

use std::time::Duration;

use cf_mtls_api::{self as api, Answer, ClientInfo as _, Exchange, types};
use http::StatusCode;
use tokio::time::Instant;
use tracing::Span;
use tracing::instrument::{Instrument as _, Instrumented};

use super::classify;
use super::client::{Change, Client};
use super::envelope::{self, Envelope};
use super::limits::{Limits, Time};
use super::rate_limit::{self, Permit};
use super::requests::Request;
use crate::error::{Error, ErrorKind};
use crate::error::{Operation, Subject};
use crate::model::Association;
use crate::text::Sanitizer;

/// Whether a request may be sent again after it may have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    Safe,
    Unsafe,
}

/// What a failed attempt may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// It never left, or was turned away before it could do anything.
    NoEffect,
    /// The service refused it, so it did nothing, and would again.
    Refused,
    /// There was an answer, but it does not say.
    Unclear,
    /// There was no answer: it may even be under way still.
    Unanswered,
}

/// Why an operation failed, after all attempts.
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// Whether any attempt may have taken effect.
    pub(crate) ambiguous: bool,
    /// Whether any attempt may take effect even later.
    pub(crate) unanswered: bool,
    /// Whether the last attempt was turned away, so that another may get through.
    pub(crate) turned_away: bool,
}

/// An operation under way.
pub(crate) struct Call<'a> {
    client: &'a Client,
    limits: &'a Limits,
    operation: Operation,
    subject: Subject,
    sanitizer: Sanitizer<'a>,
    deadline: Instant,
    /// What is left of the waits that the service may ask for.
    waits: Duration,
    attempts: u32,
    /// Fails where the rate limit has no room: what is to be sent would go stale.
    fails_if_limited: bool,
    /// The last answer.
    answer: Option<Answer>,
    /// A write that was sent, until this is dropped and its outcome is told.
    change: Option<Change<'a>>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client, operation: Operation, subject: Subject) -> Self {
        let (now, limits) = (Instant::now(), client.limits());
        Self {
            client,
            limits,
            operation,
            subject,
            sanitizer: Sanitizer::new(client.secrets()),
            deadline: now
                .checked_add(limits.time.deadline)
                .unwrap_or(now + FOREVER),
            waits: limits.time.patience.unwrap_or_default(),
            attempts: 0,
            fails_if_limited: false,
            answer: None,
            change: None,
        }
    }

    /// Keeps a further secret out of everything that is told.
    pub(crate) fn hide(mut self, secret: Option<&'a api::Secret>) -> Self {
        self.sanitizer = Sanitizer::new(self.client.secrets().chain(secret));
        self
    }

    /// Fails rather than wait for the rate limit.
    pub(crate) fn fail_if_limited(mut self) -> Self {
        self.fails_if_limited = true;
        self
    }

    /// The time that is left for it.
    pub(crate) fn left(&self) -> Time {
        Time {
            deadline: self.deadline.saturating_duration_since(Instant::now()),
            patience: Some(self.waits),
        }
    }

    /// The span of the operation, for everything that belongs to it.
    pub(crate) fn span(&self) -> Span {
        tracing::info_span!(
            "cf_mtls",
            otel.name = %self.operation,
            http.request.method = self.operation.method(),
            url.template = self.operation.url_template(),
            cloudflare.account.id = self.subject.account.as_ref().map(|id| id.as_str()),
            cloudflare.zone.id = self.subject.zone.as_ref().map(|id| id.as_str()),
            cloudflare.certificate.id = self.subject.certificate.as_ref().map(|id| id.as_str()),
        )
    }

    /// Sends a read, as often as it takes.
    pub(crate) async fn read<R: Request>(&mut self, request: R) -> Result<R::Answer, Error> {
        self.repeat(Replay::Safe, Duration::ZERO, request)
            .await
            .map_err(|failed| failed.error)
    }

    /// Sends a write, as often as `replay` allows, and leaves a quarter of the
    /// time to find out what became of it.
    pub(crate) async fn write<R: Request>(
        &mut self,
        replay: Replay,
        request: R,
    ) -> Result<R::Answer, Failed> {
        self.repeat(replay, self.limits.time.deadline / 4, request)
            .await
    }

    async fn repeat<R: Request>(
        &mut self,
        replay: Replay,
        reserve: Duration,
        request: R,
    ) -> Result<R::Answer, Failed> {
        let (mut ambiguous, mut unanswered) = (false, false);
        loop {
            let (error, certainty) = match self.admit(reserve).await {
                Ok(permit) => match self.attempt(permit, reserve, &request).await {
                    Ok(envelope) => return Ok(envelope),
                    Err(failure) => failure,
                },
                Err(error) => (error, Certainty::Refused),
            };
            ambiguous |= matches!(certainty, Certainty::Unclear | Certainty::Unanswered);
            unanswered |= certainty == Certainty::Unanswered;
            let again = match certainty {
                Certainty::NoEffect => true,
                Certainty::Refused => false,
                Certainty::Unclear | Certainty::Unanswered => replay == Replay::Safe,
            };
            let wait = again.then(|| self.wait_for(&error, reserve)).flatten();
            self.trace_attempt(&error, wait);
            let Some(wait) = wait else {
                let effect = ambiguous && self.operation.is_write();
                let error = error.with_attempts(self.attempts).with_effect(effect);
                return Err(Failed {
                    error: self.finish(error),
                    ambiguous,
                    unanswered,
                    turned_away: certainty == Certainty::NoEffect,
                });
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait before the next attempt; `None` when there is none.
    fn wait_for(&mut self, error: &Error, reserve: Duration) -> Option<Duration> {
        if self.limits.retry.attempts() <= self.attempts {
            return None;
        }
        let backoff = self.limits.retry.delay(self.attempts);
        let asked = error.retry_after().unwrap_or_default();
        let wait = asked.max(backoff);
        let more = self.room(wait, asked, reserve)?;
        if !self.client.budget().withdraw() {
            return None;
        }
        self.draw(more);
        Some(wait)
    }

    /// When the last attempt has to end.
    fn until(&self, reserve: Duration) -> Instant {
        self.deadline.checked_sub(reserve).unwrap_or(self.deadline)
    }

    /// What a wait takes of the time for waits, up to as much as the service has
    /// `asked` for; `None` if there is not enough time for it.
    fn room(&self, wait: Duration, asked: Duration, reserve: Duration) -> Option<Duration> {
        let more = asked.min(self.waits);
        let then = Instant::now().checked_add(wait)?;
        (then < self.until(reserve).checked_add(more)?).then_some(more)
    }

    fn draw(&mut self, more: Duration) {
        self.waits -= more;
        self.deadline += more;
    }

    /// Waits until the rate limit has room, or says that it will not in time.
    async fn admit(&mut self, reserve: Duration) -> Result<Permit<'a>, Error> {
        let client = self.client;
        loop {
            let now = Instant::now();
            let ends = match client.rate_limit().take(now) {
                Ok(permit) => return Ok(permit),
                Err(ends) => ends,
            };
            let wait = ends.saturating_duration_since(now);
            let more = self.room(wait, wait, reserve);
            let Some(more) = more.filter(|_| !self.fails_if_limited) else {
                return Err(Error::new(ErrorKind::RateLimited)
                    .with_retry_after(Some(wait))
                    .with_detail(
                        "nothing remains of the rate limit, so the request was not sent",
                    ));
            };
            self.draw(more);
            tracing::debug!(wait_ms = millis(wait), "waiting for the rate limit");
            tokio::time::sleep_until(ends).await;
        }
    }

    async fn attempt<R: Request>(
        &mut self,
        _permit: Permit<'a>,
        reserve: Duration,
        request: &R,
    ) -> Result<R::Answer, (Error, Certainty)> {
        let left = self
            .until(reserve)
            .saturating_duration_since(Instant::now());
        if left.is_zero() {
            let error = Error::new(ErrorKind::Timeout).with_detail("no time was left to send it");
            return Err((error, Certainty::Refused));
        }
        self.attempts += 1;
        if self.attempts == 1 {
            self.client.budget().deposit();
        }
        if self.operation.is_write() && self.change.is_none() {
            self.change = Some(self.client.begin_change());
        }
        let timeout = self.limits.attempt_timeout.min(left);
        let wire = self.client.wire(timeout);
        let sent = request.send(&wire).await;

        let answer = wire.inner().take_answer();
        let retry_after = answer.as_ref().and_then(Answer::retry_after);
        let retry_after = retry_after.and_then(rate_limit::retry_after);
        if let Some(answer) = &answer {
            self.client
                .rate_limit()
                .observe(answer, retry_after, Instant::now());
        }
        let outcome = match sent {
            Ok(value) => self.judge(value.status(), value.into_inner()),
            Err(error) => self.explain(error, answer.as_ref()).await,
        };
        match outcome {
            Ok(envelope) => {
                let status = answer.as_ref().map(|answer| answer.status.as_u16());
                tracing::debug!(
                    http.response.status_code = status,
                    http.request.resend_count = self.attempts - 1,
                    cloudflare.ray.id = self.ray_id(answer.as_ref()),
                    "answered",
                );
                self.answer = answer;
                Ok(envelope)
            }
            Err((mut error, certainty)) => {
                if let Some(answer) = &answer {
                    error = error
                        .with_status(answer.status)
                        .with_ray_id(self.ray_id(Some(answer)));
                }
                Err((error.with_retry_after(retry_after), certainty))
            }
        }
    }

    /// An envelope of the service: done, or refused.
    pub(crate) fn judge<E: Envelope>(
        &self,
        status: StatusCode,
        envelope: E,
    ) -> Result<E, (Error, Certainty)> {
        if envelope.success() {
            let contradiction = || {
                let code = status.as_u16();
                let detail = format!("HTTP {code} came with an envelope that reports success");
                (
                    Error::new(ErrorKind::InvalidResponse).with_detail(detail),
                    Certainty::Unclear,
                )
            };
            return if status.is_success() {
                Ok(envelope)
            } else {
                Err(contradiction())
            };
        }
        let messages = envelope::messages(envelope.into_errors(), &self.sanitizer);
        let error = Error::new(ErrorKind::InvalidRequest).with_messages(messages);
        let kind = classify::kind(status, error.codes());
        let certainty = match kind {
            ErrorKind::RateLimited => Certainty::NoEffect,
            _ if is_gateway(status) => Certainty::Unanswered,
            ErrorKind::ServiceUnavailable | ErrorKind::Timeout => Certainty::Unclear,
            _ if status.is_server_error() => Certainty::Unclear,
            _ => Certainty::Refused,
        };
        Err((error.with_kind(kind), certainty))
    }

    /// Whatever else the generated client came back with.
    async fn explain<E: Envelope>(
        &self,
        error: api::Error<types::ErrorEnvelope>,
        answer: Option<&Answer>,
    ) -> Result<E, (Error, Certainty)> {
        match error {
            api::Error::ErrorResponse(value) => {
                let status = value.status();
                self.judge(status, value.into_inner())
                    .and_then(|_| Err(self.unreadable(status, b"")))
            }
            api::Error::InvalidResponsePayload(body, source) => {
                let status = answer.map_or(StatusCode::OK, |answer| answer.status);
                self.reread(status, &body).map_err(|(error, certainty)| {
                    (error.with_source(self.sanitizer.cause(&source)), certainty)
                })
            }
            api::Error::UnexpectedResponse(response) => {
                let status = response.status();
                match response.bytes().await {
                    _ if status.is_redirection() => Err(self.redirect(status, answer)),
                    Ok(body) => self.reread(status, &body),
                    Err(error) => Err(self.broken(error, answer)),
                }
            }
            api::Error::CommunicationError(error) | api::Error::ResponseBodyError(error) => {
                Err(self.broken(error, answer))
            }
            // The rest is said before anything is sent.
            other => Err((
                Error::invalid_input("the request could not be made")
                    .with_source(self.sanitizer.cause(&other)),
                Certainty::Refused,
            )),
        }
    }

    /// An answer that did not decode as what it should be.
    pub(crate) fn reread<E: Envelope>(
        &self,
        status: StatusCode,
        body: &[u8],
    ) -> Result<E, (Error, Certainty)> {
        match envelope::salvage::<E>(body) {
            Some(envelope) => self.judge(status, envelope),
            None => Err(self.unreadable(status, body)),
        }
    }

    /// An answer that is not the service's.
    fn unreadable(&self, status: StatusCode, body: &[u8]) -> (Error, Certainty) {
        let kind = match classify::by_status(status) {
            // The status is all there is, and it speaks for itself.
            kind @ (ErrorKind::RateLimited | ErrorKind::ServiceUnavailable) => kind,
            _ => ErrorKind::InvalidResponse,
        };
        let certainty = match kind {
            ErrorKind::RateLimited => Certainty::NoEffect,
            _ if is_gateway(status) => Certainty::Unanswered,
            _ => Certainty::Unclear,
        };
        let detail = format!(
            "HTTP {} came with {}",
            status.as_u16(),
            self.sanitizer.excerpt(body)
        );
        (Error::new(kind).with_detail(detail), certainty)
    }

    fn redirect(&self, status: StatusCode, answer: Option<&Answer>) -> (Error, Certainty) {
        let detail = if answer.is_some_and(|answer| answer.redirected) {
            "the HTTP client followed a redirect; build it with `redirect::Policy::none()`"
                .to_owned()
        } else {
            format!(
                "HTTP {} leads elsewhere, and is not followed",
                status.as_u16()
            )
        };
        (
            Error::new(ErrorKind::InvalidResponse).with_detail(detail),
            Certainty::Unclear,
        )
    }

    /// The connection, or the time, did not suffice.
    fn broken(&self, error: reqwest::Error, answer: Option<&Answer>) -> (Error, Certainty) {
        if answer.is_some_and(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS) {
            return (Error::new(ErrorKind::RateLimited), Certainty::NoEffect);
        }
        let (kind, detail, certainty) = if error.is_builder() {
            (
                ErrorKind::InvalidInput,
                Some("the request could not be made"),
                Certainty::Refused,
            )
        } else if error.is_connect() {
            let kind = if error.is_timeout() {
                ErrorKind::Timeout
            } else {
                ErrorKind::Connection
            };
            (
                kind,
                Some("no connection could be made, so nothing was sent"),
                Certainty::NoEffect,
            )
        } else if error.is_timeout() && answer.is_some_and(|answer| !is_gateway(answer.status)) {
            (
                ErrorKind::Timeout,
                Some("the answer did not end in time"),
                Certainty::Unclear,
            )
        } else if error.is_timeout() {
            (ErrorKind::Timeout, None, Certainty::Unanswered)
        } else if is_too_large(&error) {
            (
                ErrorKind::InvalidResponse,
                Some("the body is larger than any answer of the service"),
                Certainty::Unclear,
            )
        } else if let Some(answer) = answer {
            (
                ErrorKind::Connection,
                Some("the answer was cut off"),
                match is_gateway(answer.status) {
                    true => Certainty::Unanswered,
                    false => Certainty::Unclear,
                },
            )
        } else {
            (
                ErrorKind::Connection,
                Some("it broke before the answer"),
                Certainty::Unanswered,
            )
        };
        // The URL is in the span and in the subject; the base URL is the caller's.
        let cause = self.sanitizer.cause(&error.without_url());
        let mut told = Error::new(kind).with_source(cause);
        if let Some(detail) = detail {
            told = told.with_detail(detail);
        }
        (told, certainty)
    }

    /// Associations as they may stand in an error.
    pub(crate) fn presentable(&self, associations: Vec<Association>) -> Vec<Association> {
        const MOST: usize = 64;
        const LONGEST: usize = 100;
        let clean = |association: Association| Association {
            service: self.sanitizer.clean(&association.service, LONGEST),
            status: self
                .sanitizer
                .clean(association.status.as_str(), LONGEST)
                .into(),
        };
        associations.into_iter().take(MOST).map(clean).collect()
    }

    /// Adds what was asked to an error.
    pub(crate) fn finish(&self, error: Error) -> Error {
        error.of(self.operation, &self.subject)
    }

    /// The items of a page. No list is an empty one only where the service
    /// counts none.
    pub(crate) fn items<T>(
        &self,
        result: Option<Vec<T>>,
        info: Option<&types::ResultInfo>,
    ) -> Result<Vec<T>, Error> {
        let counts_none = info.is_some_and(|info| {
            info.count
                .or(info.total_count)
                .is_some_and(|count| count == 0)
        });
        match result {
            Some(items) => Ok(items),
            None if counts_none => Ok(Vec::new()),
            None => Err(self.nothing("list")),
        }
    }

    /// An answer of the right form with nothing in it.
    pub(crate) fn nothing(&self, what: &str) -> Error {
        let mut error = Error::new(ErrorKind::InvalidResponse)
            .with_attempts(self.attempts)
            .with_detail(format!("the service reports success, but gives no {what}"));
        if let Some(answer) = &self.answer {
            error = error
                .with_status(answer.status)
                .with_ray_id(self.ray_id(Some(answer)));
        }
        self.finish(error)
    }

    /// `cf-ray`, as far as it looks like one.
    fn ray_id(&self, answer: Option<&Answer>) -> Option<String> {
        const LONGEST: usize = 64;
        let text = answer?.cf_ray()?.to_str().ok()?;
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let is_one = !text.is_empty() && text.len() <= LONGEST && text.chars().all(sound);
        (is_one && !self.sanitizer.finds_secret(text)).then(|| text.to_owned())
    }

    fn trace_attempt(&self, error: &Error, wait: Option<Duration>) {
        tracing::debug!(
            error.type = error.kind().as_str(),
            http.response.status_code = error.status().map(|status| status.as_u16()),
            http.request.resend_count = self.attempts.saturating_sub(1),
            cloudflare.ray.id = error.ray_id(),
            wait_ms = wait.map(millis),
            "attempt failed",
        );
    }
}

/// Runs an operation inside of its span. No `async fn`, which would hold the
/// operation's future twice.
pub(crate) fn traced<F: Future>(span: Span, operation: F) -> Instrumented<F> {
    operation.instrument(span)
}

/// A deadline so far off that the clock cannot tell it.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Whether a status is what the edge says when it has no answer itself: what is
/// behind it may still be at work.
fn is_gateway(status: StatusCode) -> bool {
    matches!(status.as_u16(), 502 | 504 | 520 | 522 | 524)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn is_too_large(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if api::is_body_limit(error) {
            return true;
        }
        source = error.source();
    }
    false
}

impl Client {
    /// The generated client for one attempt.
    fn wire(&self, timeout: Duration) -> api::Client {
        let exchange: Exchange = self.exchange().clone().with_timeout(timeout);
        api::Client::new_with_client(self.base_url(), self.http().clone(), exchange)
    }
}
