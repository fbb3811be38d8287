//! The spellings of a hostname.

use std::collections::HashSet;

use super::Hostnames;
use crate::error::Error;
use crate::text::printable;

/// The longest hostname of DNS, in its ASCII form.
const MAX_LENGTH: usize = 253;

impl Hostnames {
    /// The spelling in which this handle sends a hostname: in lower case, and
    /// without a final dot. Letters beyond ASCII stay.
    ///
    /// ```
    /// # fn main() -> Result<(), cf_mtls::Error> {
    /// let host = cf_mtls::Hostnames::normalize("API.Example.com.")?;
    /// assert_eq!(host, "api.example.com");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if it is not a
    /// hostname. The service checks the rest, such as whether it is in the zone.
    pub fn normalize(host: &str) -> Result<String, Error> {
        let lower = without_root(host).to_lowercase();
        let is_valid = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '*');
        let mut labels = lower.split('.');
        let is_hostname = labels.all(|label| !label.is_empty() && label.chars().all(is_valid))
            && idna::domain_to_ascii(&lower).is_ok_and(|ascii| ascii.len() <= MAX_LENGTH);
        if !is_hostname {
            let shown: String = printable(host).chars().take(60).collect();
            return Err(Error::invalid_input(format!(
                "{shown:?} is not a hostname; expected one like api.example.com, without scheme, port and path"
            )));
        }
        Ok(lower)
    }

    /// Whether two spellings are of one hostname: capitals, a final dot, and
    /// Unicode or Punycode (`xn--`) make no difference.
    ///
    /// ```
    /// use cf_mtls::Hostnames;
    ///
    /// assert!(Hostnames::is_same("Bücher.example.", "xn--bcher-kva.example"));
    /// ```
    #[must_use]
    pub fn is_same(a: &str, b: &str) -> bool {
        a == b || to_ascii(a) == to_ascii(b)
    }
}

/// The form in which hostnames are compared, for any text of the service.
pub(super) fn to_ascii(host: &str) -> String {
    let host = without_root(host);
    idna::domain_to_ascii(host).unwrap_or_else(|_| host.to_lowercase())
}

pub(super) fn ascii_set(hosts: &[String]) -> HashSet<String> {
    hosts.iter().map(|host| to_ascii(host)).collect()
}

fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Each hostname once, as it is sent, in the order given.
pub(super) fn normalize_all<H: AsRef<str>>(
    hosts: impl IntoIterator<Item = H>,
) -> Result<Vec<String>, Error> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for host in hosts {
        let host = Hostnames::normalize(host.as_ref())?;
        if seen.insert(to_ascii(&host)) {
            all.push(host);
        }
    }
    Ok(all)
}
