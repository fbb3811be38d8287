//! Adds to a list of hostnames and removes from it, where the service can only
//! replace it.

use std::time::Duration;

use tokio::time::Instant;

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
/// The service cannot be told which list is meant to be replaced. Who has read
/// it before it was replaced here puts back what they have read, and takes about
/// as long for it as it took here. So the last look comes when that is over.
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
    for round in 0..=ROUNDS {
        let read = Instant::now();
        let list = match hostnames.within(left()).list(ca).await {
            Ok(list) => list,
            Err(error) if changed.is_empty() => return Err(error),
            // A failed read has no effect, but what went before it has.
            Err(error) => {
                let detail = "the list was replaced, but could not be read again to see whether \
                              it stayed so";
                return Err(error.with_detail(detail).with_effect(true));
            }
        };
        let differing = edit.differing(&list, &hosts);
        if differing.is_empty() {
            return Ok(Edited { list, changed });
        }
        if round == ROUNDS {
            break;
        }
        let new = subtract(&differing, &changed);
        let list = edit.apply(list, &differing);
        let replaced = hostnames.within(left()).replace(ca, list).await;
        replaced.map_err(|error| {
            let effect = error.may_have_taken_effect() || !changed.is_empty();
            error.with_effect(effect)
        })?;
        changed.extend(new);
        let mut pause = (read.elapsed() * 2).min(LONGEST_PAUSE);
        if 0 < round {
            // Those who fight over it should not go on in step.
            pause += limits.retry.delay(round);
        }
        tokio::time::sleep(pause.min(left().deadline / 4)).await;
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
