//! Runs the plan of a release: detaches the hostnames, waits until nothing uses the
//! certificate, and deletes it.

use std::collections::HashSet;
use std::time::Duration;

use cf_mtls::{
    Association, CertificateId, ClientCa, ErrorKind, Holder, Hostname, Hostnames, Product,
    ZoneHostnames, ZoneId,
};

use crate::error::Error;
use crate::holder::{self, Found};
use crate::poll::{MAX_LAG, OnStep, Poll};
use crate::release::{ReleasePlan, Released};
use crate::services;
use crate::step::Step;
use crate::unread::Unread;
use crate::usage::{self, ZoneUse};

/// What to do after a wait that timed out.
pub(crate) const RUN_AGAIN: &str = "run it again later to go on";

/// A run of a plan: what it has done, and knows of the uses.
struct Run<'a> {
    plan: &'a ReleasePlan,
    on_step: OnStep<'a>,
    poll: Poll<'a>,
    /// Whether there was anything to do before the deletion. Otherwise what is gone by then
    /// was gone before.
    has_begun: bool,
    detached: Vec<ZoneHostnames>,
    holders: Vec<Holder>,
    unread: Unread,
}

impl Run<'_> {
    /// Returns whether the service confirmed the deletion.
    async fn steps(&mut self, successor: Option<&CertificateId>) -> Result<bool, Error> {
        let (plan, ca) = (self.plan, ClientCa::from(&self.plan.id));
        for zone in &plan.usage().zones {
            if let Some(successor) = successor {
                self.wait_until_shown(successor, zone).await?;
            }
            let edited = plan.hostnames(&zone.zone_id).remove(&ca, &zone.hostnames).await?;
            if let Some(zone) = zone.with_hostnames(edited.removed) {
                self.detached.push(zone.clone());
                (self.on_step)(&Step::detached(plan.id.clone(), zone));
            }
            plan.ensure_none_left(&edited.hostnames)?;
        }
        self.wait_until_detached().await?;
        self.poll = Poll::new(&plan.options);
        if plan.has_uses() && !self.wait_until_unused().await? {
            return Ok(false);
        }
        (self.on_step)(&Step::unused(plan.id.clone(), self.unread.clone()));
        // The last chance to stop: a deletion cannot be undone.
        tokio::task::yield_now().await;
        self.delete().await
    }

    /// Waits until reads show that the hostnames are detached. Meanwhile they show what
    /// another client attached after the last read, and the replacement detached: that is
    /// attached again, and the job fails.
    async fn wait_until_detached(&mut self) -> Result<(), Error> {
        let (plan, ca) = (self.plan, ClientCa::from(&self.plan.id));
        let mut zones: Vec<_> = plan.usage().zones.iter().collect();
        self.poll = Poll::new(&plan.options);
        loop {
            let mut shown = Vec::new();
            for zone in zones {
                let hostnames = plan.hostnames(&zone.zone_id);
                let list = hostnames.list(&ca).await?;
                let others = missing(&list, &zone.hostnames);
                if !others.is_empty() {
                    let names = others.join(", ");
                    let detail = format!("another client attached {names}; attach it again");
                    let failed = |error| Error::from(error).with_detail(detail);
                    hostnames.replace(&ca, &others).await.map_err(failed)?;
                    plan.ensure_none_left(&others)?;
                }
                if MAX_LAG <= self.poll.elapsed() || self.poll.left().is_zero() {
                    plan.ensure_none_left(&plan.last_known(zone, &plan.id).await?)?;
                }
                if !list.is_empty() {
                    shown.push(zone);
                }
            }
            zones = shown;
            let Some(zone) = zones.first() else { return Ok(()) };
            let left = self.poll.left();
            if left.is_zero() {
                let detail = plan.after(&format!("reads still show {zone}"));
                return Err(plan.error(ErrorKind::Timeout, &detail).with_advice(RUN_AGAIN));
            }
            self.report_wait(Vec::new(), false);
            // Often, as the other list may show for a moment only; two reads for each pause.
            let pauses = u32::try_from(zones.len() / 2).unwrap_or(u32::MAX).max(1);
            tokio::time::sleep(plan.options.first_delay.saturating_mul(pauses).min(left)).await;
        }
    }

    /// Waits until reads show that a successor has all hostnames of a zone.
    async fn wait_until_shown(
        &mut self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
    ) -> Result<(), Error> {
        let plan = self.plan;
        self.poll = Poll::new(&plan.options);
        loop {
            match plan.is_shown(successor, zone).await {
                Ok(true) => return Ok(()),
                // A zone may not know yet what was uploaded just now.
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            (self.on_step)(&Step::awaiting_hostnames(successor.clone(), zone.clone()));
            if !self.poll.wait().await {
                let detail = plan.after(&format!("reads do not show {zone} for {successor}"));
                return Err(plan.error(ErrorKind::Timeout, &detail).with_advice(RUN_AGAIN));
            }
        }
    }

    /// Returns whether it still exists: another client may have deleted it.
    async fn wait_until_unused(&mut self) -> Result<bool, Error> {
        let plan = self.plan;
        let mut looks: u32 = 0;
        loop {
            looks += 1;
            let mut rows = match plan.associations_of(&plan.id, &self.poll).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                rows => rows?,
            };
            rows.retain(|row| !row.has_ended());
            holder::keep_holding(&plan.certificates, &plan.id, &mut self.holders).await;
            if rows.is_empty() && self.holders.is_empty() {
                return Ok(true);
            }
            if let Some(row) = plan.first_permanent_use(&rows) {
                let detail = format!("{row} began to use it after the plan was made");
                return Err(plan.used(ErrorKind::InUse, &detail, rows.clone()));
            }
            // Hostnames that were attached again keep it in use for good. Each zone is a request,
            // so they are looked for less and less often, and reads may be older than writes.
            let is_last = self.poll.left().is_zero();
            let is_due = is_last || (1 < looks && looks.is_power_of_two());
            if is_due && rows.iter().any(Association::is_live) {
                for zone in &plan.usage().zones {
                    plan.ensure_none_left(&plan.last_known(zone, &plan.id).await?)?;
                }
            }
            if is_last {
                let error = plan.used(ErrorKind::InUse, &plan.after("still in use"), rows);
                return Err(error.with_holders(self.holders.clone()).with_advice(RUN_AGAIN));
            }
            self.report_wait(rows, false);
            self.poll.wait().await;
        }
    }

    fn report_wait(&mut self, associations: Vec<Association>, is_refused: bool) {
        let (id, unread) = (self.plan.id.clone(), self.unread.clone());
        let holders = self.holders.clone();
        (self.on_step)(&match is_refused && holders.is_empty() && associations.is_empty() {
            true => Step::still_refused(id, unread),
            false => Step::awaiting_release(id, associations, holders, unread),
        });
    }

    async fn delete(&mut self) -> Result<bool, Error> {
        let plan = self.plan;
        let (mut has_searched, mut has_walked) = (false, false);
        loop {
            holder::keep_holding(&plan.certificates, &plan.id, &mut self.holders).await;
            let mut refusal = None;
            // While a product holds it, a refusal is certain.
            if self.holders.is_empty() {
                let error = match plan.certificates.delete(&plan.id).await {
                    Ok(deleted) => return Ok(deleted.is_confirmed()),
                    // It was there a moment ago, so this is what was wanted.
                    Err(error) if error.kind() == ErrorKind::NotFound && self.has_begun => {
                        return Ok(false);
                    }
                    Err(error) if !plan.may_pass(&error) => return Err(error.into()),
                    Err(error) => error,
                };
                self.has_begun = true;
                // Soon after the last use that is expected, and lists may be older.
                let is_lasting = MAX_LAG <= self.poll.elapsed() || self.poll.left().is_zero();
                if error.kind() == ErrorKind::InUse {
                    if !has_searched && (is_lasting || !plan.has_uses()) {
                        has_searched = true;
                        let mut found = Found::default();
                        let is_ca = plan.usage().certificate.is_ca();
                        for product in Product::ALL.into_iter().filter(|one| one.can_hold(is_ca)) {
                            found.read(&plan.certificates, product, &mut |_, _| ()).await;
                        }
                        self.holders = found.of(&plan.id);
                        self.unread.products = found.unreadable;
                    }
                    if !has_walked && is_lasting {
                        has_walked = true;
                        self.find_hostnames().await?;
                    }
                }
                refusal = Some(error).filter(|_| self.holders.is_empty());
            }
            let rows = refusal.iter().flat_map(|error| error.associations().to_vec()).collect();
            let is_last = self.poll.left().is_zero();
            if is_last || (!self.holders.is_empty() && !plan.options.holders_awaited) {
                let todo = || self.holders.iter().map(|one| format!("{one}: {}", one.advice()));
                let held = || plan.error(ErrorKind::InUse, &todo().collect::<Vec<_>>().join("; "));
                let unseen = |error| Error::from(error).with_detail(usage::UNREADABLE);
                let error = refusal.map_or_else(held, unseen).with_holders(self.holders.clone());
                return Err(match is_last {
                    true => error.with_detail(plan.after("still refused")).with_advice(RUN_AGAIN),
                    false => error,
                });
            }
            self.report_wait(rows, true);
            self.poll.wait().await;
        }
    }

    /// Fails if it has hostnames although no association showed any, so that the plan has
    /// not seen the zones.
    async fn find_hostnames(&mut self) -> Result<(), Error> {
        let plan = self.plan;
        let has_seen_zones = !plan.usage().zones.is_empty() || !plan.hostname_services.is_empty();
        if plan.usage().certificate.is_ca() == Some(false) || has_seen_zones {
            return Ok(());
        }
        self.unread.zones.clear();
        let mut zones = usage::zones_using(&plan.certificates, &plan.id);
        while let Some(zone) = zones.next().await {
            match zone? {
                ZoneUse::Used(zone) => {
                    let detail = format!("it has {zone} and no association: plan with all zones");
                    return Err(plan.error(ErrorKind::Conflict, &detail));
                }
                ZoneUse::Unknown(zone) => self.unread.zones.push(zone),
                ZoneUse::Unentitled(_) => {}
            }
        }
        Ok(())
    }
}

