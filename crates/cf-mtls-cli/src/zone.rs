//! Finds the zone that an argument names.

use cf_mtls::{ErrorKind, Hostname, ZoneFilter, ZoneId};
use serde::Serialize;

use crate::context::Context;
use crate::options::plain_text;
use crate::report::failure::Failure;
use crate::terminal::text::printable;

/// A zone in JSON.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ZoneForm {
    pub(crate) id: ZoneId,
    /// `None` if the zone was given by its id.
    pub(crate) name: Option<String>,
}

/// Finds a zone by its id or its name.
pub(crate) async fn resolve(context: &Context, text: &str) -> Result<ZoneForm, Failure> {
    let bad = |why| Failure::invalid_input(format!("--zone: {why}"));
    plain_text(text).map_err(bad)?;
    let text = text.trim().trim_end_matches('.');
    // Ids have no dot, and zone names have one.
    if !text.contains('.') {
        // Anything else is likely half a name.
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let why = "is neither a domain name nor a zone id, which has 32 hexadecimal digits";
        let id = text.parse().ok().filter(|_| is_id);
        let id = id.ok_or_else(|| bad(format!("{} {why}", printable(text))))?;
        return Ok(ZoneForm { id, name: None });
    }
    let name = text.to_lowercase();
    let mut filter = ZoneFilter::all();
    // The service may know an internationalized name only in its other form.
    if name.is_ascii() && !name.contains("xn--") {
        filter = filter.name(&name);
    }
    // Without an account, all accounts of the credentials are searched.
    if let Some(account) = context.optional_account()? {
        filter = filter.account(&account);
    }
    let mut found: Vec<ZoneId> = Vec::new();
    let client = context.client().await?;
    let read = async {
        let mut zones = client.zones(filter);
        while let Some(zone) = zones.next().await.transpose()? {
            let other = Hostname::unchecked(zone.name.unwrap_or_default());
            if other == Hostname::unchecked(&name) && !found.contains(&zone.id) {
                found.push(zone.id);
            }
        }
        Ok::<_, Failure>(())
    };
    context.interrupt.reading(read).await??;
    let shown = printable(&name);
    match found.as_slice() {
        [id] => Ok(ZoneForm { id: id.clone(), name: Some(name) }),
        [] => {
            let message = format!(
                "the credentials can see no zone {shown}; check the name and the account, or pass \
                 the zone's id"
            );
            Err(Failure::new(ErrorKind::NotFound, message))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(ZoneId::as_str).collect();
            let ids = ids.join(", ");
            let message = format!("several zones are named {shown}: {ids}; pass the id of one");
            Err(Failure::new(ErrorKind::Ambiguous, message))
        }
    }
}
