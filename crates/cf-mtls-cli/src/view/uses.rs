//! What uses a certificate, for people and in JSON.

use cf_mtls::text::list;
use cf_mtls::{Association, CertificateId};
use cf_mtls_lifecycle::{Holder, Usage};
use serde_json::{Value, json};

use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::times;

/// Holders in JSON, with what to do about each.
pub(crate) fn holders_to_json(holders: &[Holder]) -> Vec<Value> {
    let one = |holder: &Holder| {
        let mut json = json!(holder);
        json["advice"] = json!(holder.advice());
        json
    };
    holders.iter().map(one).collect()
}

/// The uses in JSON, and whether everything was read that may use the certificate.
pub(crate) fn to_json(usage: &Usage) -> Value {
    json!({
        "services": usage.associations,
        "zones": usage.zones,
        "holders": holders_to_json(&usage.holders),
        "unreadable_zones": usage.unread.zones,
        "unreadable_products": usage.unread.products,
        "unentitled_zones": usage.unentitled,
        "complete": usage.is_complete(),
    })
}

/// Whether nothing is known to prevent a deletion.
pub(crate) fn is_empty(usage: &Usage) -> bool {
    let have_ended = usage.associations.iter().all(Association::has_ended);
    have_ended && usage.zones.is_empty() && usage.holders.is_empty()
}

/// A line for each use. A service may be listed once for every zone.
pub(crate) fn lines(usage: &Usage) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for service in usage.associations.iter().filter(|service| !service.has_ended()) {
        let line = printable(&service.to_string());
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.extend(usage.zones.iter().map(|zone| printable(&zone.to_string())));
    lines.extend(usage.holders.iter().map(|holder| printable(&holder.to_string())));
    lines
}

/// What could not be read, with the permission that would show it, and the zones without
/// hostnames.
pub(crate) fn notes(usage: &Usage) -> Vec<String> {
    let products = usage.unread.products.iter().map(ToString::to_string);
    let zones = usage.unread.zones.iter().map(ToString::to_string);
    let mut notes: Vec<String> = products.chain(zones).map(|one| printable(&one)).collect();
    if let count @ 1.. = usage.unentitled.len() {
        let zones = times::counted(count as u64, "zone");
        notes.push(format!("{zones} cannot have hostnames, for lack of the feature"));
    }
    notes
}

/// The lines below the row of the certificate.
pub(crate) fn below(usage: &Usage, terminal: Option<usize>) -> String {
    let fill = |first: &str, line: &str| width::wrap(first, "    ", line, terminal);
    let mut text = match is_empty(usage) {
        true if usage.is_complete() => "  used by nothing\n".to_owned(),
        true => "  no service shows a use of it\n".to_owned(),
        false => lines(usage).iter().map(|line| fill("  used by ", line)).collect(),
    };
    text.extend(notes(usage).iter().map(|note| fill("  note: ", note)));
    text
}

/// What to do before a certificate can be deleted, and who else may use it. `None` for uses
/// that are not known.
pub(crate) fn remedy(id: &CertificateId, usage: Option<&Usage>) -> String {
    let unread = usage.map(|usage| &usage.unread).filter(|unread| !unread.is_empty());
    let unread = unread.map_or(String::new(), |unread| format!("{unread}; "));
    let remedy = match usage.filter(|usage| !is_empty(usage)) {
        Some(usage) if !usage.holders.is_empty() => {
            let todo = todo(&usage.holders);
            format!(
                "{todo}; `cf-mtls release {id} --wait-for-holders` waits until that is done, and \
                 deletes it"
            )
        }
        Some(_) => format!("to detach its hostnames and delete it, run `cf-mtls release {id}`"),
        None => format!(
            "the service allows it about a minute after the last use has ended; `cf-mtls release \
             {id}` waits for that, and deletes it"
        ),
    };
    printable(&unread) + &remedy
}

/// What a person has to do about holders.
pub(crate) fn todo(holders: &[Holder]) -> String {
    let advice = |holder: &Holder| format!("{holder}: {}", holder.advice());
    let todo: Vec<String> = holders.iter().map(advice).collect();
    printable(&list(&todo, usize::MAX, "; "))
}
