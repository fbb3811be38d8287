//! From one HTTP request to its response, faults included.

use std::future::pending;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::{sleep, timeout};

use super::body::ResponseBody;
use super::connection::{Active, State};
use crate::simulator::fault::{Effect, Fault, FaultResponse};
use crate::simulator::protocol::envelope::{ApiResponse, Entry, ErrorResponse};
use crate::simulator::protocol::route::Route;
use crate::simulator::record::{RequestRecord, readable_body};
use crate::simulator::service::{Request, Service};

/// In bytes: larger than any chain of certificates.
const MAX_BODY: usize = 1 << 20;

/// Serves one request, with the fault that it meets.
pub(crate) async fn respond(
    service: &Arc<Service>,
    connection: &Arc<State>,
    request: http::Request<Incoming>,
) -> Response<ResponseBody> {
    let (head, body) = request.into_parts();
    if !is_for_this_machine(&head.uri, &head.headers) {
        // Else a page in a browser could reach the simulator by a name of its own.
        let mut response = ApiResponse::empty(StatusCode::MISDIRECTED_REQUEST);
        response.content_type = "text/plain";
        response.body = b"the simulator serves loopback names only\n".to_vec();
        return into_http(service, response, &[], Active::new(connection));
    }
    service.clock.step(service.settings.clock_step).await;
    let route = Route::find(&head.method, head.uri.path());
    let operation = route.operation;
    let sequence = service
        .log()
        .begin(operation, || RequestRecord::new(&head.method, &head.uri, &head.headers, operation));

    // Reports the request when it is over, whichever way it ends.
    let _report = Report { service, sequence };

    // Strangers cannot fill the memory: their bodies are not kept.
    let keep = service.authenticate(&head.headers, operation).is_ok();
    let body = match timeout(service.settings.max_silence, read(body, keep)).await {
        Ok(Ok(body)) => body,
        // The client hung up or fell silent: there is no request to respond to.
        Ok(Err(_)) | Err(_) => match connection.end(false).await {},
    };
    let active = Active::new(connection);
    if let Some(body) = &body
        && service.log().keeps_records()
    {
        service.log().keep_body(sequence, readable_body(body));
    }
    let (method, uri, headers) = (head.method, head.uri, head.headers);
    let request = Arc::new(Request { route, uri, method, headers, body });

    let fault = service.faults().decide(&request.target());
    let response = match fault {
        None => into_http(service, service.handle(&request), &[], active),
        Some((id, fault)) => {
            service.log().amend(sequence, |record| record.fault = Some(id));
            respond_with_fault(service, connection, request, fault, active).await
        }
    };
    let status = response.status().as_u16();
    service.log().amend(sequence, |record| record.status = Some(status));
    response
}

/// Whether the request names this machine, as `Host` or as `:authority`.
fn is_for_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).map(|value| value.as_bytes());
    let authority =
        host.map_or(Ok(uri.authority().cloned()), |host| Authority::try_from(host).map(Some));
    let Ok(authority) = authority else {
        return false;
    };
    authority.is_none_or(|authority| {
        let host = authority.host().to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse();
        host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    })
}

/// The body, or `None` if it is too large. Unless it is kept it is only counted.
async fn read(body: Incoming, keep: bool) -> Result<Option<Vec<u8>>, ()> {
    let mut body = Limited::new(body, MAX_BODY);
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Some(data) = frame.data_ref().filter(|_| keep) {
                    kept.extend_from_slice(data);
                }
            }
            Err(error) if error.is::<http_body_util::LengthLimitError>() => return Ok(None),
            Err(_) => return Err(()),
        }
    }
    Ok(Some(kept))
}

/// Reports a request to the observer when it is dropped, which also happens
/// when a connection ends in the middle of a response.
struct Report<'a> {
    service: &'a Service,
    sequence: u64,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        let record = self.service.log().find(self.sequence).cloned();
        let Some(record) = record else {
            return;
        };
        // The log is not locked while the observer runs: it may look there.
        if let Some(observer) = &self.service.settings.observer {
            observer.see(&record);
        }
        let refused = record.fault.is_none() && record.status.is_some_and(|status| status >= 400);
        if refused {
            self.service.log().keep_body(self.sequence, None);
        }
    }
}

