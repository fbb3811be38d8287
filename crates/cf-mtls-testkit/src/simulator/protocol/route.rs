//! Which operation a method and path lead to.

use http::Method;

use super::ids::{is_certificate_id, is_hex_id};

/// An operation of the API, or a request that belongs to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// `GET /accounts/{account_id}/mtls_certificates`
    List,
    /// `POST /accounts/{account_id}/mtls_certificates`
    Upload,
    /// `GET /accounts/{account_id}/mtls_certificates/{id}`
    Get,
    /// `DELETE /accounts/{account_id}/mtls_certificates/{id}`
    Delete,
    /// `GET /accounts/{account_id}/mtls_certificates/{id}/associations`
    Associations,
    /// `GET /zones/{zone_id}/certificate_authorities/hostname_associations`
    Hostnames,
    /// `PUT /zones/{zone_id}/certificate_authorities/hostname_associations`
    ReplaceHostnames,
    /// `GET /zones`
    Zones,
    /// `GET /accounts`, which clients ask when no account is configured
    Accounts,
    /// `GET /memberships`, for the same purpose
    Memberships,
    /// `GET /user/tokens/verify`
    VerifyToken,
    /// `GET /accounts/{account_id}/tokens/verify`
    VerifyAccountToken,
    /// `GET /accounts/{account_id}/workers/scripts`
    Workers,
    /// `GET /accounts/{account_id}/workers/scripts/{script_name}/settings`
    WorkerSettings,
    /// `GET /accounts/{account_id}/hyperdrive/configs`
    HyperdriveConfigs,
    /// `GET /accounts/{account_id}/gateway/certificates`
    GatewayCertificates,
    /// Anything else.
    Unknown,
}

/// Where a request leads, with the ids from its path; those that it lacks are empty.
#[derive(Debug, PartialEq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    pub(crate) account: String,
    pub(crate) zone: String,
    /// The certificate, or the name of the Worker.
    pub(crate) id: String,
    /// The path is one of the API, but not with this method.
    pub(crate) is_wrong_method: bool,
}

impl Route {
    fn new(operation: Operation) -> Self {
        let (account, zone, id) = Default::default();
        Self { operation, account, zone, id, is_wrong_method: false }
    }

    /// [`Operation::Unknown`] for other paths, methods, and malformed ids.
    pub(crate) fn find(method: &Method, path: &str) -> Self {
        Self::look_up(method, path).unwrap_or_else(|| {
            // Every path can be read.
            let is_wrong_method = Self::look_up(&Method::GET, path).is_some();
            Self { is_wrong_method, ..Self::new(Operation::Unknown) }
        })
    }

    fn look_up(method: &Method, path: &str) -> Option<Self> {
        let path = path.strip_prefix("/client/v4/")?;
        // The collection is served with and without a final slash, so a client
        // that puts an empty id into a path meets the list, not an error.
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        let route = match (method.as_str(), segments.as_slice()) {
            (_, ["accounts", account, rest @ ..]) if is_hex_id(account) => {
                let account = account.to_ascii_lowercase();
                Self { account, ..Self::in_account(method, rest)? }
            }
            (_, ["zones", zone, "certificate_authorities", "hostname_associations"])
                if is_hex_id(zone) =>
            {
                let operation = match *method {
                    Method::GET => Operation::Hostnames,
                    Method::PUT => Operation::ReplaceHostnames,
                    _ => return None,
                };
                Self { zone: (*zone).to_owned(), ..Self::new(operation) }
            }
            ("GET", ["zones"]) => Self::new(Operation::Zones),
            ("GET", ["accounts"]) => Self::new(Operation::Accounts),
            ("GET", ["memberships"]) => Self::new(Operation::Memberships),
            ("GET", ["user", "tokens", "verify"]) => Self::new(Operation::VerifyToken),
            _ => return None,
        };
        Some(route)
    }

