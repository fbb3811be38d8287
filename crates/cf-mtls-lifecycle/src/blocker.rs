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
use serde::{Deserialize, Serialize};

use crate::holder::Holder;
use crate::services::{Service, service};
use crate::usage::UnreadableZone;
use crate::zone_hostnames::ZoneHostnames;

/// Why a certificate is not released.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "blocker", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blocker {
    /// Another product manages the certificate, and it can only be deleted there.
    Managed {
        /// Who manages it.
        certificate_type: CertificateType,
    },
    /// A Worker, a Hyperdrive configuration or Gateway holds it.
    Holder(Holder),
    /// A service uses it for other purposes than its hostnames, and no product shows
    /// where.
    Service(Association),
    /// A service uses it for more hostnames than were found. They are in zones that
    /// the credentials cannot see, or were detached just now.
    HiddenHostnames(Association),
    /// It has hostnames in a zone that was not given.
    OtherZone(ZoneHostnames),
    /// A zone cannot be read, and may have hostnames.
    UnreadableZone(UnreadableZone),
}

/// What is known about the uses of a certificate.
pub(crate) struct Facts<'a> {
    pub(crate) certificate_type: Option<CertificateType>,
    pub(crate) associations: &'a [Association],
    pub(crate) holders: &'a [Holder],
    /// Whether the job waits until holders and services have ended their use.
    pub(crate) holders_awaited: bool,
    /// The number of zones with hostnames of it.
    pub(crate) zones: usize,
    /// Services that stand for hostnames, according to the caller.
    pub(crate) hostname_services: &'a [String],
}

#[derive(Debug)]
pub(crate) struct Assessment {
    pub(crate) blockers: Vec<Blocker>,
    /// Services that stand for hostnames.
    pub(crate) hostname_services: Vec<String>,
}

pub(crate) fn assess(facts: &Facts<'_>) -> Assessment {
    let mut blockers = Vec::new();
    let is_held = |row: &Association| {
        let mut products = facts.holders.iter().map(Holder::product);
        products.any(|product| product.is_service(&row.service))
    };
    if !facts.holders_awaited {
        blockers.extend(facts.holders.iter().cloned().map(Blocker::Holder));
    }
    match &facts.certificate_type {
        // Older responses have no type, and no managed certificates.
        None | Some(CertificateType::Custom) => {}
        Some(managed) => blockers.push(Blocker::Managed { certificate_type: managed.clone() }),
    }
    let live = || facts.associations.iter().filter(|row| row.is_live());
    let of_kind = |kind: Service| -> Vec<String> {
        let rows = live().filter(|row| service(&row.service, facts.hostname_services) == kind);
        rows.map(|row| row.service.clone()).collect()
    };
    let mut hostname_services = of_kind(Service::Hostnames);
    if hostname_services.is_empty() {
        let unknown = of_kind(Service::Unknown);
        let is_one_name = unknown.windows(2).all(|pair| pair[0] == pair[1]);
        if is_one_name && unknown.len() <= facts.zones {
            hostname_services = unknown;
        }
    }
    hostname_services.dedup();
    // There may be one row for each zone, or one for all: so fewer rows than zones are
    // fine, and more are not.
    let mut unexplained_zones = facts.zones;
    for row in live() {
        if !hostname_services.contains(&row.service) {
            if is_held(row) || facts.holders_awaited {
                continue;
            }
            blockers.push(Blocker::Service(row.clone()));
        } else if unexplained_zones == 0 {
            blockers.push(Blocker::HiddenHostnames(row.clone()));
        } else {
            unexplained_zones -= 1;
        }
    }
    Assessment { blockers, hostname_services }
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
            Self::Holder(_) | Self::Service(_) | Self::HiddenHostnames(_) | Self::OtherZone(_) => {
                ErrorKind::InUse
            }
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
                let place = match certificate_type {
                    CertificateType::GatewayManaged => {
                        "Gateway: deactivate and delete it in Zero Trust"
                    }
                    CertificateType::AccessManaged => {
                        "Access: delete the short-lived CA that it belongs to"
                    }
                    _ => "another product: delete it there",
                };
                write!(f, "it is of type {certificate_type} and belongs to {place}")
            }
            Self::Holder(holder) => write!(f, "{holder} holds it: {}", holder.advice()),
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
