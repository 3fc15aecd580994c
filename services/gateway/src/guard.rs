//! The middleware of every request: authentication, the rate limit, a time-out, and the response to a panic.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::token::Claims;
use chassis::{Failure, Kind};
use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, header};

use crate::error_response::ErrorResponse;
use crate::gateway::Gateway;
use crate::keys::bearer;
use crate::limits::LimitKey;

/// The fault point between the response of a service to a write and the response to the client.
pub(crate) const WRITE_ANSWERED: &str = "gateway.write.answered";

/// The time-out of a request up to the head of its response. The body of a stream may take longer.
const TIME_OUT: Duration = Duration::from_secs(10);

/// The result of authentication: an extension of the request, which the extractors read.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// The request has no token.
    Anonymous,
    /// The request has a valid token.
    Known(Claims),
    /// The token is invalid or cannot be verified. Routes without authentication ignore it.
    Refused {
        /// The kind of the failure.
        kind: Kind,
        /// The stable code.
        code: Cow<'static, str>,
        /// The message for the caller.
        message: Cow<'static, str>,
    },
}

/// The middleware. A panic of a handler gets a problem document as its response.
pub(crate) async fn guard(
    State(gateway): State<Gateway>,
    request: Request,
    next: Next,
) -> Response {
    let is_write = !request.method().is_safe();
    let answer = tokio::time::timeout(TIME_OUT, admit(gateway, request, next));
    let response = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(answer)) => answer.unwrap_or_else(IntoResponse::into_response),
        Ok(Err(_)) => ErrorResponse::from(Failure::new(
            Kind::DeadlineExceeded,
            "deadline_exceeded",
            "the answer took too long",
        ))
        .into_response(),
        Err(_) => ErrorResponse::from(Failure::internal("a handler panicked")).into_response(),
    };
    if is_write {
        chassis::fault::point(WRITE_ANSWERED);
    }
    response
}

/// Adds `X-Content-Type-Options: nosniff`.
pub(crate) async fn no_sniffing(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

async fn admit(
    gateway: Gateway,
    mut request: Request,
    next: Next,
) -> Result<Response, ErrorResponse> {
    let identity = identify(&gateway, request.headers()).await;
    let key = match &identity {
        Identity::Known(claims) => LimitKey::Account(claims.sub.clone()),
        Identity::Anonymous | Identity::Refused { .. } => LimitKey::address(address(&request)),
    };
    gateway.limiter.admit(&key)?;
    request.extensions_mut().insert(identity);
    Ok(next.run(request).await)
}

async fn identify(gateway: &Gateway, headers: &HeaderMap) -> Identity {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Identity::Anonymous;
    }
    let Some(token) = bearer(headers, header::AUTHORIZATION.as_str()) else {
        return Identity::Refused {
            kind: Kind::Unauthenticated,
            code: "token.malformed".into(),
            message: "expected `Authorization: Bearer TOKEN`".into(),
        };
    };
    match gateway.keys.claims(token).await {
        Ok(claims) => Identity::Known(claims),
        Err(Failure {
            kind,
            code,
            message,
            ..
        }) => Identity::Refused {
            kind,
            code,
            message,
        },
    }
}

fn address(request: &Request) -> IpAddr {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use chassis::clock::Clock;
    use chassis::platform::Service;
    use http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use tokio_util::sync::CancellationToken;
    use tower::ServiceExt as _;

    use super::guard;
    use crate::{Gateway, RateLimit, Upstreams};

    async fn boom() -> &'static str {
        panic!("the password is hunter2")
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_a_problem_that_does_not_show_it() {
        let upstreams = Upstreams::connect(Service::default_url).expect("URLs");
        let limit = RateLimit::per_second(NonZeroU32::MIN);
        let gateway = Gateway::new(&upstreams, limit, Clock::System, CancellationToken::new());
        let router = Router::new()
            .route("/boom", get(boom))
            .layer(middleware::from_fn_with_state(gateway, guard));
        let request = Request::get("/boom")
            .body(Body::empty())
            .expect("a request");
        let response = router.oneshot(request).await.expect("a response");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("\"code\":\"internal\""), "{body}");
        assert!(!body.contains("hunter2"), "{body}");
    }
}
