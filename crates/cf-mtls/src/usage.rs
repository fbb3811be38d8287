//! Who uses a certificate.

use std::fmt;
use std::future::ready;

use cf_mtls_api::{CertificateId, ZoneId};
use futures_util::StreamExt as _;
use serde::Serialize;

use crate::association::{Association, AssociationStatus};
use crate::certificate::Certificate;
use crate::certificates::Certificates;
use crate::error::{Error, ErrorKind};
use crate::hostnames::ClientCa;
use crate::operation::Operation;
use crate::outcomes::Outcomes;
use crate::printable::printable;
use crate::zones::{self, Zone, ZoneFilter};

/// Hostnames of a zone that are tied to a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ZoneHostnames {
    /// The zone.
    pub zone_id: ZoneId,
    /// The zone's domain name, where the service tells it.
    pub zone_name: Option<String>,
    /// The hostnames, as the service writes them.
    pub hostnames: Vec<String>,
}

/// A zone of which it is not known whether it holds hostnames of a certificate.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct UnreadableZone {
    /// The zone.
    pub zone: Zone,
    /// Why it could not be read.
    pub error: Error,
}

/// What was found out about one zone.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ZoneUse {
    /// The certificate has hostnames there.
    Used(ZoneHostnames),
    /// It may have hostnames there, or not.
    Unknown(UnreadableZone),
}

/// Who uses a certificate, as [`Certificates::usage`] found it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Usage {
    /// The certificate.
    pub certificate: Certificate,
    /// The services that use it. Hostnames appear among them too.
    pub associations: Vec<Association>,
    /// The zones with hostnames of it, by name; always empty for a leaf.
    pub zones: Vec<ZoneHostnames>,
    /// The zones that could not be read, by name.
    pub unreadable: Vec<UnreadableZone>,
}

impl Usage {
    /// Whether it is certain that nothing uses it.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.associations.iter().all(Association::has_ended)
            && self.zones.is_empty()
            && self.unreadable.is_empty()
    }
}

impl Association {
    /// Whether it is history, and keeps nothing from being deleted.
    pub(crate) fn has_ended(&self) -> bool {
        self.status == AssociationStatus::Deleted
    }

    /// Whether it ends, or has ended, without anybody doing anything.
    pub(crate) fn is_leaving(&self) -> bool {
        self.has_ended() || self.status == AssociationStatus::PendingDeletion
    }
}

pub(crate) async fn usage(certificates: &Certificates, id: &CertificateId) -> Result<Usage, Error> {
    let patient = certificates.patient();
    let certificate = patient.get(id).await?;
    let associations = patient.associations(id).await?;
    let mut usage = Usage {
        certificate,
        associations,
        zones: Vec::new(),
        unreadable: Vec::new(),
    };
    if usage.certificate.is_ca() == Some(false) {
        return Ok(usage); // only a CA can have hostnames
    }
    let mut zones = zones_using(certificates, id);
    while let Some(zone) = zones.next().await {
        match zone? {
            ZoneUse::Used(zone) => usage.zones.push(zone),
            ZoneUse::Unknown(zone) => usage.unreadable.push(zone),
        }
    }
    // Pages that move while they are read show a zone twice.
    usage.zones.sort_by(|a, b| a.key().cmp(&b.key()));
    usage.zones.dedup_by(|a, b| a.zone_id == b.zone_id);
    let key = |zone: &Zone| (zone.name.clone(), zone.id.clone());
    usage
        .unreadable
        .sort_by_key(|unreadable| key(&unreadable.zone));
    Ok(usage)
}

pub(crate) fn zones_using(
    certificates: &Certificates,
    id: &CertificateId,
) -> Outcomes<Result<ZoneUse, Error>> {
    let (this, ca) = (certificates.patient(), ClientCa::from(id));
    let filter = ZoneFilter::all().account(this.account());
    let zones = zones::list(this.client().clone(), filter, this.limits().clone());
    let most = this.limits().concurrency;
    let looks = zones.map(move |zone| {
        let (this, ca) = (this.clone(), ca.clone());
        async move {
            match zone {
                Ok(zone) => look(&this, zone, &ca).await.map(Ok),
                Err(error) => Some(Err(error)),
            }
        }
    });
    // Zones without hostnames are dropped here, so that nothing piles up.
    Outcomes::new(looks.buffer_unordered(most).filter_map(ready))
}

/// What a zone has of a CA; `None` where that is nothing for certain.
async fn look(certificates: &Certificates, zone: Zone, ca: &ClientCa) -> Option<ZoneUse> {
    let Some(zone_id) = zone.id.clone() else {
        let error = Error::new(ErrorKind::InvalidResponse)
            .with_detail("the service lists a zone without its id")
            .of(Operation::ListZones, &certificates.subject(None));
        return Some(ZoneUse::Unknown(UnreadableZone { zone, error }));
    };
    match certificates.hostnames(&zone_id).list(ca).await {
        Ok(hostnames) if hostnames.is_empty() => None,
        Ok(hostnames) => Some(ZoneUse::Used(ZoneHostnames {
            zone_id,
            zone_name: zone.name,
            hostnames,
        })),
        Err(error) => Some(ZoneUse::Unknown(UnreadableZone { zone, error })),
    }
}

impl ZoneHostnames {
    fn key(&self) -> (Option<&str>, &ZoneId) {
        (self.zone_name.as_deref(), &self.zone_id)
    }
}

impl fmt::Display for ZoneHostnames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone_name.as_deref();
        let zone = printable(zone.unwrap_or(self.zone_id.as_str()));
        write!(
            f,
            "{} in zone {zone}",
            printable(&self.hostnames.join(", "))
        )
    }
}

impl fmt::Display for UnreadableZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.zone.id.as_ref().map(ZoneId::as_str);
        let name = self.zone.name.as_deref().or(id).unwrap_or("without a name");
        let kind = self.error.kind();
        write!(f, "zone {} could not be read: {kind}", printable(name))
    }
}
