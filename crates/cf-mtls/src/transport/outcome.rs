//! What a failed attempt may have done, and whether it is retried: one table.

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
    /// No connection was made.
    NotSent,
    /// Too many requests.
    Rejected,
    /// The service refused the request and would do so again, or there was no time
    /// to send it.
    Refused,
    /// There was a response, but it does not say whether the request took effect.
    Unclear,
    /// There was no response, or a gateway had none.
    Unanswered,
}

/// Whether a request may be sent again although it may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    Idempotent,
    Once,
}

enum Retried {
    Always,
    IfIdempotent,
    Never,
}

impl Outcome {
    /// The table, as in the README.
    const fn row(self) -> (Effect, Retried) {
        match self {
            Self::NotSent => (Effect::None, Retried::Always),
            Self::Rejected => (Effect::None, Retried::Always),
            Self::Refused => (Effect::None, Retried::Never),
            Self::Unclear => (Effect::Possible, Retried::IfIdempotent),
            Self::Unanswered => (Effect::Pending, Retried::IfIdempotent),
        }
    }

    pub(crate) fn effect(self) -> Effect {
        self.row().0
    }

    pub(crate) fn is_retried(self, idempotency: Idempotency) -> bool {
        match self.row().1 {
            Retried::Always => true,
            Retried::IfIdempotent => idempotency == Idempotency::Idempotent,
            Retried::Never => false,
        }
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
}
