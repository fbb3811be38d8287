//! The exit codes, which scripts rely on.

use std::process::ExitCode;

use cf_mtls::{Error, ErrorKind};

/// What the process ends with. The numbers are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    Other = 1,
    Invalid = 2,
    NotFound = 3,
    InUse = 4,
    Denied = 5,
    RateLimited = 6,
    Unreachable = 7,
    SomeFailed = 8,
    Unknown = 9,
    /// 128 and the number of SIGINT, as shells have it.
    Interrupted = 130,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn of(error: &Error) -> Self {
        // Whether something happened matters more than why it is not known.
        if error.may_have_taken_effect() {
            return Self::Unknown;
        }
        match error.kind() {
            // The service refuses input that cannot be told here, too.
            ErrorKind::InvalidInput
            | ErrorKind::Ambiguous
            | ErrorKind::Configuration
            | ErrorKind::InvalidRequest => Self::Invalid,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::InUse => Self::InUse,
            ErrorKind::Authentication | ErrorKind::Permission => Self::Denied,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Connection
            | ErrorKind::Timeout
            | ErrorKind::ServiceUnavailable
            | ErrorKind::InvalidResponse => Self::Unreachable,
            _ => Self::Other,
        }
    }

    /// The code for several things done, given how each ended.
    pub(crate) fn of_many(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let mut all = outcomes.into_iter();
        let Some(first) = all.next() else {
            return Self::Success;
        };
        // All alike, such as every one denied, is told as that.
        if all.all(|exit| exit == first) {
            first
        } else {
            Self::SomeFailed
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_that_end_alike_have_their_own_code() {
        use Exit::{Denied, InUse, SomeFailed, Success};
        let table: [(&[Exit], Exit); 5] = [
            (&[], Success),
            (&[Success, Success], Success),
            (&[Success, InUse], SomeFailed),
            (&[Denied, Denied], Denied),
            (&[Denied, InUse], SomeFailed),
        ];
        for (outcomes, want) in table {
            assert_eq!(
                Exit::of_many(outcomes.iter().copied()),
                want,
                "{outcomes:?}"
            );
        }
    }
}
