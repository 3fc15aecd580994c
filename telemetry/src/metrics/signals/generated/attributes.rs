//! The keys of attributes, each with the type of its values.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{
    DbClientConnectionState, HttpRequestMethod, KnownErrorType, MessagingOperationType,
    NetworkProtocolVersion, RpcResponseStatusCode, RpcSystemName, TelemetryLogLevel, UrlScheme,
};
use crate::signals::{AttributeKey, AttributeTemplate, Open};

/// As the semantic conventions define it.
pub const CLIENT_ADDRESS: AttributeKey<str> = AttributeKey::declared("client.address");

/// As the semantic conventions define it.
pub const DB_CLIENT_CONNECTION_POOL_NAME: AttributeKey<str> =
    AttributeKey::declared("db.client.connection.pool.name");

/// As the semantic conventions define it.
pub const DB_CLIENT_CONNECTION_STATE: AttributeKey<DbClientConnectionState> =
    AttributeKey::declared("db.client.connection.state");

/// As the semantic conventions define it.
pub const DB_COLLECTION_NAME: AttributeKey<str> = AttributeKey::declared("db.collection.name");

/// As the semantic conventions define it.
pub const DB_NAMESPACE: AttributeKey<str> = AttributeKey::declared("db.namespace");

/// As the semantic conventions define it.
pub const DB_OPERATION_NAME: AttributeKey<str> = AttributeKey::declared("db.operation.name");

/// As the semantic conventions define it.
pub const DB_QUERY_SUMMARY: AttributeKey<str> = AttributeKey::declared("db.query.summary");

/// As the semantic conventions define it.
pub const DB_QUERY_TEXT: AttributeKey<str> = AttributeKey::declared("db.query.text");

/// As the semantic conventions define it.
pub const DB_RESPONSE_STATUS_CODE: AttributeKey<str> =
    AttributeKey::declared("db.response.status_code");

/// As the semantic conventions define it.
pub const DB_SYSTEM_NAME: AttributeKey<str> = AttributeKey::declared("db.system.name");

/// As the semantic conventions define it.
pub const ERROR_TYPE: AttributeKey<Open<KnownErrorType>> = AttributeKey::declared("error.type");

/// As the semantic conventions define it.
pub const HTTP_REQUEST_BODY_SIZE: AttributeKey<i64> =
    AttributeKey::declared("http.request.body.size");

/// As the semantic conventions define it.
pub const HTTP_REQUEST_HEADER: AttributeTemplate<[String]> =
    AttributeTemplate::declared("http.request.header");

/// As the semantic conventions define it.
pub const HTTP_REQUEST_METHOD: AttributeKey<HttpRequestMethod> =
    AttributeKey::declared("http.request.method");

/// As the semantic conventions define it.
pub const HTTP_REQUEST_METHOD_ORIGINAL: AttributeKey<str> =
    AttributeKey::declared("http.request.method_original");

/// As the semantic conventions define it.
pub const HTTP_REQUEST_RESEND_COUNT: AttributeKey<i64> =
    AttributeKey::declared("http.request.resend_count");

/// As the semantic conventions define it.
pub const HTTP_RESPONSE_BODY_SIZE: AttributeKey<i64> =
    AttributeKey::declared("http.response.body.size");

/// As the semantic conventions define it.
pub const HTTP_RESPONSE_STATUS_CODE: AttributeKey<i64> =
    AttributeKey::declared("http.response.status_code");

/// As the semantic conventions define it.
pub const HTTP_ROUTE: AttributeKey<str> = AttributeKey::declared("http.route");

/// How many of the links it carries for its parent, which has no room for them.
pub const LINK_COUNT: AttributeKey<i64> = AttributeKey::declared("link.count");

/// As the semantic conventions define it.
pub const MESSAGING_BATCH_MESSAGE_COUNT: AttributeKey<i64> =
    AttributeKey::declared("messaging.batch.message_count");

/// As the semantic conventions define it.
pub const MESSAGING_CONSUMER_GROUP_NAME: AttributeKey<str> =
    AttributeKey::declared("messaging.consumer.group.name");

/// Which attempt at delivering the message it is, from 1.
pub const MESSAGING_DELIVERY_ATTEMPT: AttributeKey<i64> =
    AttributeKey::declared("messaging.delivery.attempt");

/// As the semantic conventions define it.
pub const MESSAGING_DESTINATION_NAME: AttributeKey<str> =
    AttributeKey::declared("messaging.destination.name");

/// As the semantic conventions define it.
pub const MESSAGING_DESTINATION_PARTITION_ID: AttributeKey<str> =
    AttributeKey::declared("messaging.destination.partition.id");

/// As the semantic conventions define it.
pub const MESSAGING_DESTINATION_TEMPLATE: AttributeKey<str> =
    AttributeKey::declared("messaging.destination.template");

/// As the semantic conventions define it.
pub const MESSAGING_MESSAGE_BODY_SIZE: AttributeKey<i64> =
    AttributeKey::declared("messaging.message.body.size");

