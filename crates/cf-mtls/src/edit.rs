//! Adds to a list of hostnames and removes from it, where the service can only
//! replace it.

use std::time::Duration;

use tokio::time::Instant;

use crate::call::Failed;
use crate::error::{Error, ErrorKind};
use crate::hostnames::{ClientCa, Hostnames, normal};
use crate::operation::Operation;

/// How often a list is replaced before it is left to those who fight over it.
const ROUNDS: u32 = 6;

/// A replacement that waited for the rate limit says nothing of how soon others
/// come.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Add,
    Remove,
}

/// A list of hostnames after it was edited.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) list: Vec<String>,
    /// What was really added or removed, as it stands or stood in the list.
    pub(crate) changed: Vec<String>,
}

impl Edit {
    /// What this would change of a list.
    fn differing(self, list: &[String], hosts: &[String]) -> Vec<String> {
        let mut differing = match self {
            Self::Add => subtract(hosts, list),
            Self::Remove => intersect(list, hosts),
        };
        let mut seen: Vec<String> = Vec::new();
        differing.retain(|host| {
            let new = !contains(&seen, host);
            seen.push(host.clone());
            new
        });
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

/// Reads the list, replaces it, and reads it again, until it is as wanted.
///
/// The service cannot be told which list is meant to be replaced. So what was read
/// is sent once and at once: before it is sent again, it is read anew. And who has
/// read it before it was replaced here puts back what they have read, so that the
/// last look comes when that is over.
pub(crate) async fn edit(
    hostnames: &Hostnames,
    ca: &ClientCa,
    edit: Edit,
    hosts: Vec<String>,
) -> Result<Edited, Error> {
    let limits = hostnames.limits().clone();
    let begun = Instant::now();
    let left = || limits.time.after(begun.elapsed());
    let mut changed: Vec<String> = Vec::new();
    let mut failures = Failures::default();
    // From the first replacement to the answer, the caller has not been told.
    let mut change = None;
    let mut rounds = 0;
    loop {
        let read = Instant::now();
        let list = match hostnames.within(left()).list(ca).await {
            Ok(list) => list,
            Err(error) => return Err(failures.unread(error, !changed.is_empty())),
        };
        let differing = edit.differing(&list, &hosts);
        if differing.is_empty() {
            changed.extend(subtract(&failures.unclear, &changed));
            return Ok(Edited { list, changed });
        }
        if let Some(error) = failures.last_one() {
            let error = match failures.unclear.is_empty() {
                true => error,
                false => {
                    error.with_detail("the list was not the new one when looked up afterwards")
                }
            };
            return Err(error.with_effect(failures.unanswered || !changed.is_empty()));
        }
        if rounds == ROUNDS {
            break;
        }
        change.get_or_insert_with(|| hostnames.client().begin_change());
        let list = edit.apply(list, &differing);
        let replaced = hostnames.within(left()).replace_once(ca, list).await;
        let pause = match replaced {
            Ok(()) => {
                rounds += 1;
                failures = Failures::default();
                changed.extend(subtract(&differing, &changed));
                let others = (read.elapsed() * 2).min(LONGEST_PAUSE);
                let mut pause = others.max(limits.settling);
                if 1 < rounds {
                    // Those who fight over it should not go on in step.
                    pause += limits.retry.delay(rounds);
                }
                pause.min(left().deadline / 4)
            }
            Err(failed) => {
                let known = !failed.ambiguous && failures.unclear.is_empty();
                if known && changed.is_empty() {
                    change = None;
                }
                failures.add(failed, &differing, !changed.is_empty())?;
                failures.wait(hostnames, left().total())
            }
        };
        tokio::time::sleep(pause).await;
    }
    let detail = format!(
        "the list was replaced {ROUNDS} times, and each time it was another one soon afterwards: \
         somebody else is changing it"
    );
    Err(Error::new(ErrorKind::Conflict)
        .with_detail(detail)
        .with_effect(true)
        .of(Operation::ReplaceHostnames, &hostnames.subject(ca)))
}

/// Replacements that failed one after the other.
#[derive(Default)]
struct Failures {
    count: u32,
    /// What may have been changed all the same.
    unclear: Vec<String>,
    /// Whether one of them may take effect even later.
    unanswered: bool,
    error: Option<Error>,
    /// Whether there is no other one.
    is_last: bool,
}

impl Failures {
    /// Fails where another attempt would, too.
    fn add(&mut self, failed: Failed, differing: &[String], changed: bool) -> Result<(), Error> {
        let Failed {
            error,
            ambiguous,
            unanswered,
            turned_away,
        } = failed;
        self.count += 1;
        self.unanswered |= unanswered;
        if ambiguous {
            self.unclear.extend(subtract(differing, &self.unclear));
        }
        let error = error.with_attempts(self.count);
        if !ambiguous && !turned_away && error.kind() != ErrorKind::RateLimited {
            let effect = changed || !self.unclear.is_empty();
            return Err(error.with_effect(effect));
        }
        self.error = Some(error);
        Ok(())
    }

    /// How long to wait before another attempt; where there is none, not at all.
    fn wait(&mut self, hostnames: &Hostnames, left: Duration) -> Duration {
        let retry = &hostnames.limits().retry;
        let asked = self.error.as_ref().and_then(Error::retry_after);
        let wait = asked.unwrap_or_default().max(retry.delay(self.count));
        let again =
            self.count < retry.attempts() && wait < left && hostnames.client().budget().withdraw();
        self.is_last = !again;
        match again {
            true => wait,
            false => Duration::ZERO,
        }
    }

    /// The error to end with, where there is no other attempt.
    fn last_one(&mut self) -> Option<Error> {
        self.error.take_if(|_| self.is_last)
    }

    /// A failed read has no effect, but what went before it has.
    fn unread(self, error: Error, changed: bool) -> Error {
        let effect = changed || !self.unclear.is_empty();
        match self.error {
            Some(last) => {
                let detail = format!("looking it up afterwards failed too: {}", error.kind());
                last.with_detail(detail).with_effect(effect)
            }
            None if effect => error
                .with_detail(
                    "the list was replaced, but could not be read again to see whether it stayed \
                     so",
                )
                .with_effect(true),
            None => error,
        }
    }
}

/// Whether a hostname is in a list, in whatever spelling.
pub(crate) fn contains(list: &[String], host: &str) -> bool {
    let host = normal(host);
    list.iter().any(|other| normal(other) == host)
}

/// What of `list` is in `other` too.
pub(crate) fn intersect(list: &[String], other: &[String]) -> Vec<String> {
    let both = list.iter().filter(|host| contains(other, host));
    both.cloned().collect()
}

/// What of `list` is not in `other`.
pub(crate) fn subtract(list: &[String], other: &[String]) -> Vec<String> {
    let rest = list.iter().filter(|host| !contains(other, host));
    rest.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn changes_only_what_differs_in_whatever_spelling() {
        use Edit::{Add, Remove};
        // (edit, the list, hostnames, what differs, the new list)
        let table = [
            (Add, "", "a", "a", "a"),
            (Add, "b a", "A", "", "b a"),
            (Add, "b", "a B c A", "a c", "b a c"),
            (Remove, "", "a", "", ""),
            (Remove, "A b", "a c", "A", "b"),
            (Remove, "a b A", "a", "a", "b"),
            (Remove, "a", "a a", "a", ""),
            (Add, "a.b.", "A.b", "", "a.b."),
            (Remove, "a.b. É.b", "a.B é.b.", "a.b. É.b", ""),
        ];
        for (edit, list, hosts, differing, new) in table {
            let (list, hosts) = (names(list), names(hosts));
            let found = edit.differing(&list, &hosts);
            assert_eq!(found, names(differing), "{edit:?} {hosts:?} {list:?}");
            assert_eq!(edit.apply(list, &found), names(new), "{edit:?} {hosts:?}");
        }
    }
}
