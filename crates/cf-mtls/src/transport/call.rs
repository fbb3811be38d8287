//! One operation: its attempts, the waits between them, and how it ended.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cf_mtls_api::text::Sanitizer;
use cf_mtls_api::{self as api, ClientInfo as _, Request, ResponseHead};
use futures_util::FutureExt as _;
use tokio::time::Instant;
use tower::retry::budget::Budget as _;
use tower::util::rng::{HasherRng, Rng as _};
use tracing::Span;
use tracing::field::Empty;
use tracing::instrument::Instrument as _;

use super::client::{Client, PendingWrite};
use super::deadline::{Deadline, Limits};
use super::envelope::Envelope;
use super::interpret::Interpreter;
use super::outcome::{Effect, FailedAttempt, Outcome};
use super::rate_limit::Permit;
use crate::error::{Error, ErrorKind, Operation, SubjectRef};

/// How much longer than the rate limit asks for a request may wait, as a part of the
/// wait, so that not all that wait are sent in the same instant.
const MAX_JITTER: f64 = 0.1;

/// Why an operation failed, after all attempts.
pub(crate) struct FailedCall {
    pub(crate) error: Error,
    /// The most that any attempt may have done.
    pub(crate) effect: Effect,
    /// How the last attempt failed.
    pub(crate) outcome: Outcome,
}

impl AsRef<Error> for FailedCall {
    fn as_ref(&self) -> &Error {
        &self.error
    }
}

