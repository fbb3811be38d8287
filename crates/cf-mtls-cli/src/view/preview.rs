//! Certificates and their uses, written for people.

use anstyle::{AnsiColor, Style};
use cf_mtls::{Certificate, CertificateId, CertificateType};
use cf_mtls_lifecycle::{Error, Reason, Usage};
use clap::ValueEnum;
use jiff::Timestamp;

use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::table::{Row, Table};
use crate::view::{times, uses};

/// What a list can show of a certificate, in the order of [`cells`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Column {
    Id,
    Name,
    Kind,
    Type,
    Issuer,
    Serial,
    Signature,
    Uploaded,
    ExpiresOn,
    Expires,
}

impl Column {
    #[rustfmt::skip]
    pub(crate) const DEFAULT: &[Self] =
        &[Self::Id, Self::Name, Self::Kind, Self::Type, Self::Expires];

    pub(crate) fn header(self) -> &'static str {
        const HEADERS: &str =
            "ID,NAME,KIND,TYPE,ISSUER,SERIAL,SIGNATURE,UPLOADED,EXPIRES ON,EXPIRES";
        HEADERS.split(',').nth(self as usize).unwrap_or_default()
    }

    /// Sorts texts, and puts what is missing last.
    pub(crate) fn sort_key(self, certificate: &Certificate) -> (bool, String) {
        let column = match self {
            Self::Expires => Self::ExpiresOn,
            other => other,
        };
        let cell = cells(certificate).swap_remove(column as usize);
        (cell == "-", cell)
    }
}

/// Certificates that expire in fewer hours are marked.
const SOON: i64 = 30 * 24;
const TARGET_COLUMNS: &[&str] = &["ID", "NAME", "KIND", "EXPIRES"];
/// The column of names, which is cut on a narrow terminal.
pub(crate) const NAME: usize = 1;

pub(crate) fn row(certificate: &Certificate, columns: &[Column], now: Timestamp) -> Row {
    let (expires, style) = expiry(certificate, now);
    let mut all = cells(certificate);
    all.push(expires);
    let cells = columns.iter().filter_map(|column| all.get(*column as usize));
    let is_colored = columns.last() == Some(&Column::Expires);
    let style = if is_colored { style } else { Style::new() };
    Row::new(cells.cloned().collect(), style)
}

pub(crate) fn card(certificate: &Certificate, now: Timestamp, terminal: Option<usize>) -> String {
    const LABELS: &str = "ID,Name,Kind,Type,Issuer,Serial,Signature,Uploaded,Expires,Updated";
    let (expires, style) = expiry(certificate, now);
    let mut values = cells(certificate);
    if let (Some(end), Some(_)) = (values.last_mut(), certificate.expires_on()) {
        end.push_str(&format!(" ({style}{expires}{style:#})"));
    }
    values.extend(certificate.updated_at().map(|updated| moment(Some(updated))));
    let bold = Style::new().bold();
    let line = |(label, value): (&str, String)| {
        let label = format!("{bold}{label:<10}{bold:#}  ");
        width::wrap(&label, "            ", &value, terminal)
    };
    LABELS.split(',').zip(values).map(line).collect()
}

/// What is shown of a certificate, apart from the time that is left.
fn cells(certificate: &Certificate) -> Vec<String> {
    let kind_of = certificate.certificate_type();
    vec![
        certificate.id().to_string(),
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
    match moment {
        None => "-".to_owned(),
        Some(end) if end == Timestamp::MAX => "9999-12-31".to_owned(),
        // Without fractions of a second.
        Some(moment) => Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string(),
    }
}

pub(crate) fn expiry(certificate: &Certificate, now: Timestamp) -> (String, Style) {
    let Some(end) = certificate.expires_on() else { return ("unknown".to_owned(), Style::new()) };
    let style = match end.duration_since(now).as_hours() {
        _ if end <= now => AnsiColor::Red.on_default().bold(),
        ..SOON => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    };
    (times::expiry(end, now), style)
}

/// A certificate that is about to be deleted.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) id: CertificateId,
    /// `None` if it was not looked up.
    pub(crate) certificate: Option<Certificate>,
    /// `None` if they were not looked up.
    pub(crate) uses: Option<Usage>,
    /// Why it could not be read, and is left alone.
    pub(crate) error: Option<Error>,
    /// The criteria of `prune` that it meets.
    pub(crate) reasons: Option<Vec<Reason>>,
}

impl Target {
    pub(crate) fn new(id: CertificateId, certificate: Option<Certificate>) -> Self {
        Self { id, certificate, uses: None, error: None, reasons: None }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.certificate.as_ref()?.name()
    }

    /// Whether another product manages it, and it can only be deleted there.
    pub(crate) fn is_managed(&self) -> bool {
        let kind = self.certificate.as_ref().and_then(Certificate::certificate_type);
        matches!(kind, Some(CertificateType::GatewayManaged | CertificateType::AccessManaged))
    }

    pub(crate) fn is_leaf(&self) -> bool {
        self.certificate.as_ref().and_then(Certificate::is_ca) == Some(false)
    }

    /// Whether it is known that something uses it.
    pub(crate) fn is_in_use(&self) -> bool {
        self.uses.as_ref().is_some_and(|usage| !uses::is_empty(usage))
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
        let uses = target.uses.as_ref().map(|usage| uses::below(usage, terminal));
        Row { details: uses.unwrap_or_default(), ..Row::new(cells, style) }
    };
    let rows: Vec<Row> = targets.iter().map(row).collect();
    Table::new(TARGET_COLUMNS, NAME, terminal).write(&rows)
}
