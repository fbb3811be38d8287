//! Changes a list of hostnames, although the service can only replace it, and waits
//! until reads show the change.

use std::time::Duration;

use cf_mtls_api::{ClientCa, Hostname};
use tokio::time::{Instant, timeout};

use super::Hostnames;
use super::change::{Goal, HostnameChange, parse_all, texts, unchecked};
use crate::error::{Error, ErrorKind, Operation};
use crate::hostname_writes::Shown;
use crate::transport::check_runtime;

/// How often a list is replaced that other clients change, too.
const MAX_ROUNDS: u32 = 6;
/// How often it is read to see a change, if reads take no time.
const MAX_READS: u32 = 200;
/// The pause between reads is this part of the time since the change, but not shorter than
/// the settle time: 2 seconds after 24, and 7 after 90.
const PAUSE_SHARE: u32 = 12;

impl Hostnames {
    /// Adds hostnames to those of a CA, and returns what changed. A hostname that is in the list
    /// [in any spelling](crate::Hostname) stays as it is. If all are, only a read is sent.
    ///
    /// The service can only replace a list as a whole, and for a while afterwards it may show the
    /// list before. So the list is read, replaced, and read again until it shows the change, for at
    /// most [`with_visibility_timeout`](Self::with_visibility_timeout). If it shows another
    /// client's list, which lacks the change, that starts over, up to six times.
    ///
    /// A client and its clones build on what they wrote while reads show an older list.
    /// Other clients of this crate notice each other, unless one replaces the list later
    /// than [`with_settling`](Self::with_settling) after it read it and before reads show
    /// the other's change. Changes of other software in between are lost: the service
    /// offers no way to notice them.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Conflict`] if other clients keep changing the list
    /// - those of [`replace`](Self::replace)
    pub async fn add<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<HostnameChange, Error> {
        self.edit(ca, Goal::Add, parse_all(hostnames)?).await
    }

    /// Removes hostnames from those of a CA, [in any spelling](crate::Hostname), and
    /// returns what changed. It works like [`add`](Self::add). If none of them is in the
    /// list, it is read once more after a moment, and nothing else is sent.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add).
    pub async fn remove<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<HostnameChange, Error> {
        self.edit(ca, Goal::Remove, parse_all(hostnames)?).await
    }

    /// Replaces all hostnames of a CA, and returns what changed. An empty list removes
    /// every hostname. Each is sent once.
    ///
    /// The list is read first, to say what changed, and afterwards until it shows the change, like
    /// that of [`add`](Self::add). A later change by another client is not undone.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`] if one is not a hostname
    /// - others as in the [table of the crate](crate#errors); the list may be
    ///   replaced all the same if [`Error::may_have_taken_effect`]
    pub async fn replace<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<HostnameChange, Error> {
        self.edit(ca, Goal::Replace, parse_all(hostnames)?).await
    }

    /// Like [`replace`](Self::replace), but only reads the list if it has exactly these hostnames.
    ///
    /// # Errors
    ///
    /// Those of [`replace`](Self::replace).
    pub async fn ensure<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<HostnameChange, Error> {
        self.edit(ca, Goal::Ensure, parse_all(hostnames)?).await
    }

    async fn edit(
        &self,
        ca: &ClientCa,
        goal: Goal,
        names: Vec<Hostname>,
    ) -> Result<HostnameChange, Error> {
        check_runtime()?;
        let writes = self.client.shared().hostname_writes.of(&self.zone, ca.certificate_id());
        let mut change = HostnameChange::default();
        // The deadline does not count the waits for a change to show.
        let (mut spent, mut waited) = (Duration::ZERO, Duration::ZERO);
        for round in 0..MAX_ROUNDS {
            let begun = Instant::now();
            let left = self.after(spent).client.limits.total();
            let Ok(mut locked) = timeout(left, writes.lock()).await else {
                return Err(Error::new(ErrorKind::Timeout)
                    .with_detail("another change of the list by this client takes too long")
                    .with_may_have_taken_effect(!change.is_unchanged())
                    .during(Operation::ReplaceHostnames, self.subject(ca)));
            };
            let this = self.after(spent + begun.elapsed());
            let written = this.write(ca, goal, &names, &mut locked, &mut change).await?;
            drop(locked);
            spent += begun.elapsed();
            let Some(written) = written else { return Ok(change) };
            change.hostnames = texts(&written);
            let begun = Instant::now();
            // Clients that compete should not stay in step.
            let step = match round {
                0 => Duration::ZERO,
                _ => self.client.limits.retry.delay(round),
            };
            let left = self.client.limits.visibility_timeout.saturating_sub(waited);
            let wait = self.wait_until_visible(ca, goal, &names, &written, step, left);
            match wait.await {
                Visibility::Visible(list) => {
                    change.hostnames = texts(&list);
                    change.visible = true;
                    return Ok(change);
                }
                Visibility::Unknown => return Ok(change),
                Visibility::Undone => waited += begun.elapsed(),
            }
        }
        let detail = format!(
            "the list was replaced {MAX_ROUNDS} times, and each time another client changed it soon \
             afterwards"
        );
        Err(Error::new(ErrorKind::Conflict)
            .with_detail(detail)
            .with_may_have_taken_effect(true)
            .during(Operation::ReplaceHostnames, self.subject(ca)))
    }

    /// Reads the list until it shows what was written, or another client's, for as long
    /// as is `left`. Waits `step` longer than usual before.
    async fn wait_until_visible(
        &self,
        ca: &ClientCa,
        goal: Goal,
        names: &[Hostname],
        written: &[Hostname],
        step: Duration,
        left: Duration,
    ) -> Visibility {
        let is_undone = |list: &[Hostname]| goal.is_repeated() && !goal.is_met(list, names);
        let writes = self.client.shared().hostname_writes.of(&self.zone, ca.certificate_id());
        let begun = Instant::now();
        let mut pause = self.client.limits.settle_time + step;
        let (mut was_stale, mut was_visible) = (false, false);
        for _ in 0..MAX_READS {
            let left = left.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(pause.min(left)).await;
            if is_undone(written) {
                return Visibility::Undone;
            }
            // Locked, so that no other change of this client comes in between.
            let Ok(mut locked) = timeout(left, writes.lock()).await else { break };
            let Ok(list) = self.clone().within(left).list(ca).await else { break };
            let list = unchecked(list);
            let shown = locked.observe(&list);
            drop(locked);
            let is_written = Goal::Ensure.is_met(&list, written);
            match shown {
                // While reads lag, another client may just have replaced the list that
                // it read before; its list shows a little later.
                _ if is_written && was_stale && !was_visible => was_visible = true,
                _ if is_written => return Visibility::Visible(list),
                Shown::Earlier => was_stale = true,
                Shown::Other if is_undone(&list) => return Visibility::Undone,
                Shown::Other if !goal.is_repeated() => return Visibility::Unknown,
                Shown::Other | Shown::Last => return Visibility::Visible(list),
            }
            // Of two clients, the one that wrote later looks more often. So if its list shows
            // soon after the other's, the other's next look finds it; if not, its own looks
            // find the other's list in between.
            pause = self.client.limits.settle_time.max(begun.elapsed() / PAUSE_SHARE);
        }
        match was_visible {
            true => Visibility::Visible(written.to_vec()),
            false => Visibility::Unknown,
        }
    }
}

/// What reads show after a change.
enum Visibility {
    /// A list with the change.
    Visible(Vec<Hostname>),
    /// The list before, or another client's.
    Unknown,
    /// Another client's, which lacks the change.
    Undone,
}
