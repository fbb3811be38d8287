//! Adds hostnames to a list and removes them, although the service can only
//! replace it.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use tower::retry::budget::Budget as _;

use super::name::{ascii_set, normalize_all, to_ascii};
use super::{ClientCa, Hostnames};
use crate::error::{Error, ErrorKind, Operation};
use crate::transport::{Effect, FailedCall, Outcome};

/// How often a list is replaced that other clients change, too.
const MAX_ROUNDS: u32 = 6;
/// A replacement that waited for the rate limit does not show how fast others are.
const MAX_PAUSE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Add,
    Remove,
}

/// A list of hostnames after an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edited {
    /// The list as it is now.
    pub list: Vec<String>,
    /// The hostnames that were added or removed, in the spelling of the list.
    pub changed: Vec<String>,
}

impl Hostnames {
    /// Adds hostnames to those of a CA, and returns what changed. A hostname that
    /// is in the list [in any spelling](Self::is_same) stays as it is. If all are,
    /// only a read is sent. New ones are sent in [one spelling](Self::normalize).
    ///
    /// ```no_run
    /// # async fn example(client: cf_mtls::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let ca = cf_mtls::ClientCa::Uploaded("2458ce5a-0c35-4c7f-82c7-8e9487d3ff60".parse()?);
    /// let hostnames = client.hostnames(&"023e105f4ecef8ad9ca31a8372d0c353".parse()?);
    /// hostnames.add(&ca, ["api.example.com"]).await?;
    /// hostnames.remove(&ca, ["old.example.com"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The service can only replace a list as a whole. So the list is read,
    /// replaced, and after a pause read again. If another client has replaced it
    /// in the meantime, that starts over, up to six times within the one deadline.
    /// A replacement that failed is not retried before the list is read again.
    ///
    /// The pause is [`with_settling`](Self::with_settling), or up to two seconds if
    /// reading and replacing took half as long. Clients that edit a list at the same
    /// time with this method notice each other, and all succeed, unless one of them is
    /// slower than that. Changes of other software in between are lost: the service
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
    ) -> Result<Edited, Error> {
        self.edit(ca, Edit::Add, normalize_all(hostnames)?).await
    }

    /// Removes hostnames from those of a CA, [in any spelling](Self::is_same), and
    /// returns what changed. If none of them is in the list, only a read is sent.
    /// It works like [`add`](Self::add).
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add).
    pub async fn remove<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<Edited, Error> {
        self.edit(ca, Edit::Remove, normalize_all(hostnames)?).await
    }

    /// Reads the list, replaces it, and reads it again, until it is as wanted.
    ///
    /// A list is sent at once after it was read, and read again before it is sent
    /// again. Another client that read it before this one replaced it writes back
    /// what it read, so the last read comes when that is over.
    async fn edit(&self, ca: &ClientCa, edit: Edit, hosts: Vec<String>) -> Result<Edited, Error> {
        let begun = Instant::now();
        let mut changed: Vec<String> = Vec::new();
        let mut failures = Failures::default();
        // From the first replacement to the return the outcome is not known.
        let mut pending = None;
        let mut rounds = 0;
        loop {
            let read = Instant::now();
            let list = match self.after(begun.elapsed()).list(ca).await {
                Ok(list) => list,
                Err(error) => return Err(failures.after_unreadable(error, !changed.is_empty())),
            };
            let differing = edit.differing(&list, &hosts);
            if differing.is_empty() {
                changed.extend(subtract(&failures.unclear, &changed));
                return Ok(Edited { list, changed });
            }
            if failures.is_last {
                return Err(failures.into_error(!changed.is_empty()));
            }
            if rounds == MAX_ROUNDS {
                break;
            }
            pending.get_or_insert_with(|| self.client.begin_write());
            let list = edit.apply(list, &differing);
            let pause = match self.after(begun.elapsed()).replace_once(ca, &list).await {
                Ok(()) => {
                    rounds += 1;
                    failures = Failures::default();
                    changed.extend(subtract(&differing, &changed));
                    let others = (read.elapsed() * 2).min(MAX_PAUSE);
                    let mut pause = others.max(self.settle_time);
                    if 1 < rounds {
                        // Clients that compete should not stay in step.
                        pause += self.client.limits().retry.delay(rounds);
                    }
                    pause.min(self.client.limits().clone().after(begun.elapsed()).deadline / 4)
                }
                Err(failed) => {
                    failures.add(failed, &differing, !changed.is_empty())?;
                    if failures.unclear.is_empty() && changed.is_empty() {
                        pending = None;
                    }
                    let left = self.client.limits().total().saturating_sub(begun.elapsed());
                    failures.delay_before_retry(self, left)
                }
            };
            tokio::time::sleep(pause).await;
        }
        let detail = format!(
            "the list was replaced {MAX_ROUNDS} times, and each time another client changed it soon \
             afterwards"
        );
        Err(Error::new(ErrorKind::Conflict)
            .with_detail(detail)
            .with_effect(true)
            .during(Operation::ReplaceHostnames, &self.subject(ca)))
    }
}

