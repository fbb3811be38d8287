//! The operations on certificates, hostnames and zones.

use http::StatusCode;

use crate::simulator::chain::{self, Details, KeyProblem};
use crate::simulator::clock::microseconds;
use crate::simulator::protocol::envelope::{ApiResponse, ErrorResponse};
use crate::simulator::protocol::query::{Page, Query};
use crate::simulator::protocol::route::{is_certificate_id, is_uuid};
use crate::simulator::protocol::shapes::{
    AssociationRow, Certificate, Hostnames, Replacement, Upload, ZoneRow,
};
use crate::simulator::service::{Request, Service, forbidden};
use crate::simulator::settings::{DeleteResult, HostnameIds};
use crate::simulator::world::{CUSTOM, DeleteError, ReplaceError, Stored};

/// The eight operations. Each reads first, then holds the lock of the world
/// for as long as it takes to change it, and writes its response after.
impl Service {
    pub(crate) fn list(&self, query: &Query) -> ApiResponse {
        let kinds = query.words("type");
        let ca = query.filled("ca").map(|ca| ca == "true");
        let name = query.filled("name");
        let (shown, info) = {
            let world = self.world();
            let matches = world.certificates().filter(|stored| {
                kinds
                    .as_ref()
                    .is_none_or(|kinds| kinds.contains(&stored.kind.as_str()))
                    && ca.is_none_or(|ca| ca == stored.ca)
                    && name.is_none_or(|name| stored.name.as_deref() == Some(name))
            });
            let (shown, info) = Page::of(query, 50, 50).cut(matches);
            let shown: Vec<_> = shown.into_iter().cloned().collect();
            (shown, info)
        };
        let rows: Vec<_> = shown.iter().map(|stored| Certificate::of(stored)).collect();
        ApiResponse::success(Some(rows), Some(info), self.settings.null_lists)
    }

    pub(crate) fn get(&self, id: &str) -> Result<ApiResponse, ErrorResponse> {
        let stored = self.world().find(id).ok_or_else(|| self.not_found())?;
        Ok(self.success(Certificate::of(&stored)))
    }

