//! What uses a certificate.

use std::fmt;
use std::future::ready;

use cf_mtls::text::printable;
use cf_mtls::{
    Association, Certificate, CertificateId, Certificates, ClientCa, ErrorKind, Zone, ZoneFilter,
    ZoneId,
};
use futures_util::StreamExt as _;
use serde::Serialize;

use crate::error::Error;
use crate::many::{Outcomes, patient};
use crate::zone_hostnames::ZoneHostnames;

/// A zone that cannot be read, and may have hostnames of a certificate.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct UnreadableZone {
    /// The zone.
    pub zone: Zone,
    /// Why it cannot be read.
    pub error: Error,
}

/// What is known about one zone.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ZoneUse {
    /// The certificate has hostnames in it.
    Used(ZoneHostnames),
    /// The certificate may have hostnames in it.
    Unknown(UnreadableZone),
}

/// What uses a certificate, as
/// [`CertificatesExt::usage`](crate::CertificatesExt::usage) found it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Usage {
    /// The certificate.
    pub certificate: Certificate,
    /// The services that use it; its hostnames appear among them, too.
    pub associations: Vec<Association>,
    /// The zones with hostnames of it, by name; empty for a leaf.
    pub zones: Vec<ZoneHostnames>,
    /// The zones that cannot be read, by name.
    pub unreadable: Vec<UnreadableZone>,
}

impl Usage {
    /// Whether nothing uses it, for certain.
    pub fn is_unused(&self) -> bool {
        self.associations.iter().all(Association::has_ended)
            && self.zones.is_empty()
            && self.unreadable.is_empty()
    }
}

pub(crate) async fn usage(certificates: &Certificates, id: &CertificateId) -> Result<Usage, Error> {
    let patient = patient(certificates);
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
    // Pages that shift while they are read show a zone twice.
    let by_name = |a: &ZoneHostnames| (a.zone_name.clone(), a.zone_id.clone());
    usage.zones.sort_by_key(by_name);
    usage.zones.dedup_by(|a, b| a.zone_id == b.zone_id);
    let by_name = |a: &UnreadableZone| (a.zone.name.clone(), a.zone.id.clone());
    usage.unreadable.sort_by_key(by_name);
    Ok(usage)
}

pub(crate) fn zones_using(
    certificates: &Certificates,
    id: &CertificateId,
) -> Outcomes<Result<ZoneUse, Error>> {
    let (this, ca) = (patient(certificates), ClientCa::from(id));
    let filter = ZoneFilter::all().account(this.account_id());
    let (zones, max) = (this.client().zones(filter), this.concurrency());
    let looks = zones.map(move |zone| {
        let (this, ca) = (this.clone(), ca.clone());
        async move {
            match zone {
                Ok(zone) => look(&this, zone, &ca).await.map(Ok),
                Err(error) => Some(Err(error.into())),
            }
        }
    });
    // Zones without hostnames are dropped, so that nothing piles up.
    Outcomes::new(looks.buffer_unordered(max).filter_map(ready))
}

/// The hostnames of a CA in a zone; `None` if there are none for certain.
pub(crate) async fn look(
    certificates: &Certificates,
    zone: Zone,
    ca: &ClientCa,
) -> Option<ZoneUse> {
    let Some(zone_id) = zone.id.clone() else {
        let detail = "the zone is listed without its id";
        let error = Error::new(ErrorKind::InvalidResponse, detail);
        return Some(ZoneUse::Unknown(UnreadableZone { zone, error }));
    };
    let zone_name = zone.name.clone();
    Some(match certificates.hostnames(&zone_id).list(ca).await {
        Ok(hostnames) if hostnames.is_empty() => return None,
        Ok(hostnames) => ZoneUse::Used(ZoneHostnames {
            zone_id,
            zone_name,
            hostnames,
        }),
        Err(error) => {
            let error = error.into();
            ZoneUse::Unknown(UnreadableZone { zone, error })
        }
    })
}

impl fmt::Display for UnreadableZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.zone.id.as_ref().map(ZoneId::as_str);
        let name = self.zone.name.as_deref().or(id).unwrap_or("without a name");
        let kind = self.error.kind();
        write!(f, "zone {} cannot be read: {kind}", printable(name))
    }
}