impl Edit {
    /// What this changes in a list, each hostname once.
    fn differing(self, list: &[String], hosts: &[String]) -> Vec<String> {
        let mut differing = match self {
            Self::Add => subtract(hosts, list),
            Self::Remove => intersect(list, hosts),
        };
        let mut seen = HashSet::new();
        differing.retain(|host| seen.insert(to_ascii(host)));
        differing
    }

    fn apply(self, mut list: Vec<String>, differing: &[String]) -> Vec<String> {
        match self {
            Self::Add => list.extend_from_slice(differing),
            Self::Remove => list = subtract(&list, differing),
        }
        list
    }
}

/// Replacements that failed since the last one that did not.
///
/// Each is followed by a read. If the list is then as wanted, the edit succeeded;
/// otherwise it is replaced again, unless the failure was the last.
#[derive(Default)]
struct Failures {
    count: u32,
    error: Option<Error>,
    /// The hostnames that may have changed.
    unclear: Vec<String>,
    /// The most that any of them may have done.
    effect: Effect,
    is_last: bool,
}

impl Failures {
    /// Fails if another attempt would fail, too.
    fn add(
        &mut self,
        failed: FailedCall,
        differing: &[String],
        has_changed: bool,
    ) -> Result<(), Error> {
        self.count += 1;
        self.effect = self.effect.max(failed.effect);
        if failed.effect != Effect::None {
            self.unclear.extend(subtract(differing, &self.unclear));
        }
        let error = failed.error.with_attempts(self.count);
        if failed.outcome == Outcome::Refused && error.kind() != ErrorKind::RateLimited {
            return Err(error.with_effect(has_changed || !self.unclear.is_empty()));
        }
        self.error = Some(error);
        Ok(())
    }

    /// How long to wait before another attempt. If there is none, this was the
    /// last.
    fn delay_before_retry(&mut self, hostnames: &Hostnames, left: Duration) -> Duration {
        let retry = &hostnames.client.limits().retry;
        let requested = self.error.as_ref().and_then(Error::retry_after);
        let delay = requested.unwrap_or_default().max(retry.delay(self.count));
        self.is_last = retry.attempts() <= self.count
            || left <= delay
            || !hostnames.client.shared().budget.withdraw();
        match self.is_last {
            true => Duration::ZERO,
            false => delay,
        }
    }

    /// The error of the last attempt, after a read that shows the old list.
    fn into_error(self, has_changed: bool) -> Error {
        let error = self
            .error
            .unwrap_or_else(|| Error::new(ErrorKind::Conflict));
        let error = match self.unclear.is_empty() {
            true => error,
            false => error.with_detail("the list was not the new one afterwards"),
        };
        error.with_effect(self.effect == Effect::Pending || has_changed)
    }

    /// The error after a read that failed: it has no effect, but what came before.
    fn after_unreadable(self, error: Error, has_changed: bool) -> Error {
        let may_have_taken_effect = has_changed || !self.unclear.is_empty();
        let error = match self.error {
            Some(last) => last.with_failed_lookup(&error),
            None if may_have_taken_effect => {
                error.with_detail("the list was replaced, but could not be read afterwards")
            }
            None => error,
        };
        error.with_effect(may_have_taken_effect)
    }
}

/// The hostnames of `list` that are in `other`, too.
fn intersect(list: &[String], other: &[String]) -> Vec<String> {
    let other = ascii_set(other);
    let both = list.iter().filter(|host| other.contains(&to_ascii(host)));
    both.cloned().collect()
}

/// The hostnames of `list` that are not in `other`.
fn subtract(list: &[String], other: &[String]) -> Vec<String> {
    let other = ascii_set(other);
    let rest = list.iter().filter(|host| !other.contains(&to_ascii(host)));
    rest.cloned().collect()
}
