//! The operations of the generated client, with their arguments, as values
//! that can be sent again.

use std::num::NonZeroU32;

use cf_mtls_api::{
    self as api, AccountId, CertificateId, ResponseValue, ScriptName, ZoneId, types,
};

use super::envelope::Envelope;

/// What an operation of the generated client returns.
pub(crate) type Sent<E> = Result<ResponseValue<E>, api::Error<types::ErrorEnvelope>>;

/// An operation of the generated client with its arguments.
pub(crate) trait Request: Sync {
    /// The service's envelope.
    type Response: Envelope;

    /// Sends it once.
    fn send(&self, wire: &api::Client) -> impl Future<Output = Sent<Self::Response>> + Send;
}

macro_rules! requests {
    ($($name:ident { $($field:ident: $type:ty),+ } -> $response:ident
        = |$this:ident, $wire:ident| $call:expr;)+) => {$(
        pub(crate) struct $name<'a> {
            $(pub(crate) $field: $type,)+
        }

        impl Request for $name<'_> {
            type Response = types::$response;

            async fn send(&self, $wire: &api::Client) -> Sent<Self::Response> {
                let $this = self;
                $call.await
            }
        }
    )+};
}

requests! {
    DeleteCertificate { account: &'a AccountId, id: &'a CertificateId } -> CertificateEnvelope
        = |this, wire| wire.delete_certificate(this.account, this.id);
    GetCertificate { account: &'a AccountId, id: &'a CertificateId } -> CertificateEnvelope
        = |this, wire| wire.get_certificate(this.account, this.id);
    UploadCertificate { account: &'a AccountId, body: &'a types::UploadRequest } -> CertificateEnvelope
        = |this, wire| wire.upload_certificate(this.account, this.body);
    ListCertificates {
        account: &'a AccountId,
        ca: Option<bool>,
        name: Option<&'a str>,
        page: NonZeroU32,
        per_page: NonZeroU32,
        types: Option<&'a str>
    } -> CertificateListEnvelope = |this, wire| wire.list_certificates(
        this.account, this.ca, this.name, Some(this.page), Some(this.per_page), this.types
    );
    ListAssociations {
        account: &'a AccountId,
        id: &'a CertificateId,
        page: NonZeroU32,
        per_page: NonZeroU32
    } -> AssociationListEnvelope = |this, wire| wire.list_certificate_associations(
        this.account, this.id, Some(this.page), Some(this.per_page)
    );
    ListHostnames { zone: &'a ZoneId, ca: Option<&'a CertificateId> } -> HostnamesEnvelope
        = |this, wire| wire.list_hostname_associations(this.zone, this.ca);
    ReplaceHostnames { zone: &'a ZoneId, body: &'a types::ReplaceHostnamesRequest } -> HostnamesEnvelope
        = |this, wire| wire.replace_hostname_associations(this.zone, this.body);
    ListZones {
        account: Option<&'a AccountId>,
        name: Option<&'a str>,
        page: NonZeroU32,
        per_page: NonZeroU32
    } -> ZoneListEnvelope = |this, wire| wire.list_zones(
        this.account, this.name, Some(this.page), Some(this.per_page)
    );
    ListWorkersScripts { account: &'a AccountId } -> WorkersScriptListEnvelope
        = |this, wire| wire.list_workers_scripts(this.account);
    GetWorkersSettings { account: &'a AccountId, script: &'a ScriptName } -> WorkersSettingsEnvelope
        = |this, wire| wire.get_workers_settings(this.account, this.script);
    ListHyperdriveConfigs { account: &'a AccountId } -> HyperdriveConfigListEnvelope
        = |this, wire| wire.list_hyperdrive_configs(this.account);
    ListGatewayCertificates { account: &'a AccountId } -> GatewayCertificateListEnvelope
        = |this, wire| wire.list_gateway_certificates(this.account);
}
