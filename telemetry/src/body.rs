//! A response whose end is told to whoever measures it, exactly once.
//!
//! The head of a response is not its end: a body may stream for minutes, fail half-way, or be dropped by a
//! caller that went away, and a gRPC status comes only after it. [`ResponseFuture`] and [`TrackedBody`] hand one
//! [`Exchange`] from the request to the head to the end; it sits in an `Option`, and whoever finishes first
//! takes it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::hop::Abandoned;

/// What is measured between a request and the end of its response. One per protocol and side.
pub trait Exchange {
    /// The span in which the response is made and its body polled.
    fn span(&self) -> &tracing::Span;

    /// The head is there.
    fn head(&mut self, status: StatusCode, version: http::Version, headers: &mut HeaderMap);

    /// The service failed without a response.
    fn failed(self, error: &str);

    /// The response ended.
    fn ended(self, end: End<'_>);
}

/// How a response ended.
#[derive(Debug)]
pub enum End<'a> {
    /// The body is complete, without trailers.
    Complete,
    /// The body is complete, and these are its trailers.
    Trailers(&'a HeaderMap),
    /// The body failed.
    BodyError(&'a str),
    /// Nobody waited for the rest, or the code below panicked.
    Abandoned(Abandoned),
}

pin_project! {
    /// The future of a tracked response.
    pub struct ResponseFuture<F, X: Exchange> {
        #[pin]
        inner: F,
        exchange: Option<X>,
        no_body: bool,
    }

    impl<F, X: Exchange> PinnedDrop for ResponseFuture<F, X> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(exchange) = this.project().exchange.take() {
                exchange.ended(End::Abandoned(Abandoned::now()));
            }
        }
    }
}

pin_project! {
    /// A response body that tells the end of the exchange.
    pub struct TrackedBody<B: Body, X: Exchange> {
        #[pin]
        inner: B,
        exchange: Option<X>,
        // Bytes still to come, when known: a server stops polling once it has sent them all.
        left: Option<u64>,
    }

    impl<B: Body, X: Exchange> PinnedDrop for TrackedBody<B, X> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(exchange) = this.exchange.take() {
                let end = if *this.left == Some(0) || this.inner.is_end_stream() {
                    End::Complete
                } else {
                    End::Abandoned(Abandoned::now())
                };
                exchange.ended(end);
            }
        }
    }
}

// === impl ResponseFuture ===

impl<F, X: Exchange> ResponseFuture<F, X> {
    /// Without an exchange it is only passed through. `no_body`: the answer to a HEAD request has none.
    pub(crate) fn new(inner: F, exchange: Option<X>, no_body: bool) -> Self {
        Self {
            inner,
            exchange,
            no_body,
        }
    }
}

impl<F, B, E, X> Future for ResponseFuture<F, X>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: std::fmt::Display,
    B: Body,
    X: Exchange,
{
    type Output = Result<Response<TrackedBody<B, X>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = {
            let _entered = this
                .exchange
                .as_ref()
                .map(|exchange| exchange.span().enter());
            this.inner.poll(cx)
        };
        Poll::Ready(match ready!(polled) {
            Ok(response) => Ok(track(response, this.exchange.take(), *this.no_body)),
            Err(error) => {
                if let Some(exchange) = this.exchange.take() {
                    exchange.failed(&error.to_string());
                }
                Err(error)
            }
        })
    }
}

fn track<B: Body, X: Exchange>(
    response: Response<B>,
    mut exchange: Option<X>,
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
    Response::from_parts(
        head,
        TrackedBody {
            inner: body,
            exchange,
            left,
        },
    )
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(http::header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

// === impl TrackedBody ===

impl<B, X> Body for TrackedBody<B, X>
where
    B: Body,
    B::Error: std::fmt::Display,
    X: Exchange,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let polled = {
            let _entered = this
                .exchange
                .as_ref()
                .map(|exchange| exchange.span().enter());
            this.inner.poll_frame(cx)
        };
        let frame = ready!(polled);
        let end = match &frame {
            None => Some(End::Complete),
            Some(Err(_)) if this.exchange.is_none() => None,
            Some(Err(error)) => {
                // The text is made only when somebody takes it.
                if let Some(exchange) = this.exchange.take() {
                    exchange.ended(End::BodyError(&error.to_string()));
                }
                None
            }
            Some(Ok(frame)) => {
                if let (Some(data), Some(left)) = (frame.data_ref(), this.left.as_mut()) {
                    *left = left.saturating_sub(data.remaining() as u64);
                }
                frame.trailers_ref().map(End::Trailers)
            }
        };
        if let Some(end) = end
            && let Some(exchange) = this.exchange.take()
        {
            exchange.ended(end);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
