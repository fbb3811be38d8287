//! Accounts, memberships and the state of a token.

use crate::simulator::auth::Credentials;
use crate::simulator::protocol::envelope::{ApiResponse, ErrorResponse};
use crate::simulator::protocol::query::{Page, Query};
use crate::simulator::protocol::shapes::{AccountRow, Membership, TokenStatus};
use crate::simulator::service::{Request, Service, forbidden};

/// Who the caller is: what command line clients ask before they ask for
/// certificates, unless the account is in their environment.
impl Service {
    pub(crate) fn list_accounts(&self, query: &Query) -> ApiResponse {
        let (rows, info) = Page::of(query, 20, 50).cut(std::iter::once(self.account()));
        ApiResponse::success(Some(rows), Some(info), self.settings.null_lists)
    }

    pub(crate) fn list_memberships(&self, query: &Query) -> ApiResponse {
        let membership = Membership {
            id: &self.settings.account_id,
            status: "accepted",
            account: self.account(),
        };
        let (rows, info) = Page::of(query, 20, 50).cut(std::iter::once(membership));
        ApiResponse::success(Some(rows), Some(info), self.settings.null_lists)
    }

    /// Only a token can be verified, and one that is wrong does not get here.
    pub(crate) fn verify_token(&self, request: &Request) -> Result<ApiResponse, ErrorResponse> {
        if Credentials::of(&request.headers) != Credentials::Token {
            return Err(forbidden());
        }
        Ok(self.success(TokenStatus {
            id: &self.settings.account_id,
            status: "active",
        }))
    }

    pub(crate) fn account(&self) -> AccountRow<'_> {
        AccountRow {
            id: &self.settings.account_id,
            name: "Simulated account",
        }
    }
}
