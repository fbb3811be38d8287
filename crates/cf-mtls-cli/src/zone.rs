//! Finds the zone that an argument names.

use cf_mtls::{Client, ErrorKind, ZoneFilter, ZoneId};
use serde::Serialize;

use crate::context::Context;
use crate::report::failure::Failure;
use crate::terminal::text::printable;

/// A zone in JSON.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ZoneForm {
    pub(crate) id: String,
    /// `None` if the zone was given by its id.
    pub(crate) name: Option<String>,
}

/// Finds a zone by its id or its name.
pub(crate) async fn resolve(
    context: &Context,
    client: &Client,
    text: &str,
) -> Result<(ZoneId, ZoneForm), Failure> {
    let text = text.trim().trim_end_matches('.');
    // Ids have no dot, and zone names have one.
    if !text.contains('.') {
        let id: Option<ZoneId> = text.parse().ok().filter(is_hexadecimal);
        let id = id.ok_or_else(|| {
            let shown = printable(text);
            Failure::invalid_input(format!(
                "--zone: {shown} is neither a domain name nor a zone id, which has 32 hexadecimal \
                 digits"
            ))
        })?;
        let form = ZoneForm {
            id: id.to_string(),
            name: None,
        };
        return Ok((id, form));
    }
    let name = text.to_ascii_lowercase();
    let filter = ZoneFilter::all().name(&name);
    // Without an account, all accounts of the credentials are searched.
    let filter = match context.account() {
        Ok(account) => filter.account(&account),
        Err(failure) if context.global.account.is_some() => return Err(failure),
        Err(_) => filter,
    };
    let mut found: Vec<ZoneId> = Vec::new();
    let mut zones = client.zones(filter);
    while let Some(zone) = zones.next().await {
        let zone = zone?;
        let matches = zone
            .name
            .as_deref()
            .is_some_and(|other| other.eq_ignore_ascii_case(&name));
        if let (true, Some(id)) = (matches, zone.id)
            && !found.contains(&id)
        {
            found.push(id);
        }
    }
    let shown = printable(&name);
    match found.as_slice() {
        [id] => Ok((
            id.clone(),
            ZoneForm {
                id: id.to_string(),
                name: Some(name),
            },
        )),
        [] => Err(Failure::new(
            ErrorKind::NotFound,
            format!(
                "the credentials can see no zone {shown}; check the name and the account, or pass \
                 the zone's id"
            ),
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(ZoneId::as_str).collect();
            Err(Failure::new(
                ErrorKind::Ambiguous,
                format!(
                    "several zones are named {shown}: {}; pass the id of one",
                    ids.join(", ")
                ),
            ))
        }
    }
}

/// Whether it has the form of all zone ids; otherwise it is likely half a name.
fn is_hexadecimal(id: &ZoneId) -> bool {
    let text = id.as_str();
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
