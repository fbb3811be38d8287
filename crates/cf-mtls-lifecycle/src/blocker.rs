//! What stands in the way of a release, by what is known before it.
//!
//! Hostnames appear among a certificate's associations under the name of a
//! service, and which name that is the service documents nowhere. `API Shield`
//! has been seen. Gateway, Workers and Access have been seen too, and are other
//! uses, which no change of hostnames ends. Any other name is judged by
//! evidence: hostnames have to appear under some name, so where there are
//! hostnames but no `API Shield`, and exactly one name that is not known, with
//! not more rows than there are zones with hostnames, then it stands for the
//! hostnames. In all other cases a name that is not known stops a release,
//! because to detach hostnames for nothing would switch mTLS off for nothing.

use std::fmt;

use cf_mtls::{Association, CertificateType, ErrorKind};
use serde::Serialize;

use crate::usage::UnreadableZone;
use crate::zone_hostnames::ZoneHostnames;

/// Why a certificate is not released. Nothing was changed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "blocker", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blocker {
    /// Cloudflare manages the certificate, so it is not the account's to delete.
    Managed {
        /// Who manages it.
        certificate_type: CertificateType,
    },
    /// A service that uses it in another way than by hostnames.
    Service(Association),
    /// A service that uses it by hostnames, more of which than were found. They
    /// are in zones that the credentials cannot see; or were detached just now,
    /// and the service has not noticed.
    HiddenHostnames(Association),
    /// It has hostnames in a zone that is not among those to release it in.
    OtherZone(ZoneHostnames),
    /// A zone that could not be read, and may hold hostnames.
    UnreadableZone(UnreadableZone),
}

/// What is known of a certificate's uses.
pub(crate) struct Facts<'a> {
    pub(crate) certificate_type: Option<CertificateType>,
    pub(crate) associations: &'a [Association],
    /// How many zones have hostnames of it, as far as they could be read.
    pub(crate) zones: usize,
    /// Services that use it by hostnames, as the caller knows.
    pub(crate) told: &'a [String],
}

/// The services of [`Facts`], judged.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) blockers: Vec<Blocker>,
    /// The names that stand for hostnames.
    pub(crate) by_hostnames: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Hostnames,
    Other,
    Unknown,
}

pub(crate) fn judge(facts: &Facts<'_>) -> Judged {
    let mut blockers = Vec::new();
    match &facts.certificate_type {
        // The type came late to the service; where there is none, nothing is
        // known against it.
        None | Some(CertificateType::Custom) => {}
        Some(managed) => blockers.push(Blocker::Managed {
            certificate_type: managed.clone(),
        }),
    }
    // What leaves by itself is in nobody's way.
    let live = || facts.associations.iter().filter(|row| row.is_live());
    let mut by_hostnames: Vec<String> = Vec::new();
    let mut unknown: Vec<&str> = Vec::new();
    for row in live() {
        match service(&row.service, facts.told) {
            Service::Hostnames => by_hostnames.push(row.service.clone()),
            Service::Unknown => unknown.push(&row.service),
            Service::Other => {}
        }
    }
    let one_name = unknown.windows(2).all(|pair| pair[0] == pair[1]);
    if by_hostnames.is_empty() && one_name && unknown.len() <= facts.zones {
        by_hostnames.extend(unknown.iter().map(|name| (*name).to_owned()));
    }
    // Maybe there is one row for each zone, maybe one for all: so fewer than
    // zones explain nothing, but more do.
    let mut explained = facts.zones;
    for row in live() {
        if !by_hostnames.contains(&row.service) {
            blockers.push(Blocker::Service(row.clone()));
        } else if explained == 0 {
            blockers.push(Blocker::HiddenHostnames(row.clone()));
        } else {
            explained -= 1;
        }
    }
    by_hostnames.sort();
    by_hostnames.dedup();
    Judged {
        blockers,
        by_hostnames,
    }
}

/// Whether a use ends when hostnames are detached.
pub(crate) fn may_be_hostnames(name: &str, told: &[String]) -> bool {
    service(name, told) != Service::Other
}

fn service(name: &str, told: &[String]) -> Service {
    // Written in all cases, and with all kinds of gaps.
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let name = plain(name);
    if name == "apishield" || told.iter().any(|told| plain(told) == name) {
        Service::Hostnames
    } else if ["gateway", "worker", "access"]
        .iter()
        .any(|other| name.contains(other))
    {
        Service::Other
    } else {
        Service::Unknown
    }
}

