//! The simulated service: credentials, rate limit, then the operation.

mod certificates;
mod identity;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};

use crate::simulator::clock::Clock;
use crate::simulator::fault::Faults;
use crate::simulator::protocol::envelope::{ApiResponse, Entry, ErrorResponse};
use crate::simulator::protocol::query::Query;
use crate::simulator::protocol::route::Route;
use crate::simulator::rate_limit::WindowState;
use crate::simulator::record::Log;
use crate::simulator::settings::Settings;
use crate::simulator::world::World;

/// The simulated service: what all connections share.
pub(crate) struct Service {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    rays: AtomicU64,
}

/// A request that has been read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) route: Route,
    pub(crate) uri: Uri,
    pub(crate) method: http::Method,
    pub(crate) headers: HeaderMap,
    /// `None` if it was larger than the service takes.
    pub(crate) body: Option<Vec<u8>>,
}

impl Service {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            clock,
            world: Mutex::new(World::new(&settings)),
            faults: Mutex::default(),
            log: Mutex::new(Log::new(settings.recorded_requests)),
            rays: AtomicU64::new(fastrand::u64(..)),
            settings,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    /// A `cf-ray` that no other response has.
    pub(crate) fn ray(&self) -> String {
        // An odd step visits every number once before it repeats.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        format!("{:016x}-SIM", self.rays.fetch_add(STEP, Ordering::Relaxed))
    }

    /// Carries a request out, rate limit and credentials first.
    pub(crate) fn handle(&self, request: &Request) -> ApiResponse {
        let mut standing = None;
        let reply = self
            .admit(request, &mut standing)
            .and_then(|()| self.operate(request));
        let mut reply = reply.unwrap_or_else(|refusal| ApiResponse::refusal(&refusal));
        if reply.status == StatusCode::TOO_MANY_REQUESTS
            && let Some(WindowState { reset_secs, .. }) = standing
        {
            reply.headers.push((RETRY_AFTER, reset_secs.into()));
        }
        reply.headers.extend(self.rate_headers(standing));
        reply
    }

    /// The rate limit headers, by default as the window stands.
    pub(crate) fn rate_headers(
        &self,
        standing: Option<WindowState>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let standing = standing.or_else(|| {
            let now = self.clock.moment();
            self.world()
                .rate_limit
                .as_mut()
                .map(|limit| limit.look(now))
        });
        let Some(standing) = standing else {
            return Vec::new();
        };
        let WindowState {
            quota,
            remaining,
            window_secs,
            reset_secs,
            ..
        } = standing;
        let texts = [
            (
                "ratelimit",
                format!("\"default\";r={remaining};t={reset_secs}"),
            ),
            (
                "ratelimit-policy",
                format!("\"default\";q={quota};w={window_secs}"),
            ),
        ];
        let header = |(name, text): (&'static str, String)| {
            Some((
                HeaderName::from_static(name),
                HeaderValue::try_from(text).ok()?,
            ))
        };
        texts.into_iter().filter_map(header).collect()
    }

    fn admit(
        &self,
        request: &Request,
        standing: &mut Option<WindowState>,
    ) -> Result<(), ErrorResponse> {
        // Only an authenticated request belongs to a user whose limit it uses.
        self.settings.keyring.check(&request.headers)?;
        let now = self.clock.moment();
        *standing = self
            .world()
            .rate_limit
            .as_mut()
            .map(|limit| limit.take(now));
        if standing.is_some_and(|standing| !standing.allowed) {
            let message = "Please wait and consider throttling your request speed";
            return Err(ErrorResponse::new(
                StatusCode::TOO_MANY_REQUESTS,
                971,
                message,
            ));
        }
        Ok(())
    }

    fn operate(&self, request: &Request) -> Result<ApiResponse, ErrorResponse> {
        let query = Query::parse(request.uri.query());
        match &request.route {
            Route::Nowhere => Err(nowhere(&request.uri)),
            Route::WrongMethod => Err(ErrorResponse::new(
                StatusCode::METHOD_NOT_ALLOWED,
                7001,
                format!("Method {} not available for that URI.", request.method),
            )),
            Route::Zones => Ok(self.list_zones(&query)),
            Route::Accounts => Ok(self.list_accounts(&query)),
            Route::Memberships => Ok(self.list_memberships(&query)),
            Route::VerifyToken => self.verify_token(request),
            Route::List { account } => {
                self.check_account(account)?;
                Ok(self.list(&query))
            }
            Route::Upload { account } => {
                self.check_account(account)?;
                self.upload(request)
            }
            Route::Get { account, id } => {
                self.check_account(account)?;
                self.get(id)
            }
            Route::Delete { account, id } => {
                self.check_account(account)?;
                self.delete(id)
            }
            Route::Associations { account, id } => {
                self.check_account(account)?;
                self.associations(id, &query)
            }
            Route::Hostnames { zone } => self.hostnames(zone, &query),
            Route::ReplaceHostnames { zone } => self.replace_hostnames(zone, request),
        }
    }

    pub(crate) fn success<T: Serialize>(&self, result: T) -> ApiResponse {
        ApiResponse::success(Some(result), None, self.settings.null_lists)
    }

    pub(crate) fn read_body<T: for<'de> Deserialize<'de>>(
        &self,
        request: &Request,
    ) -> Result<T, ErrorResponse> {
        let Some(body) = &request.body else {
            let (status, code) = (StatusCode::PAYLOAD_TOO_LARGE, self.settings.refusal_code);
            return Err(ErrorResponse::new(
                status,
                code,
                "the request body is too large",
            ));
        };
        // The parser's own words could quote the body, private key included.
        serde_json::from_slice(body)
            .map_err(|_| self.refuse("the request body is not what this operation takes"))
    }

    fn check_account(&self, account: &str) -> Result<(), ErrorResponse> {
        if account.eq_ignore_ascii_case(&self.settings.account_id) {
            return Ok(());
        }
        Err(forbidden())
    }

    pub(crate) fn not_found(&self) -> ErrorResponse {
        self.settings.not_found.clone().into()
    }

    pub(crate) fn refuse(&self, message: &str) -> ErrorResponse {
        ErrorResponse::new(StatusCode::BAD_REQUEST, self.settings.refusal_code, message)
    }
}

fn nowhere(uri: &Uri) -> ErrorResponse {
    let path = uri.path();
    let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
    let entries = vec![
        Entry::new(7003, message),
        Entry::new(7000, "No route for that URI"),
    ];
    ErrorResponse {
        status: StatusCode::NOT_FOUND,
        entries,
    }
}

pub(crate) fn forbidden() -> ErrorResponse {
    ErrorResponse::new(StatusCode::FORBIDDEN, 10000, "Authentication error")
}

/// A panic elsewhere must not turn every later response into one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
