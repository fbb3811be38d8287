//! Retires a certificate: detaches its hostnames, waits until nothing uses it, and
//! deletes it.

use std::collections::HashSet;
use std::time::Duration;

use cf_mtls::{
    Association, CertificateId, Certificates, Client, ClientCa, ErrorKind, Hostname, Hostnames,
    ZoneId,
};

use crate::error::Error;
use crate::holder::{self, Found, Holder, Product};
use crate::options::ReleaseOptions;
use crate::poll::{Look, OnStep, Poll, poll_until, yield_once};
use crate::services;
use crate::step::Step;
use crate::usage;
use crate::zone_hostnames::ZoneHostnames;

/// What to do after a wait that timed out.
pub(crate) const RUN_AGAIN: &str = "run it again later to go on";

/// A certificate to retire.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) certificates: Certificates,
    pub(crate) id: CertificateId,
    pub(crate) options: ReleaseOptions,
    /// The services that its hostnames appear as.
    pub(crate) hostname_services: Vec<String>,
    /// The products that held it when the plan was made.
    pub(crate) holders: Vec<Holder>,
    /// Whether the plan found any use, whose end has to be waited for.
    pub(crate) has_uses: bool,
    pub(crate) is_ca: bool,
}

impl Job {
    /// Returns whether the service confirmed the deletion. Detaches no hostname
    /// that `successor` does not have, and adds to `detached` what it detached.
    pub(crate) async fn run(
        &self,
        zones: &[ZoneHostnames],
        successor: Option<&CertificateId>,
        detached: &mut Vec<ZoneHostnames>,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        let confirmed = match self.steps(zones, successor, detached, on_step).await {
            // Another client deleted it.
            Err(error) if error.kind() == ErrorKind::NotFound && self.is_gone().await => false,
            confirmed => confirmed?,
        };
        let certificate_id = self.id.clone();
        on_step(&Step::Deleted { certificate_id });
        Ok(confirmed)
    }

    async fn steps(
        &self,
        zones: &[ZoneHostnames],
        successor: Option<&CertificateId>,
        detached: &mut Vec<ZoneHostnames>,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        for zone in zones {
            self.detach(zone, successor, detached, on_step).await?;
        }
        let mut poll = Poll::new(&self.options);
        let mut holders = self.holders.clone();
        if self.has_uses {
            let waited = self.wait_until_unused(zones, &mut holders, &mut poll, on_step);
            if !waited.await? {
                return Ok(false);
            }
        }
        let certificate_id = self.id.clone();
        on_step(&Step::Unused { certificate_id });
        // The last chance to stop: a deletion cannot be undone.
        yield_once().await;
        self.delete(holders, zones, &mut poll, on_step).await
    }

    async fn is_gone(&self) -> bool {
        let error = self.certificates.get(&self.id).await.err();
        error.is_some_and(|error| error.kind() == ErrorKind::NotFound)
    }

    /// Detaches the hostnames of the plan, and fails if there are others.
    async fn detach(
        &self,
        zone: &ZoneHostnames,
        successor: Option<&CertificateId>,
        detached: &mut Vec<ZoneHostnames>,
        on_step: OnStep<'_>,
    ) -> Result<(), Error> {
        if let Some(successor) = successor {
            self.ensure_successor_has(successor, zone).await?;
        }
        let hostnames = self.hostnames(&zone.zone_id);
        let ca = ClientCa::from(&self.id);
        let edited = hostnames.remove(&ca, &zone.hostnames).await?;
        if let Some(zone) = zone.with_hostnames(edited.removed) {
            detached.push(zone.clone());
            on_step(&Step::Detached { certificate_id: self.id.clone(), zone });
        }
        self.ensure_none_left(&edited.hostnames)
    }

    /// Fails unless the lists are still empty.
    async fn ensure_still_detached(&self, zones: &[ZoneHostnames]) -> Result<(), Error> {
        for zone in zones {
            let hostnames = self.hostnames(&zone.zone_id);
            let list = hostnames.list(&ClientCa::from(&self.id)).await?;
            self.ensure_none_left(&list)?;
        }
        Ok(())
    }

