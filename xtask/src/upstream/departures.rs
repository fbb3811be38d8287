//! Why the fragment differs from the snapshot: every difference has one reason, and
//! every reason a difference.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::compare::Difference;
use super::place::pointer;

/// Where the departures are kept in the workspace.
pub(crate) const DEPARTURES: &str = "openapi/departures.json";

/// Stands for a reason that is still to be written.
pub(crate) const NO_REASON: &str = "…";

/// A known difference between the fragment and the snapshot.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Departure {
    /// A pointer into the canonical form, without the slash in front; `*` stands for any
    /// part of a name, and `**` for any part of the place.
    #[serde(rename = "where")]
    pub(crate) place: String,
    pub(crate) reason: String,
}

/// Reads the departures below `root`.
pub(crate) fn read(root: &Path) -> anyhow::Result<Vec<Departure>> {
    let text = fs::read_to_string(root.join(DEPARTURES))
        .with_context(|| format!("cannot read {DEPARTURES}"))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{DEPARTURES} is not a list of {{where, reason}}"))
}

impl Departure {
    /// Whether it is about exactly this place.
    pub(crate) fn explains(&self, place: &[String]) -> bool {
        is_like(&self.place, &pointer(place))
    }

    /// Whether it is about this place or one around it.
    pub(crate) fn covers(&self, place: &[String]) -> bool {
        (1..=place.len()).any(|length| self.explains(&place[..length]))
    }
}

fn is_like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let rest_of_any = rest.strip_prefix('*');
    let is_within = |end: &usize| rest_of_any.is_some() || !text[..*end].contains('/');
    let mut ends = (0..=text.len()).filter(|end| text.is_char_boundary(*end)).take_while(is_within);
    ends.any(|end| is_like(rest_of_any.unwrap_or(rest), &text[end..]))
}

/// What is wrong with the departures, given the differences of snapshot and fragment:
/// places without a reason, and a line for each departure that does not hold.
pub(crate) fn check(
    departures: &[Departure],
    differences: &[Difference],
) -> (Vec<Difference>, Vec<String>) {
    let mut unexplained = Vec::new();
    let mut faults = Vec::new();
    let mut used = vec![false; departures.len()];
    for difference in differences {
        let about = |(_, departure): &(_, &Departure)| departure.explains(&difference.place);
        let about: Vec<_> = departures.iter().enumerate().filter(about).collect();
        about.iter().for_each(|(index, _)| used[*index] = true);
        if let [(_, first), (_, second), ..] = about[..] {
            let (place, first, second) = (pointer(&difference.place), &first.place, &second.place);
            faults.push(format!(
                "`{place}` has two departures, `{first}` and `{second}`; narrow one"
            ));
        } else if about.is_empty() {
            unexplained.push(difference.clone());
        }
    }
    for (Departure { place, reason }, used) in departures.iter().zip(used) {
        if !used {
            faults.push(format!("the departure `{place}` explains nothing; remove it"));
        }
        if reason.trim().is_empty() || reason == NO_REASON {
            faults.push(format!("the departure `{place}` has no reason; write one"));
        }
    }
    (unexplained, faults)
}
