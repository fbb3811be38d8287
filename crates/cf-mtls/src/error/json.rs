//! An error as JSON, for events and for scripts.

use serde::{Serialize, Serializer};

use super::{Error, ErrorKind};

/// What of an error stands in JSON.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
struct Told {
    /// What a caller can do next, as one word.
    kind: &'static str,
    /// The message for a person.
    message: String,
    /// The HTTP status of the last answer.
    status: Option<u16>,
    /// The service's codes.
    codes: Vec<i64>,
    /// `cf-ray` of the last answer.
    ray_id: Option<String>,
}

/// Serializes to an object with `kind`, `message`, `status`, `codes` and `ray_id`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = Told {
            kind: self.kind().as_str(),
            message: self.to_string(),
            status: self.status().map(|status| status.as_u16()),
            codes: self.codes().collect(),
            ray_id: self.ray_id().map(str::to_owned),
        };
        told.serialize(serializer)
    }
}

/// Serializes to the word of [`ErrorKind::as_str`].
impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Error {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Error".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Told::json_schema(generator)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for ErrorKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorKind".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_an_object_of_five_fields() {
        let error = Error::new(ErrorKind::Timeout).with_status(http::StatusCode::GATEWAY_TIMEOUT);
        let json = serde_json::to_value(&error).unwrap();
        let want = serde_json::json!({
            "kind": "timeout",
            "message": error.to_string(),
            "status": 504,
            "codes": [],
            "ray_id": null,
        });
        assert_eq!(json, want);
    }
}
