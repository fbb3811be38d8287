//! What uses a certificate, or many of them in one walk.

use std::collections::{HashMap, HashSet};
use std::pin::pin;

use cf_mtls::{
    Association, Certificate, CertificateFilter, CertificateId, Certificates, ClientCa, ErrorKind,
    Holder, Product, Zone, ZoneFilter, ZoneHostnames,
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::holder::Found;
use crate::many::{Outcome, Outcomes, in_span, patient};
use crate::options::ReleaseOptions;
use crate::services::{self, Service, is_product, managed_type, service};
use crate::unread::{Unread, UnreadableZone};

/// What is known about one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ZoneUse {
    /// The certificate has hostnames in it.
    Used(ZoneHostnames),
    /// The certificate may have hostnames in it.
    Unknown(UnreadableZone),
    /// The zone cannot have hostnames: it lacks the feature.
    Unentitled(Zone),
}

/// What uses a certificate, as [`CertificatesExt::usage`](crate::CertificatesExt::usage) found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Usage {
    /// The certificate.
    pub certificate: Certificate,
    /// The services that use it; its hostnames appear among them, too. May be empty
    /// although the certificate cannot be deleted yet.
    pub associations: Vec<Association>,
    /// The zones with hostnames of it, by name; empty for a leaf.
    pub zones: Vec<ZoneHostnames>,
    /// Workers, Hyperdrive configurations and others that hold it.
    pub holders: Vec<Holder>,
    /// The products that cannot be read, and the zones, by name.
    #[serde(flatten)]
    pub unread: Unread,
    /// The zones that cannot have hostnames, as they lack the feature. No use.
    pub unentitled: Vec<Zone>,
    /// The products that may hold it, and were not read, as no association indicates it.
    pub products_not_read: Vec<Product>,
    /// Whether zones were not read although it may have hostnames, as no association indicates any.
    pub zones_not_read: bool,
}

/// What no request shows.
pub(crate) const UNREADABLE: &str = "Pages, Access or the block page may use it";

impl Usage {
    /// Of a certificate that nothing uses, after everything but zones was read.
    pub fn new(certificate: Certificate) -> Self {
        Self {
            zones_not_read: certificate.is_ca() != Some(false),
            certificate,
            associations: Vec::new(),
            zones: Vec::new(),
            holders: Vec::new(),
            unread: Unread::default(),
            unentitled: Vec::new(),
            products_not_read: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, look: ZoneUse) {
        match look {
            ZoneUse::Used(zone) => self.zones.push(zone),
            ZoneUse::Unknown(zone) => self.unread.zones.push(zone),
            ZoneUse::Unentitled(zone) => self.unentitled.push(zone),
        }
    }

    /// What zones say of a certificate that does not exist (1472), if nothing shows a use:
    /// reads of it may still show it for a while after it was deleted.
    pub(crate) fn denial(&self) -> Option<&cf_mtls::Error> {
        let is_idle = self.zones.is_empty() && self.associations.iter().all(Association::has_ended);
        let mut errors = self.unread.zones.iter().map(|zone| &zone.error).filter(|_| is_idle);
        errors.find(|error| error.codes().any(|code| code == 1472))
    }

    /// Whether everything was read that can be: not Pages, Access and the block page, and for
    /// a CA not Workers. Otherwise an empty list says nothing.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty() && self.products_not_read.is_empty() && !self.zones_not_read
    }

    /// Whether no use was found, and everything was read that [can be](Self::is_complete).
    pub fn is_unused(&self) -> bool {
        self.is_complete()
            && self.associations.iter().all(Association::has_ended)
            && self.zones.is_empty()
            && self.holders.is_empty()
    }
}

/// How far a walk has come. Reported after each zone and each Worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageProgress {
    /// How many zones were read.
    pub zones: usize,
    /// How many Workers were read.
    pub workers: usize,
    /// How many Workers the account has; 0 until they are listed.
    pub workers_total: usize,
}