/// The hostnames that a list lacks.
fn missing(hostnames: &[String], list: &[String]) -> Vec<String> {
    let held: HashSet<Hostname> = list.iter().map(Hostname::unchecked).collect();
    let is_missing = |host: &&String| !held.contains(&Hostname::unchecked(*host));
    hostnames.iter().filter(is_missing).cloned().collect()
}

impl ReleasePlan {
    /// Runs the plan, and detaches no hostname that `successor` does not have.
    pub(crate) async fn retire(
        &self,
        successor: Option<&CertificateId>,
        on_step: OnStep<'_>,
    ) -> Result<Released, Error> {
        self.check()?;
        let usage = self.usage().clone();
        let mut run = Run {
            plan: self,
            on_step,
            poll: Poll::new(&self.options),
            has_begun: successor.is_some() || self.has_uses(),
            detached: Vec::new(),
            holders: usage.holders,
            unread: usage.unread,
        };
        let confirmed = match run.steps(successor).await {
            Ok(confirmed) => confirmed,
            Err(error) if run.has_begun && self.is_gone(&error).await => false,
            Err(error) => return Err(error.with_detached(run.detached).with_unread(run.unread)),
        };
        (run.on_step)(&Step::deleted(self.id.clone()));
        Ok(Released { certificate: usage.certificate, detached: run.detached, confirmed })
    }

