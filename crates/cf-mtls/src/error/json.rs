//! An error as JSON, for events and scripts.

use serde::{Serialize, Serializer};

use super::{Error, ErrorKind};

/// The JSON of an error.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(super) struct ErrorBody {
    /// What a caller can do next, as one word.
    kind: ErrorKind,
    /// The message for people.
    message: String,
    /// The HTTP status of the last response.
    status: Option<u16>,
    /// The service's codes.
    codes: Vec<i64>,
    /// `cf-ray` of the last response.
    ray_id: Option<String>,
}

/// Serializes to an object with `kind`, `message`, `status`, `codes` and `ray_id`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = ErrorBody {
            kind: self.kind(),
            message: self.to_string(),
            status: self.status().map(|status| status.as_u16()),
            codes: self.codes().collect(),
            ray_id: self.ray_id().map(str::to_owned),
        };
        body.serialize(serializer)
    }
}
