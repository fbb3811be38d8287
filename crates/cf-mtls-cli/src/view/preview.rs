//! Certificates and their uses, written for people.

use anstyle::{AnsiColor, Style};
use cf_mtls::{Association, Certificate, CertificateId};
use cf_mtls_lifecycle::{Reason, ZoneHostnames};
use jiff::Timestamp;
use serde::Serialize;

use crate::terminal::text::printable;
use crate::view::table::{Row, Table};
use crate::view::times::{self, Urgency};

/// The columns of a list of certificates.
pub(crate) const COLUMNS: &[&str] = &["ID", "NAME", "KIND", "TYPE", "EXPIRES"];
#[rustfmt::skip]
pub(crate) const WIDE_COLUMNS: &[&str] = &[
    "ID", "NAME", "KIND", "TYPE",
    "ISSUER", "SERIAL", "SIGNATURE", "UPLOADED", "EXPIRES ON", "EXPIRES",
];
const TARGET_COLUMNS: &[&str] = &["ID", "NAME", "KIND", "EXPIRES"];
/// The column of names, which is cut on a narrow terminal.
pub(crate) const NAME: usize = 1;

/// A row for `COLUMNS`.
pub(crate) fn row(certificate: &Certificate, now: Timestamp) -> Row {
    let (expires, style) = expiry(certificate, now);
    let mut cells = cells(certificate);
    cells.splice(4.., [expires]);
    Row::new(cells, style)
}

/// A row for `WIDE_COLUMNS`.
pub(crate) fn wide_row(certificate: &Certificate, now: Timestamp) -> Row {
    let (expires, style) = expiry(certificate, now);
    let mut cells = cells(certificate);
    cells.push(expires);
    Row::new(cells, style)
}

/// One certificate in full.
pub(crate) fn card(certificate: &Certificate, now: Timestamp) -> String {
    const LABELS: &[&str] = &[
        "ID",
        "Name",
        "Kind",
        "Type",
        "Issuer",
        "Serial",
        "Signature",
        "Uploaded",
        "Expires",
    ];
    let (expires, style) = expiry(certificate, now);
    let expires = format!(" ({style}{expires}{style:#})");
    let bold = Style::new().bold();
    let line = |label: &str, value: &str| format!("{bold}{label:<10}{bold:#}  {value}\n");
    let fields = LABELS.iter().zip(cells(certificate));
    let mut card: String = fields.map(|(label, value)| line(label, &value)).collect();
    if certificate.expires_on().is_some() {
        card.insert_str(card.len() - 1, &expires);
    }
    if let Some(updated) = certificate.updated_at() {
        card.push_str(&line("Updated", &updated.to_string()));
    }
    card
}

/// What is shown of a certificate, apart from the time that is left.
fn cells(certificate: &Certificate) -> Vec<String> {
    let kind_of = certificate.certificate_type();
    vec![
        certificate.id().map_or("-".into(), ToString::to_string),
        text(certificate.name()),
        kind(certificate).to_owned(),
        text(kind_of.as_ref().map(|kind| kind.as_str())),
        text(certificate.issuer()),
        text(certificate.serial_number()),
        text(certificate.signature()),
        moment(certificate.uploaded_on()),
        moment(certificate.expires_on()),
    ]
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

    /// The lines below the row of the certificate.
    fn below(&self, terminal: Option<usize>) -> String {
        if self.is_empty() {
            return "  used by nothing\n".to_owned();
        }
        let options = textwrap::Options::new(terminal.unwrap_or(usize::MAX))
            .initial_indent("  used by ")
            .subsequent_indent("    ");
        let lines = self.lines().into_iter();
        lines
            .map(|line| textwrap::fill(&line, &options) + "\n")
            .collect()
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
    pub(crate) fn new(id: CertificateId, certificate: Option<Certificate>) -> Self {
        Self {
            id,
            certificate,
            uses: None,
            reasons: None,
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.certificate.as_ref()?.name()
    }
}

/// Certificates that are about to be deleted, and what uses them.
pub(crate) fn targets(targets: &[Target], terminal: Option<usize>) -> String {
    let now = Timestamp::now();
    let row = |target: &Target| {
        let certificate = target.certificate.as_ref();
        let expires = certificate.map(|certificate| expiry(certificate, now));
        let (expires, style) = expires.unwrap_or(("-".into(), Style::new()));
        let kind = certificate.map_or("-", kind).to_owned();
        let cells = vec![target.id.to_string(), text(target.name()), kind, expires];
        let uses = target.uses.as_ref().map(|uses| uses.below(terminal));
        Row {
            details: uses.unwrap_or_default(),
            ..Row::new(cells, style)
        }
    };
    let rows: Vec<Row> = targets.iter().map(row).collect();
    Table::new(TARGET_COLUMNS, NAME, terminal).write(&rows)
}