/// Finds out what uses certificates, in one walk for all of them. Made by
/// [`CertificatesExt::usage_of`](crate::CertificatesExt::usage_of).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is run"]
pub struct UsageWalk {
    certificates: Certificates,
    ids: Vec<CertificateId>,
    known: Vec<Certificate>,
    services_only: bool,
    /// Whether products are read only where an association may stand for them.
    indicated_only: bool,
    options: ReleaseOptions,
}

impl UsageWalk {
    pub(crate) fn new(certificates: &Certificates, ids: Vec<CertificateId>) -> Self {
        Self {
            certificates: patient(certificates),
            ids,
            known: Vec::new(),
            services_only: false,
            indicated_only: false,
            options: ReleaseOptions::default(),
        }
    }

    setters! {
        /// Takes these certificates as they are, such as from a list, and does not read them again.
        with_known(self, known: impl IntoIterator<Item = Certificate>) { self.known.extend(known) }

        /// Looks for CAs in all zones even if no association shows hostnames of them, since
        /// associations can be late. One request for each zone and such CA.
        with_all_zones(self) { self.options.all_zones = true }

        /// Reads the associations alone: one request for each certificate.
        with_services_only(self) { self.services_only = true }
    }

    /// As a release needs it, which finds out more if the delete is refused.
    pub(crate) fn for_release(mut self, options: &ReleaseOptions) -> Self {
        (self.indicated_only, self.options) = (true, options.clone());
        self
    }

    /// Walks, and returns the outcome for each id, in their order. Sends reads only.
    ///
    /// # Errors
    ///
    /// If the zones cannot be listed. What fails for one certificate is its outcome.
    pub async fn run(
        self,
        on_progress: impl FnMut(&UsageProgress) + Send,
    ) -> Result<Vec<Outcome<Usage>>, Error> {
        in_span("usage", None, self.walk(on_progress)).await
    }

    async fn walk(
        self,
        mut on_progress: impl FnMut(&UsageProgress) + Send,
    ) -> Result<Vec<Outcome<Usage>>, Error> {
        let mut outcomes = self.services().await;
        let products = self.products(&outcomes);
        let mut progress = UsageProgress::default();
        let mut found = Found::default();
        for product in products.iter().copied() {
            let mut on_worker = |done, total| {
                (progress.workers, progress.workers_total) = (done, total);
                on_progress(&progress);
            };
            found.read(&self.certificates, product, &mut on_worker).await;
        }
        let mut usages: Vec<(ClientCa, &mut Usage)> = Vec::new();
        for Outcome { id, result } in &mut outcomes {
            let Ok(usage) = result else { continue };
            let is_ca = usage.certificate.is_ca();
            usage.holders = found.of(id);
            let unreadable = found.unreadable.iter().filter(|part| part.product.can_hold(is_ca));
            usage.unread.products = unreadable.cloned().collect();
            let is_not_read =
                |product: &Product| product.can_hold(is_ca) && !products.contains(product);
            usage.products_not_read = Product::ALL.into_iter().filter(is_not_read).collect();
            let reads_zones = !self.services_only
                && (self.options.all_zones || self.may_have_hostnames(&usage.associations))
                && (!self.indicated_only || managed_type(&usage.certificate).is_none());
            usage.zones_not_read = is_ca != Some(false) && !reads_zones;
            if is_ca != Some(false) && reads_zones {
                usages.push((ClientCa::from(&*id), usage));
            }
        }
        if usages.is_empty() {
            return Ok(outcomes);
        }
        let cas = usages.iter().map(|(ca, _)| ca.clone()).collect();
        let mut zones = pin!(walk(&self.certificates, cas));
        while let Some(looks) = zones.next().await {
            progress.zones += 1;
            on_progress(&progress);
            for (index, look) in looks? {
                if let Some((_, usage)) = usages.get_mut(index) {
                    usage.add(look);
                }
            }
        }
        for (_, usage) in usages {
            usage.zones.sort_by_key(|zone| (zone.zone_name.clone(), zone.zone_id.clone()));
            // Pages that shift while they are read show a zone twice.
            usage.zones.dedup_by(|a, b| a.zone_id == b.zone_id);
            usage.unread.zones.sort_by_key(|one| one.zone.name.clone());
            usage.unentitled.sort_by_key(|zone| zone.name.clone());
        }
        for Outcome { result, .. } in outcomes.iter_mut().filter(|_| !self.indicated_only) {
            if let Some(denial) = result.as_ref().ok().and_then(Usage::denial) {
                *result = Err(denial.clone());
            }
        }
        Ok(outcomes)
    }

