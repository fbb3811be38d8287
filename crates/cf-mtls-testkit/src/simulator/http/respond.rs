//! From one HTTP request to its response, faults included.

use std::future::pending;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::sleep;

use super::body::ResponseBody;
use super::connection::Ending;
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
    ending: &Ending,
    request: http::Request<Incoming>,
) -> Response<ResponseBody> {
    let (head, body) = request.into_parts();
    let route = Route::find(&head.method, head.uri.path());
    let operation = route.operation();
    let sequence = service.log().begin(operation, || {
        RequestRecord::new(&head.method, &head.uri, &head.headers, operation)
    });

    // Reports the request when it is over, whichever way it ends.
    let _report = Report { service, sequence };

    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Some(body.to_bytes().to_vec()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => None,
        // The client hung up: there is no request to respond to.
        Err(_) => match ending.end(false).await {},
    };
    if let Some(body) = &body
        && service.log().keeps_records()
    {
        let shown = readable_body(body);
        service.log().amend(sequence, |record| record.body = shown);
    }
    let (method, uri, headers) = (head.method, head.uri, head.headers);
    let request = Arc::new(Request {
        route,
        uri,
        method,
        headers,
        body,
    });

    let fault = service.faults().decide(operation);
    let response = match fault {
        None => into_http(service, service.handle(&request), &[]),
        Some((id, fault)) => {
            service
                .log()
                .amend(sequence, |record| record.fault = Some(id));
            respond_with_fault(service, ending, request, fault).await
        }
    };
    let status = response.status().as_u16();
    service
        .log()
        .amend(sequence, |record| record.status = Some(status));
    response
}

/// Reports a request to the observer when it is dropped, which also happens
/// when a connection ends in the middle of a response.
struct Report<'a> {
    service: &'a Service,
    sequence: u64,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        let Some(observer) = &self.service.settings.observer else {
            return;
        };
        // The log is not locked while the observer runs: it may look there.
        let record = self.service.log().find(self.sequence).cloned();
        if let Some(record) = record {
            observer.see(&record);
        }
    }
}

/// The response of a fault.
async fn respond_with_fault(
    service: &Arc<Service>,
    ending: &Ending,
    request: Arc<Request>,
    fault: Fault,
) -> Response<ResponseBody> {
    let genuine = match fault.effect {
        Effect::First => {
            let reply = service.handle(&request);
            sleep(fault.delay).await;
            Some(reply)
        }
        Effect::Skipped => {
            sleep(fault.delay).await;
            None
        }
        Effect::Late => {
            // In a task of its own, which the end of the connection spares.
            let (service, request, delay) =
                (Arc::clone(service), Arc::clone(&request), fault.delay);
            let late = tokio::spawn(async move {
                sleep(delay).await;
                service.handle(&request)
            });
            late.await.ok()
        }
    };
    let reply = match fault.response {
        FaultResponse::Reset => match ending.end(true).await {},
        FaultResponse::Close => match ending.end(false).await {},
        FaultResponse::Silence => pending().await,
        FaultResponse::Genuine => genuine.unwrap_or_else(|| service.handle(&request)),
        FaultResponse::Truncated => {
            return half_body(service, genuine, &fault.headers, ResponseBody::cut);
        }
        FaultResponse::Stalled => {
            return half_body(service, genuine, &fault.headers, ResponseBody::stalled);
        }
        FaultResponse::Endless => {
            let whole = ApiResponse::success(None::<()>, None, false);
            let mut response = into_http(service, whole, &fault.headers);
            *response.body_mut() = ResponseBody::endless();
            return response;
        }
        FaultResponse::Envelope {
            status,
            code,
            message,
        } => {
            let entries = vec![Entry::new(code, message)];
            let mut reply = ApiResponse::refusal(&ErrorResponse {
                status: status_of(status),
                entries,
            });
            reply.headers = service.rate_headers(None);
            reply
        }
        FaultResponse::Html { status } => error_page(status_of(status)),
        FaultResponse::Raw {
            status,
            content_type,
            body,
        } => {
            let mut reply = ApiResponse::empty(status_of(status));
            reply.body = body;
            let mut response = into_http(service, reply, &[]);
            insert(&mut response, "content-type", &content_type);
            for (name, value) in &fault.headers {
                insert(&mut response, name, value);
            }
            return response;
        }
    };
    into_http(service, reply, &fault.headers)
}

fn into_http(
    service: &Service,
    reply: ApiResponse,
    headers: &[(String, String)],
) -> Response<ResponseBody> {
    let empty = reply.body.is_empty();
    let mut response = Response::new(ResponseBody::whole(reply.body));
    *response.status_mut() = reply.status;
    let fields = response.headers_mut();
    if !empty {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    fields.extend(reply.headers);
    if let Ok(ray) = HeaderValue::try_from(service.ray()) {
        fields.insert(HeaderName::from_static("cf-ray"), ray);
    }
    for (name, value) in headers {
        insert(&mut response, name, value);
    }
    response
}

/// Sets a header, unless HTTP cannot carry it.
fn insert(response: &mut Response<ResponseBody>, name: &str, value: &str) {
    let name = HeaderName::try_from(name);
    if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
        response.headers_mut().insert(name, value);
    }
}

/// The headers of a complete response over the first half of its body.
fn half_body(
    service: &Service,
    genuine: Option<ApiResponse>,
    headers: &[(String, String)],
    body: impl FnOnce(Vec<u8>) -> ResponseBody,
) -> Response<ResponseBody> {
    let whole = genuine.filter(|reply| !reply.body.is_empty());
    let whole =
        whole.unwrap_or_else(|| ApiResponse::success(Some("nothing was done"), None, false));
    let mut part = whole.body.clone();
    let announced = part.len();
    part.truncate(announced / 2);
    let mut response = into_http(service, whole, headers);
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, announced.into());
    *response.body_mut() = body(part);
    response
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
    let mut reply = ApiResponse::empty(status);
    reply.content_type = "text/html; charset=UTF-8";
    reply.body = body.into_bytes();
    reply
}

/// A status that HTTP does not have is a mistake in a test, shown as 500.
fn status_of(status: u16) -> StatusCode {
    // Informational responses are not final, so hyper would refuse to send them.
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| !status.is_informational());
    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
