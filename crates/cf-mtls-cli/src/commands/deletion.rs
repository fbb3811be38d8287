//! Deletes the certificates that `delete` or `prune` selected: shows them, asks,
//! and reports each outcome.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cf_mtls::{CertificateId, ErrorKind};
use cf_mtls_lifecycle::CertificatesExt as _;
use futures_util::stream::{self, StreamExt as _};

use crate::commands::lookup::{self, MAX_CAS_IN_ZONES};
use crate::context::Context;
use crate::options::Consent;
use crate::report::exit::Exit;
use crate::report::failure::{Failure, fit};
use crate::report::outcomes::{self, Outcome, OutcomeTable};
use crate::terminal::progress::Progress;
use crate::terminal::width;
use crate::view::preview::{self, Target};
use crate::view::uses;

/// Rows that people read before they reply.
const MAX_PREVIEW_ROWS: usize = 50;

pub(crate) struct Deletion<'a> {
    pub(crate) context: &'a Context,
    pub(crate) consent: Consent,
    pub(crate) if_exists: bool,
    /// Names that no certificate has, which is no failure.
    pub(crate) absent: Vec<String>,
}

impl Deletion<'_> {
    pub(crate) async fn run(self, targets: Vec<Target>) -> Result<(), Failure> {
        let output = self.context.output;
        let Consent { dry_run, .. } = self.consent;
        let count = targets.len() + self.absent.len();
        let is_sent = |target: &Target| target.error.is_none() && !target.is_managed();
        let (targets, left_alone): (Vec<_>, Vec<_>) = targets.into_iter().partition(is_sent);
        if !targets.is_empty() {
            self.context.show_plan(self.consent, || plan(&targets));
        }
        if !targets.is_empty() && !dry_run {
            let question = question(&targets);
            self.context.confirm(self.consent, &question).await?;
        }
        let progress = Progress::bar(output.quiet || dry_run, targets.len(), "deleting");
        let mut table = OutcomeTable::new(output, dry_run, count, &targets, &progress);
        for name in &self.absent {
            table.add_absent(name);
        }
        for target in left_alone.iter().chain(targets.iter().filter(|_| dry_run)) {
            table.add(target, self.outcome(outcomes::expected(target)));
        }
        if !dry_run {
            self.delete(targets, &mut table, &progress).await?;
        }
        table.finish(self.context.interrupt.is_raised())
    }

    async fn delete(
        &self,
        targets: Vec<Target>,
        table: &mut OutcomeTable,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let certificates = self.context.certificates_for(targets.len()).await?;
        let ids: Vec<CertificateId> = targets.iter().map(|one| one.id.clone()).collect();
        let mut left: HashMap<CertificateId, Target> =
            targets.into_iter().map(|target| (target.id.clone(), target)).collect();
        let mut refused = Vec::new();
        let work = async {
            let (interrupt, is_lost) = (self.context.interrupt.clone(), Arc::clone(&table.is_lost));
            let ids = stream::iter(ids.clone()).take_while(move |_| {
                let stops = interrupt.is_raised() || is_lost.load(Ordering::SeqCst);
                std::future::ready(!stops)
            });
            let mut deletions = certificates.delete_stream(ids);
            while let Some(deletion) = deletions.next().await {
                progress.advance();
                let result = deletion.result.map(|_| Outcome::Deleted).map_err(Failure::from);
                match (left.remove(&deletion.id), self.outcome(result)) {
                    (Some(target), Err(failure)) if failure.exit() == Exit::InUse => {
                        refused.push((target, failure));
                    }
                    (Some(target), outcome) => table.add(&target, outcome),
                    (None, _) => {}
                }
            }
        };
        // What was not begun is told below.
        let _ = self.context.interrupt.changing(certificates.client(), work).await;
        progress.finish();
        // Who uses those is looked up once for all, if that is not known.
        let unknown = refused.iter_mut().map(|(target, _)| target);
        let unknown = unknown.filter(|target| target.uses.as_ref().is_none_or(uses::is_empty));
        let unknown: Vec<&mut Target> = unknown.collect();
        if !unknown.is_empty() && !self.context.interrupt.is_raised() {
            // Nothing fails for it.
            let _ = lookup::add_details(self.context, unknown).await;
        }
        for (target, failure) in refused {
            table.add(&target, Err(failure.with_uses(&target.id, target.uses.as_ref())));
        }
        for target in ids.iter().filter_map(|id| left.remove(id)) {
            table.add(&target, Ok(Outcome::NotBegun));
        }
        Ok(())
    }

    fn outcome(&self, result: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
        match result {
            Err(failure) if self.if_exists && failure.kind() == ErrorKind::NotFound.into() => {
                Ok(Outcome::Absent)
            }
            result => result,
        }
    }
}

/// Asks for what is expected: the service refuses to delete what is in use.
fn question(targets: &[Target]) -> String {
    let in_use = targets.iter().filter(|target| target.is_in_use()).count();
    let warning = match (targets, in_use) {
        (_, 0) => String::new(),
        ([one], _) => {
            let remedy = uses::remedy(&one.id, one.uses.as_ref());
            let text = format!("It is in use, so the service will refuse this; {remedy}.");
            fit(&text, 2) + "\n"
        }
        _ => format!("The service will refuse to delete the {in_use} in use.\n"),
    };
    match targets.len() {
        1 => format!("{warning}Delete this certificate?"),
        count => format!("{warning}Delete these {count} certificates?"),
    }
}

/// What will be deleted.
fn plan(targets: &[Target]) -> String {
    let shown = targets.get(..MAX_PREVIEW_ROWS).unwrap_or(targets);
    let mut text = preview::targets(shown, width::stderr());
    if shown.len() < targets.len() {
        text.push_str(&format!("and {} more\n", targets.len() - shown.len()));
    }
    let is_unread = |one: &Target| one.uses.as_ref().is_some_and(|usage| usage.zones_not_read);
    if targets.iter().all(|target| target.uses.is_none()) {
        text.push_str(
            "With this many, usage is not looked up; the service refuses to delete those in use.\n",
        );
    } else if targets.iter().any(|one| one.is_in_use() && !one.is_leaf() && is_unread(one)) {
        text.push_str(&format!(
            "With more than {MAX_CAS_IN_ZONES} CAs in use, hostnames are not looked up; `cf-mtls \
             associations ID` shows them.\n"
        ));
    }
    text
}
