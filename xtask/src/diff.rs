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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_and_the_line() {
        let text = unified("a.rs", "one\ntwo\nthree\n", "one\n2\nthree\n").unwrap();
        for part in ["--- a.rs", "+++ a.rs", "@@ -1,3 +1,3 @@", "-two", "+2"] {
            assert!(text.contains(part), "{part:?} is missing from {text}");
        }
    }

    #[test]
    fn is_silent_about_equal_texts() {
        assert_eq!(unified("a.rs", "same\n", "same\n"), None);
    }
}
