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
use crate::services::{self, can_hold};
use crate::step::Step;
use crate::unread::Unread;
use crate::usage::{self, ZoneUse};

/// What to do after a wait that timed out.
pub(crate) const RUN_AGAIN: &str = "run it again later to go on";

/// What a run has done, and knows of the uses.
struct Run {
    /// Whether there was anything to do before the deletion. Otherwise what is gone by then
    /// was gone before.
    has_begun: bool,
    detached: Vec<ZoneHostnames>,
    holders: Vec<Holder>,
    unread: Unread,
}

impl ReleasePlan {
    /// Runs the plan, and detaches no hostname that `successor` does not have.
    pub(crate) async fn retire(
        &self,
        successor: Option<&CertificateId>,
        on_step: OnStep<'_>,
    ) -> Result<Released, Error> {
        self.check()?;
        let holders = self.usage.holders.clone();
        let has_begun = successor.is_some() || self.has_uses();
        let unread = self.usage.unread.clone();
        let mut run = Run { has_begun, detached: Vec::new(), holders, unread };
        let confirmed = match self.steps(successor, &mut run, on_step).await {
            Ok(confirmed) => confirmed,
            Err(error) if run.has_begun && self.is_gone(&error).await => false,
            Err(error) => return Err(error.with_detached(run.detached).with_unread(run.unread)),
        };
        on_step(&Step::Deleted { certificate_id: self.id.clone() });
        let (certificate, detached) = (self.usage.certificate.clone(), run.detached);
        Ok(Released { certificate, detached, confirmed })
    }

    /// Returns whether the service confirmed the deletion.
    async fn steps(
        &self,
        successor: Option<&CertificateId>,
        run: &mut Run,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        for zone in &self.usage.zones {
            if let Some(successor) = successor {
                self.wait_until_shown(successor, zone, on_step).await?;
            }
            self.detach(zone, &mut run.detached, on_step).await?;
        }
        let mut poll = Poll::new(&self.options);
        if self.has_uses() && !self.wait_until_unused(run, &mut poll, on_step).await? {
            return Ok(false);
        }
        let (certificate_id, unread) = (self.id.clone(), run.unread.clone());
        on_step(&Step::Unused { certificate_id, unread });
        // The last chance to stop: a deletion cannot be undone.
        tokio::task::yield_now().await;
        self.delete(run, &mut poll, on_step).await
    }

    /// Whether the plan found any use, whose end has to be waited for.
    fn has_uses(&self) -> bool {
        !self.usage.zones.is_empty() || !self.usage.associations.iter().all(Association::has_ended)
    }

    /// Whether an operation failed because another client deleted it.
    async fn is_gone(&self, error: &Error) -> bool {
        let gone = |kind| kind == ErrorKind::NotFound;
        gone(error.kind())
            && self.certificates.get(&self.id).await.is_err_and(|error| gone(error.kind()))
    }

    /// Detaches the hostnames of the plan, and fails if there are others.
    async fn detach(
        &self,
        zone: &ZoneHostnames,
        detached: &mut Vec<ZoneHostnames>,
        on_step: OnStep<'_>,
    ) -> Result<(), Error> {
        let ca = ClientCa::from(&self.id);
        let edited = self.hostnames(&zone.zone_id).remove(&ca, &zone.hostnames).await?;
        if let Some(zone) = zone.with_hostnames(edited.removed) {
            detached.push(zone.clone());
            on_step(&Step::Detached { certificate_id: self.id.clone(), zone });
        }
        self.ensure_none_left(&edited.hostnames)
    }

    /// Fails unless the lists are still empty, as far as reads show more than the lists
    /// that this client replaced.
    async fn ensure_still_detached(&self) -> Result<(), Error> {
        for zone in &self.usage.zones {
            self.ensure_none_left(&self.last_known(zone, &self.id).await?)?;
        }
        Ok(())
    }