/// As the semantic conventions define it.
pub const MESSAGING_MESSAGE_CONVERSATION_ID: AttributeKey<str> =
    AttributeKey::declared("messaging.message.conversation_id");

/// As the semantic conventions define it.
pub const MESSAGING_MESSAGE_ID: AttributeKey<str> = AttributeKey::declared("messaging.message.id");

/// As the semantic conventions define it.
pub const MESSAGING_OPERATION_NAME: AttributeKey<str> =
    AttributeKey::declared("messaging.operation.name");

/// As the semantic conventions define it.
pub const MESSAGING_OPERATION_TYPE: AttributeKey<MessagingOperationType> =
    AttributeKey::declared("messaging.operation.type");

/// As the semantic conventions define it.
pub const MESSAGING_SYSTEM: AttributeKey<str> = AttributeKey::declared("messaging.system");

/// As the semantic conventions define it.
pub const NETWORK_PEER_ADDRESS: AttributeKey<str> = AttributeKey::declared("network.peer.address");

/// As the semantic conventions define it.
pub const NETWORK_PEER_PORT: AttributeKey<i64> = AttributeKey::declared("network.peer.port");

/// As the semantic conventions define it.
pub const NETWORK_PROTOCOL_VERSION: AttributeKey<NetworkProtocolVersion> =
    AttributeKey::declared("network.protocol.version");

/// As the semantic conventions define it.
pub const RPC_METHOD: AttributeKey<str> = AttributeKey::declared("rpc.method");

/// As the semantic conventions define it.
pub const RPC_METHOD_ORIGINAL: AttributeKey<str> = AttributeKey::declared("rpc.method_original");

/// As the semantic conventions define it.
pub const RPC_RESPONSE_STATUS_CODE: AttributeKey<RpcResponseStatusCode> =
    AttributeKey::declared("rpc.response.status_code");

/// As the semantic conventions define it.
pub const RPC_SYSTEM_NAME: AttributeKey<RpcSystemName> = AttributeKey::declared("rpc.system.name");

/// As the semantic conventions define it.
pub const SERVER_ADDRESS: AttributeKey<str> = AttributeKey::declared("server.address");

/// As the semantic conventions define it.
pub const SERVER_PORT: AttributeKey<i64> = AttributeKey::declared("server.port");

/// As the semantic conventions define it.
pub const SERVICE_INSTANCE_ID: AttributeKey<str> = AttributeKey::declared("service.instance.id");

/// As the semantic conventions define it.
pub const SERVICE_NAME: AttributeKey<str> = AttributeKey::declared("service.name");

/// As the semantic conventions define it.
pub const SERVICE_VERSION: AttributeKey<str> = AttributeKey::declared("service.version");

/// The collector keeps the trace, whatever else it would do with it.
pub const TELEMETRY_KEEP: AttributeKey<bool> = AttributeKey::declared("telemetry.keep");

/// The level of a log line.
pub const TELEMETRY_LOG_LEVEL: AttributeKey<TelemetryLogLevel> =
    AttributeKey::declared("telemetry.log.level");

/// The metric that a measurement was meant for, as Prometheus knows it.
pub const TELEMETRY_METRIC_NAME: AttributeKey<str> =
    AttributeKey::declared("telemetry.metric.name");

/// Why something was not taken as it came.
pub const TELEMETRY_REASON: AttributeKey<str> = AttributeKey::declared("telemetry.reason");

/// Which event of its stream it is, from 0.
pub const TELEMETRY_STREAM_EVENT_INDEX: AttributeKey<i64> =
    AttributeKey::declared("telemetry.stream.event.index");

/// How many events the stream has delivered.
pub const TELEMETRY_STREAM_EVENTS: AttributeKey<i64> =
    AttributeKey::declared("telemetry.stream.events");

/// The span lasts as long as its reader likes, and says nothing about how fast the service is.
pub const TELEMETRY_STREAMING: AttributeKey<bool> = AttributeKey::declared("telemetry.streaming");

/// A variable of the environment that the crate knows, or `_OTHER`.
pub const TELEMETRY_VARIABLE: AttributeKey<str> = AttributeKey::declared("telemetry.variable");

/// The version of the crate.
pub const TELEMETRY_VERSION: AttributeKey<str> = AttributeKey::declared("telemetry.version");

/// As the semantic conventions define it.
pub const URL_FULL: AttributeKey<str> = AttributeKey::declared("url.full");

/// As the semantic conventions define it.
pub const URL_PATH: AttributeKey<str> = AttributeKey::declared("url.path");

/// As the semantic conventions define it.
pub const URL_QUERY: AttributeKey<str> = AttributeKey::declared("url.query");

/// As the semantic conventions define it.
pub const URL_SCHEME: AttributeKey<UrlScheme> = AttributeKey::declared("url.scheme");

/// As the semantic conventions define it.
pub const USER_AGENT_ORIGINAL: AttributeKey<str> = AttributeKey::declared("user_agent.original");
