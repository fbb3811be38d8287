//! Replaces a list of hostnames once, from the list that is there.

use std::time::Duration;

use cf_mtls_api::requests::ReplaceHostnameAssociations;
use cf_mtls_api::types;
use cf_mtls_api::{ClientCa, Hostname};
use tokio::time::Instant;
use tower::retry::budget::Budget as _;

use super::Hostnames;
use super::change::{Difference, Goal, HostnameChange, texts, unchecked};
use crate::error::{Error, ErrorKind, Operation};
use crate::hostname_writes::Writes;
use crate::transport::{Effect, FailedCall, Looks, Outcome, Retry};

impl Hostnames {
    /// Reads the list and replaces it, until an attempt succeeds. Returns the new
    /// list, or `None` if there was nothing to replace and a read showed that.
    ///
    /// A list is sent at once after it was read, and read again before it is sent again.
    pub(super) async fn write(
        &self,
        ca: &ClientCa,
        goal: Goal,
        names: &[Hostname],
        writes: &mut Writes,
        change: &mut HostnameChange,
    ) -> Result<Option<Vec<Hostname>>, Error> {
        let begun = Instant::now();
        let left = || self.client.limits.total().saturating_sub(begun.elapsed());
        let mut failures = Failures::default();
        // From the first replacement on the outcome is not known.
        let mut pending = None;
        let mut looked_twice = false;
        loop {
            let (list, is_shown) = match self.after(begun.elapsed()).list(ca).await {
                Ok(list) => writes.base(unchecked(list)),
                Err(error) => return Err(failures.into_error(Some(error), change)),
            };
            let target = goal.apply(&list, names);
            let difference = Difference::between(&list, &target);
            let not_listed = goal.not_listed(&list, names);
            let is_certain = difference.is_empty() && !writes.is_unsettled();
            if is_certain && (goal != Goal::Replace || failures.has_unclear) {
                let is_fresh_look = looked_twice || not_listed.is_empty() || failures.has_unclear;
                if is_fresh_look {
                    change.merge(&failures.unclear);
                    change.set_not_listed(&not_listed);
                    change.hostnames = texts(&list);
                    change.visible = is_shown;
                    return Ok((!is_shown).then_some(list));
                }
                looked_twice = true;
                tokio::time::sleep(self.client.limits.settle_time.min(left() / 4)).await;
                continue;
            }
            if failures.is_last {
                // An unclear attempt may have taken effect although reads do not show it yet.
                let delay = failures.looks.next_delay(&self.client.limits.retry, left());
                match delay.filter(|_| failures.has_unclear) {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(failures.into_error(None, change)),
                }
                continue;
            }
            pending.get_or_insert_with(|| self.client.begin_write());
            let this = self.after(begun.elapsed());
            let was_unsettled = writes.is_unsettled();
            writes.begin(&target);
            match this.replace_once(ca, &target).await {
                Ok(replaced) => {
                    let replaced = replaced.unwrap_or(target);
                    change.merge(&Difference::between(&list, &replaced));
                    writes.record(list, replaced.clone());
                    change.set_not_listed(&not_listed);
                    return Ok(Some(replaced));
                }
                Err(failed) => {
                    if failed.effect == Effect::None && !was_unsettled {
                        writes.refuse();
                    }
                    failures.add(failed, difference, change)?;
                    if !failures.has_unclear {
                        pending = None;
                    }
                    let delay = failures.delay_before_retry(self, left());
                    if failures.is_last && !failures.has_unclear {
                        return Err(failures.into_error(None, change));
                    }
                    tokio::time::sleep(delay).await;
                }
            }
        }
    }

    /// Replaces the list once, and not if that has to wait: another one may be
    /// there by then. Returns the list of the response, if it has one.
    async fn replace_once(
        &self,
        ca: &ClientCa,
        list: &[Hostname],
    ) -> Result<Option<Vec<Hostname>>, FailedCall> {
        let this = self.clone().with_retry(Retry::off());
        let mut call = this.call(Operation::ReplaceHostnames, ca);
        let mut body = types::ReplaceHostnamesRequest::default();
        body.hostnames = texts(list);
        body.mtls_certificate_id = ca.certificate_id().cloned();
        let request = ReplaceHostnameAssociations { zone_id: &self.zone, body: &body };
        let envelope = call.span().run(call.send(request)).await?;
        let list = envelope.result.and_then(|result| result.hostnames);
        Ok(list.map(unchecked))
    }
}

/// Replacements that failed.
///
/// Each is followed by a read. If the list is then as wanted, the change succeeded
/// all the same; otherwise it is replaced again, unless the failure was the last.
#[derive(Default)]
struct Failures {
    count: u32,
    looks: Looks,
    error: Option<Error>,
    /// What may have changed all the same.
    unclear: Difference,
    has_unclear: bool,
    is_last: bool,
}

impl Failures {
    /// Fails if another attempt would fail, too.
    fn add(
        &mut self,
        failed: FailedCall,
        difference: Difference,
        change: &HostnameChange,
    ) -> Result<(), Error> {
        self.count += 1;
        if failed.effect != Effect::None {
            self.has_unclear = true;
            self.unclear = difference;
        }
        let error = failed.error.with_attempts(self.count);
        let is_refused = failed.outcome == Outcome::Refused;
        if is_refused && error.kind() != ErrorKind::RateLimited && !self.has_unclear {
            return Err(error.with_may_have_taken_effect(!change.is_unchanged()));
        }
        self.is_last = is_refused && error.kind() != ErrorKind::RateLimited;
        self.error = Some(error);
        Ok(())
    }

    /// How long to wait before another attempt. If there is none, this was the last.
    fn delay_before_retry(&mut self, hostnames: &Hostnames, left: Duration) -> Duration {
        let retry = &hostnames.client.limits.retry;
        let requested = self.error.as_ref().and_then(Error::retry_after);
        let delay = requested.unwrap_or_default().max(retry.delay(self.count));
        self.is_last |= retry.attempts() <= self.count
            || left <= delay
            || !hostnames.client.shared().budget.withdraw();
        if self.is_last { Duration::ZERO } else { delay }
    }

    /// The error of the last attempt, after a read that failed, or reads that show the old
    /// list. They are no evidence that an unclear attempt had no effect.
    fn into_error(self, lookup: Option<Error>, change: &HostnameChange) -> Error {
        let may_have_taken_effect = self.has_unclear || !change.is_unchanged();
        let error = match (self.error, lookup) {
            (Some(last), Some(lookup)) => last.with_failed_lookup(&lookup),
            (Some(last), None) if self.has_unclear => {
                last.with_detail("reads did not show the new list afterwards")
            }
            (None, Some(lookup)) if may_have_taken_effect => {
                lookup.with_detail("the list was replaced, but could not be read afterwards")
            }
            (Some(error), None) | (None, Some(error)) => error,
            (None, None) => Error::new(ErrorKind::Conflict),
        };
        error.with_may_have_taken_effect(may_have_taken_effect)
    }
}
