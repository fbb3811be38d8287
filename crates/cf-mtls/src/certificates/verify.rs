//! Whether the credentials are valid, and may read the certificates of an account.

use std::num::NonZeroU32;

use cf_mtls_api::requests::{VerifyAccountToken, VerifyToken};
use cf_mtls_api::{AccountId, ApiToken, Request, TokenStatus, Verification, types};
use tokio::time::Instant;

use super::{CertificateFilter, Certificates};
use crate::error::{Error, ErrorKind, Operation};
use crate::transport::Client;

/// The smallest page that lists of the service are known to take.
const MIN_PER_PAGE: NonZeroU32 = NonZeroU32::new(5).unwrap();

impl Client {
    /// Checks that the credentials are valid and may read the certificates of an account,
    /// as a readiness probe of a service.
    ///
    /// ```no_run
    /// use cf_mtls::{AccountId, Client, Error};
    ///
    /// async fn probe(client: &Client, account: &AccountId) -> Result<(), Error> {
    ///     let token = client.verify(account).await?.token;
    ///     println!("ready; the token expires {:?}", token.and_then(|token| token.expires_on));
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Two or three reads, each retried as [`Retry`](crate::Retry) allows: the token, as
    /// one of a user and otherwise as one of the account, and a small page of the list. Of a
    /// global API key only the page tells.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Authentication`](crate::ErrorKind::Authentication) if the credentials
    ///   are rejected, or the token is disabled or has expired
    /// - [`ErrorKind::Permission`](crate::ErrorKind::Permission) if they may not read the
    ///   certificates of the account
    /// - others as in the [table of the crate](crate#errors)
    pub async fn verify(&self, account: &AccountId) -> Result<Verification, Error> {
        let (certificates, begun) = (self.certificates(account), Instant::now());
        let token = match self.shared().credentials.is_token() {
            true => Some(certificates.verify_token().await?),
            false => None,
        };
        let mut list = certificates.pages(CertificateFilter::all(), MIN_PER_PAGE, Some(begun));
        list.next().await.transpose()?;
        Ok(Verification::new(token))
    }
}

impl Certificates {
    /// The token, unless it is not valid.
    async fn verify_token(&self) -> Result<ApiToken, Error> {
        let begun = Instant::now();
        match self.token(Operation::VerifyToken, VerifyToken {}).await {
            // Where the service says so, it may belong to the account.
            Err(error)
                if error.kind() == ErrorKind::Authentication && !error.messages().is_empty() =>
            {
                let request = VerifyAccountToken { account_id: &self.account };
                let rest = self.after(begun.elapsed());
                let foreign = "it is not a valid token of a user or of this account; it may belong to another account";
                let token = rest.token(Operation::VerifyAccountToken, request).await;
                token.map_err(|other| match other.kind() {
                    ErrorKind::Authentication | ErrorKind::Permission => error.with_detail(foreign),
                    _ => other,
                })
            }
            token => token,
        }
    }

    async fn token<R: Request<Response = types::TokenEnvelope>>(
        &self,
        operation: Operation,
        request: R,
    ) -> Result<ApiToken, Error> {
        let mut call = self.call(operation, None);
        let span = call.span();
        let read = async {
            let token = call.read(request).await?.result.and_then(types::Token::into_value);
            let token = token
                .ok_or_else(|| call.invalid_result("the response has no token with a status"))?;
            match token.status {
                TokenStatus::Disabled | TokenStatus::Expired => Err(call
                    .invalid_result(&format!("the API token is {}", token.status))
                    .with_kind(ErrorKind::Authentication)),
                _ => Ok(token),
            }
        };
        span.run(read).await
    }
}
