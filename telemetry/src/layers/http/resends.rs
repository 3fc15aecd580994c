//! How many times a request is sent: `http.request.resend_count`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

/// An extension of a request that counts how often it is sent. Clones of the request share the count.
///
/// [`ResendLayer`] puts it there. Code that sends a request again by itself does so once for each request, before it
/// clones it: `request.extensions_mut().insert(Attempts::default())`.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Arc<AtomicI64>);

/// A layer for above one that retries or follows redirects, with a [`ClientLayer`](super::ClientLayer) below that: the
/// span of each attempt but the first has `http.request.resend_count`.
///
/// ```
/// use telemetry::http::{ClientLayer, ResendLayer};
/// # use http::{Request, Response};
/// # let client = tower::service_fn(async |_: Request<String>| Ok::<_, std::io::Error>(Response::new(String::new())));
/// # let retries = tower::layer::util::Identity::new();
/// let client = tower::ServiceBuilder::new()
///     .layer(ResendLayer)
///     .layer(retries)
///     .layer(ClientLayer::new())
///     .service(client);
/// # let mut client = client;
/// # let _ = tower::Service::call(&mut client, Request::new(String::new()));
/// ```
///
/// The layer in between must keep the extensions of the request, as `tower::retry` does with a policy that clones it,
/// and tower-http's `FollowRedirect` from 0.7 on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResendLayer;

/// What [`ResendLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct ResendService<S>(S);

// === impl Attempts ===

impl Attempts {
    /// Counts one more attempt, and says how many there were before; nothing for the first one.
    pub(super) fn next(&self) -> Option<i64> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        (before > 0).then_some(before)
    }
}

// === impl ResendLayer ===

impl<S> Layer<S> for ResendLayer {
    type Service = ResendService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResendService(inner)
    }
}

// === impl ResendService ===

impl<S: Service<Request<B>>, B> Service<Request<B>> for ResendService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request
            .extensions_mut()
            .get_or_insert_with(Attempts::default);
        self.0.call(request)
    }
}