    /// The certificates and their associations.
    async fn services(&self) -> Vec<Outcome<Usage>> {
        let known = self.known_or_listed().await;
        let read = |id: CertificateId| async {
            let known = known.get(&id).cloned();
            let read = async {
                let certificate = match known {
                    Some(certificate) => certificate,
                    None => self.certificates.get(&id).await?,
                };
                let mut usage = Usage::new(certificate);
                // What another product manages is not released whatever uses it.
                if !self.indicated_only || managed_type(&usage.certificate).is_none() {
                    usage.associations = self.certificates.associations(&id).await?;
                }
                Ok(usage)
            };
            Outcome { result: read.await, id }
        };
        let reads = stream::iter(self.ids.iter().cloned()).map(read);
        reads.buffered(self.certificates.concurrency()).collect().await
    }

    /// The certificates that are known, and the others as far as the first pages of the
    /// list have them: at most one page for each ten of them.
    async fn known_or_listed(&self) -> HashMap<CertificateId, Certificate> {
        const PER_PAGE: usize = 50;
        let known = self.known.iter().map(|one| (one.id().clone(), one.clone()));
        let mut known: HashMap<CertificateId, Certificate> = known.collect();
        let is_unknown = |id: &&CertificateId| !known.contains_key(*id);
        let mut missing: HashSet<&CertificateId> = self.ids.iter().filter(is_unknown).collect();
        if missing.len() < 2 {
            return known;
        }
        let max = PER_PAGE * missing.len().div_ceil(10);
        let mut list = self.certificates.list(CertificateFilter::all()).take(max);
        while !missing.is_empty()
            && let Some(Ok(certificate)) = list.next().await
        {
            if missing.remove(certificate.id()) {
                known.insert(certificate.id().clone(), certificate);
            }
        }
        known
    }

    /// The products that may hold any of the certificates.
    fn products(&self, outcomes: &[Outcome<Usage>]) -> Vec<Product> {
        if self.services_only {
            return Vec::new();
        }
        let usages = || outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok());
        let may_hold = |product: Product, usage: &Usage| {
            let mut live = usage.associations.iter().filter(|row| row.is_live());
            let is_shown = live.clone().any(|row| is_product(&row.service, product));
            // An unknown service may be the product.
            let is_other = |row: &Association| {
                service(&row.service, &self.options.hostname_services) != Service::Hostnames
            };
            let is_ca = usage.certificate.is_ca();
            // Before hostnames lose a CA, two requests tell whether it could be deleted.
            let is_detached = is_ca != Some(false) && live.clone().next().is_some();
            let is_indicated = !self.indicated_only || is_detached || live.any(is_other);
            is_shown || (is_indicated && product.can_hold(is_ca))
        };
        let is_wanted = |product: &Product| usages().any(|usage| may_hold(*product, usage));
        Product::ALL.into_iter().filter(is_wanted).collect()
    }

    fn may_have_hostnames(&self, rows: &[Association]) -> bool {
        let mut live = rows.iter().filter(|row| row.is_live());
        live.any(|row| services::may_be_hostnames(&row.service, &self.options.hostname_services))
    }
}

