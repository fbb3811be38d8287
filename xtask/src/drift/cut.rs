//! Whether a YAML document was cut off. The beginning of YAML is YAML, and what is
//! missing then looks as if upstream had taken it away.

use serde_json::Value;

use super::class::Class;
use super::document::{Document, unescape};
use super::report::{Finding, Report, Status, Trouble};

/// Looks for signs of a cut, where something is said to be gone. `text` is the
/// document as JSON.
pub(super) fn look(report: &mut Report, fragment: &Document<'_>, text: &str, open_end: bool) {
    if report.exit() != 1 {
        return;
    }
    let Ok(document) = Document::new(text) else {
        return;
    };
    let sign = if open_end {
        Some("it does not end with a line end".to_owned())
    } else {
        missing_member(fragment, &document)
            .or_else(|| broken_references(&document, text))
            .or_else(|| lost_at_the_end(report, &document))
    };
    if let Some(sign) = sign {
        report.problems.push(Trouble {
            operation: None,
            pointer: String::new(),
            message: format!("is the YAML cut off? {sign}"),
        });
    }
}

fn missing_member(fragment: &Document<'_>, document: &Document<'_>) -> Option<String> {
    let members = ["components", "security", "servers"];
    let missing = |name: &&&str| fragment.has(name) && !document.has(name);
    let name = members.iter().find(missing)?;
    Some(format!("it has no `{name}`"))
}

/// Whole documents refer to nothing that is not there.
fn broken_references(document: &Document<'_>, text: &str) -> Option<String> {
    const REFERENCE: &str = "\"$ref\":\"#/components/";
    let broken = |target: &&str| {
        let (kind, name) = target.split_once('/').unwrap_or_default();
        let name = name.split('/').next().unwrap_or_default();
        !document.has_component(&unescape(kind), &unescape(name))
    };
    let targets = text.split(REFERENCE).skip(1);
    let mut targets = targets.filter_map(|rest| rest.split('"').next());
    let first = targets.find(broken)?;
    Some(format!(
        "#/components/{first} is referred to, and not there"
    ))
}

/// The last thing in the text may have lost its end.
fn lost_at_the_end(report: &Report, document: &Document<'_>) -> Option<String> {
    let last = document.last()?;
    let touches = |place: &String| {
        let within = |a: &str, b: &str| {
            a.strip_prefix(b)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        within(place, &last) || within(&last, place)
    };
    let lost = |finding: &&Finding| {
        // A scheme goes by what it says: with half of it, it is another one.
        let of_scheme = finding.place.starts_with("components/securitySchemes/");
        let grows = finding.class == Class::Addition && !of_scheme;
        // A line that is there is there as a whole.
        let whole = finding.upstream.value.as_ref().is_some_and(is_scalar);
        let mut places = std::iter::once(&finding.upstream.pointer).chain(&finding.upstream.also);
        finding.status != Status::Stale && !grows && !whole && places.any(touches)
    };
    let finding = report.findings.iter().find(lost)?;
    Some(format!(
        "it ends with #{last}, and something is missing there: {}",
        finding.what
    ))
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}
