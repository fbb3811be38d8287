//! Text from outside, made safe to show.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

use crate::Secret;
use crate::ids::has_only;

/// The fewest letters and digits in a row that are taken for a part of a secret.
/// Shorter ones occur in any text.
const MIN_FRAGMENT: usize = 8;
/// How much of a text is read, as a multiple of what is shown.
const READ_AHEAD: usize = 16;
const MAX_CAUSE_CHARS: usize = 240;
const MAX_CAUSES: usize = 8;

/// Removes secrets, harmful characters and excess from texts.
#[derive(Clone)]
pub struct Sanitizer {
    secrets: Vec<Secret>,
    /// A hash of every [`MIN_FRAGMENT`] letters and digits in a row of the secrets, in
    /// order, since a copy of them would stay in memory. Made when first needed, as most
    /// operations succeed.
    parts: OnceLock<Vec<u64>>,
    keys: RandomState,
    has_hex_part: bool,
}

impl Sanitizer {
    /// Hides these secrets, and every part of them with eight letters and
    /// digits. Only these are compared: a key may be echoed with other line ends, and
    /// base64 with escaped slashes.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let secrets: Vec<Secret> = secrets.into_iter().cloned().collect();
        let has_hex_part = |secret: &Secret| {
            let bytes = secret.expose().as_bytes();
            let mut parts = bytes.split(|b| b.is_ascii_alphanumeric() && !b.is_ascii_hexdigit());
            parts.any(|part| MIN_FRAGMENT <= part.len())
        };
        Self {
            has_hex_part: secrets.iter().any(has_hex_part),
            secrets,
            parts: OnceLock::new(),
            keys: RandomState::new(),
        }
    }

    /// At most `limit` characters of `text`, on one line.
    pub fn clean(&self, text: &str, limit: usize) -> String {
        // Hide before cutting, but do not walk through megabytes for it.
        let max = limit.saturating_mul(READ_AHEAD);
        let end = text.char_indices().nth(max).map_or(text.len(), |(end, _)| end);
        let mut clean = String::new();
        let mut count = 0;
        for c in self.hide(&text[..end]).chars() {
            let is_shown = !(is_harmful(c) || c.is_whitespace() || c == '\u{fffd}');
            let c = if is_shown { c } else { ' ' };
            if c == ' ' && (clean.is_empty() || clean.ends_with(' ')) {
                continue;
            }
            if count == limit {
                clean.push('…');
                break;
            }
            clean.push(c);
            count += 1;
        }
        clean.truncate(clean.trim_end().len());
        clean
    }

    /// Whether an id contains a part of a secret.
    pub fn finds_secret_in_id(&self, id: &str) -> bool {
        // Most ids are hexadecimal, and most secrets hardly so: that saves the hashes.
        let is_hex = has_only(id, |byte| byte.is_ascii_hexdigit() | (byte == b'-'));
        (!is_hex || self.has_hex_part) && self.finds_secret(id)
    }

    /// Whether a text contains a part of a secret.
    pub fn finds_secret(&self, text: &str) -> bool {
        !self.parts_in(text).is_empty()
    }

    /// An error of another crate and its causes, as texts that are safe to show.
    pub fn cause(&self, error: &dyn StdError) -> Cause {
        self.cause_at(0, error)
    }

    fn cause_at(&self, depth: usize, error: &dyn StdError) -> Cause {
        let source = error.source().filter(|_| depth + 1 < MAX_CAUSES);
        Cause {
            text: self.clean(&error.to_string(), MAX_CAUSE_CHARS),
            source: source.map(|source| Box::new(self.cause_at(depth + 1, source))),
        }
    }

    fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let parts = self.parts_in(text);
        if parts.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut hidden = String::with_capacity(text.len());
        let mut shown = 0;
        for (from, to) in parts {
            hidden.push_str(&text[shown..from]);
            hidden.push_str("[secret]");
            shown = to;
        }
        hidden.push_str(&text[shown..]);
        Cow::Owned(hidden)
    }

    /// Begin and end of each part of a secret, in order, without overlap.
    fn parts_in(&self, text: &str) -> Vec<(usize, usize)> {
        let hashes = self.parts.get_or_init(|| {
            let mut hashes = Vec::new();
            for bare in self.secrets.iter().map(letters_and_digits) {
                hashes.extend(fragments(bare.expose()).map(|(_, part)| self.hash(part)));
            }
            hashes.sort_unstable();
            hashes
        });
        let mut found: Vec<(usize, usize)> = Vec::new();
        for ((from, to), part) in fragments(text) {
            if hashes.binary_search(&self.hash(part)).is_err() {
                continue;
            }
            match found.last_mut() {
                Some((_, end)) if from <= *end => *end = to,
                _ => found.push((from, to)),
            }
        }
        found
    }

    fn hash(&self, part: u64) -> u64 {
        self.keys.hash_one(part)
    }

    /// The beginning of a body that could not be read.
    pub fn excerpt(&self, body: &[u8]) -> String {
        const MAX_CHARS: usize = 160;
        let start = &body[..body.len().min(MAX_CHARS * READ_AHEAD * 4)];
        let text = self.clean(&String::from_utf8_lossy(start), MAX_CHARS);
        if text.is_empty() {
            return "an empty body".to_owned();
        }
        let mut shown = format!("{text:?}");
        shorten(&mut shown, 4 * MAX_CHARS);
        format!("a body that begins {shown}")
    }
}

