//! From the service's status, codes and messages to a kind of error.

use cf_mtls_api::ServiceMessage;
use http::StatusCode;

use crate::error::{Error, ErrorKind, Operation};

/// The kind of a refusal in the service's own envelope. The first of its errors that is
/// known decides; their causes do not.
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
    Some(match message.code? {
        971 => ErrorKind::RateLimited,
        1471 => ErrorKind::AlreadyExists,
        1472 => ErrorKind::NotFound,
        1489 => ErrorKind::QuotaExceeded,
        1411 | 7000 | 7003 => ErrorKind::InvalidRequest,
        // "Invalid access token", the token's IP filter, or a missing permission.
        9109 if message.mentions("invalid access token") => ErrorKind::Authentication,
        9109 if forbidden || message.mentions("location") => ErrorKind::Permission,
        // Where the token lacks the permission, and for an id of another account.
        10000 if forbidden => ErrorKind::Permission,
        10001 if message.mentions("method not allowed for token") => ErrorKind::Permission,
        10001 if message.mentions("internal error") => ErrorKind::ServiceUnavailable,
        6003 | 6103 | 6111 | 9103 | 9106 | 9109 | 10000 | 10001 => ErrorKind::Authentication,
        _ => return None,
    })
}

/// The refusals of a delete, whose codes Cloudflare does not publish.
fn by_message(status: StatusCode, messages: &[ServiceMessage]) -> Option<ErrorKind> {
    if !status.is_client_error() {
        return None;
    }
    messages.iter().find_map(|message| {
        if message.mentions("already") && message.mentions("deleted") {
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
        let (Some(status), kind) = (self.status(), self.kind()) else { return false };
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
