use super::auth::Credentials;
use super::envelope::{Refusal, Reply};
use super::query::{Page, Query};
use super::service::{Request, Service, forbidden};
use super::shapes::{AccountRow, Membership, TokenStatus};

/// Who the caller is: what command line clients ask before they ask for
/// certificates, unless the account is in their environment.
impl Service {
    pub(super) fn list_accounts(&self, query: &Query) -> Reply {
        let (rows, info) = Page::of(query, 20, 50).cut(std::iter::once(self.account()));
        Reply::success(Some(rows), Some(info), self.settings.null_lists)
    }

    pub(super) fn list_memberships(&self, query: &Query) -> Reply {
        let membership = Membership {
            id: &self.settings.account_id,
            status: "accepted",
            account: self.account(),
        };
        let (rows, info) = Page::of(query, 20, 50).cut(std::iter::once(membership));
        Reply::success(Some(rows), Some(info), self.settings.null_lists)
    }

    /// Only a token can be verified, and one that is wrong does not get here.
    pub(super) fn verify_token(&self, request: &Request) -> Result<Reply, Refusal> {
        if Credentials::of(&request.headers) != Credentials::Token {
            return Err(forbidden());
        }
        Ok(self.success(TokenStatus {
            id: &self.settings.account_id,
            status: "active",
        }))
    }

    pub(super) fn account(&self) -> AccountRow<'_> {
        AccountRow {
            id: &self.settings.account_id,
            name: "Simulated account",
        }
    }
}
