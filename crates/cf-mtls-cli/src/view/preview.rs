//! Shows certificates, and who uses them.

use anstyle::{AnsiColor, Style};
use cf_mtls::{
    Association, AssociationStatus, Certificate, CertificateId, Certificates, Error, ZoneHostnames,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::terminal::text::printable;
use crate::view::table::{self, INDENT, Line, Sheet};
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
/// The column of names, which gives way on a narrow terminal.
pub(crate) const NAME: usize = 1;

pub(crate) fn line(certificate: &Certificate, now: Timestamp) -> Line {
    let (expires, style) = expiry(certificate, now);
    Line {
        cells: vec![
            certificate
                .id()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
            name(certificate),
            kind(certificate).to_owned(),
            type_of(certificate),
            expires,
        ],
        style,
    }
}

pub(crate) fn wide_line(certificate: &Certificate, now: Timestamp) -> Line {
    let mut line = line(certificate, now);
    let text = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
    let more = [
        text(certificate.issuer()),
        text(certificate.serial_number()),
        text(certificate.signature()),
        moment(certificate.uploaded_on()),
        moment(certificate.expires_on()),
    ];
    let last = line.cells.len().saturating_sub(1);
    line.cells.splice(last..last, more);
    line
}

/// One certificate in full.
pub(crate) fn card(certificate: &Certificate, now: Timestamp) -> String {
    let (expires, style) = expiry(certificate, now);
    let end = match certificate.expires_on() {
        Some(end) => format!("{end} ({style}{expires}{style:#})"),
        None => expires,
    };
    let text = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
    let mut rows = vec![
        (
            "ID",
            certificate
                .id()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
        ),
        ("Name", name(certificate)),
        ("Kind", kind(certificate).to_owned()),
        ("Type", type_of(certificate)),
        ("Issuer", text(certificate.issuer())),
        ("Serial", text(certificate.serial_number())),
        ("Signature", text(certificate.signature())),
        ("Uploaded", moment(certificate.uploaded_on())),
        ("Expires", end),
    ];
    if let Some(updated) = certificate.updated_at() {
        rows.push(("Updated", moment(Some(updated))));
    }
    let bold = Style::new().bold();
    let rows = rows
        .iter()
        .map(|(label, value)| format!("{bold}{label:<10}{bold:#}  {value}\n"));
    rows.collect()
}

pub(crate) fn name(certificate: &Certificate) -> String {
    match certificate.name() {
        None | Some("") => "-".to_owned(),
        Some(name) => printable(name),
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
    certificate
        .certificate_type()
        .map_or_else(|| "-".to_owned(), |kind| printable(kind.as_str()))
}

fn moment(moment: Option<Timestamp>) -> String {
    moment.map_or_else(|| "-".to_owned(), |moment| moment.to_string())
}

pub(crate) fn expiry(certificate: &Certificate, now: Timestamp) -> (String, Style) {
    let Some(end) = certificate.expires_on() else {
        return ("unknown".to_owned(), Style::new());
    };
    let style = match times::urgency(end, now) {
        Urgency::Expired => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        Urgency::Soon => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Urgency::Fine => Style::new(),
    };
    (times::expiry(end, now), style)
}

/// Who uses a certificate, as far as it was looked up.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Uses {
    pub(crate) services: Vec<Association>,
    pub(crate) zones: Vec<ZoneHostnames>,
}

impl Uses {
    /// Who uses a certificate. The zones are walked only where something does,
    /// as each zone is a request.
    pub(crate) async fn of(
        certificates: &Certificates,
        certificate: &Certificate,
        id: &CertificateId,
    ) -> Result<Self, Error> {
        let services = certificates.associations(id).await?;
        let mut uses = Self {
            services,
            zones: Vec::new(),
        };
        if uses.any() && certificate.is_ca() != Some(false) {
            uses.zones = certificates.usage(id).await?.zones;
        }
        Ok(uses)
    }

    /// Whether anything keeps the certificate from being deleted.
    pub(crate) fn any(&self) -> bool {
        let live = |service: &Association| service.status != AssociationStatus::Deleted;
        !self.zones.is_empty() || self.services.iter().any(live)
    }

    /// One line for each, and each once: a service may appear for every zone.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for service in &self.services {
            let line = printable(&service.to_string());
            if service.status != AssociationStatus::Deleted && !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.extend(self.zones.iter().map(|zone| printable(&zone.to_string())));
        lines
    }
}

impl Doomed {
    pub(crate) fn unseen(id: CertificateId) -> Self {
        Self {
            id,
            name: None,
            certificate: None,
            uses: None,
        }
    }

    pub(crate) fn seen(id: CertificateId, certificate: Certificate) -> Self {
        Self {
            id,
            name: certificate.name().map(str::to_owned),
            certificate: Some(certificate),
            uses: None,
        }
    }
}

/// A certificate about to be taken away.
#[derive(Clone, Debug)]
pub(crate) struct Doomed {
    pub(crate) id: CertificateId,
    pub(crate) name: Option<String>,
    /// `None` where it was not looked up, or there are too many to keep.
    pub(crate) certificate: Option<Certificate>,
    /// `None` where that was not looked up.
    pub(crate) uses: Option<Uses>,
}

const DOOMED: &[&str] = &["ID", "NAME", "KIND", "EXPIRES"];

/// What is about to be taken away: name, kind, expiry, who uses it.
pub(crate) fn doomed(doomed: &[Doomed], room: Option<u16>) -> String {
    let now = Timestamp::now();
    let blank = || "-".to_owned();
    let lines: Vec<Line> = doomed
        .iter()
        .map(|one| {
            let certificate = one.certificate.as_ref();
            let (expires, style) = certificate.map_or_else(
                || (blank(), Style::new()),
                |certificate| expiry(certificate, now),
            );
            Line {
                cells: vec![
                    one.id.to_string(),
                    one.name.as_deref().map_or_else(blank, printable),
                    certificate.map_or_else(blank, |certificate| kind(certificate).to_owned()),
                    expires,
                ],
                style,
            }
        })
        .collect();
    let parts = Sheet::new(DOOMED, NAME, room).parts(&lines);
    let mut text = parts.head;
    for (row, one) in parts.rows.iter().zip(doomed) {
        text.push_str(row);
        let Some(uses) = &one.uses else { continue };
        let uses = uses.lines();
        if uses.is_empty() {
            text.push_str("  used by nothing\n");
        }
        for line in uses {
            text.push_str(&hanging(&format!("used by {line}"), room));
        }
    }
    text
}

/// A line below a row, whose rest stands a bit deeper.
fn hanging(line: &str, room: Option<u16>) -> String {
    let Some(room) = room else {
        return format!("{INDENT}{line}\n");
    };
    let left = room.saturating_sub(4).max(1);
    let parts = table::wrapped(line, left);
    format!("{INDENT}{}\n", parts.join(&format!("\n{INDENT}{INDENT}")))
}