/// An operation in progress.
pub(crate) struct Call<'a> {
    client: &'a Client,
    operation: Operation,
    subject: SubjectRef<'a>,
    /// Whether an id contains a part of the credentials.
    has_secret: bool,
    interpreter: Interpreter<'a>,
    deadline: Deadline,
    attempts: u32,
    /// The head of the last response.
    head: Option<ResponseHead>,
    /// A write that was sent, until this is dropped and its outcome is returned.
    pending: Option<PendingWrite<'a>>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client, operation: Operation, subject: SubjectRef<'a>) -> Self {
        let sanitizer = &client.shared().sanitizer;
        // Variables may be swapped, and the service may send any id.
        let has_secret = subject.ids().any(|id| sanitizer.finds_secret_in_id(id));
        Self {
            client,
            operation,
            // Neither sent nor shown.
            subject: if has_secret { SubjectRef::default() } else { subject },
            has_secret,
            interpreter: Interpreter::new(operation, Cow::Borrowed(sanitizer)),
            deadline: Deadline::new(&client.limits, operation.is_write()),
            attempts: 0,
            head: None,
            pending: None,
        }
    }

    /// Keeps a further secret out of errors and events.
    pub(crate) fn hide(mut self, secret: Option<&api::Secret>) -> Self {
        if let Some(secret) = secret {
            let secrets = [self.client.shared().credentials.secret(), secret];
            self.interpreter =
                Interpreter::new(self.operation, Cow::Owned(Sanitizer::new(secrets)));
        }
        self
    }

    /// The limits of what has to be done in the time that is left.
    pub(crate) fn remaining_limits(&self) -> Limits {
        self.deadline.rest_of(&self.client.limits)
    }

    /// The span of the operation.
    pub(crate) fn span(&self) -> OperationSpan {
        let span = tracing::info_span!(
            "cf_mtls",
            otel.name = %self.operation,
            otel.kind = "client",
            otel.status_code = Empty,
            error.type = Empty,
            http.request.method = self.operation.method(),
            url.template = self.operation.url_template(),
            cloudflare.account.id = self.subject.account_id.map(|id| id.as_str()),
            cloudflare.zone.id = self.subject.zone_id.map(|id| id.as_str()),
            cloudflare.certificate.id = self.subject.certificate_id.map(|id| id.as_str()),
        );
        let is_write = self.operation.is_write();
        let (kind, may_have_taken_effect) = (Some("cancelled"), Some(is_write));
        OperationSpan { span, is_write, kind, may_have_taken_effect }
    }

    /// Sends a read, and retries it.
    pub(crate) async fn read<R: Request<Response: Envelope>>(
        &mut self,
        request: R,
    ) -> Result<R::Response, Error> {
        self.send(request).await.map_err(|failed| failed.error)
    }

    /// Sends a request, and retries it.
    pub(crate) async fn send<R: Request<Response: Envelope>>(
        &mut self,
        request: R,
    ) -> Result<R::Response, FailedCall> {
        let mut effect = Effect::None;
        let mut last: Option<FailedAttempt> = None;
        loop {
            let attempts = self.attempts;
            let mut failed = match self.attempt(&request).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            let was_sent = attempts < self.attempts;
            if let Some(last) = last.take().filter(|_| !was_sent) {
                failed = last.not_retried(failed.error);
            }
            effect = effect.max(failed.outcome.effect());
            let is_retried = failed.outcome.is_retried() || self.is_flake(&failed.error);
            let delay = match was_sent && is_retried {
                true => self.delay_before_retry(&failed.error),
                false => None,
            };
            self.trace_attempt(&failed.error, delay);
            let Some(delay) = delay else {
                let may_have_taken_effect = effect != Effect::None && self.operation.is_write();
                let error = failed.error.with_attempts(self.attempts);
                return Err(FailedCall {
                    error: self.finish(error.with_may_have_taken_effect(may_have_taken_effect)),
                    effect,
                    outcome: failed.outcome,
                });
            };
            last = Some(failed);
            tokio::time::sleep(delay).await;
        }
    }

    /// Whether the service refused valid credentials, as it does now and then. Another
    /// request with them has succeeded.
    fn is_flake(&self, error: &Error) -> bool {
        const MAX_FLAKES: u32 = 2;
        let code = error.messages().first().and_then(|message| message.code);
        matches!(code, Some(10000 | 10001))
            && matches!(error.kind(), ErrorKind::Authentication | ErrorKind::Permission)
            && !self.operation.is_write()
            && self.attempts <= MAX_FLAKES
            && self.client.shared().has_succeeded.load(Ordering::Relaxed)
    }

    /// How long to wait before the next attempt; `None` if there is none.
    fn delay_before_retry(&mut self, error: &Error) -> Option<Duration> {
        let retry = &self.client.limits.retry;
        if retry.attempts() <= self.attempts {
            return None;
        }
        let requested = error.retry_after().unwrap_or_default();
        let delay = requested.max(retry.delay(self.attempts));
        if !self.deadline.allows(delay, requested) || !self.client.shared().budget.withdraw() {
            return None;
        }
        self.deadline.spend(requested);
        Some(delay)
    }

    /// Waits for the rate limit, and returns the time by then, or fails if that would take
    /// too long.
    async fn acquire_permit(&mut self) -> Result<(Permit<'a>, Instant), FailedAttempt> {
        let client = self.client;
        let reserve = client.limits.rate_limit_reserve;
        loop {
            let now = Instant::now();
            let (ends, why) = match client.shared().rate_limit.take(now, reserve) {
                Ok(permit) => return Ok((permit, now)),
                Err(refusal) => refusal,
            };
            let wait = ends.saturating_duration_since(now);
            // A list of hostnames would be stale by then.
            let may_wait =
                self.operation != Operation::ReplaceHostnames && self.deadline.allows(wait, wait);
            if !may_wait && self.client.limits.is_look && self.attempts == 0 {
                // At worst the service refuses it.
                return Ok((client.shared().rate_limit.take_regardless(), now));
            }
            if !may_wait {
                let error = Error::new(ErrorKind::RateLimited).with_retry_after(wait);
                let detail = format!("{why}; the request was not sent");
                return Err(FailedAttempt::refused(error.with_detail(detail)));
            }
            let spread = wait.mul_f64(1.0 + MAX_JITTER * HasherRng::default().next_f64());
            let wait = if self.deadline.allows(spread, spread) { spread } else { wait };
            self.deadline.spend(wait);
            tracing::debug!(wait_ms = millis(wait), "waiting for the rate limit");
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt<R: Request<Response: Envelope>>(
        &mut self,
        request: &R,
    ) -> Result<R::Response, FailedAttempt> {
        if self.has_secret {
            let detail = "an id contains a part of the token or key; the request was not sent";
            return Err(FailedAttempt::refused(Error::invalid_input(detail)));
        }
        check_runtime().map_err(FailedAttempt::refused)?;
        // Held until the response is known to the rate limit.
        let (_permit, now) = self.acquire_permit().await?;
        let left = self.deadline.left_for_attempts(now);
        if left.is_zero() {
            let detail = "the deadline passed before it could be sent";
            return Err(FailedAttempt::refused(Error::new(ErrorKind::Timeout).with_detail(detail)));
        }
        self.attempts += 1;
        if self.attempts == 1 {
            self.client.shared().budget.deposit();
        }
        if self.operation.is_write() && self.pending.is_none() {
            self.pending = Some(self.client.begin_write());
        }
        let timeout = self.client.limits.attempt_timeout.min(left);
        let shared = self.client.shared();
        let (wire, http) = shared.connections.for_attempt(timeout);
        let sent = request.send(&wire).await;

        let head = wire.inner().take_head();
        if let Some(head) = &head {
            shared.rate_limit.observe(head, Instant::now());
            self.client.observe_date(head);
        }
        let response = self.interpreter.interpret(sent, head.as_ref()).await;
        let response = response.inspect_err(|failed| {
            if failed.outcome == Outcome::Silent {
                shared.connections.replace(http);
            }
        })?;
        tracing::debug!(
            http.response.status_code = head.as_ref().map(|head| head.status.as_u16()),
            http.request.resend_count = self.attempts - 1,
            cloudflare.ray.id = head.as_ref().and_then(|head| self.interpreter.ray_id(head)),
            "response received",
        );
        self.head = head;
        shared.has_succeeded.store(true, Ordering::Relaxed);
        Ok(response)
    }

    /// Adds the operation to an error.
    pub(crate) fn finish(&self, error: Error) -> Error {
        error.during(self.operation, self.subject)
    }

    /// A success without the result that it should have.
    pub(crate) fn invalid_result(&self, detail: &str) -> Error {
        let error =
            Error::new(ErrorKind::InvalidResponse).with_attempts(self.attempts).with_detail(detail);
        self.finish(match &self.head {
            Some(head) => error.with_status(head.status).with_ray_id(self.interpreter.ray_id(head)),
            None => error,
        })
    }

    /// A write that the service reports as a success, whose result is another one.
    pub(crate) fn unclear(&self, detail: &str) -> FailedCall {
        let error = self.invalid_result(detail).with_may_have_taken_effect(true);
        FailedCall { error, effect: Effect::Possible, outcome: Outcome::Unclear }
    }

    fn trace_attempt(&self, error: &Error, delay: Option<Duration>) {
        tracing::debug!(
            error.type = error.kind().as_str(),
            http.response.status_code = error.status().map(|status| status.as_u16()),
            http.request.resend_count = self.attempts.saturating_sub(1),
            cloudflare.ray.id = error.ray_id(),
            wait_ms = delay.map(millis),
            "attempt failed",
        );
    }
}

/// Fails where tokio would panic.
pub(crate) fn check_runtime() -> Result<(), Error> {
    const NO_RUNTIME: &str = "there is no tokio runtime; make the call inside one, such as in \
                          `#[tokio::main]` or `Runtime::block_on`";
    let runtime = tokio::runtime::Handle::try_current();
    runtime.map(drop).map_err(|error| Error::configuration(NO_RUNTIME).with_source(error))
}

/// The span of an operation, which reports how it ended when it is dropped: operations
/// can be dropped, too.
pub(crate) struct OperationSpan {
    span: Span,
    is_write: bool,
    kind: Option<&'static str>,
    may_have_taken_effect: Option<bool>,
}

impl OperationSpan {
    /// Runs an operation in its span, and reports how it ended: a change for everybody, a
    /// read for debugging. No `async fn`, which would hold the operation's future twice;
    /// pass it pinned, because it is large to move.
    pub(crate) fn run<T, E: AsRef<Error>>(
        mut self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        let span = self.span.clone();
        let report = move |result: &Result<T, E>| {
            let (end, error) = (&mut self, result.as_ref().err().map(AsRef::as_ref));
            end.kind = error.map(|error| error.kind().as_str());
            end.may_have_taken_effect = error.map(Error::may_have_taken_effect);
        };
        operation.inspect(report).instrument(span)
    }
}

impl Drop for OperationSpan {
    fn drop(&mut self) {
        let Self { kind, may_have_taken_effect, .. } = *self;
        self.span.record("otel.status_code", if kind.is_some() { "ERROR" } else { "OK" });
        self.span.record("error.type", kind);
        match self.is_write {
            true => tracing::info!(error.type = kind, may_have_taken_effect, "operation ended"),
            false => tracing::debug!(error.type = kind, "operation ended"),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
