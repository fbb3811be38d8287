//! What shows which products of an account use a certificate.

use std::num::NonZeroU32;

use cf_mtls_api::requests::{
    GetWorkersSettings, ListGatewayCertificates, ListHyperdriveConfigs, ListWorkersScripts,
};
use cf_mtls_api::types::{GatewayCertificate, HyperdriveConfig, ResultInfo, WorkersScript};
use cf_mtls_api::{AccountId, Holder, ProductUse, Request, ScriptName, product_use};

use crate::error::{Error, ErrorKind, Operation};
use crate::transport::envelope::Envelope;
use crate::transport::{Call, Client, Page, Progress};

/// Each is one request, or one for each page if the service counts several, retried as
/// [`Retry`](crate::Retry) allows. `Err` as in the [table of the crate](crate#errors).
///
/// ```no_run
/// use cf_mtls::{AccountId, Client, Error, ProductUse};
///
/// async fn databases(client: &Client, account: &AccountId) -> Result<Vec<ProductUse>, Error> {
///     client.hyperdrive_certificates(account).await
/// }
/// ```
impl Client {
    /// The Workers of an account; `None` for one whose name cannot be read.
    pub async fn workers_scripts(
        &self,
        account: &AccountId,
    ) -> Result<Vec<Option<ScriptName>>, Error> {
        let read = |page| async move {
            let request = ListWorkersScripts { account_id: account, page };
            let listed = self.product(Operation::ListWorkersScripts, account, request).await?;
            Ok((listed.result, listed.result_info))
        };
        let scripts =
            whole(read, |script: &WorkersScript| script.id.as_ref().map_or("", AsRef::as_ref));
        Ok(scripts.await?.into_iter().map(|script| script.id).collect())
    }

    /// The bindings of a Worker to certificates.
    pub async fn workers_certificates(
        &self,
        account: &AccountId,
        script: &ScriptName,
    ) -> Result<Vec<ProductUse>, Error> {
        let operation = Operation::GetWorkersSettings;
        let request = GetWorkersSettings { account_id: account, script_name: script };
        let settings = self.product(operation, account, request).await?.result;
        let bindings = settings.and_then(|settings| settings.bindings).ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidResponse);
            error.with_detail("the response has no bindings").during(operation, account.into())
        })?;
        // Other kinds of bindings have no certificate.
        let uses = bindings.into_iter().filter_map(|one| {
            let binding = one.name.unwrap_or_default();
            product_use(one.certificate_id, Holder::worker(script.clone(), binding))
        });
        Ok(uses.collect())
    }

    /// The Hyperdrive configurations of an account that use certificates.
    pub async fn hyperdrive_certificates(
        &self,
        account: &AccountId,
    ) -> Result<Vec<ProductUse>, Error> {
        let read = |page| async move {
            let request = ListHyperdriveConfigs { account_id: account, page };
            let listed = self.product(Operation::ListHyperdriveConfigs, account, request).await?;
            Ok((listed.result, listed.result_info))
        };
        let configs =
            whole(read, |config: &HyperdriveConfig| config.id.as_deref().unwrap_or_default());
        let uses = configs.await?.into_iter().flat_map(|config| {
            let name = config.name.or(config.id).unwrap_or_default();
            let mtls = config.mtls.unwrap_or_default();
            [(mtls.mtls_certificate_id, false), (mtls.ca_certificate_id, true)]
                .map(|(id, is_ca)| product_use(id, Holder::hyperdrive(name.clone(), is_ca)))
        });
        Ok(uses.flatten().collect())
    }

    /// The certificates of an account with which Gateway inspects TLS.
    pub async fn gateway_certificates(
        &self,
        account: &AccountId,
    ) -> Result<Vec<ProductUse>, Error> {
        let read = |page| async move {
            let request = ListGatewayCertificates { account_id: account, page };
            let listed = self.product(Operation::ListGatewayCertificates, account, request).await?;
            Ok((listed.result, listed.result_info))
        };
        let listed = whole(read, |one: &GatewayCertificate| one.id.as_deref().unwrap_or_default());
        let used = listed.await?.into_iter().filter(|one| one.in_use == Some(true));
        Ok(used.filter_map(|one| product_use(one.id, Holder::Gateway)).collect())
    }

    async fn product<R: Request<Response: Envelope>>(
        &self,
        operation: Operation,
        account: &AccountId,
        request: R,
    ) -> Result<R::Response, Error> {
        let mut call = Call::new(self, operation, account.into());
        call.span().run(call.read(request)).await
    }
}

/// All of a list that comes at once, or in pages if the service counts more. What is missing
/// would pass for "not used".
async fn whole<T, Fut>(
    read: impl Fn(Option<NonZeroU32>) -> Fut,
    key: fn(&T) -> &str,
) -> Result<Vec<T>, Error>
where
    Fut: Future<Output = Result<(Option<Vec<T>>, Option<ResultInfo>), Error>>,
{
    let read = |number: NonZeroU32| {
        let page = read((number != NonZeroU32::MIN).then_some(number));
        async move {
            let (items, info) = page.await?;
            let mut info = info.unwrap_or_default();
            if info.total_pages.or(info.total_count).is_none() {
                info.total_pages = Some(1);
            }
            Ok(Page { items: items.unwrap_or_default(), info: Some(info) })
        }
    };
    // Boxed, because futures that contain it are deep.
    Box::pin(Progress::new(false).all(read, key)).await
}
