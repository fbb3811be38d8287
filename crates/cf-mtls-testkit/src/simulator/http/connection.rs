//! A TCP connection that can be reset, and that ends when its client falls silent.

use std::convert::Infallible;
use std::future::{Future as _, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep};

/// What a connection and its requests know of each other.
#[derive(Debug, Default)]
pub(crate) struct State {
    end: Notify,
    reset: AtomicBool,
    active: AtomicUsize,
}

impl State {
    /// Ends the connection, and with it the caller.
    pub(crate) async fn end(&self, reset: bool) -> Infallible {
        self.reset.store(reset, Ordering::Relaxed);
        self.end.notify_one();
        pending().await
    }

    pub(crate) async fn ended(&self) {
        self.end.notified().await;
    }
}

/// A request that has been read, and whose response has not been sent. While
/// there is one the connection may be silent.
#[derive(Debug)]
pub(crate) struct Active(Arc<State>);

impl Active {
    pub(crate) fn new(state: &Arc<State>) -> Self {
        state.active.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(state))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that can be closed with a TCP reset.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    state: Arc<State>,
    max_silence: Duration,
    silence: Pin<Box<Sleep>>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, state: Arc<State>, max_silence: Duration) -> Self {
        Self { stream, state, max_silence, silence: Box::pin(sleep(max_silence)) }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }

    /// Is ready once the client has been silent for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.silence.as_mut().poll(context));
            if self.state.active.load(Ordering::Relaxed) == 0 {
                return Poll::Ready(());
            }
            self.restart_silence();
        }
    }

    fn restart_silence(&mut self) {
        self.silence.as_mut().reset(Instant::now() + self.max_silence);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.state.reset.load(Ordering::Relaxed) {
            // If it fails the client sees an orderly close, just as broken.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Pending => {
                ready!(this.poll_silence(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            ready => {
                this.restart_silence();
                ready
            }
        }
    }
}

impl AsyncWrite for Connection {
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
