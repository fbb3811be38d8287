use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde::Serialize;

/// An error as a test sets it: HTTP status, code and message.
#[derive(Clone, Debug)]
pub(super) struct ServiceError {
    status: u16,
    code: u32,
    message: String,
}

impl ServiceError {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }
}

/// One entry of `errors`.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    code: u32,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_chain: Vec<Entry>,
}

impl Entry {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            error_chain: Vec::new(),
        }
    }

    pub(super) fn caused_by(mut self, code: u32, message: &str) -> Self {
        self.error_chain.push(Self::new(code, message));
        self
    }
}

/// A refusal: a status and what the envelope says about it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) entries: Vec<Entry>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            entries: vec![Entry::new(code, message)],
        }
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        // A status outside of what HTTP can carry is a mistake in a test's
        // settings; a plain 400 shows it sooner than a broken connection.
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, error.code, error.message)
    }
}

/// `result_info` of a list.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct ResultInfo {
    pub(super) page: u64,
    pub(super) per_page: u64,
    pub(super) total_pages: u64,
    pub(super) count: u64,
    pub(super) total_count: u64,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    result: Option<T>,
    success: bool,
    errors: Option<&'a [Entry]>,
    messages: Option<[Entry; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_info: Option<ResultInfo>,
}

/// A complete answer, before faults have their turn.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Vec<u8>,
    pub(super) content_type: &'static str,
}

impl Reply {
    /// A success; `null_lists` writes `errors` and `messages` as `null`.
    pub(super) fn success<T: Serialize>(
        result: Option<T>,
        result_info: Option<ResultInfo>,
        null_lists: bool,
    ) -> Self {
        let errors: Option<&[Entry]> = if null_lists { None } else { Some(&[]) };
        let messages = if null_lists { None } else { Some([]) };
        let envelope = Envelope {
            result,
            success: true,
            errors,
            messages,
            result_info,
        };
        Self::json(StatusCode::OK, &envelope)
    }

    pub(super) fn refusal(refusal: &Refusal) -> Self {
        let envelope: Envelope<'_, ()> = Envelope {
            result: None,
            success: false,
            errors: Some(&refusal.entries),
            messages: Some([]),
            result_info: None,
        };
        Self::json(refusal.status, &envelope)
    }

    /// An answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            content_type: JSON,
        }
    }

    fn json<T: Serialize>(status: StatusCode, envelope: &Envelope<'_, T>) -> Self {
        // Fails only for maps with keys that are no strings; there are none.
        let body = serde_json::to_vec(envelope).unwrap_or_default();
        Self {
            status,
            headers: Vec::new(),
            body,
            content_type: JSON,
        }
    }
}

pub(super) const JSON: &str = "application/json";
