//! From the service's status and codes to a kind of error: one table.

use http::StatusCode;

use crate::error::{Error, ErrorKind};

/// Code and kind. The codes of one answer are looked up in its order, causes
/// after the error that they explain, and the first that stands here counts.
const BY_CODE: [(i64, ErrorKind); 10] = [
    (971, ErrorKind::RateLimited),
    (1406, ErrorKind::ServiceUnavailable),
    (1411, ErrorKind::InvalidRequest),
    (1489, ErrorKind::QuotaExceeded),
    (6003, ErrorKind::Authentication),
    (6103, ErrorKind::Authentication),
    (6111, ErrorKind::Authentication),
    (7000, ErrorKind::InvalidRequest),
    (7003, ErrorKind::InvalidRequest),
    (10000, ErrorKind::Authentication),
];

/// Unauthorized for what was asked, or altogether: the status tells which.
const UNAUTHORIZED: i64 = 9109;

/// The kind of a refusal in the service's own envelope.
pub(crate) fn kind(status: StatusCode, codes: impl IntoIterator<Item = i64>) -> ErrorKind {
    let known = codes.into_iter().find_map(|code| by_code(status, code));
    known.unwrap_or_else(|| by_status(status))
}

/// Whether a code says more than the status does.
fn is_known(code: i64) -> bool {
    by_code(StatusCode::BAD_REQUEST, code).is_some()
}

impl Error {
    /// Whether the service refused the request for a reason that is none of the
    /// known ones. That a certificate is in use is such a reason: neither status
    /// nor code of that refusal is documented.
    pub fn is_unexplained_refusal(&self) -> bool {
        let refused = matches!(
            self.kind(),
            ErrorKind::InvalidRequest | ErrorKind::Conflict | ErrorKind::Permission
        );
        refused && self.status().is_some() && !self.codes().any(is_known)
    }
}

fn by_code(status: StatusCode, code: i64) -> Option<ErrorKind> {
    if code == UNAUTHORIZED {
        return Some(match status {
            StatusCode::FORBIDDEN => ErrorKind::Permission,
            _ => ErrorKind::Authentication,
        });
    }
    BY_CODE
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, kind)| *kind)
}

/// The kind of an answer without a code that is known.
pub(crate) fn by_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 410 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        409 | 423 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::ServiceUnavailable,
        // 2xx with `success: false` is a refusal too.
        _ => ErrorKind::InvalidRequest,
    }
}
