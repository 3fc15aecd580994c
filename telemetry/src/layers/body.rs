//! A response whose end is told to whoever measures it, exactly once.
//!
//! The head of a response is not its end: a body may stream for minutes, fail half-way, or be dropped by a
//! caller that went away, and a gRPC status comes only after it. [`ResponseFuture`] and [`TrackedBody`] hand one
//! [`Exchange`] from the request to the head to the end; it sits in an `Option`, and whoever finishes first
//! takes it. A deadline, when there is one, goes the same way: it is for the whole response.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::layers::causes::{BodyErrors, ServiceErrors};
use crate::layers::exchange::{End, Exchange, Failure, Part, within};
use crate::layers::headers::content_length;
use crate::layers::hop::Abandoned;

// In a box, since most exchanges have none.
type Deadline = Option<Pin<Box<Sleep>>>;

pin_project! {
    /// The future of a tracked response.
    pub struct ResponseFuture<F, X: Exchange> {
        // Nothing when the deadline has passed.
        #[pin]
        inner: Option<F>,
        exchange: Option<X>,
        deadline: Deadline,
        no_body: bool,
    }

    impl<F, X: Exchange> PinnedDrop for ResponseFuture<F, X> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(exchange) = this.exchange.take() {
                let how = Abandoned::now();
                // What it waited for ends before it.
                exchange.hop().in_scope(|| this.inner.set(None));
                exchange.ended(End::Abandoned(how));
            }
        }
    }
}

pin_project! {
    /// A response body that tells the end of the exchange.
    pub struct TrackedBody<B: Body, X: Exchange> {
        // Nothing when the deadline has passed.
        #[pin]
        inner: Option<B>,
        exchange: Option<X>,
        deadline: Deadline,
        // Bytes still to come, when known: a server stops polling once it has sent them all.
        left: Option<u64>,
        // Whether somebody waits for more of it.
        awaited: bool,
    }

    impl<B: Body, X: Exchange> PinnedDrop for TrackedBody<B, X> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(exchange) = this.exchange.take() {
                let ended = this.inner.as_ref().get_ref().as_ref().is_none_or(Body::is_end_stream);
                let end = if *this.left == Some(0) || ended {
                    End::Complete
                } else {
                    match Abandoned::now() {
                        Abandoned::Cancelled if !*this.awaited => End::Unread,
                        how => End::Abandoned(how),
                    }
                };
                exchange.hop().in_scope(|| this.inner.set(None));
                exchange.ended(end);
            }
        }
    }
}

// === impl ResponseFuture ===

impl<F, X: Exchange> ResponseFuture<F, X> {
    /// Tracks `inner`. `no_body`: the answer to a HEAD request has none.
    #[inline]
    pub(crate) fn new(inner: F, exchange: Option<X>, no_body: bool) -> Self {
        let deadline = exchange
            .as_ref()
            .and_then(X::deadline)
            .map(|at| Box::pin(tokio::time::sleep_until(at)));
        Self {
            inner: Some(inner),
            exchange,
            deadline,
            no_body,
        }
    }

    /// Only passes `inner` through.
    pub(crate) fn untracked(inner: F) -> Self {
        Self {
            inner: Some(inner),
            exchange: None,
            deadline: None,
            no_body: false,
        }
    }

    /// For a request that is not even sent, since its deadline has passed.
    pub(crate) fn refused(exchange: X) -> Self {
        Self {
            inner: None,
            exchange: Some(exchange),
            deadline: None,
            no_body: false,
        }
    }
}