    fn ensure_none_left(&self, list: &[String]) -> Result<(), Error> {
        if list.is_empty() {
            return Ok(());
        }
        let others = list.join(", ");
        let detail = format!(
            "another client attached {others} to it since it was planned; plan and run it again"
        );
        Err(self.error(ErrorKind::Conflict, &detail))
    }

    /// Waits until reads show that a successor has all hostnames of a zone.
    async fn wait_until_shown(
        &self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
        on_step: OnStep<'_>,
    ) -> Result<(), Error> {
        let mut poll = Poll::new(&self.options);
        while !self.is_shown(successor, zone).await? {
            let certificate_id = successor.clone();
            on_step(&Step::AwaitingHostnames { certificate_id, zone: zone.clone() });
            if !poll.wait().await {
                let detail = self.after(&format!("reads do not show {zone} for {successor}"));
                return Err(self.error(ErrorKind::Timeout, &detail).with_advice(RUN_AGAIN));
            }
        }
        Ok(())
    }

    /// Whether reads show that a successor has all hostnames of a zone; fails if another
    /// client detached them.
    pub(crate) async fn is_shown(
        &self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
    ) -> Result<bool, Error> {
        let missing_in = |list: Vec<String>| {
            let held: HashSet<Hostname> = list.into_iter().map(Hostname::unchecked).collect();
            let is_missing = |host: &&String| !held.contains(&Hostname::unchecked(*host));
            let missing = zone.hostnames.iter().filter(is_missing);
            missing.map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        let hostnames = self.hostnames(&zone.zone_id);
        if missing_in(hostnames.list(&ClientCa::from(successor)).await?).is_empty() {
            return Ok(true);
        }
        let missing = missing_in(self.last_known(zone, successor).await?);
        if missing.is_empty() {
            return Ok(false);
        }
        let detail = format!(
            "{missing} would be left without a CA: another client detached it from {successor}"
        );
        Err(self.error(ErrorKind::Conflict, &detail))
    }

    /// The hostnames of a CA: those that this client wrote last while reads show an older
    /// list.
    async fn last_known(
        &self,
        zone: &ZoneHostnames,
        ca: &CertificateId,
    ) -> Result<Vec<String>, Error> {
        let nothing: [&str; 0] = [];
        let unchanged = self.hostnames(&zone.zone_id).add(&ClientCa::from(ca), nothing).await?;
        Ok(unchanged.hostnames)
    }

    /// Returns whether it still exists: another client may have deleted it.
    async fn wait_until_unused(
        &self,
        run: &mut Run,
        poll: &mut Poll<'_>,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        let mut looks: u32 = 0;
        loop {
            looks += 1;
            let mut rows = match poll.associations(&self.certificates, &self.id).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                rows => rows?,
            };
            rows.retain(|row| !row.has_ended());
            holder::keep_holding(&self.certificates, &self.id, &mut run.holders).await;
            if rows.is_empty() && run.holders.is_empty() {
                return Ok(true);
            }
            if let Some(row) = self.first_permanent_use(&rows) {
                let detail = format!("{row} began to use it after the plan was made");
                return Err(self.still_in_use(&detail, &rows));
            }
            // Hostnames that were attached again keep it in use for good. Each zone is a
            // request, so they are looked for less and less often.
            let is_last = poll.left().is_zero();
            let is_due = is_last || (1 < looks && looks.is_power_of_two());
            if is_due && rows.iter().any(Association::is_live) {
                self.ensure_still_detached().await?;
            }
            if is_last {
                let error = self.still_in_use(&self.after("still in use"), &rows);
                return Err(error.with_holders(run.holders.clone()).with_advice(RUN_AGAIN));
            }
            on_step(&self.awaiting_release(rows, run));
            poll.wait().await;
        }
    }