/// What uses one certificate.
pub(crate) async fn usage_of_one(walk: UsageWalk) -> Result<Usage, Error> {
    let none = || Error::new(ErrorKind::InvalidInput, "no certificate was given");
    let one = async { Ok(walk.walk(|_| ()).await?.pop().ok_or_else(none)?.result?) };
    // The span fails as the one outcome does.
    in_span("usage", None, one).await
}

pub(crate) fn zones_using(
    certificates: &Certificates,
    id: &CertificateId,
) -> Outcomes<Result<ZoneUse, Error>> {
    let zones = walk(&patient(certificates), vec![ClientCa::from(id)]);
    // Zones without hostnames are dropped, so that nothing piles up.
    let looks = zones.map_ok(|looks| stream::iter(looks).map(|(_, look)| Ok(look)));
    Outcomes::new("zones using", looks.try_flatten())
}

/// What is to be said about one zone, with the index of the CA.
type Looks = Vec<(usize, ZoneUse)>;

/// All zones of the account, each with the CAs that have something to say about it.
fn walk(
    certificates: &Certificates,
    cas: Vec<ClientCa>,
) -> impl Stream<Item = Result<Looks, Error>> + Send + 'static + use<> {
    let this = certificates.clone();
    let filter = ZoneFilter::all().account(this.account_id());
    let (zones, max) = (this.client().zones(filter), this.concurrency());
    let cas = std::sync::Arc::new(cas);
    let looks = zones.map(move |zone| {
        let (this, cas) = (this.clone(), std::sync::Arc::clone(&cas));
        async move {
            let zone = zone?;
            let mut looks = Looks::new();
            for (index, ca) in cas.iter().enumerate() {
                let Some(look) = look(&this, zone.clone(), ca).await else { continue };
                // What the zone or the token lacks it lacks for all.
                let is_same_for_all = match &look {
                    ZoneUse::Used(_) => false,
                    ZoneUse::Unknown(zone) => zone.error.kind() == ErrorKind::Permission,
                    ZoneUse::Unentitled(_) => true,
                };
                if is_same_for_all {
                    let others = index..cas.len();
                    looks.extend(others.map(|other| (other, look.clone())));
                    break;
                }
                looks.push((index, look));
            }
            Ok(looks)
        }
    });
    looks.buffer_unordered(max)
}

/// The hostnames of a CA in a zone; `None` if there are none for certain.
pub(crate) async fn look(
    certificates: &Certificates,
    zone: Zone,
    ca: &ClientCa,
) -> Option<ZoneUse> {
    // A zone that is not active yet is not routed, which reads would only confirm.
    if zone.status.as_deref() == Some("pending") {
        return Some(ZoneUse::Unentitled(zone));
    }
    let (zone_id, zone_name) = (zone.id.clone(), zone.name.clone());
    let hostnames = certificates.hostnames(&zone_id);
    let list = match hostnames.list(ca).await {
        // A zone may say so once of a certificate that exists.
        Err(error) if error.kind() == ErrorKind::NotFound => hostnames.list(ca).await,
        list => list,
    };
    Some(match list {
        Ok(hostnames) if hostnames.is_empty() => return None,
        Ok(hostnames) => ZoneUse::Used(ZoneHostnames::new(zone_id, zone_name, hostnames)),
        Err(error) if is_unentitled(&error) => ZoneUse::Unentitled(zone),
        Err(error) => ZoneUse::Unknown(UnreadableZone { zone, error }),
    })
}

/// Whether a refusal to show the hostnames of a listed zone means that it cannot have
/// any: 7003, or 403 with a code of neither the credentials nor their permissions.
fn is_unentitled(error: &cf_mtls::Error) -> bool {
    let has = |codes: &[i64]| error.codes().any(|code| codes.contains(&code));
    let is_forbidden = error.status().is_some_and(|status| status.as_u16() == 403);
    let is_of_service = !error.messages().is_empty();
    has(&[7003]) || (is_forbidden && is_of_service && !has(&[9109, 10_000, 10_001]))
}
