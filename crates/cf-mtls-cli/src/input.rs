//! Reads files and standard input, which may hold secrets.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use cf_mtls::Secret;

use crate::report::failure::Failure;

/// A larger input is no PEM and no list of ids that can be worked on.
const MAX_SIZE: u64 = 4 << 20;

pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The name of an input, for messages.
pub(crate) fn name(path: &Path) -> String {
    match is_stdin(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// Reads text from a file, or from standard input for `-`. It is wiped from memory
/// when it is dropped.
pub(crate) fn read(path: &Path) -> Result<Secret, Failure> {
    let name = name(path);
    let mut text = String::new();
    let size = match is_stdin(path) {
        true => read_all(io::stdin().lock(), &mut text),
        false => File::open(path).and_then(|file| read_all(file, &mut text)),
    };
    let text = Secret::from(text);
    match size {
        Ok(size) if MAX_SIZE < size as u64 => {
            let message = format!("{name} is too large");
            Err(Failure::invalid_input(message))
        }
        Ok(_) => Ok(text),
        Err(error) => {
            let message = format!("{name} cannot be read: {error}");
            Err(Failure::invalid_input(message))
        }
    }
}

fn read_all(source: impl Read, text: &mut String) -> io::Result<usize> {
    source.take(MAX_SIZE + 1).read_to_string(text)
}
