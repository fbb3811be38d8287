//! Kinds of failures and their exit codes, which scripts rely on.

use cf_mtls::ErrorKind;
use serde::Serialize;
use serde_json::json;

/// The exit code of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    #[default]
    Other = 1,
    Invalid = 2,
    NotFound = 3,
    InUse = 4,
    Denied = 5,
    RateLimited = 6,
    Unreachable = 7,
    SomeFailed = 8,
    Unknown = 9,
    /// What was waited for had not happened when `--wait` ended.
    WaitEnded = 10,
    QuotaExceeded = 11,
    /// `list --exit-code` found certificates.
    Found = 12,
    /// 128 and the number of SIGINT, as in shells.
    Interrupted = 130,
}

/// Why a command failed: `kind` in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Usage,
    SomeFailed,
    Declined,
    WaitEnded,
    Interrupted,
    #[default]
    Io,
    /// The reader of standard output has gone, which is no failure.
    ClosedPipe,
    /// Certificates were found, which is no failure.
    Found,
    /// One of the kinds of the library.
    #[serde(untagged)]
    Library(ErrorKind),
}

impl Kind {
    pub(crate) fn name(self) -> String {
        json!(self).as_str().unwrap_or_default().to_owned()
    }

    /// The exit code, unless the outcome is unknown.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Library(kind) => match kind {
                ErrorKind::InvalidInput
                | ErrorKind::Ambiguous
                | ErrorKind::Configuration
                | ErrorKind::InvalidRequest => Exit::Invalid,
                ErrorKind::NotFound => Exit::NotFound,
                ErrorKind::InUse => Exit::InUse,
                ErrorKind::QuotaExceeded => Exit::QuotaExceeded,
                ErrorKind::Authentication | ErrorKind::Permission => Exit::Denied,
                ErrorKind::RateLimited => Exit::RateLimited,
                ErrorKind::Connection
                | ErrorKind::Timeout
                | ErrorKind::ServiceUnavailable
                | ErrorKind::InvalidResponse => Exit::Unreachable,
                _ => Exit::Other,
            },
            Self::Usage => Exit::Invalid,
            Self::SomeFailed => Exit::SomeFailed,
            Self::Declined | Self::Io => Exit::Other,
            Self::Interrupted => Exit::Interrupted,
            Self::ClosedPipe => Exit::Success,
            Self::WaitEnded => Exit::WaitEnded,
            Self::Found => Exit::Found,
        }
    }
}

impl From<ErrorKind> for Kind {
    fn from(kind: ErrorKind) -> Self {
        Self::Library(kind)
    }
}
