//! A TCP connection that can be reset.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// The early end of a connection, asked for by a fault.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    asked: Notify,
    reset: AtomicBool,
}

impl Ending {
    /// Ends the connection, and with it the caller.
    pub(crate) async fn end(&self, reset: bool) -> Infallible {
        self.reset.store(reset, Ordering::Relaxed);
        self.asked.notify_one();
        pending().await
    }

    pub(crate) async fn reached(&self) {
        self.asked.notified().await;
    }
}

/// A socket that can be closed with a TCP reset.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    ending: Arc<Ending>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, ending: Arc<Ending>) -> Self {
        Self { stream, ending }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.ending.reset.load(Ordering::Relaxed) {
            // If it fails the client sees an orderly close, just as broken.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
