//! What goes over the wire, apart from the envelope.
//!
//! Written for the simulator alone: shared with a client, these types would
//! make the same mistakes on both sides.

use serde::{Deserialize, Serialize};

use super::clock::{microseconds, seconds};
use super::world::Stored;

#[derive(Deserialize)]
pub(super) struct Upload {
    pub(super) ca: bool,
    pub(super) certificates: String,
    pub(super) name: Option<String>,
    pub(super) private_key: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Replacement {
    pub(super) hostnames: Vec<String>,
    pub(super) mtls_certificate_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Certificate<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) ca: bool,
    pub(super) certificates: &'a str,
    pub(super) issuer: &'a str,
    pub(super) serial_number: &'a str,
    pub(super) signature: &'a str,
    pub(super) r#type: &'a str,
    pub(super) expires_on: String,
    pub(super) uploaded_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) updated_at: Option<String>,
}

impl<'a> Certificate<'a> {
    pub(super) fn of(stored: &'a Stored) -> Self {
        Self {
            id: &stored.id,
            name: stored.name.as_deref(),
            ca: stored.ca,
            certificates: &stored.pem,
            issuer: &stored.details.issuer,
            serial_number: &stored.details.serial_number,
            signature: &stored.details.signature,
            r#type: &stored.kind,
            expires_on: seconds(stored.expires_on),
            uploaded_on: microseconds(stored.uploaded_on),
            updated_at: None,
        }
    }
}

#[derive(Serialize)]
pub(super) struct AssociationRow {
    pub(super) service: String,
    pub(super) status: String,
}

#[derive(Serialize)]
pub(super) struct Hostnames {
    pub(super) hostnames: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ZoneRow<'a> {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) paused: bool,
    pub(super) r#type: &'static str,
    pub(super) account: AccountRow<'a>,
}

#[derive(Serialize)]
pub(super) struct AccountRow<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'static str,
}

#[derive(Serialize)]
pub(super) struct Membership<'a> {
    pub(super) id: &'a str,
    pub(super) status: &'static str,
    pub(super) account: AccountRow<'a>,
}

#[derive(Serialize)]
pub(super) struct TokenStatus<'a> {
    pub(super) id: &'a str,
    pub(super) status: &'static str,
}