    fn ensure_none_left(&self, list: &[String]) -> Result<(), Error> {
        if list.is_empty() {
            return Ok(());
        }
        let others = list.join(", ");
        Err(self.error(
            ErrorKind::Conflict,
            &format!(
                "another client attached {others} to it since it was planned; plan and run it again"
            ),
        ))
    }

    /// Fails unless a successor has all hostnames of a zone.
    pub(crate) async fn ensure_successor_has(
        &self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
    ) -> Result<(), Error> {
        let hostnames = self.hostnames(&zone.zone_id);
        let held = hostnames.list(&ClientCa::from(successor)).await?;
        let held: HashSet<Hostname> = held.into_iter().map(Hostname::unchecked).collect();
        let has = |host: &String| held.contains(&Hostname::unchecked(host));
        let missing = zone.hostnames.iter().filter(|host| !has(host));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(self.error(
            ErrorKind::Conflict,
            &format!(
                "{missing} would be left without a CA: another client detached it from {successor}"
            ),
        ))
    }

    /// Returns whether it still exists: another client may have deleted it.
    async fn wait_until_unused(
        &self,
        zones: &[ZoneHostnames],
        holders: &mut Vec<Holder>,
        poll: &mut Poll,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        let mut looks: u32 = 0;
        let mut rows = Vec::new();
        let exists = poll_until!(poll, on_step, |left| {
            looks += 1;
            rows = match self.associations(&self.id, left).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Look::Done(false)),
                rows => rows?,
            };
            rows.retain(|row| !row.has_ended());
            if !holders.is_empty() {
                let known = std::mem::take(holders);
                *holders = holder::still_hold(&self.certificates, &self.id, known).await;
            }
            if rows.is_empty() && holders.is_empty() {
                return Ok(Look::Done(true));
            }
            if let Some(row) = self.first_permanent_use(&rows) {
                let detail = format!("{row} began to use it after the plan was made");
                return Err(self.still_in_use(&detail, &rows));
            }
            // Hostnames that were attached again keep it in use for good. Each zone is a
            // request, so they are looked for less and less often.
            if rows.iter().any(Association::is_live) && 1 < looks && looks.is_power_of_two() {
                self.ensure_still_detached(zones).await?;
            }
            Ok(Look::Pending(Step::AwaitingRelease {
                certificate_id: self.id.clone(),
                associations: rows.clone(),
                holders: holders.clone(),
            }))
        });
        if let Some(exists) = exists {
            return Ok(exists);
        }
        if rows.iter().any(Association::is_live) {
            self.ensure_still_detached(zones).await?;
        }
        let detail = format!("still in use after {}", seconds(self.options.wait_timeout));
        let error = self.still_in_use(&detail, &rows);
        Err(error.with_holders(holders.clone()).with_advice(RUN_AGAIN))
    }

    async fn delete(
        &self,
        mut holders: Vec<Holder>,
        zones: &[ZoneHostnames],
        poll: &mut Poll,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        let certificate_id = &self.id;
        let (mut refusal, mut has_searched) = (None, false);
        let deleted = poll_until!(poll, on_step, |_| {
            // While a product holds it, another refusal is certain.
            if !holders.is_empty() {
                let known = std::mem::take(&mut holders);
                holders = holder::still_hold(&self.certificates, &self.id, known).await;
            }
            let mut associations = Vec::new();
            if holders.is_empty() {
                let error = match self.certificates.delete(&self.id).await {
                    Ok(deleted) => return Ok(Look::Done(deleted.is_confirmed())),
                    // It was there a moment ago, so this is what was wanted.
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Ok(Look::Done(false));
                    }
                    Err(error) if !self.may_pass(&error) => return Err(error.into()),
                    Err(error) => error,
                };
                associations = error.associations().to_vec();
                if error.kind() == ErrorKind::InUse && !has_searched {
                    has_searched = true;
                    holders = self.find_holders(zones).await?;
                }
                refusal = Some(error);
            }
            if !holders.is_empty() && !self.options.holders_awaited {
                return Err(self.held(&holders));
            }
            let certificate_id = certificate_id.clone();
            Ok(Look::Pending(match holders.is_empty() && associations.is_empty() {
                true => Step::StillRefused { certificate_id },
                false => {
                    Step::AwaitingRelease { certificate_id, associations, holders: holders.clone() }
                }
            }))
        });
        let after = seconds(self.options.wait_timeout);
        match (deleted, refusal) {
            (Some(confirmed), _) => Ok(confirmed),
            (None, _) if !holders.is_empty() => {
                let error = self.held(&holders);
                let error = error.with_detail(format!("still in use after {after}"));
                Err(error.with_advice(RUN_AGAIN))
            }
            (None, Some(error)) => {
                let error = Error::from(error).with_detail(format!("still refused after {after}"));
                Err(error.with_advice(RUN_AGAIN))
            }
            (None, None) => Ok(false),
        }
    }

    /// What keeps it from being deleted although the plan knows of no use: the products
    /// that hold it, and an error if it has hostnames in zones that were not planned.
    async fn find_holders(&self, zones: &[ZoneHostnames]) -> Result<Vec<Holder>, Error> {
        let mut found = Found::default();
        let mut products = vec![Product::Hyperdrive];
        products.push(if self.is_ca { Product::Gateway } else { Product::Workers });
        for product in products {
            let certificates = &self.certificates;
            found.read(certificates, product, &mut |_, _| ()).await;
        }
        // With hostnames of its own the plan has seen all zones.
        if self.is_ca && zones.is_empty() && self.hostname_services.is_empty() {
            let mut others = usage::zones_using(&self.certificates, &self.id);
            while let Some(zone) = others.next().await {
                if let usage::ZoneUse::Used(zone) = zone? {
                    let detail = format!(
                        "it has {zone}, which no association showed; plan it with all zones"
                    );
                    return Err(self.error(ErrorKind::InUse, &detail));
                }
            }
        }
        Ok(found.of(&self.id))
    }

    fn held(&self, holders: &[Holder]) -> Error {
        let list = holders.iter().map(|one| format!("{one}: {}", one.advice()));
        let list: Vec<String> = list.collect();
        let error = self.error(ErrorKind::InUse, &list.join("; "));
        error.with_holders(holders.to_vec())
    }

    /// The associations of a certificate, in the time that is left.
    pub(crate) async fn associations(
        &self,
        id: &CertificateId,
        left: Duration,
    ) -> Result<Vec<Association>, cf_mtls::Error> {
        let certificates = self.certificates.clone().within(left);
        certificates.associations(id).await
    }

    /// A use that ends neither by itself nor with the hostnames.
    fn first_permanent_use<'a>(&self, rows: &'a [Association]) -> Option<&'a Association> {
        let known = &self.options.hostname_services;
        let is_other = |row: &Association| {
            !self.options.holders_awaited && !services::may_be_hostnames(&row.service, known)
        };
        rows.iter().find(|row| row.is_live() && is_other(row))
    }

    /// Whether a refusal may pass when the service has noticed the end of all uses.
    fn may_pass(&self, error: &cf_mtls::Error) -> bool {
        match error.kind() {
            ErrorKind::InUse => self.first_permanent_use(error.associations()).is_none(),
            ErrorKind::Permission => false,
            _ => error.is_unexplained_refusal(),
        }
    }

    fn still_in_use(&self, detail: &str, rows: &[Association]) -> Error {
        self.error(ErrorKind::InUse, detail).with_associations(self.client(), rows.iter())
    }

    /// An error whose detail holds words of the service.
    pub(crate) fn error(&self, kind: ErrorKind, detail: &str) -> Error {
        Error::new(kind, self.client().redact(detail))
    }

    /// The hostnames of a zone. A job reads the lists again later, so its edits need no
    /// time to settle.
    pub(crate) fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        let hostnames = self.certificates.hostnames(zone);
        hostnames.with_settling(Duration::ZERO)
    }

    fn client(&self) -> &Client {
        self.certificates.client()
    }
}

/// A time as people read it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
