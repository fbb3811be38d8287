//! Response bodies, complete and broken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::connection::Active;

/// A response body, complete or broken.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    form: Form,
    /// Keeps the connection from counting as idle until the body has been sent.
    _request: Active,
}

#[derive(Debug)]
enum Form {
    Whole(Option<Bytes>),
    /// Sends what there is and then fails, which breaks the connection.
    Cut {
        part: Option<Bytes>,
        sent: bool,
    },
    /// Sends what there is and then nothing, on an open connection.
    Stalled {
        part: Option<Bytes>,
    },
    /// Sends the start, then the filling over and over.
    Endless {
        start: Option<Bytes>,
        filling: Bytes,
    },
}

impl ResponseBody {
    fn new(form: Form, request: Active) -> Self {
        let _request = request;
        Self { form, _request }
    }

    pub(crate) fn whole(body: Vec<u8>, request: Active) -> Self {
        let body = Some(Bytes::from(body)).filter(|body| !body.is_empty());
        Self::new(Form::Whole(body), request)
    }

    pub(crate) fn cut(part: Vec<u8>, request: Active) -> Self {
        let part = Some(part.into());
        Self::new(Form::Cut { part, sent: false }, request)
    }

    pub(crate) fn stalled(part: Vec<u8>, request: Active) -> Self {
        let part = Some(part.into());
        Self::new(Form::Stalled { part }, request)
    }

    pub(crate) fn endless(request: Active) -> Self {
        let start = br#"{"success":true,"errors":[],"messages":[],"result":{"name":""#;
        let start = Some(Bytes::from_static(start));
        let filling = Bytes::from(vec![b'a'; 16 * 1024]);
        Self::new(Form::Endless { start, filling }, request)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.get_mut().form {
            Form::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Form::Cut { part, sent } => {
                if let Some(part) = part.take() {
                    return Poll::Ready(Some(Ok(Frame::data(part))));
                }
                if !*sent {
                    // A pause makes hyper flush before it learns of the end.
                    *sent = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
            }
            Form::Stalled { part } => match part.take() {
                Some(part) => Poll::Ready(Some(Ok(Frame::data(part)))),
                // Nobody wakes this; the client's hanging up ends it.
                None => Poll::Pending,
            },
            Form::Endless { start, filling } => {
                let chunk = start.take().unwrap_or_else(|| filling.clone());
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.form, Form::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.form {
            Form::Whole(body) => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64))
            }
            Form::Cut { .. } | Form::Stalled { .. } | Form::Endless { .. } => SizeHint::default(),
        }
    }
}
