//! Reads the folder: the CAs that the account should have, and their hostnames.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use cf_mtls::{Error, ErrorKind, Hostname, Upload, ZoneId};

/// A CA of the folder.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The CA.
    pub upload: Upload,
    /// All its hostnames in these zones. Other zones are left as they are.
    pub hostnames: BTreeMap<ZoneId, Vec<Hostname>>,
}

/// Reads each CA of a folder, by its name: `<name>.pem`, and `<name>.hostnames` if it is
/// there.
///
/// # Errors
///
/// If the folder cannot be read. A file that cannot be used is the error of its CA.
pub fn read(folder: &Path) -> Result<BTreeMap<String, Result<Wanted, Error>>, Error> {
    let mut cas = BTreeMap::new();
    for entry in folder.read_dir().map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "pem")
            && let Some(name) = path.file_stem()
        {
            cas.insert(name.to_string_lossy().into_owned(), read_ca(&path));
        }
    }
    Ok(cas)
}

fn read_ca(pem: &Path) -> Result<Wanted, Error> {
    let upload = Upload::ca(std::fs::read(pem).map_err(|error| unreadable(pem, error))?)?;
    let path = pem.with_extension("hostnames");
    let hostnames = match std::fs::read_to_string(&path) {
        Ok(text) => parse_hostnames(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(unreadable(&path, error)),
    };
    Ok(Wanted { upload, hostnames })
}

/// One zone a line: its id, then its hostnames. A zone without any is to have none. A `#`
/// begins a comment.
fn parse_hostnames(text: &str) -> Result<BTreeMap<ZoneId, Vec<Hostname>>, Error> {
    let mut zones = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split_once('#').map_or(line, |(before, _)| before);
        let in_line = |error: Error| error.with_detail(format!("in line {number} of hostnames"));
        let mut words = line.split_whitespace();
        if let Some(zone) = words.next() {
            let zone = zone.parse().map_err(|error| in_line(Error::from(error)))?;
            let hostnames: &mut Vec<Hostname> = zones.entry(zone).or_default();
            for word in words {
                hostnames.push(word.parse().map_err(|error| in_line(Error::from(error)))?);
            }
        }
    }
    Ok(zones)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let detail = format!("{} cannot be read: {error}", path.display());
    Error::new(ErrorKind::InvalidInput).with_detail(detail).with_source(error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_a_zone_and_its_hostnames() {
        let table = [
            ("", json!({})),
            ("# none yet\n\n", json!({})),
            ("a1 # none left", json!({ "a1": [] })),
            (
                "a1 a.example.com b.example.com\nb2 example.org\na1 c.example.com",
                json!({
                    "a1": ["a.example.com", "b.example.com", "c.example.com"],
                    "b2": ["example.org"],
                }),
            ),
        ];
        for (text, want) in table {
            assert_eq!(json!(parse_hostnames(text).unwrap()), want, "{text}");
        }
    }

    #[test]
    fn an_error_names_the_line() {
        for text in ["\nexample.com api.example.com", "#\n023e105f a..b"] {
            let error = parse_hostnames(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("in line 2"), "{error}");
        }
    }
}
