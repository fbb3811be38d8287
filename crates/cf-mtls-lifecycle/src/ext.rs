//! The jobs, as methods of the account's certificates.

use cf_mtls::{CertificateId, Certificates, Upload};
use futures_core::Stream;

use crate::error::Error;
use crate::many::{self, DeleteOutcome, GetOutcome, Outcomes};
use crate::prune::{self, Candidate, Prune};
use crate::release::Release;
use crate::rotate::Rotate;
use crate::usage::{self, Usage, ZoneUse};

mod sealed {
    pub trait Sealed {}

    impl Sealed for cf_mtls::Certificates {}
}

/// The jobs of this crate, as methods of [`Certificates`].
pub trait CertificatesExt: sealed::Sealed {
    /// Who uses a certificate: the services, and for a CA the zones with their
    /// hostnames, for which all zones of the account are asked.
    ///
    /// It reads only, and repeats each read. A zone that cannot be read is in
    /// [`Usage::unreadable`], since it may hold hostnames. Where an account has
    /// very many zones, [`zones_using`](Self::zones_using) tells as it goes.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](cf_mtls::ErrorKind::NotFound) if the account
    ///   holds no such certificate
    /// - others as in the [table of the crate](cf_mtls#errors)
    fn usage(&self, id: &CertificateId) -> impl Future<Output = Result<Usage, Error>> + Send;

    /// The zones of the account in which a CA has hostnames, in no particular
    /// order, as they are found.
    ///
    /// Each zone is one request, of which [`with_concurrency`](Certificates::with_concurrency)
    /// are under way at a time; they wait for the rate limit as
    /// [`with_patience`](Certificates::with_patience) says. Memory does not grow with
    /// the number of zones. The stream ends after an `Err`, which means that
    /// the zones could not be listed.
    fn zones_using(&self, ca: &CertificateId) -> Outcomes<Result<ZoneUse, Error>>;

    /// Reads many certificates: ids go in as they come, outcomes come out as they
    /// become known, in whatever order.
    ///
    /// Each one is read and repeated as by [`get`](Certificates::get), and has an outcome
    /// of its own: none stops another. For concurrency, memory and the rate limit
    /// the same holds as for [`delete_many`](Self::delete_many). Where most of an
    /// account is wanted, [`list`](Certificates::list) takes fifty of them to a request.
    fn get_many(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<GetOutcome>;

    /// Deletes many certificates: ids go in as they come, outcomes come out as
    /// they become known, in whatever order.
    ///
    /// ```no_run
    /// use cf_mtls_lifecycle::CertificatesExt as _;
    ///
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
    /// Each one is deleted and repeated as by [`delete`](Certificates::delete), and has
    /// an outcome of its own: none stops another. An id that comes twice is
    /// deleted twice, so one of its outcomes is an error. Not more than
    /// [`with_concurrency`](Certificates::with_concurrency) are under way at a time, and
    /// memory does not grow with their number; they wait for the rate limit as
    /// [`with_patience`](Certificates::with_patience) says. Nothing is begun while
    /// nobody asks for outcomes; those under way when the stream is dropped may
    /// be deleted or not.
    fn delete_many(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<DeleteOutcome>;

    /// Releases a certificate that is in use: detaches its hostnames, waits
    /// until no service uses it any more, and deletes it.
    ///
    /// ```no_run
    /// use cf_mtls_lifecycle::CertificatesExt as _;
    ///
    /// # async fn example(
    /// #     certificates: cf_mtls::Certificates,
    /// #     id: cf_mtls::CertificateId,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
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
    fn release(&self, id: &CertificateId) -> Release;

    /// Replaces a CA by another: uploads the successor, moves the hostnames, and
    /// deletes the old one, with no moment in which a hostname has no CA.
    ///
    /// ```no_run
    /// use cf_mtls_lifecycle::CertificatesExt as _;
    ///
    /// # async fn example(
    /// #     certificates: cf_mtls::Certificates,
    /// #     old: cf_mtls::CertificateId,
    /// #     pem: String,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
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
    fn rotate(&self, old: &CertificateId, successor: Upload) -> Rotate;

    /// Finds the certificates that meet all criteria, and deletes none.
    ///
    /// ```no_run
    /// use cf_mtls_lifecycle::CertificatesExt as _;
    ///
    /// # async fn example(certificates: cf_mtls::Certificates) -> Result<(), Box<dyn std::error::Error>> {
    /// let criteria = cf_mtls_lifecycle::Prune::new().expired().unused();
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
    /// [`with_patience`](Certificates::with_patience) says. The stream goes on after the
    /// `Err` of one certificate, and ends after that of a page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](cf_mtls::ErrorKind::InvalidInput) when no
    /// criterion selects anything: the kind and the type only narrow down.
    fn prune_candidates(
        &self,
        criteria: Prune,
    ) -> Result<Outcomes<Result<Candidate, Error>>, Error>;
}

impl CertificatesExt for Certificates {
    async fn usage(&self, id: &CertificateId) -> Result<Usage, Error> {
        usage::usage(self, id).await
    }

    fn zones_using(&self, ca: &CertificateId) -> Outcomes<Result<ZoneUse, Error>> {
        usage::zones_using(self, ca)
    }

    fn get_many(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<GetOutcome> {
        many::get_many(self, ids)
    }

    fn delete_many(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<DeleteOutcome> {
        many::delete_many(self, ids)
    }

    fn release(&self, id: &CertificateId) -> Release {
        Release::new(self.clone(), id.clone())
    }

    fn rotate(&self, old: &CertificateId, successor: Upload) -> Rotate {
        Rotate::new(self.clone(), old.clone(), successor)
    }

    fn prune_candidates(
        &self,
        criteria: Prune,
    ) -> Result<Outcomes<Result<Candidate, Error>>, Error> {
        prune::candidates(self, criteria)
    }
}
