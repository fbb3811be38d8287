use std::future::pending;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::sleep;

use super::body::AnswerBody;
use super::envelope::{Entry, Refusal, Reply};
use super::fault::{Answer, Effect, Fault};
use super::record::{RequestRecord, readable_body};
use super::route::Route;
use super::service::{Request, Service};
use super::wire::Ending;

/// Larger than any chain of certificates, small enough for any machine.
const LARGEST_BODY: usize = 1 << 20;

/// Answers one request, as well or as badly as the faults want it.
pub(super) async fn answer(
    service: &Arc<Service>,
    ending: &Ending,
    request: http::Request<Incoming>,
) -> Response<AnswerBody> {
    let (head, body) = request.into_parts();
    let route = Route::find(&head.method, head.uri.path());
    let operation = route.operation();
    let sequence = service.log().begin(operation, || {
        RequestRecord::new(&head.method, &head.uri, &head.headers, operation)
    });

    // Reports the request when it is over, whichever way it ends.
    let _report = Report { service, sequence };

    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => Some(body.to_bytes().to_vec()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => None,
        // The client hung up: there is nobody to answer, and no request.
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
        None => respond(service, service.handle(&request), &[]),
        Some((id, fault)) => {
            service
                .log()
                .amend(sequence, |record| record.fault = Some(id));
            spoil(service, ending, request, fault).await
        }
    };
    let status = response.status().as_u16();
    service
        .log()
        .amend(sequence, |record| record.status = Some(status));
    response
}

/// Tells the observer of a request when it is dropped, which also happens when
/// a connection ends in the middle of an answer.
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

/// Answers as a fault wants it.
async fn spoil(
    service: &Arc<Service>,
    ending: &Ending,
    request: Arc<Request>,
    fault: Fault,
) -> Response<AnswerBody> {
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
    let reply = match fault.answer {
        Answer::Reset => match ending.end(true).await {},
        Answer::Close => match ending.end(false).await {},
        Answer::Silence => pending().await,
        Answer::Genuine => genuine.unwrap_or_else(|| service.handle(&request)),
        Answer::Truncated => return half(service, genuine, &fault.headers, AnswerBody::cut),
        Answer::Stalled => return half(service, genuine, &fault.headers, AnswerBody::stalled),
        Answer::Endless => {
            let whole = Reply::success(None::<()>, None, false);
            let mut response = respond(service, whole, &fault.headers);
            *response.body_mut() = AnswerBody::endless();
            return response;
        }
        Answer::Envelope {
            status,
            code,
            message,
        } => {
            let entries = vec![Entry::new(code, message)];
            let mut reply = Reply::refusal(&Refusal {
                status: status_of(status),
                entries,
            });
            reply.headers = service.rate_headers(None);
            reply
        }
        Answer::Html { status } => page(status_of(status)),
        Answer::Raw {
            status,
            content_type,
            body,
        } => {
            let mut reply = Reply::empty(status_of(status));
            reply.body = body;
            let mut response = respond(service, reply, &[]);
            insert(&mut response, "content-type", &content_type);
            for (name, value) in &fault.headers {
                insert(&mut response, name, value);
            }
            return response;
        }
    };
    respond(service, reply, &fault.headers)
}

fn respond(service: &Service, reply: Reply, headers: &[(String, String)]) -> Response<AnswerBody> {
    let empty = reply.body.is_empty();
    let mut response = Response::new(AnswerBody::whole(reply.body));
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

/// Sends a header as a fault wants it, unless HTTP cannot carry it.
fn insert(response: &mut Response<AnswerBody>, name: &str, value: &str) {
    let name = HeaderName::try_from(name);
    if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
        response.headers_mut().insert(name, value);
    }
}

/// The headers of a whole answer over the first half of its body.
fn half(
    service: &Service,
    genuine: Option<Reply>,
    headers: &[(String, String)],
    body: impl FnOnce(Vec<u8>) -> AnswerBody,
) -> Response<AnswerBody> {
    let whole = genuine.filter(|reply| !reply.body.is_empty());
    let whole = whole.unwrap_or_else(|| Reply::success(Some("nothing was done"), None, false));
    let mut part = whole.body.clone();
    let announced = part.len();
    part.truncate(announced / 2);
    let mut response = respond(service, whole, headers);
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, announced.into());
    *response.body_mut() = body(part);
    response
}

/// A page such as the edge shows when it cannot reach what is behind it.
fn page(status: StatusCode) -> Reply {
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
    let mut reply = Reply::empty(status);
    reply.content_type = "text/html; charset=UTF-8";
    reply.body = body.into_bytes();
    reply
}

/// A status that HTTP does not have is a mistake in a test, shown as 500.
fn status_of(status: u16) -> StatusCode {
    // Informational answers are not final, so hyper would refuse to send them.
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| !status.is_informational());
    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
