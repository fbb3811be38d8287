//! The operations of products that use certificates, as far as they show uses.

use http::StatusCode;

use super::Service;
use crate::simulator::clock::{microseconds, seconds};
use crate::simulator::protocol::envelope::{ApiResponse, ErrorResponse};
use crate::simulator::protocol::query::{Page, Query};
use crate::simulator::protocol::shapes::{
    Binding, GatewayCertificate, HyperdriveConfig, HyperdriveMtls, HyperdriveOrigin, WorkerRow,
    WorkerSettings,
};
use crate::simulator::world::CUSTOM;

impl Service {
    pub(crate) fn list_workers(&self, account: &str) -> ApiResponse {
        let world = self.world();
        let rows = world.holders.workers(account).map(|(worker, at)| WorkerRow {
            id: &worker.name,
            created_on: microseconds(at),
            modified_on: microseconds(at),
            usage_model: "standard",
        });
        self.rows(rows.collect(), None)
    }

    pub(crate) fn worker_settings(
        &self,
        account: &str,
        name: &str,
    ) -> Result<ApiResponse, ErrorResponse> {
        let world = self.world();
        let mut workers = world.holders.workers(account);
        let worker = workers.find(|(worker, _)| worker.name == name);
        let Some((worker, _)) = worker else {
            let message = "This Worker does not exist on your account.";
            return Err(ErrorResponse::new(StatusCode::NOT_FOUND, 10007, message));
        };
        let bindings = worker.bindings.iter();
        let bindings = bindings.map(|(name, kind, certificate)| Binding {
            name,
            r#type: kind,
            certificate_id: certificate.as_deref(),
        });
        Ok(self.success(WorkerSettings { bindings: bindings.collect(), usage_model: "standard" }))
    }

    pub(crate) fn list_hyperdrives(&self, account: &str, query: &Query) -> ApiResponse {
        let world = self.world();
        let rows = world.holders.hyperdrives(account).map(|hyperdrive| {
            let (client, ca) =
                (hyperdrive.client_certificate.as_deref(), hyperdrive.ca_certificate.as_deref());
            HyperdriveConfig {
                id: &hyperdrive.id,
                name: &hyperdrive.name,
                origin: HyperdriveOrigin::default(),
                mtls: client
                    .or(ca)
                    .map(|_| HyperdriveMtls { mtls_certificate_id: client, ca_certificate_id: ca }),
            }
        });
        let (rows, info) = Page::of(query, 50, 50).cut(rows);
        self.rows(rows, info)
    }

    pub(crate) fn list_gateway_certificates(&self, account: &str) -> ApiResponse {
        let world = self.world();
        let held = world.certificates().filter(|stored| stored.account == account);
        let rows = held.filter_map(|stored| {
            let in_use = world.holders.is_in_gateway(&stored.id);
            let r#type = match stored.kind.as_str() {
                "gateway_managed" => "gateway_managed",
                CUSTOM if in_use => CUSTOM,
                _ => return None,
            };
            Some(GatewayCertificate {
                id: &stored.id,
                r#type,
                binding_status: if in_use { "available" } else { "inactive" },
                in_use,
                expires_on: seconds(stored.expires_on),
                uploaded_on: microseconds(stored.uploaded_on),
            })
        });
        self.rows(rows.collect(), None)
    }
}
