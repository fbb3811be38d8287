//! The body of a response, read within bounds.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{fmt, mem};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The size in bytes up to which the values of a body are not counted.
pub(crate) const MAX_UNCOUNTED: u64 = 512 * 1024;
/// Far above any real response. However few bytes a value takes in the body, it takes
/// hundreds in memory.
const MAX_VALUES: usize = 100_000;

/// A body that fails beyond a number of bytes, and beyond a number of JSON values.
pub(crate) struct Bounded {
    body: reqwest::Body,
    bytes_left: usize,
    /// What came while its values were not counted.
    uncounted: Vec<Bytes>,
    read: u64,
    values: Values,
}

impl Bounded {
    pub(crate) fn new(body: reqwest::Body, max_bytes: usize) -> Self {
        Self {
            body,
            bytes_left: max_bytes,
            uncounted: Vec::new(),
            read: 0,
            values: Values::default(),
        }
    }

    fn check(&mut self, data: &Bytes) -> Result<(), BodyLimit> {
        let left = self.bytes_left.checked_sub(data.len());
        self.bytes_left = left.ok_or(BodyLimit)?;
        self.read += data.len() as u64;
        self.uncounted.push(data.clone());
        if MAX_UNCOUNTED < self.read {
            let data = mem::take(&mut self.uncounted);
            data.iter().for_each(|data| self.values.count(data));
        }
        match self.values.number <= MAX_VALUES {
            true => Ok(()),
            false => Err(BodyLimit),
        }
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other.map(|frame| frame.map_err(BoxError::from))),
        };
        let checked = frame.data_ref().map_or(Ok(()), |data| self.check(data));
        Poll::Ready(Some(checked.map(|()| frame).map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Counts the values of a JSON text that comes in parts: each follows a comma or an
/// opening bracket, or the name of a member that does.
#[derive(Default)]
struct Values {
    number: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Values {
    fn count(&mut self, part: &[u8]) {
        for byte in part {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = self.is_in_string,
                b'"' => self.is_in_string = !self.is_in_string,
                b',' | b'[' | b'{' if !self.is_in_string => self.number += 1,
                _ => {}
            }
        }
    }
}

/// A body passed its bounds.
#[derive(Debug)]
struct BodyLimit;

impl fmt::Display for BodyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is larger than the limit")
    }
}

impl std::error::Error for BodyLimit {}

/// Whether an error, met in the source chain of a reqwest error, says that a
/// body passed [`Exchange::with_body_limit`](crate::Exchange::with_body_limit), or has
/// far more values than a response of the service.
#[must_use]
pub fn is_body_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<BodyLimit>()
}
