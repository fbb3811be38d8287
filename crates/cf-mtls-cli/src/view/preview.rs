//! Certificates and their uses, written for people.

use anstyle::{AnsiColor, Style};
use cf_mtls::{Association, Certificate, CertificateId};
use cf_mtls_lifecycle::{Reason, ZoneHostnames};
use jiff::Timestamp;
use serde::Serialize;

use crate::terminal::text::printable;
use crate::view::table::{self, INDENT, Row, Table};
use crate::view::times::{self, Urgency};

/// The columns of a list of certificates.
pub(crate) const COLUMNS: &[&str] = &["ID", "NAME", "KIND", "TYPE", "EXPIRES"];
pub(crate) const WIDE_COLUMNS: &[&str] = &[
    "ID",
    "NAME",
    "KIND",
    "TYPE",
    "ISSUER",
    "SERIAL",
    "SIGNATURE",
    "UPLOADED",
    "EXPIRES ON",
    "EXPIRES",
];
const TARGET_COLUMNS: &[&str] = &["ID", "NAME", "KIND", "EXPIRES"];
/// The column of names, which is cut on a narrow terminal.
pub(crate) const NAME: usize = 1;

pub(crate) fn row(certificate: &Certificate, now: Timestamp) -> Row {
    let (expires, style) = expiry(certificate, now);
    Row {
        cells: vec![
            id(certificate),
            text(certificate.name()),
            kind(certificate).to_owned(),
            type_of(certificate),
            expires,
        ],
        style,
    }
}

pub(crate) fn wide_row(certificate: &Certificate, now: Timestamp) -> Row {
    let mut row = row(certificate, now);
    let more = [
        text(certificate.issuer()),
        text(certificate.serial_number()),
        text(certificate.signature()),
        moment(certificate.uploaded_on()),
        moment(certificate.expires_on()),
    ];
    let last = row.cells.len().saturating_sub(1);
    row.cells.splice(last..last, more);
    row
}

/// One certificate in full.
pub(crate) fn card(certificate: &Certificate, now: Timestamp) -> String {
    let (expires, style) = expiry(certificate, now);
    let end = match certificate.expires_on() {
        Some(end) => format!("{end} ({style}{expires}{style:#})"),
        None => expires,
    };
    let mut fields = vec![
        ("ID", id(certificate)),
        ("Name", text(certificate.name())),
        ("Kind", kind(certificate).to_owned()),
        ("Type", type_of(certificate)),
        ("Issuer", text(certificate.issuer())),
        ("Serial", text(certificate.serial_number())),
        ("Signature", text(certificate.signature())),
        ("Uploaded", moment(certificate.uploaded_on())),
        ("Expires", end),
    ];
    if let Some(updated) = certificate.updated_at() {
        fields.push(("Updated", updated.to_string()));
    }
    let bold = Style::new().bold();
    let lines = fields
        .iter()
        .map(|(label, value)| format!("{bold}{label:<10}{bold:#}  {value}\n"));
    lines.collect()
}

fn id(certificate: &Certificate) -> String {
    certificate.id().map_or("-".into(), ToString::to_string)
}

/// A text that may be missing, harmless to a terminal.
pub(crate) fn text(text: Option<&str>) -> String {
    match text {
        None | Some("") => "-".to_owned(),
        Some(text) => printable(text),
    }
}

pub(crate) fn kind(certificate: &Certificate) -> &'static str {
    match certificate.is_ca() {
        Some(true) => "CA",
        Some(false) => "leaf",
        None => "-",
    }
}

fn type_of(certificate: &Certificate) -> String {
    let kind = certificate.certificate_type();
    text(kind.as_ref().map(|kind| kind.as_str()))
}

fn moment(moment: Option<Timestamp>) -> String {
    moment.map_or("-".into(), |moment| moment.to_string())
}

pub(crate) fn expiry(certificate: &Certificate, now: Timestamp) -> (String, Style) {
    let Some(end) = certificate.expires_on() else {
        return ("unknown".to_owned(), Style::new());
    };
    let style = match times::urgency(end, now) {
        Urgency::Expired => AnsiColor::Red.on_default().bold(),
        Urgency::Soon => AnsiColor::Yellow.on_default(),
        Urgency::Fine => Style::new(),
    };
    (times::expiry(end, now), style)
}

/// What uses a certificate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Uses {
    pub(crate) services: Vec<Association>,
    pub(crate) zones: Vec<ZoneHostnames>,
}

impl Uses {
    /// Whether nothing prevents a deletion.
    pub(crate) fn is_empty(&self) -> bool {
        self.zones.is_empty() && self.services.iter().all(Association::has_ended)
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
        lines.extend(self.zones.iter().map(|zone| printable(&zone.to_string())));
        lines
    }
}

/// A certificate that is about to be deleted.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) id: CertificateId,
    /// `None` if it was not looked up.
    pub(crate) certificate: Option<Certificate>,
    /// `None` if they were not looked up.
    pub(crate) uses: Option<Uses>,
    /// The criteria of `prune` that it meets.
    pub(crate) reasons: Option<Vec<Reason>>,
}

impl Target {
    pub(crate) fn new(id: CertificateId) -> Self {
        Self {
            id,
            certificate: None,
            uses: None,
            reasons: None,
        }
    }

    pub(crate) fn with_certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    pub(crate) fn with_uses(mut self, uses: Uses) -> Self {
        self.uses = Some(uses);
        self
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.certificate.as_ref()?.name()
    }
}

/// Certificates that are about to be deleted, and what uses them.
pub(crate) fn targets(targets: &[Target], terminal: Option<u16>) -> String {
    let now = Timestamp::now();
    let row = |target: &Target| match &target.certificate {
        Some(certificate) => {
            let (expires, style) = expiry(certificate, now);
            let kind = kind(certificate).to_owned();
            let cells = vec![target.id.to_string(), text(target.name()), kind, expires];
            Row { cells, style }
        }
        None => vec![target.id.to_string(), "-".into(), "-".into(), "-".into()].into(),
    };
    let rows: Vec<Row> = targets.iter().map(row).collect();
    let rendered = Table::new(TARGET_COLUMNS, NAME, terminal).render(&rows);
    let mut text = rendered.header;
    for (row, target) in rendered.rows.iter().zip(targets) {
        text.push_str(row);
        let Some(uses) = &target.uses else { continue };
        if uses.is_empty() {
            text.push_str("  used by nothing\n");
        }
        for line in uses.lines() {
            text.push_str(&indented(&format!("used by {line}"), terminal));
        }
    }
    text
}

/// A line below a row; what does not fit goes below it, indented further.
fn indented(line: &str, terminal: Option<u16>) -> String {
    let Some(terminal) = terminal else {
        return format!("{INDENT}{line}\n");
    };
    let lines = table::wrapped(line, terminal.saturating_sub(4).max(1));
    format!("{INDENT}{}\n", lines.join(&format!("\n{INDENT}{INDENT}")))
}