    fn in_account(method: &Method, rest: &[&str]) -> Option<Self> {
        let one = |operation, id: &str| {
            is_certificate_id(id).then(|| Self { id: id.to_owned(), ..Self::new(operation) })
        };
        match (method.as_str(), rest) {
            ("GET", ["mtls_certificates"]) => Some(Self::new(Operation::List)),
            ("POST", ["mtls_certificates"]) => Some(Self::new(Operation::Upload)),
            ("GET", ["mtls_certificates", id]) => one(Operation::Get, id),
            ("DELETE", ["mtls_certificates", id]) => one(Operation::Delete, id),
            ("GET", ["mtls_certificates", id, "associations"]) => one(Operation::Associations, id),
            ("GET", ["tokens", "verify"]) => Some(Self::new(Operation::VerifyAccountToken)),
            ("GET", ["workers", "scripts"]) => Some(Self::new(Operation::Workers)),
            ("GET", ["workers", "scripts", name, "settings"]) => {
                let id = (*name).to_owned();
                Some(Self { id, ..Self::new(Operation::WorkerSettings) })
            }
            ("GET", ["hyperdrive", "configs"]) => Some(Self::new(Operation::HyperdriveConfigs)),
            ("GET", ["gateway", "certificates"]) => Some(Self::new(Operation::GatewayCertificates)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "023e105f4ecef8ad9ca31a8372d0c353";
    const UUID: &str = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";

    #[test]
    fn finds_each_operation() {
        use Operation::*;
        let list = format!("accounts/{HEX}/mtls_certificates");
        let one = format!("{list}/{UUID}");
        let hosts = format!("zones/{HEX}/certificate_authorities/hostname_associations");
        let table = [
            ("GET", list.clone(), List),
            ("POST", list.clone(), Upload),
            ("GET", one.clone(), Get),
            ("GET", format!("{list}/{HEX}"), Get),
            ("DELETE", one.clone(), Delete),
            ("GET", format!("{one}/associations"), Associations),
            ("GET", hosts.clone(), Hostnames),
            ("PUT", hosts.clone(), ReplaceHostnames),
            ("GET", "zones".to_owned(), Zones),
            ("GET", "accounts".to_owned(), Accounts),
            ("GET", "memberships".to_owned(), Memberships),
            ("GET", "user/tokens/verify".to_owned(), VerifyToken),
            ("GET", format!("accounts/{HEX}/tokens/verify"), VerifyAccountToken),
            ("GET", format!("accounts/{HEX}/workers/scripts"), Workers),
            ("GET", format!("accounts/{HEX}/workers/scripts/my-worker/settings"), WorkerSettings),
            ("GET", format!("accounts/{HEX}/hyperdrive/configs"), HyperdriveConfigs),
            ("GET", format!("accounts/{HEX}/gateway/certificates"), GatewayCertificates),
            ("POST", "accounts".to_owned(), Unknown),
            ("GET", format!("{list}/"), List),
        ];
        for (method, path, want) in table {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let route = Route::find(&method, &format!("/client/v4/{path}"));
            assert_eq!(route.operation, want, "{method} {path}");
        }
    }

    #[test]
    fn leads_nowhere_with_malformed_ids_and_unknown_paths() {
        let table = [
            "/client/v4/".to_owned(),
            "/client/v4".to_owned(),
            "/accounts".to_owned(),
            format!("/client/v4/accounts/{}/mtls_certificates", &HEX[1..]),
            format!("/client/v4/accounts/{UUID}/mtls_certificates"),
            "/client/v4/accounts//mtls_certificates".to_owned(),
            format!("/client/v4/accounts/{HEX}/mtls_certificates/.."),
            format!("/client/v4/accounts/{HEX}/mtls_certificates/not-an-id"),
            format!("/client/v4/accounts/{HEX}/mtls_certificates//"),
            format!("/client/v4/accounts/{HEX}/mtls_certificates/{UUID}/other"),
            format!("/client/v4/zones/{UUID}/certificate_authorities/hostname_associations"),
        ];
        for path in table {
            let nowhere = Route::new(Operation::Unknown);
            assert_eq!(Route::find(&Method::GET, &path), nowhere, "{path}");
        }
    }
}
