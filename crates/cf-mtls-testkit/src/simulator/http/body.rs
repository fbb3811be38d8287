//! Response bodies, complete and broken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A response body, complete or broken.
#[derive(Debug)]
pub(crate) enum ResponseBody {
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
    pub(crate) fn whole(body: Vec<u8>) -> Self {
        Self::Whole(Some(body.into()).filter(|body: &Bytes| !body.is_empty()))
    }

    pub(crate) fn cut(part: Vec<u8>) -> Self {
        Self::Cut {
            part: Some(part.into()),
            sent: false,
        }
    }

    pub(crate) fn stalled(part: Vec<u8>) -> Self {
        Self::Stalled {
            part: Some(part.into()),
        }
    }

    pub(crate) fn endless() -> Self {
        let start = br#"{"success":true,"errors":[],"messages":[],"result":{"name":""#;
        Self::Endless {
            start: Some(Bytes::from_static(start)),
            filling: Bytes::from(vec![b'a'; 16 * 1024]),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Cut { part, sent } => {
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
            Self::Stalled { part } => match part.take() {
                Some(part) => Poll::Ready(Some(Ok(Frame::data(part)))),
                // Nobody wakes this; the client's hanging up ends it.
                None => Poll::Pending,
            },
            Self::Endless { start, filling } => {
                let chunk = start.take().unwrap_or_else(|| filling.clone());
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64))
            }
            Self::Cut { .. } | Self::Stalled { .. } | Self::Endless { .. } => SizeHint::default(),
        }
    }
}
