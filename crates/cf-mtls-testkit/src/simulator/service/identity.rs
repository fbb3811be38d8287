//! Accounts, memberships and the state of a token.

use http::StatusCode;

use super::Service;
use crate::simulator::auth::Identity;
use crate::simulator::clock::{calendar, seconds};
use crate::simulator::protocol::envelope::{ApiResponse, ErrorResponse};
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
        let world = self.world();
        let accounts = world.accounts().iter();
        let accounts = accounts.filter(|id| identity.reaches_account(id));
        refuse_account_token(identity)?;
        let (shown, info) = Page::of(query, 20, 50).cut(accounts);
        Ok(self.rows(shown.into_iter().map(|id| AccountRow::of(id)).collect(), info))
    }

    pub(crate) fn list_memberships(
        &self,
        query: &Query,
        identity: &Identity,
    ) -> Result<ApiResponse, ErrorResponse> {
        let world = self.world();
        let accounts = world.accounts().iter();
        let accounts = accounts.filter(|id| identity.reaches_account(id));
        refuse_account_token(identity)?;
        let (shown, info) = Page::of(query, 20, 50).cut(accounts);
        let rows = shown.into_iter().map(|id| Membership {
            id,
            status: "accepted",
            account: AccountRow::of(id),
        });
        Ok(self.rows(rows.collect(), info))
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

fn refuse_account_token(identity: &Identity) -> Result<(), ErrorResponse> {
    match identity.token_details() {
        Some((_, _, Some(_))) => Err(ErrorResponse::new(
            StatusCode::BAD_REQUEST,
            1001,
            "List accounts endpoint does not support account owned tokens.",
        )),
        _ => Ok(()),
    }
}
