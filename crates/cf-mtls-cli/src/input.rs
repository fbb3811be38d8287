//! Reads files and standard input, which may hold secrets.

use std::fs::File;
use std::io::{self, Read};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::report::failure::Failure;

/// A larger input is no PEM and no list of ids that can be worked on.
const MAX_SIZE: u64 = 4 << 20;

/// The content of an input. It is wiped from memory when it is dropped.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The name of an input, for messages.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Whether other users can read a file.
pub(crate) fn is_shared(path: &Path) -> bool {
    #[cfg(unix)]
    let mode = std::fs::metadata(path).map(|file| (file.is_file(), file.permissions().mode()));
    #[cfg(not(unix))]
    let mode = path.metadata().map(|file| (file.is_file(), 0_u32));
    mode.is_ok_and(|(is_file, mode)| is_file && mode & 0o004 != 0)
}

/// Reads a file, or standard input for `-`. Text in UTF-16, as PowerShell writes
/// it, becomes UTF-8, and loses its byte order mark.
pub(crate) fn read(path: &Path) -> Result<Bytes, Failure> {
    let mut bytes = Bytes::default();
    let size = match is_stdin(path) {
        true => read_all(io::stdin().lock(), &mut bytes),
        false => File::open(path).and_then(|file| read_all(file, &mut bytes)),
    };
    let problem = match size {
        Ok(size) if MAX_SIZE < size as u64 => "is too large".to_owned(),
        Ok(_) => return Ok(utf8(&bytes).map_or(bytes, |text| text.into_bytes().into())),
        Err(error) => format!("cannot be read: {error}"),
    };
    let name = name(path);
    Err(Failure::invalid_input(format!("{name} {problem}")))
}

/// The text of an input.
pub(crate) fn text<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a str, Failure> {
    let text = std::str::from_utf8(bytes);
    text.map_err(|_| Failure::invalid_input(format!("{} is not text", name(path))))
}

/// A text without what is pasted along with it.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

fn read_all(source: impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    source.take(MAX_SIZE + 1).read_to_end(bytes)
}

/// UTF-16, or UTF-8 with a byte order mark, as UTF-8 without one.
fn utf8(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).collect::<Result<_, _>>().ok()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // Without a mark, but with a letter.
        [b' '..=b'~', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b' '..=b'~', ..] => utf16(bytes, u16::from_be_bytes),
        _ => None,
    }
}
