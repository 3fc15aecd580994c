//! The OpenAPI document: generated from the handlers, with the parts that all operations have in common.

use chassis::headers::TRACE_ID_TITLE;
use chassis::problem;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, ObjectBuilder, OpenApi as Document, Ref, RefOr,
    Response, ResponseBuilder, Type,
};

use crate::api;
use crate::error_response::Problem;

const PROBLEM: &str = "Problem";
const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "bidtrace",
        description = "The reverse auction of dishes: customers say what they want and where, restaurants bid the \
            price down, and at the deadline the lowest bid wins.\n\n\
            Money is an integer of minor units with its currency; times are Unix milliseconds. Every write takes an \
            `Idempotency-Key`. Every response carries the id of its trace in `X-Trace-Id`. Whatever goes wrong is \
            answered with a problem document (RFC 9457): match on its `code`.\n\n\
            This document is generated from the gateway's handlers: \
            `UPDATE_GOLDEN=1 cargo test --release -p gateway` writes it."
    ),
    tags(
        (name = "accounts", description = "Signing up and logging in"),
        (name = "restaurants", description = "Who cooks what, and where"),
        (name = "auctions", description = "Auctions, bids, and following them live"),
        (name = "orders", description = "What came of the auctions"),
        (name = "notifications", description = "What happened, by inbox and webhook"),
        (name = "rewards", description = "Points"),
        (name = "admin", description = "For admins only"),
    ),
    components(schemas(Problem))
)]
struct Base;

/// The document without the operations, which the routes add.
pub(crate) fn base() -> Document {
    Base::openapi()
}

/// The complete document.
pub(crate) fn document() -> Document {
    let mut document = api::routes().into_openapi();
    let components = document.components.get_or_insert_default();
    components
        .responses
        .insert(PROBLEM.to_owned(), problem().into());
    components.security_schemes.insert(
        BEARER.to_owned(),
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("The `token` of a session."))
                .build(),
        )
        .into(),
    );
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        for response in responses.values_mut() {
            if let RefOr::T(response) = response {
                let header = header(Type::String, "The trace of this request");
                response
                    .headers
                    .insert(TRACE_ID_TITLE.to_owned(), header.into());
            }
        }
        for class in ["4XX", "5XX"] {
            let reference = Ref::from_response_name(PROBLEM);
            responses.insert(class.to_owned(), reference.into());
        }
    }
    document
}

/// The document as JSON, with a final line break.
///
/// # Errors
/// When it cannot be serialised, which is a defect.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    document().to_pretty_json().map(|json| json + "\n")
}

fn problem() -> Response {
    let schema = Ref::from_schema_name(PROBLEM);
    ResponseBuilder::new()
        .description("A problem document; its `code` is stable")
        .header(
            TRACE_ID_TITLE,
            header(Type::String, "The trace of this request"),
        )
        .header(
            "Retry-After",
            header(
                Type::Integer,
                "With 429 and 503: the seconds after which trying again may help",
            ),
        )
        .content(
            problem::CONTENT_TYPE,
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}

fn header(kind: Type, description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(kind)))
        .description(Some(description))
        .build()
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, .. } = path;
    [get, put, post].into_iter().flatten()
}
