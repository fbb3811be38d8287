//! What a failed attempt may have done, and whether it is retried.

use crate::error::Error;

/// What attempts that failed may have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Nothing, for certain.
    #[default]
    None,
    /// They may have taken effect, but are over.
    Possible,
    /// They may be in progress, and take effect later.
    Pending,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No connection was made, or the server says that it did not process the request.
    NotSent,
    /// Too many requests.
    Rejected,
    /// The service refused the request and would do so again, or there was no time to send it.
    Refused,
    /// The service itself responded, but does not say whether the request took effect.
    Unclear,
    /// There was no whole response of the service itself.
    Unanswered,
    /// Likewise, and nothing came in time: the connection may be dead.
    Silent,
}

impl Outcome {
    pub(crate) fn effect(self) -> Effect {
        match self {
            Self::NotSent | Self::Rejected | Self::Refused => Effect::None,
            Self::Unclear => Effect::Possible,
            Self::Unanswered | Self::Silent => Effect::Pending,
        }
    }

    /// Whether another attempt may end otherwise. The service has the same state after
    /// any request however often it is sent, so an unclear one is retried, too.
    pub(crate) fn is_retried(self) -> bool {
        self != Self::Refused
    }
}

/// An attempt that failed.
#[derive(Debug)]
pub(crate) struct FailedAttempt {
    pub(crate) error: Error,
    pub(crate) outcome: Outcome,
}

impl FailedAttempt {
    pub(crate) fn new(outcome: Outcome, error: Error) -> Self {
        Self { error, outcome }
    }

    /// One that was not sent, and would not be.
    pub(crate) fn refused(error: Error) -> Self {
        Self::new(Outcome::Refused, error)
    }

    /// This failure, which was not retried because of another.
    pub(crate) fn not_retried(self, because: Error) -> Self {
        let wait = because.retry_after().or(self.error.retry_after());
        let error = self.error.with_retry_after(wait);
        let error = match because.kind() {
            kind if kind == error.kind() => error.with_detail("it was not retried"),
            kind => error.with_detail(format!("it was not retried: {kind}")),
        };
        Self { error, ..self }
    }
}
