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
        if identity.token().is_some_and(|token| token.owner.is_some()) {
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
        let Some(token) = identity.token() else {
            let message = "Missing \"Authorization\" header";
            return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 1001, message));
        };
        if token.owner.as_deref() != account {
            let message = "Invalid API Token";
            return Err(ErrorResponse::new(StatusCode::UNAUTHORIZED, 1000, message));
        }
        Ok(self.success(TokenState {
            id: &token.id,
            status: token.status(self.clock.system_time()),
            expires_on: token.expires_on.map(|at| seconds(calendar(at))),
        }))
    }
}
