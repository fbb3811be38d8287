//! How a change of a list of hostnames turns out.

use cf_mtls::Hostnames;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
    Replace,
}

/// How a list differs from what it was.
pub(crate) struct Difference {
    pub(crate) after: Vec<String>,
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    /// What was asked for and is so already: in the list, or not in it.
    pub(crate) unchanged: Vec<String>,
}

impl Difference {
    pub(crate) fn planned(change: Change, before: &[String], hosts: &[String]) -> Self {
        let after = match change {
            Change::Add => [before, &lacking(hosts, before)].concat(),
            Change::Remove => lacking(before, hosts),
            Change::Replace => hosts.to_vec(),
        };
        let mut plan = Self::seen(before, after);
        let changing = [&plan.added[..], &plan.removed].concat();
        plan.unchanged = lacking(hosts, &changing);
        if plan.is_none() {
            plan.after = before.to_vec();
        }
        plan
    }

    pub(crate) fn seen(before: &[String], after: Vec<String>) -> Self {
        Self {
            added: lacking(&after, before),
            removed: lacking(before, &after),
            after,
            unchanged: Vec::new(),
        }
    }

    /// What of another difference is not of this one.
    pub(crate) fn beside(&self, other: &Self) -> Self {
        Self {
            after: other.after.clone(),
            added: lacking(&other.added, &self.added),
            removed: lacking(&other.removed, &self.removed),
            unchanged: Vec::new(),
        }
    }

    pub(crate) fn summary(&self) -> String {
        let (added, removed) = (self.added.len(), self.removed.len());
        format!("{added} added, {removed} removed")
    }

    pub(crate) fn is_none(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// What of a list is not in the other, in whatever spelling.
fn lacking(list: &[String], other: &[String]) -> Vec<String> {
    let missing = |host: &&String| !other.iter().any(|other| Hostnames::is_same(other, host));
    list.iter().filter(missing).cloned().collect()
}

/// Whether a hostname lies outside of a zone. Where only one of them has
/// letters beyond ASCII, that cannot be told from the spelling.
pub(crate) fn is_outside(host: &str, zone: &str) -> bool {
    let head = host.strip_suffix(zone);
    host.is_ascii()
        && zone.is_ascii()
        && !head.is_some_and(|head| head.is_empty() || head.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_tells_what_is_added_removed_and_left() {
        let names =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        // (change, before, hosts, after, added, removed, unchanged)
        let table = [
            (Change::Add, "a B.", "b c", "a B. c", "c", "", "b"),
            (Change::Remove, "a B.", "b c", "a", "", "B.", "c"),
            (Change::Replace, "a b", "b c", "b c", "c", "a", "b"),
            (Change::Replace, "a b", "", "", "", "a b", ""),
            (Change::Replace, "a B", "b a", "a B", "", "", "b a"),
        ];
        for (change, before, hosts, after, added, removed, unchanged) in table {
            let plan = Difference::planned(change, &names(before), &names(hosts));
            let got = (plan.after, plan.added, plan.removed, plan.unchanged);
            let want = (names(after), names(added), names(removed), names(unchanged));
            assert_eq!(got, want, "{change:?} {hosts:?}");
        }
    }

    #[test]
    fn what_others_did_is_not_of_a_plan() {
        let names = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let plan = Difference::planned(Change::Add, &names("a b"), &names("c"));
        let seen = Difference::seen(&names("a b"), names("B C. d"));
        let others = plan.beside(&seen);
        assert_eq!((others.added, others.removed), (names("d"), names("a")));
        assert_eq!(plan.summary(), "1 added, 0 removed");
    }

    #[test]
    fn a_hostname_lies_in_a_zone_or_outside() {
        let table = [
            ("example.com", false),
            ("*.a.example.com", false),
            ("notexample.com", true),
            ("example.com.evil.net", true),
            ("com", true),
            ("a.exämple.com", false),
        ];
        for (host, outside) in table {
            assert_eq!(is_outside(host, "example.com"), outside, "{host}");
        }
    }
}
