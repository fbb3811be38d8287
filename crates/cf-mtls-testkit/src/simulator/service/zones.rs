//! The operations on zones and their hostnames.

use http::Uri;

use super::{Request, Service, not_routed};
use crate::simulator::auth::{Identity, Permission, forbidden};
use crate::simulator::protocol::envelope::{ApiResponse, ErrorResponse};
use crate::simulator::protocol::ids::is_certificate_id;
use crate::simulator::protocol::query::{Page, Query};
use crate::simulator::protocol::shapes::{AccountRow, Hostnames, Plan, Replacement, ZoneRow};
use crate::simulator::refusal::Refusal;
use crate::simulator::world::{Entitlement, HostnamesError};

impl Service {
    pub(crate) fn hostnames(
        &self,
        uri: &Uri,
        zone: &str,
        query: &Query,
    ) -> Result<ApiResponse, ErrorResponse> {
        let owner = query.get("mtls_certificate_id");
        Self::check_owner(owner)?;
        let lag = self.settings.lags.hostnames;
        let now = self.clock.moment();
        let hostnames = self.world().visible_hostnames(zone, owner, now, lag);
        let hostnames = hostnames.map_err(|problem| self.hostnames_error(problem, uri))?;
        Ok(self.success(Hostnames { hostnames }))
    }

    pub(crate) fn replace_hostnames(
        &self,
        zone: &str,
        request: &Request,
    ) -> Result<ApiResponse, ErrorResponse> {
        let Replacement { hostnames, mtls_certificate_id } = self.read_body(request)?;
        let owner = mtls_certificate_id.as_deref();
        Self::check_owner(owner)?;
        if hostnames.iter().any(String::is_empty) {
            return Err(Self::refuse("a hostname is empty"));
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
        let hostnames = replaced.map_err(|problem| self.hostnames_error(problem, &request.uri))?;
        Ok(self.success(Hostnames { hostnames }))
    }

    fn hostnames_error(&self, problem: HostnamesError, uri: &Uri) -> ErrorResponse {
        match problem {
            HostnamesError::NotEntitled(Entitlement::NotRouted) => not_routed(uri),
            HostnamesError::NotEntitled(_) => self.refusal(Refusal::NotEntitled),
            HostnamesError::UnknownZone => forbidden(),
            HostnamesError::UnknownCertificate => self.refusal(Refusal::NotFound),
            HostnamesError::NotACa => Self::refuse("only a CA can have hostnames"),
            HostnamesError::Taken(hostname) => {
                Self::refuse(&format!("another CA has the hostname {hostname}"))
            }
        }
    }

    pub(crate) fn list_zones(&self, query: &Query, identity: &Identity) -> ApiResponse {
        let account = query.filled("account.id");
        let name = query.filled("name");
        let world = self.world();
        let matches = world.zones().iter().filter(|zone| {
            identity.may(Permission::Zones, false)
                && identity.reaches_zone(&zone.account, &zone.id)
                && account.is_none_or(|id| id == zone.account)
                && name.is_none_or(|name| name == zone.name)
        });
        let (shown, info) = Page::of(query, 20, 50).cut(matches);
        let rows = shown.into_iter().map(|zone| {
            let (status, plan) = match zone.entitlement {
                Entitlement::Granted => ("active", "enterprise"),
                Entitlement::Missing => ("active", "free"),
                Entitlement::NotRouted => ("pending", "free"),
            };
            ZoneRow {
                id: &zone.id,
                name: &zone.name,
                status,
                paused: false,
                r#type: "full",
                account: AccountRow::of(&zone.account),
                plan: Plan { legacy_id: plan },
            }
        });
        self.rows(rows.collect(), info)
    }

    fn check_owner(id: Option<&str>) -> Result<(), ErrorResponse> {
        if id.is_none_or(is_certificate_id) {
            return Ok(());
        }
        Err(Self::refuse("mtls_certificate_id is not an id that this operation takes"))
    }
}