/// Begin and end of every [`MIN_FRAGMENT`] letters and digits in a row, whatever stands
/// between them, and these as one number.
fn fragments(text: &str) -> impl Iterator<Item = ((usize, usize), u64)> {
    let bytes = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric());
    let (mut part, mut places, mut count) = (0, [0; MIN_FRAGMENT], 0);
    bytes.filter_map(move |(place, byte)| {
        part = part << 8 | u64::from(byte);
        places[count % MIN_FRAGMENT] = place;
        count += 1;
        let begin = places[count % MIN_FRAGMENT];
        (MIN_FRAGMENT <= count).then_some(((begin, place + 1), part))
    })
}

/// The letters and digits of a secret, without the lines that every key has.
fn letters_and_digits(secret: &Secret) -> Secret {
    let lines = secret.expose().split(['\n', '\r']).map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("-----"));
    // Room for all of it, so that no part is left behind in a smaller buffer.
    let mut bare = String::with_capacity(secret.expose().len());
    let characters = lines.flat_map(str::chars);
    bare.extend(characters.filter(char::is_ascii_alphanumeric));
    Secret::from(bare)
}

/// An error of another crate as text. The error itself is not kept: it may quote
/// what was received.
#[derive(Debug)]
pub struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    /// A chain of causes from their texts, outermost first.
    pub fn chain(texts: Vec<String>) -> Option<Self> {
        texts.into_iter().rev().fold(None, |source, text| {
            let source = source.map(Box::new);
            Some(Self { text, source })
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Shortens a text to at most `limit` bytes, and marks the cut with `…`.
pub fn shorten(text: &mut String, limit: usize) {
    if limit < text.len() {
        let mut end = limit;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

/// Each item once, and at most `max`, on one line of a length that people read.
#[must_use]
pub fn list<T: fmt::Display>(items: &[T], max: usize, separator: &str) -> String {
    const MAX_BYTES: usize = 1_000;
    let mut texts: Vec<String> = Vec::new();
    for text in items.iter().map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let more = texts.len().saturating_sub(max);
    texts.truncate(max);
    let mut line = printable(&texts.join(separator));
    shorten(&mut line, MAX_BYTES);
    if 0 < more {
        line.push_str(&format!("{separator}and {more} more"));
    }
    line
}

/// Whether a terminal or a log viewer obeys a character, or does not show it,
/// instead of showing it: control characters, line and paragraph separators,
/// those that turn the direction of a line, and those without a width.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' // soft hyphen, Arabic letter mark
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' // variation selectors
            | '\u{200b}'..='\u{200f}' | '\u{feff}' // zero width, marks of direction
            | '\u{2028}'..='\u{202e}' // separators, turns of direction
            | '\u{2060}'..='\u{206f}' // invisible operators, isolates
            | '\u{fff9}'..='\u{fffb}' // annotations
            | '\u{e0000}'..='\u{e0fff}') // tags, further selectors
}

/// A text without [harmful](is_harmful) characters.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !is_harmful(*c)).collect()
}
