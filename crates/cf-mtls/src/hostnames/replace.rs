//! Replaces a list of hostnames, and finds out the outcome.

use cf_mtls_api::types;

use super::name::{ascii_set, normalize_all};
use super::{ClientCa, Hostnames};
use crate::error::{Error, Operation};
use crate::transport::requests::ReplaceHostnames;
use crate::transport::{Call, Effect, FailedCall, Idempotency, Retry, traced};

impl Hostnames {
    /// Replaces all hostnames of a CA, and returns them as they are then. An empty
    /// list removes every hostname. Each is sent once, in
    /// [one spelling](Self::normalize).
    ///
    /// Retried as [`Retry`] allows, since replacing twice does no harm. If no
    /// attempt has a clear outcome, the client reads the list.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if one is not a
    ///   hostname
    /// - others as in the [table of the crate](crate#errors)
    pub async fn replace<H: AsRef<str>>(
        &self,
        ca: &ClientCa,
        hostnames: impl IntoIterator<Item = H>,
    ) -> Result<Vec<String>, Error> {
        let wanted = normalize_all(hostnames)?;
        let call = self.call(Operation::ReplaceHostnames, ca);
        traced(call.span(), self.send_replace(call, ca, wanted)).await
    }

    async fn send_replace(
        &self,
        mut call: Call<'_>,
        ca: &ClientCa,
        wanted: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let FailedCall { error, effect, .. } = match self.put(&mut call, ca, &wanted).await {
            Ok(list) => return Ok(list.unwrap_or(wanted)),
            Err(failed) if failed.effect == Effect::None => return Err(failed.error),
            Err(failed) => failed,
        };
        match self.in_rest_of(&call).list(ca).await {
            Ok(now) if ascii_set(&now) == ascii_set(&wanted) => Ok(now),
            Ok(_) => Err(error
                .with_effect(effect == Effect::Pending)
                .with_detail("the list was not the new one afterwards")),
            Err(unknown) => Err(error.with_failed_lookup(&unknown)),
        }
    }

    /// Replaces the list once, and not if that has to wait: another one may be
    /// there by then.
    pub(super) async fn replace_once(
        &self,
        ca: &ClientCa,
        list: &[String],
    ) -> Result<(), FailedCall> {
        let this = self.clone().with_retry(Retry::off());
        let call = this.call(Operation::ReplaceHostnames, ca);
        let mut call = call.fail_if_limited();
        let replaced = traced(call.span(), this.put(&mut call, ca, list));
        replaced.await.map(drop)
    }

    /// Returns the list of the response, if it has one.
    async fn put(
        &self,
        call: &mut Call<'_>,
        ca: &ClientCa,
        list: &[String],
    ) -> Result<Option<Vec<String>>, FailedCall> {
        let mut body = types::ReplaceHostnamesRequest::default();
        body.hostnames = list.to_vec();
        body.mtls_certificate_id = ca.id().cloned();
        let request = ReplaceHostnames {
            zone: &self.zone,
            body: &body,
        };
        let envelope = call.write(Idempotency::Idempotent, request).await?;
        Ok(envelope.result.and_then(|result| result.hostnames))
    }
}
