//! The refusals whose status, code and message a test can choose.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use http::StatusCode;

use crate::simulator::protocol::envelope::{Entry, ErrorResponse};

/// The codes that this simulator made up, because the real ones are not
/// published. A client must not look for them.
pub const MADE_UP_CODES: RangeInclusive<u32> = 99001..=99999;

/// A situation in which the service refuses a request;
/// [`Builder::refusal`](crate::simulator::Builder::refusal) changes its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A delete of a certificate that is in use: HTTP 400 and "Certificate
    /// cannot be deleted while in use." (facts), code 99001 (made up).
    InUse,
    /// A delete of a certificate that was deleted before: HTTP 400 and a message
    /// that contains "already deleted" (facts), code 99002 (made up).
    AlreadyDeleted,
    /// An id that the account does not hold: code 1472, "Certificate not found"
    /// (facts), HTTP 404 (assumed).
    NotFound,
    /// An upload of content that the account holds: code 1471, "This certificate
    /// already exists" (facts), HTTP 400 (assumed).
    AlreadyExists,
    /// A delete of a certificate that Gateway or Access manages: HTTP 403 with
    /// code 10000, one of the forms that were seen (401 and 9109 are others).
    Managed,
    /// Hostnames of a zone without the entitlement: HTTP 403 (a fact), code 99004
    /// (made up).
    NotEntitled,
}

impl Refusal {
    /// The default message.
    pub fn message(self) -> &'static str {
        self.default_error().2
    }

    fn default_error(self) -> (u16, u32, &'static str) {
        match self {
            Self::InUse => (400, 99001, "Certificate cannot be deleted while in use."),
            Self::AlreadyDeleted => (400, 99002, "Certificate is already deleted."),
            Self::NotFound => (404, 1472, "Certificate not found"),
            Self::AlreadyExists => (400, 1471, "This certificate already exists"),
            Self::Managed => (403, 10000, "Authentication error"),
            Self::NotEntitled => (403, 99004, "The zone is not entitled to mTLS hostnames."),
        }
    }
}

/// The code of every refusal that has neither a variant nor a published code.
pub(crate) const OTHER_CODE: u32 = 99003;

/// The responses that a test chose, over the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(BTreeMap<Refusal, (u16, Option<u32>, String)>);

impl Refusals {
    pub(crate) fn set(
        &mut self,
        refusal: Refusal,
        status: u16,
        code: Option<u32>,
        message: String,
    ) {
        self.0.insert(refusal, (status, code, message));
    }

    pub(crate) fn response(&self, refusal: Refusal) -> ErrorResponse {
        let (status, code, message) = self.0.get(&refusal).cloned().unwrap_or_else(|| {
            let (status, code, message) = refusal.default_error();
            (status, Some(code), message.to_owned())
        });
        // A status outside of what HTTP can carry is a mistake in a test's
        // settings; a plain 400 shows it sooner than a broken connection.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        ErrorResponse { status, entries: vec![Entry::new(code, message)] }
    }
}
