//! The envelope around every response.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde::Serialize;

/// One entry of `errors`.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u32>,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_chain: Vec<Entry>,
}

impl Entry {
    pub(crate) fn new(code: Option<u32>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), error_chain: Vec::new() }
    }

    pub(crate) fn caused_by(mut self, code: u32, message: &str) -> Self {
        self.error_chain.push(Self::new(Some(code), message));
        self
    }
}

/// An error of the service: a status, and the errors of its envelope.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    pub(crate) entries: Vec<Entry>,
}

impl ErrorResponse {
    pub(crate) fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, entries: vec![Entry::new(Some(code), message)] }
    }
}

/// `result_info` of a list.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct ResultInfo {
    pub(crate) page: u64,
    pub(crate) per_page: u64,
    pub(crate) total_pages: u64,
    pub(crate) count: u64,
    pub(crate) total_count: u64,
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

/// A complete response, before any fault.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: &'static str,
}

impl ApiResponse {
    /// A success; `null_lists` writes `errors` and `messages` as `null`.
    pub(crate) fn success<T: Serialize>(
        result: Option<T>,
        result_info: Option<ResultInfo>,
        null_lists: bool,
    ) -> Self {
        let errors: Option<&[Entry]> = if null_lists { None } else { Some(&[]) };
        let messages = if null_lists { None } else { Some([]) };
        let envelope = Envelope { result, success: true, errors, messages, result_info };
        Self::json(StatusCode::OK, &envelope)
    }

    pub(crate) fn error(error: &ErrorResponse) -> Self {
        let envelope: Envelope<'_, ()> = Envelope {
            result: None,
            success: false,
            errors: Some(&error.entries),
            messages: Some([]),
            result_info: None,
        };
        Self::json(error.status, &envelope)
    }

    /// A response without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), content_type: JSON }
    }

    fn json<T: Serialize>(status: StatusCode, envelope: &Envelope<'_, T>) -> Self {
        // Fails only for maps with keys that are no strings; there are none.
        let body = serde_json::to_vec(envelope).unwrap_or_default();
        Self { status, headers: Vec::new(), body, content_type: JSON }
    }
}

pub(crate) const JSON: &str = "application/json";
