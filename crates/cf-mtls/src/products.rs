//! What shows which products of an account use a certificate.

use cf_mtls_api::requests::{
    GetWorkersSettings, ListGatewayCertificates, ListHyperdriveConfigs, ListWorkersScripts,
};
use cf_mtls_api::{AccountId, Holder, ProductUse, Request, ScriptName};

use crate::error::{Error, ErrorKind, Operation};
use crate::transport::envelope::Envelope;
use crate::transport::{Call, Client};

/// Each is one request, retried as [`Retry`](crate::Retry) allows. `Err` as in the [table
/// of the crate](crate#errors).
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
        let request = ListWorkersScripts { account_id: account };
        let listed = self.product(Operation::ListWorkersScripts, account, request).await?;
        Ok(listed.result.into_iter().flatten().map(|script| script.id).collect())
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
            let (script, binding) = (script.clone(), one.name.unwrap_or_default());
            product_use(one.certificate_id, Holder::Worker { script, binding })
        });
        Ok(uses.collect())
    }

    /// The Hyperdrive configurations of an account that use certificates.
    pub async fn hyperdrive_certificates(
        &self,
        account: &AccountId,
    ) -> Result<Vec<ProductUse>, Error> {
        let request = ListHyperdriveConfigs { account_id: account };
        let listed = self.product(Operation::ListHyperdriveConfigs, account, request).await?;
        let uses = listed.result.into_iter().flatten().flat_map(|config| {
            let name = config.name.or(config.id).unwrap_or_default();
            let mtls = config.mtls.unwrap_or_default();
            [(mtls.mtls_certificate_id, false), (mtls.ca_certificate_id, true)].map(
                |(id, is_ca)| product_use(id, Holder::Hyperdrive { name: name.clone(), is_ca }),
            )
        });
        Ok(uses.flatten().collect())
    }

    /// The certificates of an account with which Gateway inspects TLS.
    pub async fn gateway_certificates(
        &self,
        account: &AccountId,
    ) -> Result<Vec<ProductUse>, Error> {
        let request = ListGatewayCertificates { account_id: account };
        let listed = self.product(Operation::ListGatewayCertificates, account, request).await?;
        let listed = listed.result.into_iter().flatten();
        let used = listed.filter(|one| one.in_use == Some(true));
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

/// `None` if no certificate is used.
fn product_use(certificate_id: Option<String>, holder: Holder) -> Option<ProductUse> {
    Some(ProductUse::new(certificate_id.filter(|id| !id.is_empty())?, holder))
}
