//! The service's rate limit, as its responses describe it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cf_mtls_api::ResponseHead;
use tokio::time::Instant;

/// Longer than any window of the service. After that, a request may find out
/// whether a header still holds.
const MAX_WINDOW: Duration = Duration::from_secs(10 * 60);

/// The service sends whole seconds, so the end of one window varies by up to one
/// between responses, and by the time that they travel.
const SLACK: Duration = Duration::from_secs(2);

/// What is known of the rate limit. Shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct RateLimit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    window: Option<Window>,
    /// The end of the wait that a refusal asked for, within its window or beyond it.
    blocked_until: Option<Instant>,
    /// Requests that the last response may not have counted yet.
    in_flight: u64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    remaining: u64,
    ends: Instant,
}

/// Permission to send one request. Dropped when the rate limit knows its response,
/// or there is none.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a RateLimit);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

impl RateLimit {
    /// Permits one request if more than `reserve` remain, or returns when to try again, and why.
    pub(crate) fn take(
        &self,
        now: Instant,
        reserve: u64,
    ) -> Result<Permit<'_>, (Instant, &'static str)> {
        let mut state = self.state();
        let in_flight = state.in_flight;
        let blocked = state.blocked_until.map(|ends| (ends, "the service asked to wait"));
        let is_used_up = |known: &Window| known.remaining <= in_flight.saturating_add(reserve);
        let window = state.window.filter(is_used_up).map(|known| match known.remaining {
            rest if rest <= in_flight => (known.ends, "the rate limit is used up"),
            _ => (known.ends, "only the reserve of the rate limit is left"),
        });
        if let Some(refusal) = blocked.max(window).filter(|(ends, _)| now < *ends) {
            return Err(refusal);
        }
        state.in_flight += 1;
        Ok(Permit(self))
    }

    /// Permits one request, whatever remains.
    pub(crate) fn take_regardless(&self) -> Permit<'_> {
        self.state().in_flight += 1;
        Permit(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from a response.
    pub(crate) fn observe(&self, head: &ResponseHead, now: Instant) {
        if head.status == http::StatusCode::TOO_MANY_REQUESTS
            && let Some(ends) = head.wait().and_then(|wait| now.checked_add(wait.min(MAX_WINDOW)))
        {
            let mut state = self.state();
            state.blocked_until = state.blocked_until.max(Some(ends));
        }
        if let Some((remaining, wait)) = head.remaining() {
            self.learn(remaining, wait, now);
        }
    }

    fn learn(&self, remaining: u64, wait: Duration, now: Instant) {
        let Some(ends) = now.checked_add(wait.min(MAX_WINDOW)) else { return };
        let mut state = self.state();
        let mut window = Window { remaining, ends };
        if let Some(known) = state.window
            && now < known.ends
            && (known.remaining == 0 || ends <= known.ends + SLACK)
        {
            // Responses arrive out of order, and within a window the count only falls:
            // the lowest one holds until the window ends.
            window.remaining = remaining.min(known.remaining);
            window.ends = match window.remaining {
                0 => ends.max(known.ends),
                _ => known.ends,
            };
        }
        state.window = Some(window);
    }
}
