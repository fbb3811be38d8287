//! What blocks a release.
//!
//! A certificate's hostnames appear among its associations under the name of a
//! service that Cloudflare does not document. `API Shield` has been seen. Gateway,
//! Workers and Access have been seen, too, and are uses that do not end with the
//! hostnames. Any other name needs evidence: if there are hostnames but no
//! `API Shield`, and exactly one unknown name with at most as many rows as there are
//! zones with hostnames, it stands for them. Otherwise an unknown name blocks the
//! release, since detaching hostnames would switch off mTLS and not end that use.

use std::fmt;

use cf_mtls::{Association, CertificateType, ErrorKind};
use serde::Serialize;

use crate::usage::UnreadableZone;
use crate::zone_hostnames::ZoneHostnames;

/// Why a certificate is not released.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "blocker", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blocker {
    /// Cloudflare manages the certificate, and deletes it.
    Managed {
        /// Who manages it.
        certificate_type: CertificateType,
    },
    /// A service uses it for other purposes than its hostnames.
    Service(Association),
    /// A service uses it for more hostnames than were found. They are in zones that
    /// the credentials cannot see, or were detached just now.
    HiddenHostnames(Association),
    /// It has hostnames in a zone that was not given.
    OtherZone(ZoneHostnames),
    /// A zone cannot be read, and may have hostnames.
    UnreadableZone(UnreadableZone),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Hostnames,
    Other,
    Unknown,
}

/// The blockers, and the services that stand for hostnames, of which there are some in
/// so many `zones`. The caller knows some of these services.
pub(crate) fn assess(
    certificate_type: Option<CertificateType>,
    associations: &[Association],
    zones: usize,
    known_services: &[String],
) -> (Vec<Blocker>, Vec<String>) {
    let mut blockers = Vec::new();
    // Older responses have no type, and no managed certificates.
    if let Some(certificate_type) = certificate_type.filter(|kind| *kind != CertificateType::Custom)
    {
        blockers.push(Blocker::Managed { certificate_type });
    }
    let live = || associations.iter().filter(|row| row.is_live());
    let of_kind = |kind: Service| -> Vec<String> {
        let rows = live().filter(|row| service(&row.service, known_services) == kind);
        rows.map(|row| row.service.clone()).collect()
    };
    let mut hostname_services = of_kind(Service::Hostnames);
    if hostname_services.is_empty() {
        let unknown = of_kind(Service::Unknown);
        let is_one_name = unknown.windows(2).all(|pair| pair[0] == pair[1]);
        if is_one_name && unknown.len() <= zones {
            hostname_services = unknown;
        }
    }
    hostname_services.dedup();
    // There may be one row for each zone, or one for all: so fewer rows than zones are
    // fine, and more are not.
    let mut unexplained_zones = zones;
    for row in live() {
        if !hostname_services.contains(&row.service) {
            blockers.push(Blocker::Service(row.clone()));
        } else if unexplained_zones == 0 {
            blockers.push(Blocker::HiddenHostnames(row.clone()));
        } else {
            unexplained_zones -= 1;
        }
    }
    (blockers, hostname_services)
}

/// Whether a use may end when hostnames are detached.
pub(crate) fn may_be_hostnames(name: &str, hostname_services: &[String]) -> bool {
    service(name, hostname_services) != Service::Other
}

fn service(name: &str, hostname_services: &[String]) -> Service {
    // Names vary in case and separators.
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let name = plain(name);
    let is_other = |other: &str| name.contains(other);
    if name == "apishield" || hostname_services.iter().any(|known| plain(known) == name) {
        Service::Hostnames
    } else if ["gateway", "worker", "access"].into_iter().any(is_other) {
        Service::Other
    } else {
        Service::Unknown
    }
}

impl Blocker {
    /// What a caller can do next about the most severe blocker: what is about the
    /// certificate itself comes first.
    pub(crate) fn most_severe(blockers: &[Self]) -> Option<ErrorKind> {
        let kinds = || blockers.iter().map(Self::kind);
        let mut severe = [ErrorKind::InvalidInput, ErrorKind::InUse].into_iter();
        let severe = severe.find(|kind| kinds().any(|other| other == *kind));
        severe.or_else(|| kinds().next())
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Managed { .. } => ErrorKind::InvalidInput,
            Self::Service(_) | Self::HiddenHostnames(_) | Self::OtherZone(_) => ErrorKind::InUse,
            Self::UnreadableZone(zone) => match zone.error.kind() {
                // The credentials were good enough to list the zone.
                ErrorKind::Authentication => ErrorKind::Permission,
                kind => kind,
            },
        }
    }

    pub(crate) fn association(&self) -> Option<&Association> {
        match self {
            Self::Service(row) | Self::HiddenHostnames(row) => Some(row),
            _ => None,
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Managed { certificate_type } => {
                write!(
                    f,
                    "Cloudflare manages it ({certificate_type}), and deletes it"
                )
            }
            Self::Service(row) => write!(
                f,
                "{row} uses it for other purposes than its hostnames: remove it there first"
            ),
            Self::HiddenHostnames(row) => write!(
                f,
                "{row} uses it for hostnames that no zone shows: they are in a zone that the \
                 credentials cannot see, or were detached just now"
            ),
            Self::OtherZone(zone) => write!(f, "it has {zone}, which was not given"),
            Self::UnreadableZone(zone) => write!(f, "{zone}; it may have hostnames"),
        }
    }
}
