//! What takes more than one operation, as methods of the account's certificates.

use cf_mtls_api::CertificateId;
use futures_core::Stream;

use crate::certificate::Certificate;
use crate::certificates::Certificates;
use crate::delete_many::{self, DeleteOutcome};
use crate::error::Error;
use crate::find;
use crate::get_many::{self, GetOutcome};
use crate::outcomes::Outcomes;
use crate::prune::{self, Candidate, Prune};
use crate::release::Release;
use crate::rotate::Rotate;
use crate::upload::Upload;
use crate::usage::{self, Usage, ZoneUse};

impl Certificates {
    /// The one certificate of exactly this name; `None` if there is none.
    /// Names need not be unique. Pages are repeated like those of
    /// [`list`](Self::list), and have one deadline together.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Ambiguous`](crate::ErrorKind::Ambiguous) if several have
    ///   the name, with [`Error::candidates`]
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the
    ///   name is empty
    /// - others as in the [table of the crate](crate#errors)
    pub async fn find(&self, name: &str) -> Result<Option<Certificate>, Error> {
        find::by_name(self, name).await
    }

    /// Who uses a certificate: the services, and for a CA the zones with their
    /// hostnames, for which all zones of the account are asked.
    ///
    /// It reads only, and repeats each read. A zone that cannot be read is in
    /// [`Usage::unreadable`], since it may hold hostnames. Where an account has
    /// very many zones, [`zones_using`](Self::zones_using) tells as it goes.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account
    ///   holds no such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn usage(&self, id: &CertificateId) -> Result<Usage, Error> {
        usage::usage(self, id).await
    }

    /// The zones of the account in which a CA has hostnames, in no particular
    /// order, as they are found.
    ///
    /// Each zone is one request, of which [`with_concurrency`](Self::with_concurrency)
    /// are under way at a time; they wait for the rate limit as
    /// [`with_patience`](Self::with_patience) says. Memory does not grow with
    /// the number of zones. The stream ends after an `Err`, which means that
    /// the zones could not be listed.
    pub fn zones_using(&self, ca: &CertificateId) -> Outcomes<Result<ZoneUse, Error>> {
        usage::zones_using(self, ca)
    }

    /// Reads many certificates: ids go in as they come, outcomes come out as they
    /// become known, in whatever order.
    ///
    /// Each one is read and repeated as by [`get`](Self::get), and has an outcome
    /// of its own: none stops another. For concurrency, memory and the rate limit
    /// the same holds as for [`delete_many`](Self::delete_many). Where most of an
    /// account is wanted, [`list`](Self::list) takes fifty of them to a request.
    pub fn get_many(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<GetOutcome> {
        get_many::get_many(self, ids)
    }

    /// Deletes many certificates: ids go in as they come, outcomes come out as
    /// they become known, in whatever order.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     certificates: cf_mtls::Certificates,
    /// #     ids: Vec<cf_mtls::CertificateId>,
    /// # ) {
    /// let mut outcomes = certificates.delete_many(futures_util::stream::iter(ids));
    /// while let Some(outcome) = outcomes.next().await {
    ///     match outcome.result {
    ///         Ok(_) => println!("{}: gone", outcome.id),
    ///         Err(error) => println!("{}: {error}", outcome.id),
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// Each one is deleted and repeated as by [`delete`](Self::delete), and has
    /// an outcome of its own: none stops another. An id that comes twice is
    /// deleted twice, so one of its outcomes is an error. Not more than
    /// [`with_concurrency`](Self::with_concurrency) are under way at a time, and
    /// memory does not grow with their number; they wait for the rate limit as
    /// [`with_patience`](Self::with_patience) says. Nothing is begun while
    /// nobody asks for outcomes; those under way when the stream is dropped may
    /// be deleted or not.
    pub fn delete_many(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<DeleteOutcome> {
        delete_many::delete_many(self, ids)
    }

    /// Releases a certificate that is in use: detaches its hostnames, waits
    /// until no service uses it any more, and deletes it.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     certificates: cf_mtls::Certificates,
    /// #     id: cf_mtls::CertificateId,
    /// # ) -> Result<(), cf_mtls::Error> {
    /// let plan = certificates.release(&id).plan().await?;
    /// for zone in plan.zones() {
    ///     println!("will detach {zone}");
    /// }
    /// for blocker in plan.blockers() {
    ///     println!("cannot be released: {blocker}");
    /// }
    /// if !plan.is_blocked() {
    ///     plan.run(|step| println!("{step}")).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What no change of hostnames can end, such as a use by Gateway or Workers,
    /// stops it before anything is changed; so do hostnames that it cannot see
    /// or must not touch.
    pub fn release(&self, id: &CertificateId) -> Release {
        Release::new(self.clone(), id.clone())
    }

    /// Replaces a CA by another: uploads the successor, moves the hostnames, and
    /// deletes the old one, with no moment in which a hostname has no CA.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     certificates: cf_mtls::Certificates,
    /// #     old: cf_mtls::CertificateId,
    /// #     pem: String,
    /// # ) -> Result<(), cf_mtls::Error> {
    /// let successor = cf_mtls::Upload::ca(&pem)?.with_name("clients-2027");
    /// let rotation = certificates.rotate(&old, successor);
    /// let rotated = rotation.run(|step| println!("{step}")).await?;
    /// println!("{} has taken over", rotated.successor);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// After an interruption, run it again with the same certificate: what was
    /// uploaded before is found in the list, whatever its name, and taken.
    pub fn rotate(&self, old: &CertificateId, successor: Upload) -> Rotate {
        Rotate::new(self.clone(), old.clone(), successor)
    }

    /// Finds the certificates that meet all criteria, and deletes none.
    ///
    /// ```no_run
    /// # async fn example(certificates: cf_mtls::Certificates) -> Result<(), cf_mtls::Error> {
    /// let criteria = cf_mtls::Prune::new().expired().unused();
    /// let mut candidates = certificates.prune_candidates(criteria)?;
    /// let mut ids = Vec::new();
    /// while let Some(candidate) = candidates.next().await {
    ///     let candidate = candidate?;
    ///     println!("{}: {}", candidate.certificate, candidate.reasons[0]);
    ///     ids.push(candidate.id);
    /// }
    /// // When somebody has agreed:
    /// let mut outcomes = certificates.delete_many(futures_util::stream::iter(ids));
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{}: {:?}", outcome.id, outcome.result.is_ok());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// They come in the order of the list, read page by page. Collect them
    /// before deleting: deletions move the pages, and the list skips some. It
    /// sends only reads, and repeats each; they wait for the rate limit as
    /// [`with_patience`](Self::with_patience) says. The stream goes on after the
    /// `Err` of one certificate, and ends after that of a page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when no
    /// criterion selects anything: the kind and the type only narrow down.
    pub fn prune_candidates(
        &self,
        criteria: Prune,
    ) -> Result<Outcomes<Result<Candidate, Error>>, Error> {
        prune::candidates(self, criteria)
    }
}
