//! Deletes the certificates that `delete` or `prune` selected: shows them, asks,
//! and reports each outcome.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, ErrorKind};
use cf_mtls_lifecycle::CertificatesExt as _;
use futures_util::stream::{self, StreamExt as _};

use crate::commands::lookup::Lookup;
use crate::context::Context;
use crate::options::Consent;
use crate::report::failure::Failure;
use crate::report::outcomes::{self, Outcome, OutcomeTable};
use crate::terminal::progress::Progress;
use crate::terminal::width;
use crate::view::preview::{self, Target};

/// Rows that people read before they reply.
const MAX_PREVIEW_ROWS: usize = 50;

pub(crate) struct Deletion<'a> {
    pub(crate) context: &'a Context,
    pub(crate) certificates: Certificates,
    pub(crate) consent: Consent,
    pub(crate) if_exists: bool,
}

impl Deletion<'_> {
    pub(crate) async fn run(self, lookup: Lookup) -> Result<(), Failure> {
        let Lookup { targets, failed } = lookup;
        let output = self.context.output;
        let Consent { dry_run, .. } = self.consent;
        if !targets.is_empty() {
            self.context.show_plan(self.consent, || plan(&targets));
        }
        if !targets.is_empty() && !dry_run {
            let question = question(&targets);
            self.context.confirm(self.consent, &question).await?;
        }
        let progress = match dry_run {
            true => Progress::none(),
            false => Progress::bar(output.quiet, targets.len(), "deleting"),
        };
        let count = failed.len() + targets.len();
        let mut table = OutcomeTable::new(output, dry_run, count, &targets, &progress);
        for (id, error) in failed {
            let outcome = self.outcome(Err(error.into()));
            table.add(&Target::new(id, None), outcome)?;
        }
        if dry_run {
            for target in &targets {
                table.add(target, outcomes::expected(target))?;
            }
        } else {
            self.delete(&targets, &mut table, &progress).await?;
        }
        table.finish()
    }

    async fn delete(
        &self,
        targets: &[Target],
        table: &mut OutcomeTable,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let mut left: HashMap<CertificateId, &Target> =
            targets.iter().map(|target| (target.id.clone(), target)).collect();
        let work = async {
            let (interrupt, is_lost) = (self.context.interrupt.clone(), table.is_lost());
            let ids: Vec<CertificateId> = targets.iter().map(|one| one.id.clone()).collect();
            let ids = stream::iter(ids).take_while(move |_| {
                let stops = interrupt.is_raised() || is_lost.load(Ordering::SeqCst);
                std::future::ready(!stops)
            });
            // Many may wait for the rate limit for longer than the deadline.
            let certificates = match targets {
                [_] => self.certificates.clone().with_patience(Duration::ZERO),
                _ => self.certificates.clone(),
            };
            let mut deletions = certificates.delete_many(ids);
            while let Some(deletion) = deletions.next().await {
                progress.advance();
                let outcome = self.outcome(deletion.result.map(drop).map_err(Failure::from));
                if let Some(target) = left.remove(&deletion.id) {
                    table.add(target, outcome)?;
                }
            }
            Ok::<_, Failure>(())
        };
        let client = self.certificates.client();
        let worked = self.context.interrupt.changing(client, work).await;
        progress.finish();
        if let Ok(worked) = worked {
            worked?;
        }
        for target in targets {
            if left.contains_key(&target.id) {
                table.add(target, Ok(Outcome::NotBegun))?;
            }
        }
        Ok(())
    }

    fn outcome(&self, result: Result<(), Failure>) -> Result<Outcome, Failure> {
        match result {
            Ok(()) => Ok(Outcome::Deleted),
            Err(failure) if self.if_exists && failure.kind() == ErrorKind::NotFound.into() => {
                Ok(Outcome::Absent)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Asks for what is expected: the service refuses to delete what is in use.
fn question(targets: &[Target]) -> String {
    let in_use = targets.iter().filter(|target| target.is_in_use()).count();
    let warning = match (targets, in_use) {
        (_, 0) => String::new(),
        ([one], _) => format!(
            "It is in use, so the service will refuse this; `cf-mtls release {}` detaches its \
             hostnames first.\n",
            one.id
        ),
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
    if targets.iter().all(|target| target.uses.is_none()) {
        text.push_str(
            "With this many, usage is not looked up; the service refuses to delete those in use.\n",
        );
    }
    text
}