    async fn delete(
        &self,
        run: &mut Run,
        poll: &mut Poll<'_>,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        let (mut has_searched, mut has_walked) = (false, false);
        loop {
            holder::keep_holding(&self.certificates, &self.id, &mut run.holders).await;
            let mut refusal = None;
            // While a product holds it, a refusal is certain.
            if run.holders.is_empty() {
                let error = match self.certificates.delete(&self.id).await {
                    Ok(deleted) => return Ok(deleted.is_confirmed()),
                    // It was there a moment ago, so this is what was wanted.
                    Err(error) if error.kind() == ErrorKind::NotFound && run.has_begun => {
                        return Ok(false);
                    }
                    Err(error) if !self.may_pass(&error) => return Err(error.into()),
                    Err(error) => error,
                };
                run.has_begun = true;
                // Soon after the last use that is expected, and lists may be older.
                let is_lasting = MAX_LAG <= poll.elapsed() || poll.left().is_zero();
                if error.kind() == ErrorKind::InUse {
                    if !has_searched && (is_lasting || !self.has_uses()) {
                        has_searched = true;
                        self.find_holders(run).await;
                    }
                    if !has_walked && is_lasting {
                        has_walked = true;
                        self.find_hostnames(run).await?;
                    }
                }
                refusal = Some(error);
            }
            if !run.holders.is_empty() && !self.options.holders_awaited {
                return Err(self.held(&run.holders));
            }
            if poll.left().is_zero() {
                let error = match refusal {
                    Some(error) if run.holders.is_empty() => {
                        Error::from(error).with_detail(self.after("still refused"))
                    }
                    _ => self.held(&run.holders).with_detail(self.after("still in use")),
                };
                return Err(error.with_advice(RUN_AGAIN));
            }
            let associations = refusal.map_or(Vec::new(), |error| error.associations().to_vec());
            on_step(&match run.holders.is_empty() && associations.is_empty() {
                true => {
                    let (certificate_id, unread) = (self.id.clone(), run.unread.clone());
                    Step::StillRefused { certificate_id, unread }
                }
                false => self.awaiting_release(associations, run),
            });
            poll.wait().await;
        }
    }

    /// Finds the products that hold it although the plan knows of none.
    async fn find_holders(&self, run: &mut Run) {
        let mut found = Found::default();
        let is_ca = self.usage.certificate.is_ca();
        for product in Product::ALL.into_iter().filter(|product| can_hold(*product, is_ca)) {
            found.read(&self.certificates, product, &mut |_, _| ()).await;
        }
        run.holders = found.of(&self.id);
        run.unread.products = found.unreadable;
    }

    /// Fails if it has hostnames although no association showed any, so that the plan has
    /// not seen the zones.
    async fn find_hostnames(&self, run: &mut Run) -> Result<(), Error> {
        let has_seen_zones = !self.usage.zones.is_empty() || !self.hostname_services.is_empty();
        if self.usage.certificate.is_ca() == Some(false) || has_seen_zones {
            return Ok(());
        }
        run.unread.zones.clear();
        let mut zones = usage::zones_using(&self.certificates, &self.id);
        while let Some(zone) = zones.next().await {
            match zone? {
                ZoneUse::Used(zone) => {
                    let detail = format!(
                        "it has {zone}, which no association showed; plan it with all zones"
                    );
                    return Err(self.error(ErrorKind::InUse, &detail));
                }
                ZoneUse::Unknown(zone) => run.unread.zones.push(zone),
                ZoneUse::Unentitled(_) => {}
            }
        }
        Ok(())
    }

    fn awaiting_release(&self, associations: Vec<Association>, run: &Run) -> Step {
        let certificate_id = self.id.clone();
        let (holders, unread) = (run.holders.clone(), run.unread.clone());
        Step::AwaitingRelease { certificate_id, associations, holders, unread }
    }

    fn held(&self, holders: &[Holder]) -> Error {
        let list = holders.iter().map(|one| format!("{one}: {}", one.advice()));
        let list = list.collect::<Vec<_>>().join("; ");
        self.error(ErrorKind::InUse, &list).with_holders(holders.to_vec())
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
        let client = self.certificates.client();
        self.error(ErrorKind::InUse, detail).with_associations(client, rows.iter())
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

    /// What is so after the wait.
    pub(crate) fn after(&self, what: &str) -> String {
        format!("{what} after {} s", self.options.wait_timeout.as_secs_f64())
    }
}
