//! Shows how two texts differ.

use similar::TextDiff;

/// A unified diff from `old` to `new`, or `None` where they are the same.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let diff = TextDiff::from_lines(old, new);
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(
            &format!("{name} (as it is)"),
            &format!("{name} (as generated)"),
        )
        .to_string();
    Some(text)
}
