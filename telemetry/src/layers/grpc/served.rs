//! HTTP and gRPC on one port: which layer a request is for.

use std::sync::atomic::{AtomicBool, Ordering};

use http::{Request, header};

use super::is_call;

/// Whether a layer of this process measures calls.
static SERVED: AtomicBool = AtomicBool::new(false);

/// Notes that there is such a layer.
pub(super) fn note() {
    SERVED.store(true, Ordering::Relaxed);
}

/// Whether the layer for HTTP leaves this request to that for gRPC. A process without one has its calls measured as
/// requests.
pub(crate) fn takes<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(header::CONTENT_TYPE)
        && SERVED.load(Ordering::Relaxed)
        && is_call(request)
}
