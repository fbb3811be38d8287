//! Makes text from outside harmless to a terminal.

use cf_mtls::text::is_harmful;

/// Escapes characters that move the cursor, change colours or reverse the
/// direction of a line: no name can hide another one.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, is_harmful, |c, safe| safe.extend(c.escape_unicode()))
}

/// The same JSON, with harmful characters as `\u....`. They occur only in its
/// strings.
pub(crate) fn printable_json(json: &str) -> String {
    let escape = |c: char, safe: &mut String| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            safe.push_str(&format!("\\u{unit:04x}"));
        }
    };
    escaped(json, |c| c != '\n' && is_harmful(c), escape)
}

fn escaped(text: &str, is_bad: fn(char) -> bool, escape: impl Fn(char, &mut String)) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_bad(*c)) {
        safe.push_str(&rest[..at]);
        escape(c, &mut safe);
        rest = &rest[at + c.len_utf8()..];
    }
    safe.push_str(rest);
    safe
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
