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

/// Where a request leads, with the ids from its path.
#[derive(Debug, PartialEq)]
pub(crate) enum Route {
    List {
        account: String,
    },
    Upload {
        account: String,
    },
    Get {
        account: String,
        id: String,
    },
    Delete {
        account: String,
        id: String,
    },
    Associations {
        account: String,
        id: String,
    },
    Hostnames {
        zone: String,
    },
    ReplaceHostnames {
        zone: String,
    },
    Zones,
    Accounts,
    Memberships,
    VerifyToken,
    VerifyAccountToken {
        account: String,
    },
    Workers {
        account: String,
    },
    WorkerSettings {
        account: String,
        name: String,
    },
    HyperdriveConfigs {
        account: String,
    },
    GatewayCertificates {
        account: String,
    },
    /// No such path, or a malformed id in it.
    Nowhere,
    /// A path of the API, but not with this method.
    WrongMethod,
}

impl Route {
    pub(crate) fn find(method: &Method, path: &str) -> Self {
        let Some(path) = path.strip_prefix("/client/v4/") else {
            return Self::Nowhere;
        };
        // The collection is served with and without a final slash, so a client
        // that puts an empty id into a path meets the list, not an error.
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            ["accounts", account, rest @ ..] if is_hex_id(account) => {
                let account = account.to_ascii_lowercase();
                match rest {
                    ["mtls_certificates", rest @ ..] => certificates(method, account, rest),
                    ["tokens", "verify"] => only_get(method, Self::VerifyAccountToken { account }),
                    ["workers", "scripts"] => only_get(method, Self::Workers { account }),
                    ["workers", "scripts", name, "settings"] => {
                        let name = (*name).to_owned();
                        only_get(method, Self::WorkerSettings { account, name })
                    }
                    ["hyperdrive", "configs"] => {
                        only_get(method, Self::HyperdriveConfigs { account })
                    }
                    ["gateway", "certificates"] => {
                        only_get(method, Self::GatewayCertificates { account })
                    }
                    _ => Self::Nowhere,
                }
            }
            ["zones", zone, "certificate_authorities", "hostname_associations"]
                if is_hex_id(zone) =>
            {
                let zone = (*zone).to_owned();
                match *method {
                    Method::GET => Self::Hostnames { zone },
                    Method::PUT => Self::ReplaceHostnames { zone },
                    _ => Self::WrongMethod,
                }
            }
            ["zones"] => only_get(method, Self::Zones),
            ["accounts"] => only_get(method, Self::Accounts),
            ["memberships"] => only_get(method, Self::Memberships),
            ["user", "tokens", "verify"] => only_get(method, Self::VerifyToken),
            _ => Self::Nowhere,
        }
    }

    /// The id of the certificate in the path.
    pub(crate) fn certificate(&self) -> Option<&str> {
        match self {
            Self::Get { id, .. } | Self::Delete { id, .. } | Self::Associations { id, .. } => {
                Some(id)
            }
            _ => None,
        }
    }

    /// The id of the zone in the path.
    pub(crate) fn zone(&self) -> Option<&str> {
        match self {
            Self::Hostnames { zone } | Self::ReplaceHostnames { zone } => Some(zone),
            _ => None,
        }
    }

    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::List { .. } => Operation::List,
            Self::Upload { .. } => Operation::Upload,
            Self::Get { .. } => Operation::Get,
            Self::Delete { .. } => Operation::Delete,
            Self::Associations { .. } => Operation::Associations,
            Self::Hostnames { .. } => Operation::Hostnames,
            Self::ReplaceHostnames { .. } => Operation::ReplaceHostnames,
            Self::Zones => Operation::Zones,
            Self::Accounts => Operation::Accounts,
            Self::Memberships => Operation::Memberships,
            Self::VerifyToken => Operation::VerifyToken,
            Self::VerifyAccountToken { .. } => Operation::VerifyAccountToken,
            Self::Workers { .. } => Operation::Workers,
            Self::WorkerSettings { .. } => Operation::WorkerSettings,
            Self::HyperdriveConfigs { .. } => Operation::HyperdriveConfigs,
            Self::GatewayCertificates { .. } => Operation::GatewayCertificates,
            Self::Nowhere | Self::WrongMethod => Operation::Unknown,
        }
    }
}

fn only_get(method: &Method, route: Route) -> Route {
    match *method {
        Method::GET => route,
        _ => Route::WrongMethod,
    }
}

fn certificates(method: &Method, account: String, rest: &[&str]) -> Route {
    match rest {
        [] => match *method {
            Method::GET => Route::List { account },
            Method::POST => Route::Upload { account },
            _ => Route::WrongMethod,
        },
        [id] if is_certificate_id(id) => {
            let id = (*id).to_owned();
            match *method {
                Method::GET => Route::Get { account, id },
                Method::DELETE => Route::Delete { account, id },
                _ => Route::WrongMethod,
            }
        }
        [id, "associations"] if is_certificate_id(id) => match *method {
            Method::GET => Route::Associations { account, id: (*id).to_owned() },
            _ => Route::WrongMethod,
        },
        _ => Route::Nowhere,
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
            assert_eq!(route.operation(), want, "{method} {path}");
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
            assert_eq!(Route::find(&Method::GET, &path), Route::Nowhere, "{path}");
        }
    }
}
