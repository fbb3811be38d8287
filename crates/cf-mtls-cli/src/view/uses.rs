//! What uses a certificate, for people and in JSON.

use cf_mtls::{Association, CertificateId};
use cf_mtls_lifecycle::{Holder, UnreadableProduct, Usage, ZoneHostnames};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::terminal::text::printable;

/// What uses a certificate.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Uses {
    pub(crate) services: Vec<Association>,
    /// `None` if only the services were looked up.
    #[serde(flatten)]
    pub(crate) details: Option<Details>,
}

/// Where it is used.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Details {
    pub(crate) zones: Vec<ZoneHostnames>,
    #[serde(serialize_with = "serialize_holders")]
    pub(crate) holders: Vec<Holder>,
    /// Products that may hold it, and could not be read.
    pub(crate) unreadable_products: Vec<UnreadableProduct>,
}

/// Holders in JSON, with what to do about each.
pub(crate) fn holders_to_json(holders: &[Holder]) -> Vec<Value> {
    let one = |holder: &Holder| {
        let mut json = json!(holder);
        json["advice"] = json!(holder.advice());
        json
    };
    holders.iter().map(one).collect()
}

fn serialize_holders<S: Serializer>(holders: &[Holder], serializer: S) -> Result<S::Ok, S::Error> {
    holders_to_json(holders).serialize(serializer)
}

fn with_advice(holder: &Holder) -> String {
    format!("{}: {}", printable(&holder.to_string()), holder.advice())
}

impl Uses {
    pub(crate) fn none() -> Self {
        Self::of_services(Vec::new())
    }

    /// Where it is used is not looked up, but that matters only if it is in use.
    pub(crate) fn of_services(services: Vec<Association>) -> Self {
        let is_unused = services.iter().all(Association::has_ended);
        Self { services, details: is_unused.then(Details::default) }
    }

    pub(crate) fn zones(&self) -> &[ZoneHostnames] {
        self.details.as_ref().map_or(&[], |details| &details.zones)
    }

    pub(crate) fn holders(&self) -> &[Holder] {
        self.details.as_ref().map_or(&[], |details| &details.holders)
    }

    /// Whether nothing is known to prevent a deletion.
    pub(crate) fn is_empty(&self) -> bool {
        let have_ended = self.services.iter().all(Association::has_ended);
        have_ended && self.zones().is_empty() && self.holders().is_empty()
    }

    /// A line for each use. A service may be listed once for every zone.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for service in self.services.iter().filter(|service| !service.has_ended()) {
            let line = printable(&service.to_string());
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.extend(self.zones().iter().map(|zone| printable(&zone.to_string())));
        lines.extend(self.holders().iter().map(|holder| printable(&holder.to_string())));
        lines
    }

    /// The lines below the row of the certificate.
    pub(crate) fn below(&self, terminal: Option<usize>) -> String {
        let fill = |first: &str, line: &str| {
            let options = textwrap::Options::new(terminal.unwrap_or(usize::MAX));
            let options = options.initial_indent(first).subsequent_indent("    ");
            textwrap::fill(line, options) + "\n"
        };
        let mut text = match self.is_empty() {
            true => "  used by nothing\n".to_owned(),
            false => self.lines().iter().map(|line| fill("  used by ", line)).collect(),
        };
        let products = self.details.iter().flat_map(|details| &details.unreadable_products);
        let notes = products.map(|product| fill("  note: ", &printable(&product.to_string())));
        text.extend(notes);
        text
    }

    /// What to do before the certificate can be deleted.
    pub(crate) fn remedy(&self, id: &CertificateId) -> String {
        if !self.holders().is_empty() {
            let todo: Vec<String> = self.holders().iter().map(with_advice).collect();
            return format!(
                "{}; `cf-mtls release {id} --wait-for-holders` waits until that is done, and \
                 deletes it",
                todo.join("; ")
            );
        }
        match self.is_empty() {
            true => format!(
                "the service allows it about a minute after the last use has ended; `cf-mtls \
                 release {id}` waits for that, and deletes it"
            ),
            false => {
                format!("to detach its hostnames and delete it, run `cf-mtls release {id}`")
            }
        }
    }
}

impl From<Usage> for Uses {
    fn from(usage: Usage) -> Self {
        let details = Details {
            zones: usage.zones,
            holders: usage.holders,
            unreadable_products: usage.unread.products,
        };
        Self { services: usage.associations, details: Some(details) }
    }
}