    pub(crate) fn upload(&self, request: &Request) -> Result<ApiResponse, ErrorResponse> {
        let upload: Upload = self.read_body(request)?;
        let details = self.examine(&upload)?;
        let now = self.clock.now();
        let pem = if self.settings.normalise_pem {
            upload.certificates.replace("\r\n", "\n").trim().to_owned()
        } else {
            upload.certificates
        };
        let fingerprint = details.fingerprint.clone();
        let stored = Stored {
            id: uuid::Uuid::new_v4().to_string(),
            ca: upload.ca,
            pem,
            name: upload.name.filter(|name| !name.is_empty()),
            kind: CUSTOM.to_owned(),
            expires_on: details.expires_on,
            uploaded_on: now,
            details,
        };
        let stored = {
            let mut world = self.world();
            // Checked under the same lock as the insertion, or two uploads at
            // once could share the last place.
            if stored.ca && self.settings.ca_quota <= world.custom_cas() {
                let message = "Hit maximum CA cert allocation.";
                return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 1489, message));
            }
            world.effects.stored += 1;
            *world
                .effects
                .stored_by_fingerprint
                .entry(fingerprint)
                .or_default() += 1;
            world.insert(stored)
        };
        let updated_at = Some(microseconds(now));
        Ok(self.success(Certificate {
            updated_at,
            ..Certificate::of(&stored)
        }))
    }

    /// The first certificate of an upload that the service would take.
    fn examine(&self, upload: &Upload) -> Result<Details, ErrorResponse> {
        let chain = chain::read_chain(&upload.certificates)
            .map_err(|_| self.refuse("unable to parse certificate"))?;
        if chain
            .iter()
            .any(|certificate| !certificate.signature_supported)
        {
            return Err(self.refuse("the signature algorithm is not supported"));
        }
        if upload.ca && chain.iter().any(|certificate| !certificate.is_ca) {
            let message = "Only root CA certificate is allowed";
            return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 1411, message));
        }
        let first = chain.into_iter().next();
        let first = first.ok_or_else(|| self.refuse("unable to parse certificate"))?;
        match upload
            .private_key
            .as_deref()
            .filter(|key| !key.trim().is_empty())
        {
            Some(key) => chain::check_key(&first, key).map_err(|problem| match problem {
                KeyProblem::Unreadable => self.refuse("unable to parse the private key"),
                KeyProblem::OfAnother => {
                    self.refuse("the private key does not belong to the first certificate")
                }
            })?,
            None if upload.ca => {}
            None => return Err(self.refuse("a leaf certificate needs its private key")),
        }
        Ok(first)
    }

    pub(crate) fn delete(&self, id: &str) -> Result<ApiResponse, ErrorResponse> {
        let deleted = {
            let mut world = self.world();
            // Read under the lock: time must not go on between the look at
            // the associations and the deletion.
            let now = self.clock.moment();
            let deleted = world.delete(id, now, &self.settings);
            if deleted.is_ok() {
                world.effects.deleted += 1;
                *world
                    .effects
                    .deleted_by_id
                    .entry(id.to_owned())
                    .or_default() += 1;
            }
            deleted
        };
        let stored = deleted.map_err(|kept| match kept {
            DeleteError::Unknown => self.not_found(),
            DeleteError::InUse => self.settings.in_use.clone().into(),
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
        id: &str,
        query: &Query,
    ) -> Result<ApiResponse, ErrorResponse> {
        let rows = {
            let world = self.world();
            world.find(id).ok_or_else(|| self.not_found())?;
            world.associations(id, self.clock.moment(), &self.settings)
        };
        let rows = rows.into_iter().map(|row| AssociationRow {
            service: row.service,
            status: row.status,
        });
        let (rows, info) = Page::of(query, 50, 50).cut(rows);
        Ok(ApiResponse::success(
            Some(rows),
            Some(info),
            self.settings.null_lists,
        ))
    }

    pub(crate) fn hostnames(
        &self,
        zone: &str,
        query: &Query,
    ) -> Result<ApiResponse, ErrorResponse> {
        let owner = query.get("mtls_certificate_id");
        self.check_owner(owner)?;
        let world = self.world();
        if !world.knows_zone(zone) {
            return Err(forbidden());
        }
        if owner.is_some_and(|id| world.find(id).is_none()) {
            return Err(self.not_found());
        }
        let hostnames = world.hostnames(zone, owner);
        drop(world);
        Ok(self.success(Hostnames { hostnames }))
    }

    pub(crate) fn replace_hostnames(
        &self,
        zone: &str,
        request: &Request,
    ) -> Result<ApiResponse, ErrorResponse> {
        let Replacement {
            hostnames,
            mtls_certificate_id,
        } = self.read_body(request)?;
        let owner = mtls_certificate_id.as_deref();
        self.check_owner(owner)?;
        if hostnames.iter().any(String::is_empty) {
            return Err(self.refuse("a hostname is empty"));
        }
        let replaced = {
            let mut world = self.world();
            let now = self.clock.moment();
            let gaps = world.replace_hostnames(zone, owner, &hostnames, now, &self.settings);
            gaps.map(|gaps| {
                world.effects.gaps.extend(gaps);
                let owned = owner.map(str::to_owned);
                world.effects.hostnames_replaced += 1;
                *world.effects.replaced_by_owner.entry(owned).or_default() += 1;
                world.hostnames(zone, owner)
            })
        };
        let hostnames = replaced.map_err(|problem| match problem {
            ReplaceError::UnknownZone => forbidden(),
            ReplaceError::UnknownCertificate => self.not_found(),
            ReplaceError::NotACa => self.refuse("only a CA can have hostnames"),
            ReplaceError::Taken(hostname) => {
                self.refuse(&format!("another CA has the hostname {hostname}"))
            }
        })?;
        Ok(self.success(Hostnames { hostnames }))
    }

    pub(crate) fn list_zones(&self, query: &Query) -> ApiResponse {
        let account = &self.settings.account_id;
        let account_matches = query.filled("account.id").is_none_or(|id| id == account);
        let name = query.filled("name");
        let world = self.world();
        let matches = world
            .zones()
            .iter()
            .filter(|zone| account_matches && name.is_none_or(|name| name == zone.name));
        let (shown, info) = Page::of(query, 20, 50).cut(matches);
        let rows: Vec<_> = shown
            .into_iter()
            .map(|zone| ZoneRow {
                id: zone.id.clone(),
                name: zone.name.clone(),
                status: "active",
                paused: false,
                r#type: "full",
                account: self.account(),
            })
            .collect();
        drop(world);
        ApiResponse::success(Some(rows), Some(info), self.settings.null_lists)
    }

    fn check_owner(&self, id: Option<&str>) -> Result<(), ErrorResponse> {
        let is_id = match self.settings.hostname_ids {
            HostnameIds::Uuid => is_uuid,
            HostnameIds::UuidOrHex => is_certificate_id,
        };
        if id.is_none_or(is_id) {
            return Ok(());
        }
        Err(self.refuse("mtls_certificate_id is not an id that this operation takes"))
    }
}
