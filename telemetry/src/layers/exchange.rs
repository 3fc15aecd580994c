//! What the layers of all protocols share: a service that measures each exchange of another one.

use std::any::Any;
use std::fmt::{self, Display};
use std::task::{Context, Poll};

use bytes::Buf;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tokio::time::Instant;
use tower::Service;

use crate::layers::body::{ResponseFuture, TrackedBody};
use crate::layers::causes::{BodyErrors, ServiceErrors};
use crate::layers::hop::{Abandoned, Hop};
use crate::logs::panics;
use crate::metrics::signals::KnownErrorType;

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

    /// The code below has panicked, and a layer there has caught it: what it answers with is told of the panic.
    fn panic_caught(&mut self) {}

    /// The service failed without a response. The cause is there when the error shows one.
    fn failed(self, error: &dyn Failure, cause: Option<KnownErrorType>);

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
    /// The body failed, and why, when the error shows it.
    BodyError(&'a dyn Failure, Option<KnownErrorType>),
    /// Whoever waited for the rest went away, or the code below panicked.
    Abandoned(Abandoned),
    /// The body was dropped before its end while nobody waited for more of it.
    Unread,
}

/// An error of a service or of a response body. Errors in boxes are none for the standard library, so this is all that is
/// asked of one; [`causes`](crate::layers::causes::causes) finds what is below it.
pub trait Failure: Display + Any {}

impl<E: Display + Any> Failure for E {}

impl fmt::Debug for dyn Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A service whose exchanges are measured; what the layers of this crate make of a service.
#[derive(Debug, Clone)]
pub struct Measured<S, P> {
    inner: S,
    protocol: P,
}

/// Tells an exchange that the code below has panicked, unless that came to its end.
struct Panicking<'a, X: Exchange>(&'a mut Option<X>);

/// Runs `work` with the exchange's hop current. When it panics the exchange ends at once: a layer above that catches the
/// panic drops what is left of the exchange later, when nothing shows any more why. A panic that a layer below has caught is
/// told too.
pub(crate) fn within<X: Exchange, T>(exchange: &mut Option<X>, work: impl FnOnce() -> T) -> T {
    let before = panics::count();
    let panicking = Panicking(exchange);
    let done = {
        let _inside = panicking.0.as_ref().map(|exchange| exchange.hop().enter());
        work()
    };
    if panics::count() != before
        && let Some(exchange) = &mut *panicking.0
    {
        exchange.panic_caught();
    }
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
    S::Error: Failure,
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
        ResponseFuture::new(inner, exchange, no_body)
    }
}
