//! The jobs, as methods of the certificates of an account.

use std::borrow::Borrow;

use cf_mtls::{Certificate, CertificateId, Certificates, Deleted, Upload};
use futures_core::Stream;
use futures_util::stream;

use crate::error::Error;
use crate::many::{self, Outcome, Outcomes};
use crate::prune::{self, Candidate, Prune};
use crate::release::Release;
use crate::rotate::Rotate;
use crate::usage::{self, Usage, UsageWalk, ZoneUse};

/// The jobs of this crate, as methods of [`Certificates`]: the [crate](crate) has examples.
///
/// They send as many requests at a time as [`with_concurrency`](Certificates::with_concurrency)
/// allows, and the streams hold neither all zones nor all results. Each request is
/// retried like the operation of [`cf_mtls`] that it is, and waits up to 15 minutes for the rate
/// limit unless [`with_patience`](Certificates::with_patience) is set.
pub trait CertificatesExt: Borrow<Certificates> {
    /// What uses a certificate: the services, the Workers and Hyperdrive configurations
    /// by name, and for a CA the hostnames in all zones of the account. Sends reads only.
    ///
    /// What cannot be read is in [`Usage::unread`], since it may use the certificate. For
    /// very many zones, see [`zones_using`](Self::zones_using).
    ///
    /// # Errors
    ///
    /// Those of [`Certificates::get`] and [`Certificates::associations`], and if the
    /// zones cannot be listed. Also what a zone reports as gone is `NotFound`.
    fn usage(&self, id: &CertificateId) -> impl Future<Output = Result<Usage, Error>> + Send {
        usage::usage_of_one(self.usage_of([id.clone()]).with_all_zones())
    }

    /// What uses each of many certificates, in one walk: zones, Workers and Hyperdrive are read
    /// once for all of them. CAs are looked for in zones only if an association may stand for
    /// hostnames, unless [`with_all_zones`](UsageWalk::with_all_zones) is set.
    fn usage_of(&self, ids: impl IntoIterator<Item: Borrow<CertificateId>>) -> UsageWalk {
        UsageWalk::new(self.borrow(), ids.into_iter().map(|id| id.borrow().clone()).collect())
    }

    /// The zones of the account in which a CA has hostnames, as they are found, in no
    /// particular order. Each zone is one request. The stream ends after an `Err`,
    /// which means that the zones cannot be listed.
    fn zones_using(&self, ca: &CertificateId) -> Outcomes<Result<ZoneUse, Error>> {
        usage::zones_using(self.borrow(), ca)
    }

    /// Reads many certificates with [`get`](Certificates::get), like
    /// [`delete_many`](Self::delete_many). For most of an account,
    /// [`list`](Certificates::list) needs one request for fifty.
    fn get_many(
        &self,
        ids: impl IntoIterator<Item: Borrow<CertificateId>>,
    ) -> Outcomes<Outcome<Certificate>> {
        self.get_stream(stream::iter(many::unique(ids)))
    }

    /// [`get_many`](Self::get_many) of ids that become known over time, each as often as it is
    /// given.
    fn get_stream(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<Outcome<Certificate>> {
        many::each("get many", self.borrow(), ids, |this, id| async move { this.get(&id).await })
    }

    /// Deletes many certificates with [`delete`](Certificates::delete), an id that is given
    /// twice once. The outcomes come as they are known, in no particular order. A failure does
    /// not stop the others, but a failed authentication does, and so do ten outages in a row:
    /// the certificates without an outcome were not tried.
    ///
    /// Nothing is sent until an outcome is requested. If the stream is dropped, the
    /// certificates in progress may be deleted or not.
    fn delete_many(
        &self,
        ids: impl IntoIterator<Item: Borrow<CertificateId>>,
    ) -> Outcomes<Outcome<Deleted>> {
        self.delete_stream(stream::iter(many::unique(ids)))
    }

    /// [`delete_many`](Self::delete_many) of ids that become known over time, each as often as it
    /// is given.
    fn delete_stream(
        &self,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
    ) -> Outcomes<Outcome<Deleted>> {
        many::each("delete many", self.borrow(), ids, async |this, id| this.delete(&id).await)
    }

    /// Releases a certificate that is in use: detaches its hostnames, waits until no
    /// service uses it, and deletes it.
    ///
    /// A use that does not end with the hostnames, such as by Gateway or Workers,
    /// blocks the release before anything is changed, unless
    /// [`with_wait_for_holders`](crate::ReleaseOptions::with_wait_for_holders) is set; so
    /// do hostnames that it cannot see or must not touch.
    fn release(&self, id: &CertificateId) -> Release {
        Release::new(self.borrow().clone(), id.clone())
    }

    /// Replaces a CA: uploads its successor, moves the hostnames, and deletes the old
    /// one. No hostname is ever without a CA.
    ///
    /// After an interruption, run it again with the same certificate: a successor that
    /// was uploaded before is used, whatever its name, as the service refuses it twice.
    fn rotate(&self, old: &CertificateId, successor: Upload) -> Rotate {
        Rotate::new(self.borrow().clone(), old.clone(), successor)
    }

    /// Finds the certificates that meet all criteria, in the order of the list. Sends reads only.
    ///
    /// Collect them before deleting, which shifts the pages. The stream goes on after the `Err` of
    /// one certificate, and ends after that of a page. With a criterion of time, nothing is a
    /// candidate while the local clock and that of the service differ by more than a day.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](cf_mtls::ErrorKind::InvalidInput) if no criterion selects
    /// anything, as the kind and the type alone do not, if both kinds are set, or if a name prefix
    /// or a type is empty.
    fn prune_candidates(
        &self,
        criteria: Prune,
    ) -> Result<Outcomes<Result<Candidate, Error>>, Error> {
        prune::candidates(self.borrow(), criteria)
    }
}

impl CertificatesExt for Certificates {}
