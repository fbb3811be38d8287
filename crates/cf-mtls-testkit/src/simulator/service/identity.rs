//! Accounts, memberships and the state of a token.

use http::StatusCode;

use super::Service;
use crate::simulator::auth::Identity;
use crate::simulator::clock::{calendar, seconds};
use crate::simulator::protocol::envelope::{ApiResponse, ErrorResponse, ResultInfo};
use crate::simulator::protocol::query::{Page, Query};
use crate::simulator::protocol::shapes::{AccountRow, Membership, TokenState};

/// Who the caller is: what command line clients ask before they ask for
/// certificates, unless the account is in their environment.
impl Service {
    pub(crate) fn list_accounts(
        &self,
        query: &Query,
        identity: &Identity,
    ) -> Result<ApiResponse, ErrorResponse> {
        let (accounts, info) = self.accounts(query, identity)?;
        Ok(self.rows(accounts.iter().map(|id| AccountRow::of(id)).collect(), info))
    }

    pub(crate) fn list_memberships(
        &self,
        query: &Query,
        identity: &Identity,
    ) -> Result<ApiResponse, ErrorResponse> {
        let (accounts, info) = self.accounts(query, identity)?;
        let rows = accounts.iter().map(|id| {
            let account = AccountRow::of(id);
            Membership { id, status: "accepted", account }
        });
        Ok(self.rows(rows.collect(), info))
    }

    /// A page of the accounts that the caller may see.
    fn accounts(
        &self,
        query: &Query,
        identity: &Identity,
    ) -> Result<(Vec<String>, ResultInfo), ErrorResponse> {
        if let Some((_, _, Some(_))) = identity.token_details() {
            let message = "List accounts endpoint does not support account owned tokens.";
            return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 1001, message));
        }
        let accounts = self.world().accounts().to_vec().into_iter();
        Ok(Page::of(query, 20, 50).cut(accounts.filter(|id| identity.reaches_account(id))))
    }

    /// A token is verified where it belongs: to a user, or to the account of the
    /// path. One that is wrong does not get here.
    pub(crate) fn verify_token(
        &self,
        identity: &Identity,
        account: Option<&str>,
    ) -> Result<ApiResponse, ErrorResponse> {
        let Some((id, expires_on, owner)) = identity.token_details() else {
            let message = "Missing \"Authorization\" header";
            return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 1001, message));
        };
        if owner != account {
            let message = "Invalid API Token";
            return Err(ErrorResponse::new(StatusCode::UNAUTHORIZED, 1000, message));
        }
        Ok(self.success(TokenState {
            id,
            status: "active",
            expires_on: expires_on.map(|at| seconds(calendar(at))),
        }))
    }
}
