//! What the layers of all protocols share: a service that measures each exchange of another one.

use std::task::{Context, Poll};

use bytes::Buf;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tokio::time::Instant;
use tower::Service;

use crate::layers::body::{ResponseFuture, TrackedBody};
use crate::layers::causes::{BodyErrors, Failure, ServiceErrors};
use crate::layers::hop::{Abandoned, Hop};

/// One protocol on one side: how an exchange begins. A layer is one, with what has been set on it.
pub trait Protocol {
    /// What is measured.
    type Exchange: Exchange;

    /// Begins to measure the exchange of `request`; nothing for one that is not to be measured.
    fn begin<B>(&self, request: &mut Request<B>) -> Option<Self::Exchange>;
}

/// What is measured between a request and the end of its response.
pub trait Exchange: Sized {
    /// The hop in which the response is made and its body polled.
    fn hop(&self) -> &Hop;

    /// When it must have ended, trailers and all.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Whether an error that comes now comes because the deadline has passed: the transport may watch it as well.
    fn is_late(&self) -> bool {
        false
    }

    /// The head is there.
    fn head(&mut self, status: StatusCode, version: http::Version, headers: &mut HeaderMap);

    /// The body is asked for what comes next: what came before has been taken.
    fn next(&mut self) {}

    /// The body was asked for more, whatever came of it.
    fn asked(&mut self) {}

    /// A piece of the body is there.
    fn data(&mut self, _data: &impl Buf) {}

    /// The service failed without a response.
    fn failed(self, error: Failure<'_>);

    /// The response ended.
    fn ended(self, end: End<'_>);

    /// The deadline has passed, which is an end too: what to tell as the part that would have come next.
    fn expired(self, _part: Part) -> HeaderMap {
        self.ended(End::Abandoned(Abandoned::Cancelled));
        HeaderMap::new()
    }
}

/// The parts of a response that hold headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Before the body.
    Head,
    /// After it.
    Trailers,
}

/// How a response ended.
#[derive(Debug)]
pub enum End<'a> {
    /// The body is complete, without trailers.
    Complete,
    /// The body is complete, and these are its trailers.
    Trailers(&'a HeaderMap),
    /// The body failed.
    BodyError(Failure<'a>),
    /// Whoever waited for the rest went away, or the code below panicked.
    Abandoned(Abandoned),
    /// The body was dropped before its end while nobody waited for more of it.
    Unread,
}

/// Tells an exchange that the code below has panicked, unless that came to its end.
struct Panicking<'a, X: Exchange>(&'a mut Option<X>);

/// A service whose exchanges are measured; what the layers of this crate make of a service.
#[derive(Debug, Clone)]
pub struct Measured<S, P> {
    inner: S,
    protocol: P,
}

/// Runs `work` with the exchange's hop current. When it panics the exchange ends at once: a layer above that catches the
/// panic drops what is left of the exchange later, when nothing shows any more why.
pub(crate) fn within<X: Exchange, T>(exchange: &mut Option<X>, work: impl FnOnce() -> T) -> T {
    let panicking = Panicking(exchange);
    let done = {
        let _inside = panicking.0.as_ref().map(|exchange| exchange.hop().enter());
        work()
    };
    std::mem::forget(panicking);
    done
}

// === impl Panicking ===

impl<X: Exchange> Drop for Panicking<'_, X> {
    fn drop(&mut self) {
        if let Some(exchange) = self.0.take() {
            exchange.ended(End::Abandoned(Abandoned::Panicked));
        }
    }
}

// === impl Measured ===

impl<S, P> Measured<S, P> {
    pub(crate) fn new(inner: S, protocol: P) -> Self {
        Self { inner, protocol }
    }
}

impl<S, P, B, R> Service<Request<B>> for Measured<S, P>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Display,
    P: Protocol,
    P::Exchange: ServiceErrors<S::Error> + BodyErrors<R::Error>,
    R: Body,
{
    type Response = Response<TrackedBody<R, P::Exchange>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, P::Exchange>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let no_body = request.method() == http::Method::HEAD;
        let Some(exchange) = self.protocol.begin(&mut request) else {
            return ResponseFuture::untracked(self.inner.call(request));
        };
        if exchange.deadline().is_some_and(|at| at <= Instant::now()) {
            return ResponseFuture::refused(exchange);
        }
        let mut exchange = Some(exchange);
        let inner = within(&mut exchange, || self.inner.call(request));
        match exchange {
            Some(exchange) => ResponseFuture::new(inner, exchange, no_body),
            None => ResponseFuture::untracked(inner),
        }
    }
}