impl Blocker {
    /// What a caller can do next.
    pub(crate) fn kind(&self) -> ErrorKind {
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
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Managed { certificate_type } => write!(
                f,
                "Cloudflare manages it ({certificate_type}), and deletes it itself"
            ),
            Self::Service(row) => write!(
                f,
                "{row} uses it in another way than by hostnames: take it out there first"
            ),
            Self::HiddenHostnames(row) => write!(
                f,
                "{row} uses it by hostnames that no zone shows: they are in a zone that the \
                 credentials cannot see, or were detached just now"
            ),
            Self::OtherZone(zone) => write!(f, "it has {zone}, which is not to be changed"),
            Self::UnreadableZone(zone) => write!(f, "{zone}; it may hold hostnames"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `service status` of each association, with commas between.
    fn rows(text: &str) -> Vec<Association> {
        let rows = text.split(", ").filter(|row| !row.is_empty());
        rows.map(|row| {
            let (service, status) = row.rsplit_once(' ').unwrap();
            let json = serde_json::json!({ "service": service, "status": status });
            serde_json::from_value(json).unwrap()
        })
        .collect()
    }

    #[test]
    fn services_are_judged_by_name_and_by_evidence() {
        // (associations, zones with hostnames, how many services and how many
        // hidden hostnames stand in the way)
        let table = [
            ("", 0, (0, 0)),
            ("", 2, (0, 0)),
            ("API Shield active", 1, (0, 0)),
            ("api_shield active", 1, (0, 0)),
            ("API Shield active", 3, (0, 0)),
            (
                "API Shield active, API Shield pending_deployment",
                2,
                (0, 0),
            ),
            ("API Shield active, API Shield active", 1, (0, 1)),
            ("API Shield active", 0, (0, 1)),
            ("API Shield deletion_timed_out", 0, (0, 1)),
            ("API Shield pending_deletion", 0, (0, 0)),
            ("API Shield active, API Shield pending_deletion", 1, (0, 0)),
            ("API Shield deleted", 0, (0, 0)),
            ("gateway active", 0, (1, 0)),
            ("gateway active", 1, (1, 0)),
            ("Workers active, API Shield active", 1, (1, 0)),
            ("gateway pending_deletion", 0, (0, 0)),
            ("gateway deleted", 0, (0, 0)),
            ("gateway initializing", 0, (1, 0)),
            ("gateway strange", 0, (1, 0)),
            // Names that are not known.
            ("client certificates active", 1, (0, 0)),
            ("client certificates active", 0, (1, 0)),
            (
                "client certificates active, client certificates active",
                1,
                (2, 0),
            ),
            ("client certificates active, email active", 2, (2, 0)),
            ("client certificates active, API Shield active", 1, (1, 0)),
            ("client certificates active, gateway active", 1, (1, 0)),
            (" active", 0, (1, 0)),
        ];
        for (associations, zones, want) in table {
            let judged = judge(&Facts {
                certificate_type: Some(CertificateType::Custom),
                associations: &rows(associations),
                zones,
                told: &[],
            });
            let count = |hidden: bool| {
                let wanted = |blocker: &&Blocker| match blocker {
                    Blocker::Service(_) => !hidden,
                    Blocker::HiddenHostnames(_) => hidden,
                    other => panic!("{other}"),
                };
                judged.blockers.iter().filter(wanted).count()
            };
            assert_eq!(
                (count(false), count(true)),
                want,
                "{associations:?} {zones}"
            );
        }
    }

    #[test]
    fn the_caller_may_know_a_service() {
        let associations = rows("mTLS for APIs active");
        for (told, blocked) in [(&[][..], true), (&["mtls for apis".to_owned()], false)] {
            let judged = judge(&Facts {
                certificate_type: None,
                associations: &[associations.clone(), rows("API Shield active")].concat(),
                zones: 2,
                told,
            });
            assert_eq!(!judged.blockers.is_empty(), blocked);
        }
    }

    #[test]
    fn what_cloudflare_manages_stays() {
        for (kind, blocked) in [("custom", false), ("gateway_managed", true), ("new", true)] {
            let judged = judge(&Facts {
                certificate_type: Some(kind.parse().unwrap()),
                associations: &[],
                zones: 0,
                told: &[],
            });
            assert_eq!(judged.blockers.len(), usize::from(blocked), "{kind}");
        }
    }
}
