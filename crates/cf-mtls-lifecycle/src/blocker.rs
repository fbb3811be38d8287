//! What blocks a release.
//!
//! Cloudflare does not document under which service a certificate's hostnames appear among its
//! associations. `API Shield` was seen; Gateway, Workers and Access, too, which are other uses. Any
//! other name needs evidence: if there are hostnames but no `API Shield`, and exactly one unknown
//! name with at most as many rows as there are zones with hostnames, it stands for them. Otherwise
//! it blocks the release, since detaching hostnames would switch off mTLS and not end that use.

use std::fmt;

use cf_mtls::{Association, Certificate, CertificateType, ErrorKind, Holder, ZoneHostnames};
use serde::{Deserialize, Serialize};

use crate::options::ReleaseOptions;
use crate::services::{Service, is_product, managed_type, service};
use crate::unread::UnreadableZone;
use crate::usage::Usage;

/// Why a certificate is not released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "blocker", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blocker {
    /// Another product manages the certificate, and it can only be deleted there. Made by
    /// [`managed`](Self::managed).
    #[non_exhaustive]
    Managed {
        /// Who manages it.
        certificate_type: CertificateType,
    },
    /// A Worker, a Hyperdrive configuration or Gateway holds it.
    Holder(Holder),
    /// A service uses it for other purposes than its hostnames, and no product shows where.
    Service(Association),
    /// A service uses it for more hostnames than were found. They are in zones that
    /// the credentials cannot see, or were changed just now.
    HiddenHostnames(Association),
    /// It has hostnames in a zone that was not given.
    OtherZone(ZoneHostnames),
    /// A zone cannot be read, and may have hostnames.
    UnreadableZone(UnreadableZone),
}

/// What blocks the release of a certificate, apart from its zones, and the services that
/// its hostnames appear as.
pub(crate) fn assess(usage: &Usage, options: &ReleaseOptions) -> (Vec<Blocker>, Vec<String>) {
    let mut blockers = Vec::new();
    let is_held = |row: &Association| {
        let mut products = usage.holders.iter().map(Holder::product);
        products.any(|product| is_product(&row.service, product))
    };
    if !options.holders_awaited {
        blockers.extend(usage.holders.iter().cloned().map(Blocker::Holder));
    }
    blockers.extend(Blocker::managed(&usage.certificate));
    let live = || usage.associations.iter().filter(|row| row.is_live());
    let of_kind = |kind: Service| -> Vec<String> {
        let rows = live().filter(|row| service(&row.service, &options.hostname_services) == kind);
        rows.map(|row| row.service.clone()).collect()
    };
    let mut hostname_services = of_kind(Service::Hostnames);
    if hostname_services.is_empty() {
        let unknown = of_kind(Service::Unknown);
        let is_one_name = unknown.windows(2).all(|pair| pair[0] == pair[1]);
        if is_one_name && unknown.len() <= usage.zones.len() {
            hostname_services = unknown;
        }
    }
    hostname_services.dedup();
    // There may be one row for each zone, or one for all: so fewer rows than zones are
    // fine, and more are not.
    let mut unexplained_zones = usage.zones.len();
    for row in live() {
        if !hostname_services.contains(&row.service) {
            if is_held(row) || options.holders_awaited {
                continue;
            }
            blockers.push(Blocker::Service(row.clone()));
        } else if unexplained_zones == 0 {
            blockers.push(Blocker::HiddenHostnames(row.clone()));
        } else {
            unexplained_zones -= 1;
        }
    }
    (blockers, hostname_services)
}

impl Blocker {
    /// That another product manages a certificate, which is therefore deleted there; its
    /// text says where. `None` if it can be deleted with this API.
    pub fn managed(certificate: &Certificate) -> Option<Self> {
        let certificate_type = managed_type(certificate)?;
        Some(Self::Managed { certificate_type })
    }

    /// What a caller can do next about the most severe blocker: what is about the
    /// certificate itself comes first.
    pub(crate) fn most_severe(blockers: &[Self]) -> Option<ErrorKind> {
        blockers.iter().map(Self::kind).min_by_key(|kind| match kind {
            ErrorKind::InvalidInput => 0,
            ErrorKind::InUse => 1,
            _ => 2,
        })
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Managed { .. } => ErrorKind::InvalidInput,
            Self::UnreadableZone(zone) => match zone.error.kind() {
                // The credentials were good enough to list the zone.
                ErrorKind::Authentication => ErrorKind::Permission,
                kind => kind,
            },
            _ => ErrorKind::InUse,
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
            Self::Service(row) => write!(f, "{row} uses it apart from hostnames: remove it there"),
            Self::HiddenHostnames(row) => write!(
                f,
                "{row} uses it for hostnames that no zone shows: they are in a zone that the \
                 credentials cannot see, or were changed just now"
            ),
            Self::OtherZone(zone) => write!(f, "it has {zone}, which was not given"),
            Self::UnreadableZone(zone) => write!(f, "{zone}; it may have hostnames"),
        }
    }
}
