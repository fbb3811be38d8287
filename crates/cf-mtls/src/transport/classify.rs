//! From the service's status, codes and messages to a kind of error.

use http::StatusCode;

use crate::error::{Error, ErrorKind, Operation, ServiceMessage};

/// Codes that mean the same at any status. The first of a response's errors that
/// is known decides; their causes do not.
const BY_CODE: [(i64, ErrorKind); 12] = [
    (971, ErrorKind::RateLimited),
    (1411, ErrorKind::InvalidRequest),
    (1471, ErrorKind::AlreadyExists),
    (1472, ErrorKind::NotFound),
    (1489, ErrorKind::QuotaExceeded),
    (6003, ErrorKind::Authentication),
    (6103, ErrorKind::Authentication),
    (6111, ErrorKind::Authentication),
    (7000, ErrorKind::InvalidRequest),
    (7003, ErrorKind::InvalidRequest),
    (9103, ErrorKind::Authentication),
    (9106, ErrorKind::Authentication),
];

/// The kind of a refusal in the service's own envelope.
pub(crate) fn kind(
    operation: Operation,
    status: StatusCode,
    messages: &[ServiceMessage],
) -> ErrorKind {
    let of_delete = (operation == Operation::DeleteCertificate).then_some(messages);
    let by_text = || by_message(status, of_delete?);
    let by_code = messages.iter().find_map(|message| by_code(status, message));
    by_code.or_else(by_text).unwrap_or_else(|| by_status(status))
}

fn by_code(status: StatusCode, message: &ServiceMessage) -> Option<ErrorKind> {
    let forbidden = status == StatusCode::FORBIDDEN;
    match message.code? {
        // Where the token lacks the permission, and for an id of another account.
        10000 if forbidden => Some(ErrorKind::Permission),
        10000 => Some(ErrorKind::Authentication),
        10001 if message.mentions("method not allowed for token") => Some(ErrorKind::Permission),
        10001 if message.mentions("internal error") => Some(ErrorKind::ServiceUnavailable),
        10001 => Some(ErrorKind::Authentication),
        // "Invalid access token", the token's IP filter, or a missing permission.
        9109 if message.mentions("invalid access token") => Some(ErrorKind::Authentication),
        9109 if forbidden || message.mentions("location") => Some(ErrorKind::Permission),
        9109 => Some(ErrorKind::Authentication),
        code => BY_CODE.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind),
    }
}

/// The refusals of a delete, whose codes Cloudflare does not publish.
fn by_message(status: StatusCode, messages: &[ServiceMessage]) -> Option<ErrorKind> {
    if !status.is_client_error() {
        return None;
    }
    messages.iter().find_map(|message| {
        if message.mentions("already deleted") {
            Some(ErrorKind::NotFound)
        } else if message.mentions("in use") {
            Some(ErrorKind::InUse)
        } else {
            None
        }
    })
}

impl Error {
    /// Whether the service refused the request for a reason that is none of the
    /// known ones, as it may refuse a delete while the certificate is in use.
    #[must_use]
    pub fn is_unexplained_refusal(&self) -> bool {
        let (Some(status), kind) = (self.status(), self.kind()) else {
            return false;
        };
        let refused =
            matches!(kind, ErrorKind::InvalidRequest | ErrorKind::Conflict | ErrorKind::Permission);
        let mut messages = self.messages().iter();
        refused && !messages.any(|message| by_code(status, message).is_some())
    }
}

/// The kind of a response without a code that is known.
pub(crate) fn by_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 410 => ErrorKind::NotFound,
        408 | 499 => ErrorKind::Timeout,
        409 | 423 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::ServiceUnavailable,
        // 2xx with `success: false` is a refusal too.
        _ => ErrorKind::InvalidRequest,
    }
}
