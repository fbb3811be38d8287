//! Makes text from outside harmless to a terminal.

use std::fmt::Write as _;

use cf_mtls::text::is_harmful;

/// Escapes characters that move the cursor, change colours or reverse the
/// direction of a line: no name can hide another one.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The same JSON, with harmful characters as `\u....`. They occur only in its
/// strings.
pub(crate) fn printable_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_harmful(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        let table = [
            ("devices é 証明書", "devices é 証明書"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("two\nlines", "two\\u{a}lines"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
        ];
        for (text, want) in table {
            assert_eq!(printable(text), want);
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({ "name": "a\u{1b}b\u{7f}c\u{9b}d\u{202e}e\u{e0001}f\n" });
        let safe = printable_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!safe.chars().any(|c| is_harmful(c) && c != '\n'), "{safe}");
        let back: serde_json::Value = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, value);
    }
}
