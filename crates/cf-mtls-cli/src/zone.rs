//! Finds the zone that an argument means.

use cf_mtls::{Client, ZoneFilter, ZoneId};

use crate::context::Context;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::ZoneForm;
use crate::terminal::text::printable;

/// A zone by its id, or by its name, which is looked up.
pub(crate) async fn resolve(
    context: &Context,
    client: &Client,
    text: &str,
) -> Result<(ZoneId, ZoneForm), Failure> {
    let text = text.trim().trim_end_matches('.');
    // Ids hold no dot, and a domain name without one belongs to nobody.
    if !text.contains('.') {
        let no_id = || {
            let shown = printable(text);
            Failure::input(format!(
                "--zone: {shown} is neither a domain name nor a zone id, which has 32 hexadecimal \
                 digits"
            ))
        };
        let id = text.parse().ok().filter(is_hexadecimal);
        let id: ZoneId = id.ok_or_else(no_id)?;
        let form = ZoneForm {
            id: id.to_string(),
            name: None,
        };
        return Ok((id, form));
    }
    let name = text.to_ascii_lowercase();
    let filter = ZoneFilter::all().name(&name);
    // Without an account the zone may be in any that the credentials can see.
    let filter = match context.account() {
        Ok(account) => filter.account(&account),
        Err(failure) if context.global.account.is_some() => return Err(failure),
        Err(_) => filter,
    };
    let mut found: Vec<ZoneId> = Vec::new();
    let mut zones = client.zones(filter);
    while let Some(zone) = zones.next().await {
        let zone = zone?;
        let fits = zone
            .name
            .as_deref()
            .is_some_and(|other| other.eq_ignore_ascii_case(&name));
        if let (true, Some(id)) = (fits, zone.id)
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
            Exit::NotFound,
            "not_found",
            format!(
                "there is no zone {shown} that the credentials can see; check the name and the \
                 account, or pass the zone's id"
            ),
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(ZoneId::as_str).collect();
            Err(Failure::new(
                Exit::Invalid,
                "ambiguous",
                format!(
                    "several zones are named {shown}: {}; pass the id of one",
                    ids.join(", ")
                ),
            ))
        }
    }
}

/// Whether it looks as all ids of zones do: one that does not is most likely half a name.
fn is_hexadecimal(id: &ZoneId) -> bool {
    let text = id.as_str();
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