    /// Whether the plan found any use, whose end has to be waited for.
    fn has_uses(&self) -> bool {
        !self.usage().zones.is_empty()
            || !self.usage().associations.iter().all(Association::has_ended)
    }

    /// Whether an operation failed because another client deleted it.
    async fn is_gone(&self, error: &Error) -> bool {
        let gone = |kind| kind == ErrorKind::NotFound;
        gone(error.kind())
            && self.certificates.get(&self.id).await.is_err_and(|error| gone(error.kind()))
    }

    fn ensure_none_left(&self, list: &[String]) -> Result<(), Error> {
        if list.is_empty() {
            return Ok(());
        }
        let others = list.join(", ");
        let detail = format!("another client attached {others} since the plan; plan it again");
        Err(self.error(ErrorKind::Conflict, &detail))
    }

    /// Whether reads show that a successor has all hostnames of a zone; fails if another
    /// client detached them.
    pub(crate) async fn is_shown(
        &self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
    ) -> Result<bool, Error> {
        let list = self.hostnames(&zone.zone_id).list(&ClientCa::from(successor)).await?;
        if missing(&zone.hostnames, &list).is_empty() {
            return Ok(true);
        }
        let missing = missing(&zone.hostnames, &self.last_known(zone, successor).await?);
        if missing.is_empty() {
            return Ok(false);
        }
        let missing = missing.join(", ");
        let detail = format!(
            "{missing} would be left without a CA: another client detached it from {successor}"
        );
        Err(self.error(ErrorKind::Conflict, &detail))
    }

    /// The hostnames of a CA: those that this client wrote last while reads show an older list.
    async fn last_known(
        &self,
        zone: &ZoneHostnames,
        ca: &CertificateId,
    ) -> Result<Vec<String>, Error> {
        let nothing: [&str; 0] = [];
        let unchanged = self.hostnames(&zone.zone_id).add(&ClientCa::from(ca), nothing).await?;
        Ok(unchanged.hostnames)
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

    /// An error about associations.
    pub(crate) fn used(&self, kind: ErrorKind, detail: &str, rows: Vec<Association>) -> Error {
        let rows = self.certificates.redact_associations(rows);
        self.error(kind, detail).with_associations(rows)
    }

    /// An error whose detail holds words of the service.
    pub(crate) fn error(&self, kind: ErrorKind, detail: &str) -> Error {
        Error::new(kind, self.certificates.client().redact(detail))
    }

    /// The hostnames of a zone. Changes return at once: the wait for one zone after the
    /// other would take minutes each, while all take effect together. Instead, the job
    /// itself waits until associations and lists show the successor before it detaches
    /// anything, and until nothing uses a certificate before it deletes that.
    pub(crate) fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        let hostnames = self.certificates.hostnames(zone).with_settling(Duration::ZERO);
        hostnames.with_visibility_timeout(Duration::ZERO)
    }

    /// The associations of a certificate, read in the time that is left.
    pub(crate) async fn associations_of(
        &self,
        id: &CertificateId,
        poll: &Poll<'_>,
    ) -> Result<Vec<Association>, cf_mtls::Error> {
        self.certificates.clone().within(poll.left()).associations(id).await
    }

    /// What is so after the wait.
    pub(crate) fn after(&self, what: &str) -> String {
        format!("{what} after {} s", self.options.wait_timeout.as_secs_f64())
    }
}
