//! The bodies of requests and responses, apart from the envelope.
//!
//! Written for the simulator alone: shared with a client, these types would
//! make the same mistakes on both sides.

use serde::{Deserialize, Serialize};

use crate::simulator::clock::{microseconds, seconds};
use crate::simulator::world::Stored;

#[derive(Deserialize)]
pub(crate) struct Upload {
    pub(crate) ca: bool,
    pub(crate) certificates: String,
    pub(crate) name: Option<String>,
    pub(crate) private_key: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Replacement {
    pub(crate) hostnames: Vec<String>,
    pub(crate) mtls_certificate_id: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Certificate<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) ca: bool,
    pub(crate) certificates: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) serial_number: &'a str,
    pub(crate) signature: &'a str,
    pub(crate) r#type: &'a str,
    pub(crate) expires_on: String,
    pub(crate) uploaded_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<String>,
}

impl<'a> Certificate<'a> {
    pub(crate) fn of(stored: &'a Stored) -> Self {
        Self {
            id: &stored.id,
            name: stored.name.as_deref().unwrap_or_default(),
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
pub(crate) struct AssociationRow {
    pub(crate) service: String,
    pub(crate) status: String,
}

#[derive(Serialize)]
pub(crate) struct Hostnames {
    pub(crate) hostnames: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct ZoneRow<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) status: &'static str,
    pub(crate) paused: bool,
    pub(crate) r#type: &'static str,
    pub(crate) account: AccountRow<'a>,
    pub(crate) plan: Plan,
}

#[derive(Serialize)]
pub(crate) struct Plan {
    pub(crate) legacy_id: &'static str,
}

#[derive(Serialize)]
pub(crate) struct AccountRow<'a> {
    id: &'a str,
    name: &'static str,
}

impl<'a> AccountRow<'a> {
    pub(crate) fn of(id: &'a str) -> Self {
        let name = "Simulated account";
        Self { id, name }
    }
}

#[derive(Serialize)]
pub(crate) struct Membership<'a> {
    pub(crate) id: &'a str,
    pub(crate) status: &'static str,
    pub(crate) account: AccountRow<'a>,
}

#[derive(Serialize)]
pub(crate) struct TokenState<'a> {
    pub(crate) id: &'a str,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_on: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct WorkerRow<'a> {
    pub(crate) id: &'a str,
    pub(crate) created_on: String,
    pub(crate) modified_on: String,
    pub(crate) usage_model: &'static str,
}

#[derive(Serialize)]
pub(crate) struct WorkerSettings<'a> {
    pub(crate) bindings: Vec<Binding<'a>>,
    pub(crate) usage_model: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Binding<'a> {
    pub(crate) name: &'a str,
    pub(crate) r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct HyperdriveConfig<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) origin: HyperdriveOrigin,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mtls: Option<HyperdriveMtls<'a>>,
}

/// The same database for all.
#[derive(Serialize)]
pub(crate) struct HyperdriveOrigin {
    scheme: &'static str,
    host: &'static str,
    port: u16,
    database: &'static str,
    user: &'static str,
}

impl Default for HyperdriveOrigin {
    fn default() -> Self {
        Self {
            scheme: "postgres",
            host: "database.example.com",
            port: 5432,
            database: "postgres",
            user: "postgres",
        }
    }
}

#[derive(Serialize)]
pub(crate) struct HyperdriveMtls<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mtls_certificate_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_certificate_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct GatewayCertificate<'a> {
    pub(crate) id: &'a str,
    pub(crate) r#type: &'static str,
    pub(crate) binding_status: &'static str,
    pub(crate) in_use: bool,
    pub(crate) expires_on: String,
    pub(crate) uploaded_on: String,
}
