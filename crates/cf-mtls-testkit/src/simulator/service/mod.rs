//! The simulated service: credentials, rate limit, then the operation.

mod certificates;
mod identity;
mod products;
mod zones;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode, Uri};
use serde::{Deserialize, Serialize};

use crate::simulator::auth::{Identity, Keyring, Permission, forbidden};
use crate::simulator::clock::Clock;
use crate::simulator::fault::{Faults, Target};
use crate::simulator::protocol::envelope::{ApiResponse, Entry, ErrorResponse, ResultInfo};
use crate::simulator::protocol::query::Query;
use crate::simulator::protocol::route::{Operation, Route};
use crate::simulator::protocol::shapes::Replacement;
use crate::simulator::rate_limit::WindowState;
use crate::simulator::record::Log;
use crate::simulator::refusal::{MADE_UP_CODES, OTHER_CODE, Refusal};
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
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// `None` if it was larger than the service takes.
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn target(&self) -> Target {
        let route = &self.route;
        let certificate = match route.operation {
            Operation::Hostnames => {
                let query = Query::parse(self.uri.query());
                query.get("mtls_certificate_id").map(str::to_owned)
            }
            Operation::ReplaceHostnames => {
                let body = self.body.as_deref().unwrap_or_default();
                let body = serde_json::from_slice::<Replacement>(body).ok();
                body.and_then(|body| body.mtls_certificate_id)
            }
            _ => Some(route.id.clone()),
        };
        Target {
            operation: route.operation,
            is_read: self.method == Method::GET,
            zone: route.zone.clone(),
            certificate,
        }
    }
}

