//! Text from outside, made safe to show.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

use cf_mtls_api::Secret;

/// So many letters and digits of a secret in a row are taken for a part of it.
/// A shorter secret is too common a text to hide.
const TELLING: usize = 8;
/// How far a text is read, as a multiple of what is shown of it.
const READ_AHEAD: usize = 16;
/// The longest text of a cause that is kept, in characters.
const LONGEST_CAUSE: usize = 240;
/// The longest chain of causes that is kept.
const MOST_CAUSES: usize = 8;

/// Takes secrets, control characters and excess out of a text.
pub(crate) struct Sanitizer<'a> {
    secrets: Vec<&'a Secret>,
    /// A number for every [`TELLING`] letters and digits in a row of the secrets:
    /// they themselves would stay behind in memory. Made when first needed, as
    /// most operations succeed.
    parts: OnceLock<HashSet<u64>>,
    keys: RandomState,
}

impl<'a> Sanitizer<'a> {
    /// Hides these secrets, and every part of them that is long enough to tell.
    ///
    /// Only letters and digits are compared: a key is echoed with other line
    /// ends than it was sent with, and base64 with a backslash before a slash.
    pub(crate) fn new(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            parts: OnceLock::new(),
            keys: RandomState::new(),
        }
    }

    /// At most `limit` characters of `text`, on one line.
    pub(crate) fn clean(&self, text: &str, limit: usize) -> String {
        // Hide before cutting, but do not walk through megabytes for it.
        let start: String = text
            .chars()
            .take(limit.saturating_mul(READ_AHEAD))
            .collect();
        let mut clean = String::new();
        let mut count = 0;
        for c in self.hide(&start).chars() {
            let c = if is_visible(c) { c } else { ' ' };
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

    /// Whether a text holds a part of a secret.
    pub(crate) fn finds_secret(&self, text: &str) -> bool {
        !self.parts_in(text).is_empty()
    }

    /// An error from below and its causes, as texts that are safe to show.
    pub(crate) fn cause(&self, error: &dyn StdError) -> Cause {
        let mut texts = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next.filter(|_| texts.len() < MOST_CAUSES) {
            texts.push(self.clean(&error.to_string(), LONGEST_CAUSE));
            next = error.source();
        }
        let chain = texts.into_iter().rev().fold(None, |source, text| {
            Some(Cause {
                text,
                source: source.map(Box::new),
            })
        });
        chain.unwrap_or_default()
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

    /// Where parts of secrets begin and end, in order, without overlap.
    fn parts_in(&self, text: &str) -> Vec<(usize, usize)> {
        let parts = self.parts.get_or_init(|| {
            let mut parts = HashSet::new();
            for secret in self.secrets.iter().map(|secret| bare(secret)) {
                let windows = secret.expose().as_bytes().windows(TELLING);
                parts.extend(windows.map(|part| self.keys.hash_one(part)));
            }
            parts
        });
        let mut found: Vec<(usize, usize)> = Vec::new();
        if parts.is_empty() {
            return found;
        }
        let bare: Vec<(usize, u8)> = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_alphanumeric())
            .collect();
        for window in bare.windows(TELLING) {
            let mut part = [0; TELLING];
            for (to, (_, byte)) in part.iter_mut().zip(window) {
                *to = *byte;
            }
            if !parts.contains(&self.keys.hash_one(part.as_slice())) {
                continue;
            }
            let (from, to) = (window[0].0, window[TELLING - 1].0 + 1);
            match found.last_mut() {
                Some((_, end)) if from <= *end => *end = to,
                _ => found.push((from, to)),
            }
        }
        found
    }

    /// The start of a body that could not be understood.
    pub(crate) fn excerpt(&self, body: &[u8]) -> String {
        const SHOWN: usize = 160;
        let start = &body[..body.len().min(SHOWN * READ_AHEAD * 4)];
        let text = self.clean(&String::from_utf8_lossy(start), SHOWN);
        if text.is_empty() {
            "an empty body".to_owned()
        } else {
            let mut shown = format!("{text:?}");
            shorten(&mut shown, 4 * SHOWN);
            format!("a body that begins {shown}")
        }
    }
}

/// The letters and digits of a secret, without what every key has.
fn bare(secret: &Secret) -> Secret {
    let lines = secret.expose().split(['\n', '\r']).map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("-----"));
    // Room for all of it, so that no part is left behind in a smaller buffer.
    let mut bare = String::with_capacity(secret.expose().len());
    let characters = lines.flat_map(str::chars);
    bare.extend(characters.filter(char::is_ascii_alphanumeric));
    Secret::from(bare)
}

/// What went wrong below, in words. The error itself is not kept: it may show
/// what a stranger sent.
#[derive(Default)]
pub(crate) struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)?;
        match &self.source {
            Some(source) => write!(f, ", because {source:?}"),
            None => Ok(()),
        }
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

/// Neither a control character nor one that turns the direction of a line.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !c.is_whitespace()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

/// Leaves out what a terminal obeys instead of showing it.
#[must_use]
pub fn printable(text: &str) -> String {
    let obeyed = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    text.chars().filter(|c| !obeyed(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_one_short_line_without_secrets() {
        let token = Secret::from("sekret-token-value");
        let key = Secret::from(
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n",
        );
        let old =
            Secret::from("-----BEGIN PRIVATE KEY-----\rQm9ndXNLZXk\r-----END PRIVATE KEY-----");
        let sanitizer = Sanitizer::new([&token, &key, &old]);
        let long = "x".repeat(1000);
        let table = [
            ("plain", "plain"),
            ("a\r\nb\tc", "a b c"),
            ("nul\0 bell\u{7} turn\u{202e}ed", "nul bell turn ed"),
            ("Bearer sekret-token-value", "Bearer [secret]"),
            (
                "k: MIIEvQIBADANBg\\nkqhkiG9w0BAQEF",
                "k: [secret]\\n[secret]",
            ),
            // The same key with other line ends, and with its slashes escaped.
            ("k: MIIEvQIBA\r\nDANBgkqhki\nG9w0BAQEF!", "k: [secret]!"),
            ("k: MIIE\\/vQIBA", "k: [secret]"),
            // A part of it, and too little of it to tell.
            ("sekret-tok", "[secret]"),
            ("sekret", "sekret"),
            ("k: Qm9ndXNLZXk", "k: [secret]"),
            ("s e k r e t token v a l u e", "[secret]"),
            ("\u{1b}[31mred", "[31mred"),
            ("", ""),
            (&long, &format!("{}…", "x".repeat(40))),
        ];
        for (text, want) in table {
            assert_eq!(sanitizer.clean(text, 40), want, "{text:?}");
        }
    }

    #[test]
    fn hides_a_secret_that_stands_across_the_cut() {
        let secret = Secret::from("0123456789abcdef");
        let sanitizer = Sanitizer::new([&secret]);
        let shown = sanitizer.clean("...... 0123456789abcdef", 12);
        assert!(!shown.contains("0123"), "{shown}");
    }

    #[test]
    fn leaves_out_what_a_terminal_obeys() {
        let table = [
            ("api.example.com", "api.example.com"),
            ("a\u{1b}[31mb\r\n", "a[31mb"),
            ("a\u{202e}b\u{200b}", "ab"),
            ("bücher.example", "bücher.example"),
        ];
        for (text, want) in table {
            assert_eq!(printable(text), want, "{text:?}");
        }
    }
}
