//! The zones, in which a CA may be in use.

use cf_mtls_api::{AccountId, ZoneId, types};
use serde::{Deserialize, Serialize};

use crate::error::{Operation, Subject};
use crate::transport::requests::ListZones;
use crate::transport::{Call, Client, Listing, PER_PAGE, Page, traced};

/// A zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Zone {
    /// The id, by which other calls name the zone.
    pub id: Option<ZoneId>,
    /// The domain name.
    pub name: Option<String>,
    /// The state, such as `active`.
    pub status: Option<String>,
}

/// Which zones to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ZoneFilter {
    account: Option<AccountId>,
    name: Option<String>,
}

impl ZoneFilter {
    /// All zones that the credentials can see.
    pub fn all() -> Self {
        Self::default()
    }

    /// The zones of one account.
    pub fn account(mut self, account: &AccountId) -> Self {
        self.account = Some(account.clone());
        self
    }

    /// The zone of one domain name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Client {
    /// The zones that the credentials can see, a page at a time. Each page is retried
    /// as [`Retry`](crate::Retry) allows.
    pub fn zones(&self, filter: ZoneFilter) -> Listing<Zone> {
        let this = self.clone();
        let read = move |page| {
            let (client, filter) = (this.clone(), filter.clone());
            async move {
                let account = filter.account.clone();
                let subject = Subject { account, ..Subject::default() };
                let mut call = Call::new(&client, Operation::ListZones, subject);
                let request = ListZones {
                    account: filter.account.as_ref(),
                    name: filter.name.as_deref(),
                    page,
                    per_page: PER_PAGE,
                };
                let envelope = traced(call.span(), call.read(request)).await?;
                Ok(Page::new(envelope.result, envelope.result_info, Zone::from))
            }
        };
        Listing::new(read, key)
    }
}

fn key(zone: &Zone) -> Option<&str> {
    let id = zone.id.as_ref().map(ZoneId::as_str);
    id.or(zone.name.as_deref())
}

impl From<types::Zone> for Zone {
    fn from(wire: types::Zone) -> Self {
        Self { id: wire.id, name: wire.name, status: wire.status }
    }
}
