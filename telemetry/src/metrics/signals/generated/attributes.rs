//! The keys of attributes.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

/// As the semantic conventions define it.
pub const CLIENT_ADDRESS: &str = "client.address";

/// As the semantic conventions define it.
pub const DB_CLIENT_CONNECTION_POOL_NAME: &str = "db.client.connection.pool.name";

/// As the semantic conventions define it.
pub const DB_CLIENT_CONNECTION_STATE: &str = "db.client.connection.state";

/// As the semantic conventions define it.
pub const DB_COLLECTION_NAME: &str = "db.collection.name";

/// As the semantic conventions define it.
pub const DB_NAMESPACE: &str = "db.namespace";

/// As the semantic conventions define it.
pub const DB_OPERATION_NAME: &str = "db.operation.name";

/// As the semantic conventions define it.
pub const DB_QUERY_SUMMARY: &str = "db.query.summary";

/// As the semantic conventions define it.
pub const DB_QUERY_TEXT: &str = "db.query.text";

/// As the semantic conventions define it.
pub const DB_RESPONSE_STATUS_CODE: &str = "db.response.status_code";

/// As the semantic conventions define it.
pub const DB_SYSTEM_NAME: &str = "db.system.name";

/// As the semantic conventions define it.
pub const ERROR_TYPE: &str = "error.type";

/// As the semantic conventions define it.
pub const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";

/// As the semantic conventions define it.
pub const HTTP_REQUEST_HEADER: &str = "http.request.header";

/// As the semantic conventions define it.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";

/// As the semantic conventions define it.
pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";

/// As the semantic conventions define it.
pub const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";

/// As the semantic conventions define it.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";

/// As the semantic conventions define it.
pub const HTTP_ROUTE: &str = "http.route";

/// The level of a log line.
pub const LEVEL: &str = "level";

/// How many of the links it carries for its parent, which has no room for them.
pub const LINK_COUNT: &str = "link.count";

/// As the semantic conventions define it.
pub const MESSAGING_BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";

/// As the semantic conventions define it.
pub const MESSAGING_CONSUMER_GROUP_NAME: &str = "messaging.consumer.group.name";

/// Which attempt at delivering the message it is, from 1.
pub const MESSAGING_DELIVERY_ATTEMPT: &str = "messaging.delivery.attempt";

/// As the semantic conventions define it.
pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";

/// As the semantic conventions define it.
pub const MESSAGING_DESTINATION_PARTITION_ID: &str = "messaging.destination.partition.id";

/// As the semantic conventions define it.
pub const MESSAGING_DESTINATION_TEMPLATE: &str = "messaging.destination.template";

/// As the semantic conventions define it.
pub const MESSAGING_MESSAGE_BODY_SIZE: &str = "messaging.message.body.size";

/// As the semantic conventions define it.
pub const MESSAGING_MESSAGE_CONVERSATION_ID: &str = "messaging.message.conversation_id";

/// As the semantic conventions define it.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";

/// As the semantic conventions define it.
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";

/// As the semantic conventions define it.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";

/// As the semantic conventions define it.
pub const MESSAGING_SYSTEM: &str = "messaging.system";

/// The metric that a measurement was meant for, as Prometheus knows it.
pub const METRIC: &str = "metric";

/// As the semantic conventions define it.
pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";

/// As the semantic conventions define it.
pub const NETWORK_PEER_PORT: &str = "network.peer.port";

/// As the semantic conventions define it.
pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";

/// Why something was not taken as it came.
pub const REASON: &str = "reason";

/// As the semantic conventions define it.
pub const RPC_METHOD: &str = "rpc.method";

/// As the semantic conventions define it.
pub const RPC_METHOD_ORIGINAL: &str = "rpc.method_original";

/// As the semantic conventions define it.
pub const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";

/// As the semantic conventions define it.
pub const RPC_SYSTEM_NAME: &str = "rpc.system.name";

/// As the semantic conventions define it.
pub const SERVER_ADDRESS: &str = "server.address";

/// As the semantic conventions define it.
pub const SERVER_PORT: &str = "server.port";

/// As the semantic conventions define it.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";

/// As the semantic conventions define it.
pub const SERVICE_NAME: &str = "service.name";

/// As the semantic conventions define it.
pub const SERVICE_VERSION: &str = "service.version";

/// The collector keeps the trace, whatever else it would do with it.
pub const TELEMETRY_KEEP: &str = "telemetry.keep";

/// The span lasts as long as its reader likes, and says nothing about how fast the service is.
pub const TELEMETRY_STREAM: &str = "telemetry.stream";

/// Which event of its stream it is, from 0.
pub const TELEMETRY_STREAM_EVENT_INDEX: &str = "telemetry.stream.event.index";

/// How many events the stream has delivered.
pub const TELEMETRY_STREAM_EVENTS: &str = "telemetry.stream.events";

/// The version of the crate.
pub const TELEMETRY_VERSION: &str = "telemetry.version";

/// As the semantic conventions define it.
pub const URL_FULL: &str = "url.full";

/// As the semantic conventions define it.
pub const URL_PATH: &str = "url.path";

/// As the semantic conventions define it.
pub const URL_QUERY: &str = "url.query";

/// As the semantic conventions define it.
pub const URL_SCHEME: &str = "url.scheme";

/// As the semantic conventions define it.
pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// A variable of the environment that the crate knows, or `_OTHER`.
pub const VARIABLE: &str = "variable";
