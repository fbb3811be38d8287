//! The operations on certificates.

use std::sync::Arc;

use http::StatusCode;

use super::{Request, Service};
use crate::simulator::chain::{self, Chain, Details, KeyProblem};
use crate::simulator::clock::microseconds;
use crate::simulator::protocol::envelope::{ApiResponse, ErrorResponse};
use crate::simulator::protocol::query::{Page, Query};
use crate::simulator::protocol::shapes::{AssociationRow, Certificate, Upload};
use crate::simulator::refusal::Refusal;
use crate::simulator::settings::{DeleteResult, PemForm};
use crate::simulator::world::{CUSTOM, DeleteError, StoreError, Stored};

/// Each operation reads first, then holds the lock of the world for as long as it
/// takes to change it, and writes its response after.
impl Service {
    pub(crate) fn list(&self, account: &str, query: &Query) -> ApiResponse {
        let kinds = query.words("type");
        let ca = query.filled("ca").map(|ca| ca == "true");
        let name = query.filled("name");
        let (shown, info) = {
            let world = self.world();
            let now = self.clock.moment();
            let listed = world.listed(account, now, self.settings.lags.list);
            let matches = listed.into_iter().filter(|stored| {
                kinds.as_ref().is_none_or(|kinds| kinds.contains(&stored.kind.as_str()))
                    && ca.is_none_or(|ca| ca == stored.ca)
                    && name.is_none_or(|name| stored.name.as_deref() == Some(name))
            });
            let (shown, info) = Page::of(query, 50, 50).cut(matches);
            let shown: Vec<_> = shown.into_iter().cloned().collect();
            (shown, info)
        };
        let rows = shown.iter().map(|stored| Certificate::of(stored)).collect();
        self.rows(rows, info)
    }

    pub(crate) fn get(&self, account: &str, id: &str) -> Result<ApiResponse, ErrorResponse> {
        let stored = self.read(account, id)?;
        Ok(self.success(Certificate::of(&stored)))
    }

    pub(crate) fn upload(
        &self,
        account: &str,
        request: &Request,
    ) -> Result<ApiResponse, ErrorResponse> {
        let upload: Upload = self.read_body(request)?;
        let chain = chain::read_chain(&upload.certificates)
            .map_err(|_| Self::refuse("unable to parse certificate"))?;
        let details = self.examine(&upload, &chain)?;
        let now = self.clock.now();
        let stored = Stored {
            account: account.to_owned(),
            id: uuid::Uuid::new_v4().to_string(),
            ca: upload.ca,
            pem: match self.settings.pem_form {
                PemForm::Normalized => chain.pem(false),
                PemForm::Reversed => chain.pem(true),
                PemForm::AsSent => upload.certificates,
            },
            name: upload.name.filter(|name| !name.is_empty()),
            kind: CUSTOM.to_owned(),
            expires_on: details.expires_on,
            uploaded_on: now,
            listed: self.clock.moment().saturating_add(self.settings.lags.list),
            content: chain.content(),
            details,
        };
        let stored = self.world().store(stored, &self.settings);
        let stored = stored.map_err(|problem| match problem {
            StoreError::Duplicate => self.refusal(Refusal::AlreadyExists),
            StoreError::QuotaExceeded => {
                let message = "Hit maximum CA cert allocation.";
                ErrorResponse::new(StatusCode::BAD_REQUEST, 1489, message)
            }
        })?;
        let updated_at = Some(microseconds(now));
        Ok(self.success(Certificate { updated_at, ..Certificate::of(&stored) }))
    }

    /// The first certificate of an upload that the service would take.
    fn examine(&self, upload: &Upload, chain: &Chain) -> Result<Details, ErrorResponse> {
        let mut certificates = chain.certificates();
        if certificates.any(|certificate| !certificate.signature_supported) {
            return Err(Self::refuse("the signature algorithm is not supported"));
        }
        if upload.ca && chain.certificates().any(|certificate| !certificate.is_ca) {
            let message = "Only root CA certificate is allowed";
            return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 1411, message));
        }
        let first = chain.first();
        let key = upload.private_key.as_deref();
        match key.filter(|key| !key.trim().is_empty()) {
            Some(key) => chain::check_key(first, key).map_err(|problem| match problem {
                KeyProblem::Unreadable => Self::refuse("unable to parse the private key"),
                KeyProblem::OfAnother => {
                    Self::refuse("the private key does not belong to the first certificate")
                }
            })?,
            None if upload.ca => {}
            None => return Err(Self::refuse("a leaf certificate needs its private key")),
        }
        Ok(first.clone())
    }

    pub(crate) fn delete(&self, account: &str, id: &str) -> Result<ApiResponse, ErrorResponse> {
        let deleted = {
            let mut world = self.world();
            // Read under the lock: time must not go on between the look at
            // the associations and the deletion.
            let now = self.clock.moment();
            world.delete(account, id, now, &self.settings)
        };
        let stored = deleted.map_err(|problem| {
            self.refusal(match problem {
                DeleteError::Unknown => Refusal::NotFound,
                DeleteError::AlreadyDeleted => Refusal::AlreadyDeleted,
                DeleteError::Managed => Refusal::Managed,
                DeleteError::InUse => Refusal::InUse,
            })
        })?;
        Ok(match self.settings.delete_result {
            DeleteResult::Certificate => self.success(Certificate::of(&stored)),
            DeleteResult::Null => ApiResponse::success(None::<()>, None, self.settings.null_lists),
            DeleteResult::OnlyId => self.success(serde_json::json!({ "id": id })),
            DeleteResult::EmptyObject => self.success(serde_json::json!({})),
            DeleteResult::EmptyBody => ApiResponse::empty(StatusCode::OK),
            DeleteResult::NoContent => ApiResponse::empty(StatusCode::NO_CONTENT),
        })
    }

    pub(crate) fn associations(
        &self,
        account: &str,
        id: &str,
        query: &Query,
    ) -> Result<ApiResponse, ErrorResponse> {
        self.read(account, id)?;
        let now = self.clock.moment();
        let rows = self.world().associations(id, now, &self.settings);
        let rows =
            rows.into_iter().map(|row| AssociationRow { service: row.service, status: row.status });
        let (rows, info) = Page::of(query, 50, 50).cut(rows);
        Ok(self.rows(rows, info))
    }

    /// A certificate as reads show it.
    fn read(&self, account: &str, id: &str) -> Result<Arc<Stored>, ErrorResponse> {
        let now = self.clock.moment();
        let stored = self.world().visible(account, id, now, self.settings.lags.delete);
        stored.ok_or_else(|| self.refusal(Refusal::NotFound))
    }
}