impl Service {
    pub(crate) fn new(settings: Settings, keyring: Keyring, clock: Clock) -> Self {
        Self {
            clock,
            world: Mutex::new(World::new(&settings, keyring)),
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
        let mut window = None;
        let outcome =
            self.admit(request, &mut window).and_then(|identity| self.operate(request, &identity));
        let mut response = outcome.unwrap_or_else(|error| self.error(error));
        if response.status == StatusCode::TOO_MANY_REQUESTS
            && let Some(WindowState { reset_secs, .. }) = window
        {
            response.headers.push((RETRY_AFTER, reset_secs.into()));
        }
        response.headers.extend(self.rate_headers(window));
        response
    }

    /// The rate limit headers, by default as the window stands.
    pub(crate) fn rate_headers(
        &self,
        window: Option<WindowState>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let window = window.or_else(|| {
            let now = self.clock.moment();
            self.world().rate_limit.as_mut().map(|limit| limit.look(now))
        });
        let Some(window) = window else {
            return Vec::new();
        };
        let WindowState { quota, remaining, window_secs, reset_secs, .. } = window;
        let texts = [
            ("ratelimit", format!("\"default\";r={remaining};t={reset_secs}")),
            ("ratelimit-policy", format!("\"default\";q={quota};w={window_secs}")),
        ];
        let header = |(name, text): (&'static str, String)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(text).ok()?))
        };
        texts.into_iter().filter_map(header).collect()
    }

    fn admit(
        &self,
        request: &Request,
        window: &mut Option<WindowState>,
    ) -> Result<Identity, ErrorResponse> {
        // Only an authenticated request belongs to a user whose limit it uses.
        let identity = self.authenticate(&request.headers, request.route.operation)?;
        let now = self.clock.moment();
        *window = self.world().rate_limit.as_mut().map(|limit| limit.take(now));
        if window.is_some_and(|window| !window.allowed) {
            let message = "Please wait and consider throttling your request speed";
            return Err(ErrorResponse::new(StatusCode::TOO_MANY_REQUESTS, 971, message));
        }
        Ok(identity)
    }

    pub(crate) fn authenticate(
        &self,
        headers: &HeaderMap,
        operation: Operation,
    ) -> Result<Identity, ErrorResponse> {
        self.world().keyring.check(headers, operation, self.clock.system_time())
    }

    fn operate(
        &self,
        request: &Request,
        identity: &Identity,
    ) -> Result<ApiResponse, ErrorResponse> {
        let Route { operation, account, zone, id, is_wrong_method } = &request.route;
        self.check_access(&request.route, identity)?;
        let query = Query::parse(request.uri.query());
        match operation {
            Operation::List => Ok(self.list(account, &query)),
            Operation::Upload => self.upload(account, request),
            Operation::Get => self.get(account, id),
            Operation::Delete => self.delete(account, id),
            Operation::Associations => self.associations(account, id, &query),
            Operation::Hostnames => self.hostnames(&request.uri, zone, &query),
            Operation::ReplaceHostnames => self.replace_hostnames(zone, request),
            Operation::Zones => Ok(self.list_zones(&query, identity)),
            Operation::Accounts => self.list_accounts(&query, identity),
            Operation::Memberships => self.list_memberships(&query, identity),
            Operation::VerifyToken => self.verify_token(identity, None),
            Operation::VerifyAccountToken => self.verify_token(identity, Some(account)),
            Operation::Workers => Ok(self.list_workers(account)),
            Operation::WorkerSettings => self.worker_settings(account, id),
            Operation::HyperdriveConfigs => Ok(self.list_hyperdrives(account, &query)),
            Operation::GatewayCertificates => Ok(self.list_gateway_certificates(account)),
            Operation::Unknown if *is_wrong_method => Err(ErrorResponse::new(
                StatusCode::METHOD_NOT_ALLOWED,
                7001,
                format!("Method {} not available for that URI.", request.method),
            )),
            Operation::Unknown => Err(not_routed(&request.uri)),
        }
    }

    /// Refuses an account or zone that does not exist, or that the caller may not touch.
    fn check_access(&self, route: &Route, identity: &Identity) -> Result<(), ErrorResponse> {
        let Some((permission, change)) = needed_permission(route.operation) else {
            return Ok(());
        };
        let world = self.world();
        let is_reached = match world.zone(&route.zone) {
            Some(zone) => identity.reaches_zone(&zone.account, &zone.id),
            None => {
                world.accounts().contains(&route.account)
                    && identity.reaches_account(&route.account)
            }
        };
        let may = is_reached && identity.may(permission, change);
        may.then_some(()).ok_or_else(forbidden)
    }

    fn error(&self, mut error: ErrorResponse) -> ApiResponse {
        if self.settings.without_made_up_codes {
            for entry in &mut error.entries {
                entry.code = entry.code.filter(|code| !MADE_UP_CODES.contains(code));
            }
        }
        ApiResponse::error(&error)
    }

    /// A page of a list, or a list without pages.
    pub(crate) fn rows<T: Serialize>(
        &self,
        rows: Vec<T>,
        info: impl Into<Option<ResultInfo>>,
    ) -> ApiResponse {
        let rows = (!rows.is_empty() || !self.settings.null_empty_results).then_some(rows);
        ApiResponse::success(rows, info.into(), self.settings.null_lists)
    }

    pub(crate) fn success<T: Serialize>(&self, result: T) -> ApiResponse {
        ApiResponse::success(Some(result), None, self.settings.null_lists)
    }

    pub(crate) fn read_body<T: for<'de> Deserialize<'de>>(
        &self,
        request: &Request,
    ) -> Result<T, ErrorResponse> {
        let Some(body) = &request.body else {
            let (status, message) =
                (StatusCode::PAYLOAD_TOO_LARGE, "the request body is too large");
            return Err(ErrorResponse::new(status, OTHER_CODE, message));
        };
        // The parser's own words could quote the body, private key included.
        serde_json::from_slice(body)
            .map_err(|_| Self::refuse("the request body is not what this operation takes"))
    }

    pub(crate) fn refusal(&self, refusal: Refusal) -> ErrorResponse {
        self.settings.refusals.response(refusal)
    }

    /// A refusal without a published code.
    pub(crate) fn refuse(message: &str) -> ErrorResponse {
        ErrorResponse::new(StatusCode::BAD_REQUEST, OTHER_CODE, message)
    }
}

/// The permission for an operation, and whether that is to change something; `None`
/// where the path names neither an account nor a zone.
fn needed_permission(operation: Operation) -> Option<(Permission, bool)> {
    Some(match operation {
        Operation::List | Operation::Get | Operation::Associations => {
            (Permission::Certificates, false)
        }
        Operation::Upload | Operation::Delete => (Permission::Certificates, true),
        Operation::Hostnames => (Permission::Hostnames, false),
        Operation::ReplaceHostnames => (Permission::Hostnames, true),
        Operation::Workers | Operation::WorkerSettings => (Permission::Workers, false),
        Operation::HyperdriveConfigs => (Permission::Hyperdrive, false),
        Operation::GatewayCertificates => (Permission::Gateway, false),
        Operation::Zones
        | Operation::Accounts
        | Operation::Memberships
        | Operation::VerifyToken
        | Operation::VerifyAccountToken
        | Operation::Unknown => return None,
    })
}

pub(crate) fn not_routed(uri: &Uri) -> ErrorResponse {
    let path = uri.path();
    let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
    let entries =
        vec![Entry::new(Some(7003), message), Entry::new(Some(7000), "No route for that URI")];
    ErrorResponse { status: StatusCode::NOT_FOUND, entries }
}

/// A panic elsewhere must not turn every later response into one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
