//! Adds to a list of hostnames and removes from it, where the service can only
//! replace it.

use std::time::Duration;

use tokio::time::Instant;

use super::{ClientCa, Hostnames, checked_all, normal};
use crate::error::{Error, ErrorKind, Operation};
use crate::transport::Failed;

/// How often a list is replaced before it is left to those who fight over it.
const ROUNDS: u32 = 6;

/// A replacement that waited for the rate limit says nothing of how soon others
/// come.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Hostnames {
    /// Adds hostnames to those that are tied to a CA, and returns what changed. What is in the list already, in whatever spelling, stays as it
    /// is; where that is all, nothing is sent but a read. What is new is sent in
    /// [one spelling](Self::normalize).
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
    /// replaced, and after a moment read again; when somebody else has replaced
    /// it meanwhile, that is done anew, up to six times within the one deadline.
    /// A replacement that failed is not repeated before the list is read anew.
    ///
    /// The moment is that of [`with_settling`](Self::with_settling), or twice as
    /// long as it took to read and to replace the list, up to two seconds. Several
    /// who add or remove at the same time by this call find out, and all get their
    /// way, unless one of them takes longer than that between reading and
    /// replacing. What anybody else puts there in between gets lost: the service
    /// offers no way to tell.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if others change
    ///   the list faster than this can
    /// - those of [`replace`](Self::replace)
    pub async fn add<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<Edited, Error> {
        edit(self, ca, Edit::Add, checked_all(hostnames)?).await
    }

    /// Removes hostnames from those that are tied to a CA, and returns what
    /// changed. Where none of them is in the list, in whatever spelling,
    /// nothing is sent but a read. It is done and repeated like
    /// [`add`](Self::add), and loses as little.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add).
    pub async fn remove<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<Edited, Error> {
        edit(self, ca, Edit::Remove, checked_all(hostnames)?).await
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Add,
    Remove,
}

/// A list of hostnames after it was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edited {
    /// The list as it is now.
    pub list: Vec<String>,
    /// What was really added or removed, as it stands or stood in the list.
    pub changed: Vec<String>,
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
async fn edit(
    hostnames: &Hostnames,
    ca: &ClientCa,
    edit: Edit,
    hosts: Vec<String>,
) -> Result<Edited, Error> {
    let limits = hostnames.client.limits();
    let begun = Instant::now();
    let left = || limits.time.after(begun.elapsed());
    let mut changed: Vec<String> = Vec::new();
    let mut failures = Failures::default();
    // From the first replacement to the answer, the caller has not been told.
    let mut change = None;
    let mut rounds = 0;
    loop {
        let read = Instant::now();
        let list = match hostnames.in_time(left()).list(ca).await {
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
        change.get_or_insert_with(|| hostnames.client.begin_change());
        let list = edit.apply(list, &differing);
        let replaced = hostnames.in_time(left()).replace_once(ca, list).await;
        let pause = match replaced {
            Ok(()) => {
                rounds += 1;
                failures = Failures::default();
                changed.extend(subtract(&differing, &changed));
                let others = (read.elapsed() * 2).min(LONGEST_PAUSE);
                let mut pause = others.max(hostnames.settling);
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
        let retry = &hostnames.client.limits().retry;
        let asked = self.error.as_ref().and_then(Error::retry_after);
        let wait = asked.unwrap_or_default().max(retry.delay(self.count));
        let again =
            self.count < retry.attempts() && wait < left && hostnames.client.budget().withdraw();
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
fn contains(list: &[String], host: &str) -> bool {
    let host = normal(host);
    list.iter().any(|other| normal(other) == host)
}

/// What of `list` is in `other` too.
fn intersect(list: &[String], other: &[String]) -> Vec<String> {
    let both = list.iter().filter(|host| contains(other, host));
    both.cloned().collect()
}

/// What of `list` is not in `other`.
fn subtract(list: &[String], other: &[String]) -> Vec<String> {
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