/// The response of a fault.
async fn respond_with_fault(
    service: &Arc<Service>,
    connection: &State,
    request: Arc<Request>,
    fault: Fault,
    active: Active,
) -> Response<ResponseBody> {
    let genuine = match fault.effect {
        Effect::First => {
            let response = service.handle(&request);
            sleep(fault.delay).await;
            Some(response)
        }
        Effect::Skipped => {
            sleep(fault.delay).await;
            None
        }
        Effect::After(time) => {
            // In a task of its own, which the end of the connection spares.
            let (service, request) = (Arc::clone(service), Arc::clone(&request));
            let due = service.clock.moment().saturating_add(time);
            let late = tokio::spawn(async move {
                service.clock.reach(due).await;
                service.handle(&request)
            });
            sleep(fault.delay).await;
            match fault.response {
                FaultResponse::Genuine => late.await.ok(),
                _ => None,
            }
        }
    };
    let response = match fault.response {
        FaultResponse::Reset => match connection.end(true).await {},
        FaultResponse::Close => match connection.end(false).await {},
        FaultResponse::Silence => pending().await,
        FaultResponse::Genuine => genuine.unwrap_or_else(|| service.handle(&request)),
        FaultResponse::Truncated => {
            let body = |part| ResponseBody::cut(part, active);
            return half_body(service, genuine, &fault.headers, body);
        }
        FaultResponse::Stalled => {
            let body = |part| ResponseBody::stalled(part, active);
            return half_body(service, genuine, &fault.headers, body);
        }
        FaultResponse::Endless => {
            let whole = ApiResponse::success(None::<()>, None, false);
            let (response, _) = head(service, whole, &fault.headers);
            return response.map(|()| ResponseBody::endless(active));
        }
        FaultResponse::Envelope { status, code, message } => {
            let mut response = ApiResponse::error(&ErrorResponse {
                status: status_of(status),
                entries: vec![Entry::new(code, message)],
            });
            response.headers = service.rate_headers(None);
            response
        }
        FaultResponse::Html { status } => error_page(status_of(status)),
        FaultResponse::Raw { status, content_type, body } => {
            let mut response = ApiResponse::empty(status_of(status));
            response.body = body;
            let content_type = ("content-type".to_owned(), content_type);
            let headers = [&[content_type], &fault.headers[..]].concat();
            return into_http(service, response, &headers, active);
        }
    };
    into_http(service, response, &fault.headers, active)
}

fn into_http(
    service: &Service,
    response: ApiResponse,
    headers: &[(String, String)],
    active: Active,
) -> Response<ResponseBody> {
    let (response, body) = head(service, response, headers);
    response.map(|()| ResponseBody::whole(body, active))
}

/// Status and headers, apart from the body.
fn head(
    service: &Service,
    response: ApiResponse,
    headers: &[(String, String)],
) -> (Response<()>, Vec<u8>) {
    let mut http = Response::new(());
    *http.status_mut() = response.status;
    let fields = http.headers_mut();
    if !response.body.is_empty() {
        let content_type = HeaderValue::from_static(response.content_type);
        fields.insert(CONTENT_TYPE, content_type);
    }
    fields.extend(response.headers);
    if let Ok(ray) = HeaderValue::try_from(service.ray()) {
        fields.insert(HeaderName::from_static("cf-ray"), ray);
    }
    for (name, value) in headers {
        // What HTTP cannot carry is left out.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            fields.insert(name, value);
        }
    }
    (http, response.body)
}

/// The headers of a complete response over the first half of its body.
fn half_body(
    service: &Service,
    genuine: Option<ApiResponse>,
    headers: &[(String, String)],
    body: impl FnOnce(Vec<u8>) -> ResponseBody,
) -> Response<ResponseBody> {
    let whole = genuine.filter(|response| !response.body.is_empty());
    let whole =
        whole.unwrap_or_else(|| ApiResponse::success(Some("nothing was done"), None, false));
    let (mut response, mut part) = head(service, whole, headers);
    let announced = part.len();
    part.truncate(announced / 2);
    response.headers_mut().insert(CONTENT_LENGTH, announced.into());
    response.map(|()| body(part))
}

/// A page such as the edge shows when it cannot reach what is behind it.
fn error_page(status: StatusCode) -> ApiResponse {
    let number = status.as_u16();
    let reason = match number {
        520 => "Web server is returning an unknown error",
        521 => "Web server is down",
        522 => "Connection timed out",
        523 => "Origin is unreachable",
        524 => "A timeout occurred",
        525 => "SSL handshake failed",
        526 => "Invalid SSL certificate",
        530 => "Origin DNS error",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>{number}: {reason}</title></head>\n\
         <body><h1>Error {number}</h1><p>{reason}</p></body>\n</html>\n"
    );
    let mut response = ApiResponse::empty(status);
    response.content_type = "text/html; charset=UTF-8";
    response.body = body.into_bytes();
    response
}

/// A status that HTTP does not have is a mistake in a test, shown as 500.
fn status_of(status: u16) -> StatusCode {
    // Informational responses are not final, so hyper would refuse to send them.
    let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
