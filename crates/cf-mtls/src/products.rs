//! What shows which products of an account use a certificate.

use cf_mtls_api::{AccountId, ScriptName, types};

use crate::error::{Error, Operation, Subject};
use crate::transport::requests::{
    GetWorkersSettings, ListGatewayCertificates, ListHyperdriveConfigs, ListWorkersScripts, Request,
};
use crate::transport::{Call, Client, traced};

/// A product's use of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProductUse {
    /// The id of the certificate, as the product writes it.
    pub certificate_id: String,
    /// The binding of a Worker, or the name of a Hyperdrive configuration.
    pub name: String,
    /// Whether it verifies a peer, as the CA of a database, and does not identify this side.
    pub is_ca: bool,
}

fn product_use(
    certificate_id: Option<String>,
    name: &Option<String>,
    is_ca: bool,
) -> Option<ProductUse> {
    let certificate_id = certificate_id.filter(|id| !id.is_empty())?;
    let name = name.clone().unwrap_or_default();
    Some(ProductUse { certificate_id, name, is_ca })
}

/// Each is one request, retried as [`Retry`](crate::Retry) allows. `Err` as in the [table
/// of the crate](crate#errors).
impl Client {
    /// The Workers of an account; `None` for one whose name cannot be read.
    pub async fn workers_scripts(
        &self,
        account: &AccountId,
    ) -> Result<Vec<Option<ScriptName>>, Error> {
        let request = ListWorkersScripts { account };
        let read =
            |envelope: types::WorkersScriptListEnvelope| Some(envelope.result.unwrap_or_default());
        let scripts = self.product(Operation::ListWorkersScripts, account, request, read).await?;
        Ok(scripts.into_iter().map(|script| script.id).collect())
    }

    /// The bindings of a Worker to certificates.
    pub async fn workers_certificates(
        &self,
        account: &AccountId,
        script: &ScriptName,
    ) -> Result<Vec<ProductUse>, Error> {
        let request = GetWorkersSettings { account, script };
        let read = |envelope: types::WorkersSettingsEnvelope| envelope.result?.bindings;
        let bindings = self.product(Operation::GetWorkersSettings, account, request, read).await?;
        // Other kinds of bindings have no certificate.
        let uses = bindings
            .into_iter()
            .filter_map(|one| product_use(one.certificate_id, &one.name, false));
        Ok(uses.collect())
    }

    /// The Hyperdrive configurations of an account that use certificates.
    pub async fn hyperdrive_certificates(
        &self,
        account: &AccountId,
    ) -> Result<Vec<ProductUse>, Error> {
        let request = ListHyperdriveConfigs { account };
        let read = |envelope: types::HyperdriveConfigListEnvelope| {
            Some(envelope.result.unwrap_or_default())
        };
        let configs =
            self.product(Operation::ListHyperdriveConfigs, account, request, read).await?;
        let uses = configs.into_iter().flat_map(|config| {
            let (name, mtls) = (config.name.or(config.id), config.mtls.unwrap_or_default());
            let client = product_use(mtls.mtls_certificate_id, &name, false);
            [client, product_use(mtls.ca_certificate_id, &name, true)]
        });
        Ok(uses.flatten().collect())
    }

    /// The certificates of an account with which Gateway inspects TLS.
    pub async fn gateway_certificates(
        &self,
        account: &AccountId,
    ) -> Result<Vec<ProductUse>, Error> {
        let request = ListGatewayCertificates { account };
        let read = |envelope: types::GatewayCertificateListEnvelope| {
            Some(envelope.result.unwrap_or_default())
        };
        let listed =
            self.product(Operation::ListGatewayCertificates, account, request, read).await?;
        let used = listed.into_iter().filter(|one| one.in_use == Some(true));
        Ok(used.filter_map(|one| product_use(one.id, &None, true)).collect())
    }

    async fn product<R: Request, T>(
        &self,
        operation: Operation,
        account: &AccountId,
        request: R,
        result: impl FnOnce(R::Response) -> Option<T>,
    ) -> Result<T, Error> {
        let account = Some(account.clone());
        let mut call = Call::new(self, operation, Subject { account, ..Subject::default() });
        let response = traced(call.span(), call.read(request)).await?;
        result(response).ok_or_else(|| call.empty_result("the response has no bindings"))
    }
}
