//! Makes text from outside harmless to a terminal.

use cf_mtls::text::is_harmful;

/// Escapes characters that move the cursor, change colors or reverse the
/// direction of a line: no name can hide another one.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, is_harmful, |c| c.escape_unicode().to_string())
}

/// The same JSON, with harmful characters as `\\u....`. They occur only in its
/// strings.
pub(crate) fn printable_json(json: &str) -> String {
    let units =
        |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect();
    escaped(json, |c| c != '\n' && is_harmful(c), units)
}

/// One copy, as most texts have nothing to escape, and lists are long.
fn escaped(text: &str, is_picked: fn(char) -> bool, escape: fn(char) -> String) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match is_picked(c) {
            true => escaped.push_str(&escape(c)),
            false => escaped.push(c),
        }
    }
    escaped
}

const LONG_TEXT: &str = "(a long text)";

/// A text of the user for a message, unless it may be a token.
pub(crate) fn mention(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    match text.bytes().all(is_plain) {
        _ if may_be_token(text) => LONG_TEXT.to_owned(),
        true => text.to_owned(),
        false => format!("\"{}\"", printable(text)),
    }
}

/// Whether a text may be a token that was passed in a wrong place: ids are shorter,
/// hostnames have a dot, and paths have a slash or a dot.
pub(crate) fn may_be_token(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    36 < text.len() && (text.bytes().all(is_plain) || text.starts_with("v1.0-"))
}

/// A message without these texts.
pub(crate) fn hide(message: &str, tokens: &[String]) -> String {
    let hide = |message: String, token: &String| message.replace(token.as_str(), LONG_TEXT);
    tokens.iter().fold(message.to_owned(), hide)
}
