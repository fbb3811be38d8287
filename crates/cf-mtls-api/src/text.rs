//! Text from outside, made safe to show.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

use crate::Secret;

/// The fewest letters and digits in a row that are taken for a part of a secret.
/// Shorter ones occur in any text.
const MIN_FRAGMENT: usize = 8;
/// How much of a text is read, as a multiple of what is shown.
const READ_AHEAD: usize = 16;
const MAX_CAUSE_CHARS: usize = 240;
const MAX_CAUSES: usize = 8;

/// Removes secrets, harmful characters and excess from texts.
pub struct Sanitizer<'a> {
    secrets: Vec<&'a Secret>,
    /// A hash of every [`MIN_FRAGMENT`] letters and digits in a row of the secrets,
    /// since a copy of them would stay in memory. Made when first needed, as most
    /// operations succeed.
    parts: OnceLock<HashSet<u64>>,
    keys: RandomState,
}

impl<'a> Sanitizer<'a> {
    /// Hides these secrets, and every part of them with eight letters and
    /// digits. Only these are compared: a key may be echoed with other line ends, and
    /// base64 with escaped slashes.
    pub fn new(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            parts: OnceLock::new(),
            keys: RandomState::new(),
        }
    }

    /// At most `limit` characters of `text`, on one line.
    pub fn clean(&self, text: &str, limit: usize) -> String {
        // Hide before cutting, but do not walk through megabytes for it.
        let max = limit.saturating_mul(READ_AHEAD);
        let start: String = text.chars().take(max).collect();
        let mut clean = String::new();
        let mut count = 0;
        for c in self.hide(&start).chars() {
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
        let is_hex = |b: &u8| b.is_ascii_hexdigit();
        let has_hex_part = |secret: &&Secret| {
            let bytes = secret.expose().as_bytes();
            let mut parts = bytes.split(|b| b.is_ascii_alphanumeric() && !is_hex(b));
            parts.any(|part| MIN_FRAGMENT <= part.len())
        };
        let is_hex_only = id.bytes().all(|b| is_hex(&b) || b == b'-');
        (!is_hex_only || self.secrets.iter().any(has_hex_part)) && self.finds_secret(id)
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

    fn hide(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut shown = 0;
        for (from, to) in self.parts_in(text) {
            hidden.push_str(&text[shown..from]);
            hidden.push_str("[secret]");
            shown = to;
        }
        hidden.push_str(&text[shown..]);
        hidden
    }

    /// Begin and end of each part of a secret, in order, without overlap.
    fn parts_in(&self, text: &str) -> Vec<(usize, usize)> {
        let parts = self.parts.get_or_init(|| {
            let mut parts = HashSet::new();
            for secret in self.secrets.iter().map(|secret| letters_and_digits(secret)) {
                let windows = secret.expose().as_bytes().windows(MIN_FRAGMENT);
                parts.extend(windows.map(|part| self.keys.hash_one(part)));
            }
            parts
        });
        let mut found: Vec<(usize, usize)> = Vec::new();
        if parts.is_empty() {
            return found;
        }
        let bytes = text.bytes().enumerate();
        let bare: Vec<(usize, u8)> = bytes.filter(|(_, b)| b.is_ascii_alphanumeric()).collect();
        for window in bare.windows(MIN_FRAGMENT) {
            let part: [u8; MIN_FRAGMENT] = std::array::from_fn(|index| window[index].1);
            if !parts.contains(&self.keys.hash_one(part.as_slice())) {
                continue;
            }
            let (from, to) = (window[0].0, window[MIN_FRAGMENT - 1].0 + 1);
            match found.last_mut() {
                Some((_, end)) if from <= *end => *end = to,
                _ => found.push((from, to)),
            }
        }
        found
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