impl<F, B, E, X> Future for ResponseFuture<F, X>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Failure,
    B: Body,
    X: Exchange + ServiceErrors<E>,
{
    type Output = Result<Response<TrackedBody<B, X>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            match within(this.exchange, || inner.poll(cx)) {
                Poll::Ready(Ok(response)) => {
                    let (exchange, deadline) = (this.exchange.take(), this.deadline.take());
                    let response = track(response, exchange, deadline, *this.no_body);
                    return Poll::Ready(Ok(response));
                }
                Poll::Ready(Err(error)) => {
                    if !this.exchange.as_ref().is_some_and(X::is_late) {
                        if let Some(exchange) = this.exchange.take() {
                            let cause = <X as ServiceErrors<E>>::cause(&error);
                            exchange.failed(&error, cause);
                        }
                        return Poll::Ready(Err(error));
                    }
                }
                Poll::Pending => ready!(expiry(this.deadline, cx)),
            }
        }
        match this.exchange.take() {
            Some(exchange) => {
                exchange.hop().in_scope(|| this.inner.set(None));
                Poll::Ready(Ok(without_body(exchange.expired(Part::Head))))
            }
            None => Poll::Pending,
        }
    }
}

fn expiry(deadline: &mut Deadline, cx: &mut Context<'_>) -> Poll<()> {
    match deadline {
        Some(deadline) => deadline.as_mut().poll(cx),
        None => Poll::Pending,
    }
}

fn without_body<B: Body, X: Exchange>(headers: HeaderMap) -> Response<TrackedBody<B, X>> {
    let mut response = Response::new(TrackedBody {
        inner: None,
        exchange: None,
        deadline: None,
        left: Some(0),
        awaited: false,
    });
    *response.headers_mut() = headers;
    response
}

#[inline]
fn track<B: Body, X: Exchange>(
    response: Response<B>,
    mut exchange: Option<X>,
    deadline: Deadline,
    no_body: bool,
) -> Response<TrackedBody<B, X>> {
    let (mut head, body) = response.into_parts();
    if let Some(exchange) = &mut exchange {
        exchange.head(head.status, head.version, &mut head.headers);
    }
    let left = if no_body || has_no_body(head.status) {
        Some(0)
    } else {
        content_length(&head.headers).or_else(|| body.size_hint().exact())
    };
    let body = TrackedBody {
        inner: Some(body),
        exchange,
        deadline,
        left,
        awaited: false,
    };
    Response::from_parts(head, body)
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

// === impl TrackedBody ===

impl<B, X> Body for TrackedBody<B, X>
where
    B: Body,
    B::Error: Failure,
    X: Exchange + BodyErrors<B::Error>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if let Some(exchange) = this.exchange {
            exchange.next();
        }
        let polled = within(this.exchange, || inner.poll_frame(cx));
        let Some(exchange) = this.exchange else {
            return polled;
        };
        *this.awaited = polled.is_pending();
        exchange.asked();
        let is_late = match &polled {
            Poll::Ready(Some(Err(_))) => exchange.is_late(),
            Poll::Ready(_) => false,
            Poll::Pending => expiry(this.deadline, cx).is_ready(),
        };
        if is_late && let Some(exchange) = this.exchange.take() {
            exchange.hop().in_scope(|| this.inner.set(None));
            let told = exchange.expired(Part::Trailers);
            return Poll::Ready(Some(Ok(Frame::trailers(told))));
        }
        let frame = ready!(polled);
        let end = match &frame {
            Some(Ok(frame)) => match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => {
                    if let Some(left) = this.left {
                        *left = left.saturating_sub(data.remaining() as u64);
                    }
                    if let Some(exchange) = this.exchange {
                        exchange.data(data);
                    }
                    // Who knows that this was the last part need not be asked for another.
                    let is_last = this
                        .inner
                        .as_ref()
                        .get_ref()
                        .as_ref()
                        .is_some_and(Body::is_end_stream);
                    is_last.then_some(End::Complete)
                }
                (None, trailers) => trailers.map(End::Trailers),
            },
            Some(Err(error)) => {
                if let Some(exchange) = this.exchange.take() {
                    let cause = <X as BodyErrors<B::Error>>::cause(error);
                    exchange.ended(End::BodyError(error, cause));
                }
                None
            }
            None => Some(End::Complete),
        };
        if let Some(end) = end
            && let Some(exchange) = this.exchange.take()
        {
            exchange.ended(end);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
